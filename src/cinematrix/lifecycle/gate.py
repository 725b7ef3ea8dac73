"""Quality gate of a new model version: it must not be worse than the old one on the same held-out ratings.

Errors and NDCG@10 by ranking judge what the version learned. The lists in the default order, which users see, are
judged by the movies that they liked and disliked.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from cinematrix.common.progress import Progress
from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.evaluate import evaluate_orders
from cinematrix.evaluation.measure_facts import lower_is_better
from cinematrix.evaluation.measures import Evaluation
from cinematrix.evaluation.paired import compute_difference
from cinematrix.metrics.significance import Difference
from cinematrix.models.base import Recommender
from cinematrix.models.orders import resolve_order

RANKING_MEASURES = ("rmse", "ndcg@10")
"""Measures that decide, of the lists by ranking."""

LIKING_MEASURES = ("ndcg_liked@10", "disliked@10")
"""Measures that decide, of the lists in the default order."""

MAX_LOSS = 0.1
"""Maximum loss of `RANKING_MEASURES` as a share of the old value, regardless of significance."""

MIN_COVERAGE_RATIO = 0.5
"""Minimum coverage as a share of the old one; below it, the lists have collapsed onto popular movies."""

REPORTED_MEASURES = (
    "mae",
    "within80",
    "recall@10",
    "ndcg_above@10",
    "expected_below@10",
    "miscalibration@10",
    "coverage@10",
    "gini@10",
    "novelty@10",
)
"""Further measures reported for both versions, of the lists in the default order."""


@dataclass(frozen=True)
class JudgedVersion:
    """Evaluations of one version.

    Attributes:
        ranking: with the lists by ranking.
        shown: with the lists in the default order; the same if that is by ranking.
    """

    ranking: Evaluation
    shown: Evaluation

    @classmethod
    def of(cls, model: Recommender, test: Ratings, given: Ratings, progress: Progress | None = None) -> Self:
        """Evaluate a version on `test`, with the histories `given`.

        Raises:
            TrainingError: it predicts NaN or infinity.
        """
        orders = list(dict.fromkeys(resolve_order(model, by) for by in ("ranking", None)))
        evaluations = evaluate_orders(model, test, orders, given=given, progress=progress)
        return cls(evaluations[0], evaluations[-1])


@dataclass(frozen=True)
class GateDecision:
    """Decision of the gate.

    Attributes:
        refused: reasons to refuse the new version; empty if it passes.
        figures: measures of both versions, as a JSON object.
    """

    refused: list[str]
    figures: dict[str, Any]


def compare_versions(old: JudgedVersion, new: JudgedVersion) -> GateDecision:
    """Compare two versions on the same ratings of the same users.

    The new version is refused if its RMSE, NDCG@10, NDCG of liked movies or share of disliked movies is significantly
    worse: the 95 % interval of the difference, paired by user, excludes 0. By chance, an equal version fails by each of
    these measures in a fortieth of the cases; the old version then serves on. The new version is also refused if RMSE
    or NDCG@10 is worse by more than a tenth or isn't a number, or if its lists cover less than half of the movies that
    the old lists cover.
    """
    refused, figures = [], {}
    for name, one, two in (
        *((name, old.ranking, new.ranking) for name in RANKING_MEASURES),
        *((name, old.shown, new.shown) for name in LIKING_MEASURES),
    ):
        if name in one.per_user:
            difference = compute_difference(name, two, one)
            figures[name] = _compare_values(name, one, two) | _as_json(difference)
            refused += _reasons(name, one[name], two[name], difference)
    for name in REPORTED_MEASURES:
        if any(measure.name == name for measure in old.shown.measures):
            figures[name] = _compare_values(name, old.shown, new.shown)
    coverage = [version.shown["coverage@10"] for version in (old, new)]
    if coverage[1] < MIN_COVERAGE_RATIO * coverage[0]:
        refused.append(f"its lists show {coverage[1]:.1%} of the movies instead of {coverage[0]:.1%}")
    protocol = new.shown.protocol
    counts = {"users": protocol.users, "ratings": protocol.ratings, "by": protocol.by}
    return GateDecision(refused, counts | {"measures": figures})


def _compare_values(name: str, old: Evaluation, new: Evaluation) -> dict[str, float | None]:
    return {"old": _finite_or_none(old[name]), "new": _finite_or_none(new[name])}


def _as_json(difference: Difference) -> dict[str, float | None]:
    ends = {"difference": difference.value, "low": difference.low, "high": difference.high}
    return {name: _finite_or_none(value) for name, value in ends.items()}


def _reasons(name: str, old: float, new: float, difference: Difference) -> list[str]:
    """Return the reasons to refuse the new value of a measure."""
    limited, sign = name in RANKING_MEASURES, 1 if lower_is_better(name) else -1
    if limited and np.isnan(new) and not np.isnan(old):
        return [f"its {name} isn't a number"]
    nearest = sign * (difference.low if sign > 0 else difference.high)
    if nearest > 0 or (limited and sign * (new - old) > MAX_LOSS * old):
        return [f"its {name} is {new:.4f} instead of {old:.4f}"]
    return []


def _finite_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
