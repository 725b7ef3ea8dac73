"""A model learns anew from all ratings, its own and the store's, and takes the old one's place if it isn't worse.

Two models are compared on the last days' ratings, which neither has learned from: the one that serves, told of all
that came before them, and a candidate that learned from just that. What is promoted has then learned from everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress
from cinematrix.data.catalog import Catalog, build_catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, IdMap, parse_id
from cinematrix.data.rating_updates import RatingUpdates, apply_updates
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import SettingError, TrainingError
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.lifecycle import versions
from cinematrix.lifecycle.gate import GateDecision, compare_evaluations
from cinematrix.lifecycle.shilling import find_suspicious_profiles
from cinematrix.models.artifact import build_manifest, load, read_manifest
from cinematrix.models.base import Recommender, TrainingOptions
from cinematrix.store.movies import list_movies
from cinematrix.store.records import Store
from cinematrix.store.refits import (
    Refit,
    finish_refit,
    hold_refit_lock,
    iterate_ratings,
    list_forgotten_users,
    save_suspects,
    start_refit,
)

DAY_MS = 86_400_000
MIN_HELD_OUT_RATINGS, MIN_HELD_OUT_USERS = 50, 10
"""Fewer held-out ratings than these can't tell which of two models is worse."""

MAX_ERROR_RATIO = 1.1
"""A new model that misses ratings which both learned from by so many times more than the old one is broken."""

MAX_CHECKED_RATINGS = 20_000
"""Ratings that this is told by."""


@dataclass(frozen=True, eq=False)
class RetrainingData:
    """All ratings that a refit learns from.

    Attributes:
        ratings: those that the model remembers, overlaid with the store's.
        received: int64 `[len(ratings)]`, when the store got each, in ms; 0 for those that it doesn't have.
        fresh: bool `[len(ratings)]`, which the serving model hasn't learned from, not even with another value.
        catalog: of all movies.
        suspects: profiles that were left out, by user ID, and why.
    """

    ratings: Ratings
    received: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    catalog: Catalog
    suspects: dict[str, str] = field(default_factory=dict)

    def without_suspects(self, learned: IdMap) -> "RetrainingData":
        """The same without suspicious profiles among those of users whom the model hasn't `learned` of."""
        new = learned.numbers(self.ratings.users.ids) == UNKNOWN
        found = find_suspicious_profiles(self.ratings, new)
        kept = ~np.isin(self.ratings.user, [suspect.user for suspect in found])
        ratings = self.ratings.take(kept)
        users, movies = ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]
        ratings = Ratings.from_arrays(users, movies, ratings.rating, ratings.time, scale=ratings.scale)
        named = {str(self.ratings.users.ids[suspect.user]): suspect.why for suspect in found}
        return replace(self, ratings=ratings, received=self.received[kept], fresh=self.fresh[kept], suspects=named)

    def held_out(self, days: float) -> NDArray[np.bool_]:
        """The fresh ratings of the last days, at most the later half of them. bool `[len(ratings)]`."""
        if not self.fresh.any():
            return self.fresh
        received = self.received[self.fresh]
        cut = max(received.max() - days * DAY_MS, np.median(received))
        return np.asarray(self.fresh & (self.received >= cut), bool)


@dataclass(frozen=True)
class RetrainingPlan:
    """How a refit is done.

    Attributes:
        hold_days: the last days whose ratings old and new model are compared on.
        force: promote whatever the gate finds.
        keep_suspicious: learn from profiles too that look made up.
        run: how the training runs.
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
    """What came of a refit: `state` promoted or refused, the version it made, why, and which profiles were left out."""

    state: str
    version: str
    why: str
    figures: dict[str, Any]
    suspects: dict[str, str] = field(default_factory=dict)


def retrain_model(
    place: Path, store: Store, asked: Refit, plan: RetrainingPlan, progress: Progress | None = None
) -> RetrainingOutcome:
    """Refit the model in `place` and write down in `store` what came of it.

    Raises:
        StoreError: another refit of this store is running.
        SettingError: the model learned from plain interactions.
        MissingExtraError: what trains isn't installed.
    """
    try:
        with hold_refit_lock(store):
            start_refit(store, asked.refit, versions.get_serving_version(place))
            found = train_and_gate(place, store, plan, progress)
    except BaseException as error:
        finish_refit(store, asked.refit, "failed", str(error) or type(error).__name__)
        raise
    save_suspects(store, asked.refit, found.suspects)
    finish_refit(store, asked.refit, found.state, found.why, version=found.version, figures=found.figures)
    return found


def train_and_gate(place: Path, store: Store, plan: RetrainingPlan, progress: Progress | None) -> RetrainingOutcome:
    """Train, compare, and promote or refuse."""
    old = load(place).model
    if old.data.scale is None:
        raise SettingError(f"{place} learned from plain interactions, of which the store has none; give one of ratings")
    require_package(old.abilities.trains_with, old.name)
    data = gather_ratings(old, store)
    data = data if plan.keep_suspicious else data.without_suspects(old.data.users)
    return replace(_gate_and_promote(place, store, old, data, plan, progress), suspects=data.suspects)


def _gate_and_promote(
    place: Path, store: Store, old: Recommender, data: RetrainingData, plan: RetrainingPlan, progress: Progress | None
) -> RetrainingOutcome:
    held = data.held_out(plan.hold_days)
    verdict, candidate = compare_candidate(old, data, held, plan.run, progress)
    verdict.figures["suspicious"] = len(data.suspects)
    if verdict.refused and not plan.force:
        return _save_outcome(place, candidate, data.ratings.take(~held), "refused", verdict)
    new = train_like(old, data.ratings, data.catalog, plan.run, progress)
    verdict = replace(verdict, refused=verdict.refused + find_defects(old, new))
    if verdict.refused and not plan.force:
        return _save_outcome(place, new, data.ratings, "refused", verdict)
    found = _save_outcome(place, new, data.ratings, "promoted", verdict)
    versions.promote(place, found.version)
    versions.remove_old_versions(place, list_forgotten_users(store))
    return found


def gather_ratings(model: Recommender, store: Store) -> RetrainingData:
    """All ratings: the model's own, without forgotten people's, overlaid with the store's of movies that are known."""
    known, scale = model.data, model.data.scale
    assert scale is not None, "only a model of ratings is refitted"
    catalog = known.catalog.updated(build_catalog(list_movies(store), known.movies))
    movies, rows = catalog.movies, list(iterate_ratings(store))
    if rows:
        known_films = movies.numbers([row.movie for row in rows]) != UNKNOWN
        rows = [row for row, counts in zip(rows, known_films.tolist(), strict=True) if counts]
    gone = known.users.numbers(list_forgotten_users(store))
    users = known.users.extend([parse_id(known.users, row.user) for row in rows])
    before = RatingUpdates.of(known.history, known.times)
    found = apply_updates(
        before.take(~np.isin(before.user, gone[gone != UNKNOWN])), _make_updates(rows, users, movies, scale)
    )
    times = found.time if known.times is not None else None
    ratings = Ratings.from_arrays(users.ids[found.user], movies.ids[found.movie], found.rating, times, scale=scale)
    learned = np.isin(found.pairs(len(movies)), before.pairs(len(movies)))
    return RetrainingData(ratings, found.received, (found.received > 0) & ~learned, catalog)


