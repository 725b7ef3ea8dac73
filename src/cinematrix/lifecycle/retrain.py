"""Retraining of a served model on all ratings, its own and the store's, and promotion if it isn't worse.

Two models are compared on held-out ratings of the last days: the serving model, which gets all earlier ratings as
histories, and a candidate trained on the same earlier ratings. The promoted model is then trained on all ratings.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress
from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError, TrainingError
from cinematrix.lifecycle import versions
from cinematrix.lifecycle.gate import GateDecision, JudgedVersion, compare_versions
from cinematrix.lifecycle.refit_data import RetrainingData, gather_data
from cinematrix.models.artifact import build_manifest, load, read_manifest
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import TrainingOptions
from cinematrix.store.records import Store
from cinematrix.store.refits import (
    Refit,
    find_forgotten_users,
    finish_refit,
    hold_refit_lock,
    save_suspects,
    start_refit,
)

MIN_HELD_OUT_RATINGS, MIN_HELD_OUT_USERS = 50, 10
"""Minimum held-out ratings and users for a comparison."""

MAX_ERROR_RATIO = 1.1
"""Maximum ratio of the new model's training RMSE to the old one's; above it, the new model is defective."""

MAX_CHECKED_RATINGS = 20_000
"""Approximate maximum training ratings in this check."""


@dataclass(frozen=True)
class RetrainingPlan:
    """Options of a refit.

    Attributes:
        hold_days: days before the newest rating whose ratings are held out to compare the models.
        force: promote the new version even if the gate refuses it.
        keep_suspicious: train on suspicious profiles too.
        run: threads, device and checkpoint of the training.

    Raises:
        SettingError: `hold_days` isn't positive or is too large.
    """

    hold_days: float = 7.0
    force: bool = False
    keep_suspicious: bool = False
    run: TrainingOptions = field(default_factory=TrainingOptions)

    def __post_init__(self) -> None:
        if not 0 < self.hold_days < 36_500:
            raise SettingError(f"hold_days is {self.hold_days}; it must be a number of days above 0")


@dataclass(frozen=True)
class RetrainingOutcome:
    """Outcome of a refit.

    Attributes:
        state: promoted or refused.
        version: name of the new version.
        why: reason of the decision.
        figures: measures of both versions, as a JSON object.
        suspects: profiles that were left out, from user ID to reason.
    """

    state: str
    version: str
    why: str
    figures: dict[str, Any]
    suspects: dict[str, str] = field(default_factory=dict)


def retrain_model(
    place: Path, store: Store, asked: Refit, plan: RetrainingPlan, progress: Progress | None = None
) -> RetrainingOutcome:
    """Refit the model in `place` and record the outcome in `store`.

    Args:
        asked: the requested refit.

    Raises:
        StoreError: another refit of this store is running.
        MissingExtraError: a package that the training needs isn't installed.
    """
    try:
        with hold_refit_lock(store):
            start_refit(store, asked.refit, versions.get_serving_version(place))
            outcome = train_and_gate(place, store, plan, progress)
    except BaseException as error:
        finish_refit(store, asked.refit, "failed", str(error) or type(error).__name__)
        raise
    save_suspects(store, asked.refit, outcome.suspects)
    finish_refit(store, asked.refit, outcome.state, outcome.why, version=outcome.version, figures=outcome.figures)
    return outcome


def train_and_gate(place: Path, store: Store, plan: RetrainingPlan, progress: Progress | None) -> RetrainingOutcome:
    """Train a new version, compare it, and promote or refuse it."""
    old = load(place).model
    require_package(old.abilities.trains_with, old.name)
    data = gather_data(old, store)
    data = data if plan.keep_suspicious else data.without_suspects(old.data.users)
    return replace(_gate_and_promote(place, store, old, data, plan, progress), suspects=data.suspects)


def _gate_and_promote(
    place: Path, store: Store, old: Recommender, data: RetrainingData, plan: RetrainingPlan, progress: Progress | None
) -> RetrainingOutcome:
    held = data.held_out(plan.hold_days)
    decision, candidate = compare_candidate(old, data, held, plan.run, progress)
    decision.figures["suspicious"] = len(data.suspects)
    if decision.refused and not plan.force:
        return _save_outcome(place, candidate, data.ratings.take(~held), "refused", decision)
    new = train_like(old, data.ratings, data.catalog, plan.run, progress)
    decision = replace(decision, refused=decision.refused + find_defects(old, new))
    if decision.refused and not plan.force:
        return _save_outcome(place, new, data.ratings, "refused", decision)
    outcome = _save_outcome(place, new, data.ratings, "promoted", decision)
    versions.promote(place, outcome.version)
    versions.remove_old_versions(place, partial(find_forgotten_users, store))
    return outcome


def train_like(
    like: Recommender, ratings: Ratings, catalog: Catalog, run: TrainingOptions, progress: Progress | None
) -> Recommender:
    """Train a model of the kind and settings of `like` on other ratings."""
    return type(like)(like.settings).fit(ratings, catalog, progress=progress, run=run)


def compare_candidate(
    old: Recommender, data: RetrainingData, held: NDArray[np.bool_], run: TrainingOptions, progress: Progress | None
) -> tuple[GateDecision, Recommender | None]:
    """Train a candidate without the held-out ratings and compare it with the old model on them.

    Returns:
        The gate's decision, and the candidate; None if there are too few held-out ratings.
    """
    test = data.ratings.take(held)
    n_users = len(np.unique(test.user))
    counts = {"users": n_users, "ratings": len(test)}
    if len(test) < MIN_HELD_OUT_RATINGS or n_users < MIN_HELD_OUT_USERS:
        return GateDecision([], counts), None
    given = data.ratings.take(~held)
    candidate = train_like(old, given, data.catalog, run, progress)
    try:
        judged = [JudgedVersion.of(model, test, given, progress) for model in (old, candidate)]
    except TrainingError as error:
        return GateDecision([str(error)], counts), candidate
    return compare_versions(*judged), candidate


def find_defects(old: Recommender, new: Recommender) -> list[str]:
    """Return the reasons why a model trained on all ratings can't serve; empty if it can."""
    if not np.isfinite(new.score(Histories.empty(1))).all():
        return ["its scores aren't all numbers"]
    errors = [_measure_training_error(model, of=new) for model in (old, new)]
    if not errors[1] <= MAX_ERROR_RATIO * max(errors[0], 1e-3):
        return [f"its RMSE on ratings that both were trained on is {errors[1]:.4f} instead of {errors[0]:.4f}"]
    return []