def _make_updates(rows: Sequence[Any], users: IdMap, movies: IdMap, scale: Scale) -> RatingUpdates:
    """The store's rows as a table; who gave no time of her own rated when the store heard of it."""
    given = [row.received // 1000 if row.given is None else row.given for row in rows]
    return RatingUpdates(
        users.numbers([row.user for row in rows]),
        movies.numbers([row.movie for row in rows]),
        np.array([np.nan if row.steps is None else row.steps * scale.step for row in rows], np.float32),
        np.array(given, np.int64),
        np.array([row.received for row in rows], np.int64),
    )


def train_like(
    like: Recommender, ratings: Ratings, catalog: Catalog, run: TrainingOptions, progress: Progress | None
) -> Recommender:
    """A model of the same kind and settings as another, fitted on other ratings."""
    return type(like)(like.settings).fit(ratings, catalog, progress=progress, run=run)


def compare_candidate(
    old: Recommender, data: RetrainingData, held: NDArray[np.bool_], run: TrainingOptions, progress: Progress | None
) -> tuple[GateDecision, Recommender | None]:
    """What the gate says of a candidate that hasn't learned from the held-out ratings, and the candidate."""
    test = data.ratings.take(held)
    n_users = len(np.unique(test.user))
    counts = {"users": n_users, "ratings": len(test)}
    if len(test) < MIN_HELD_OUT_RATINGS or n_users < MIN_HELD_OUT_USERS:
        return GateDecision([], counts), None
    given = data.ratings.take(~held)
    candidate = train_like(old, given, data.catalog, run, progress)
    try:
        found = [evaluate(model, test, given=given, progress=progress) for model in (old, candidate)]
    except TrainingError as error:
        return GateDecision([str(error)], counts), candidate
    return compare_evaluations(*found), candidate


def find_defects(old: Recommender, new: Recommender) -> list[str]:
    """Why a model that has learned from everything can't serve, whatever its candidate was like; nothing: it can."""
    if not np.isfinite(new.score(Histories.empty(1))).all():
        return ["its scores aren't all numbers"]
    errors = [_measure_training_error(model, of=new) for model in (old, new)]
    if not errors[1] <= MAX_ERROR_RATIO * max(errors[0], 1e-3):
        return [f"it misses ratings that both have learned from by {errors[1]:.4f} instead of {errors[0]:.4f}"]
    return []


def _measure_training_error(model: Recommender, of: Recommender) -> float:
    """The RMSE of `model` on ratings that it and `of` have learned from alike, for the histories of `of`."""
    known, history = of.data, of.data.history
    some = np.arange(0, len(history.items), 1 + len(history.items) // MAX_CHECKED_RATINGS)
    users, movies = known.users.ids[history.rows[some]], known.movies.ids[history.items[some]]
    both = (model.data.users.numbers(users) != UNKNOWN) & (model.data.movies.numbers(movies) != UNKNOWN)
    if not both.any() or history.values is None:
        return 0.0
    missed = model.predict(users[both], movies[both]) - history.values[some][both]
    return float(np.sqrt(np.mean(missed.astype(np.float64) ** 2)))


def _save_outcome(
    place: Path, model: Recommender | None, ratings: Ratings, state: str, verdict: GateDecision
) -> RetrainingOutcome:
    """Save a version on the shelf with what was found of it; its data are still of the form that the first were."""
    assert model is not None, "what is refused has been trained"
    why = "; ".join(verdict.refused) or _reason(verdict.figures)
    told = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "state": state, "why": why, **verdict.figures}
    form = (read_manifest(place).get("data") or {}).get("format", "refit")
    name = versions.save_version(place, model, {**build_manifest(model, ratings, form), "refit": told})
    return RetrainingOutcome(state, name, why, verdict.figures)


def _reason(figures: dict[str, Any]) -> str:
    n, users = figures["ratings"], figures["users"]
    on = f"{n:,} new rating{'s' * (n != 1)} by {users:,} user{'s' * (users != 1)}"
    return f"no worse on {on}" if "measures" in figures else f"{on} {'is' if n == 1 else 'are'} too few to compare on"