def _measure_training_error(model: Recommender, of: Recommender) -> float:
    """Measure the RMSE of `model` on training ratings of `of` whose users and movies are in both models; 0 without."""
    known, history = of.data, of.data.history
    if known.scale is None or history.values is None:
        return 0.0
    sample = np.arange(0, len(history.items), 1 + len(history.items) // MAX_CHECKED_RATINGS)
    users, movies = known.users.ids[history.rows[sample]], known.movies.ids[history.items[sample]]
    both = (model.data.users.numbers(users) != UNKNOWN) & (model.data.movies.numbers(movies) != UNKNOWN)
    if not both.any():
        return 0.0
    errors = model.predict(users[both], movies[both]) - history.values[sample][both]
    return float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))


def _save_outcome(
    place: Path, model: Recommender | None, ratings: Ratings, state: str, decision: GateDecision
) -> RetrainingOutcome:
    """Save a new version with the outcome in its manifest; its data format is that of the serving version."""
    assert model is not None, "a refused model has been trained"
    why = "; ".join(decision.refused) or _summarise(
        decision.figures, "interaction" if ratings.scale is None else "rating"
    )
    refit = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "state": state, "why": why, **decision.figures}
    before = read_manifest(place).get("data") or {}
    about = build_manifest(model, ratings, before.get("format", "refit"), before.get("source", ""))
    name = versions.save_version(place, model, {**about, "refit": refit})
    return RetrainingOutcome(state, name, why, decision.figures)


def _summarise(figures: dict[str, Any], what: str) -> str:
    """Describe in words a comparison that found no reason to refuse."""
    n, users = figures["ratings"], figures["users"]
    on = f"{n:,} new {what}{'s' * (n != 1)} by {users:,} user{'s' * (users != 1)}"
    return f"no worse on {on}" if "measures" in figures else f"{on} {'is' if n == 1 else 'are'} too few to compare on"
