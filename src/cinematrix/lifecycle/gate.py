"""Quality gate of a new model version: it must not be worse than the old one on the same held-out ratings."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cinematrix.evaluation.measures import Evaluation
from cinematrix.evaluation.pooling import pool_by_user
from cinematrix.metrics.significance import compute_differences

MAX_LOSS = 0.1
"""Maximum loss as a share of the old value, regardless of significance."""

MIN_COVERAGE_RATIO = 0.5
"""Minimum coverage as a share of the old one; below it, the lists have collapsed onto popular movies."""

GATED_MEASURES = {"rmse": 1, "ndcg@10": -1}
"""Measures that decide, with a sign: 1 if higher is worse, -1 if lower is."""

REPORTED_MEASURES = ("rmse", "mae", "within80", "ndcg@10", "recall@10", "coverage@10", "gini@10", "novelty@10")
"""Measures reported for both versions."""


@dataclass(frozen=True)
class GateDecision:
    """Decision of the gate.

    Attributes:
        refused: reasons to refuse the new version; empty if it passes.
        figures: measures of both versions, as a JSON object.
    """

    refused: list[str]
    figures: dict[str, Any]


def compare_evaluations(old: Evaluation, new: Evaluation) -> GateDecision:
    """Compare two evaluations on the same ratings of the same users.

    The new version is refused if its RMSE or NDCG@10 is worse by more than a tenth, or worse significantly (the 95 %
    interval of the difference, paired by user, excludes 0). It is also refused if one of them isn't a number while the
    old one is, or if its lists cover less than half of the movies that the old lists cover.
    """
    refused, figures = [], {}
    for name, sign in GATED_MEASURES.items():
        if name not in old.per_user:
            continue
        interval = _compute_difference(name, old, new)
        figures[name] = {"old": _finite_or_none(old[name]), "new": _finite_or_none(new[name])} | interval
        refused += _reasons(name, sign, old[name], new[name], interval)
    for name in (name for name in REPORTED_MEASURES if name not in figures and _has_measure(old, name)):
        figures[name] = {"old": _finite_or_none(old[name]), "new": _finite_or_none(new[name])}
    if new["coverage@10"] < MIN_COVERAGE_RATIO * old["coverage@10"]:
        refused.append(f"its lists show {new['coverage@10']:.1%} of the movies instead of {old['coverage@10']:.1%}")
    return GateDecision(refused, {"users": old.protocol.users, "ratings": old.protocol.ratings, "measures": figures})


def _compute_difference(name: str, old: Evaluation, new: Evaluation) -> dict[str, float | None]:
    (old_sums, weights), (new_sums, _) = pool_by_user(name, old.per_user), pool_by_user(name, new.per_user)
    (difference,) = compute_differences(new_sums[:, None], old_sums, weights, root=name == "rmse")
    return {
        "difference": _finite_or_none(difference.value),
        "low": _finite_or_none(difference.low),
        "high": _finite_or_none(difference.high),
    }


def _reasons(name: str, sign: int, old: float, new: float, interval: dict[str, float | None]) -> list[str]:
    """Return the reasons to refuse the new value of a measure."""
    if np.isnan(new) and not np.isnan(old):
        return [f"its {name} isn't a number"]
    nearest = interval["low"] if sign > 0 else interval["high"]
    if sign * (new - old) > MAX_LOSS * old or (nearest is not None and sign * nearest > 0):
        return [f"its {name} is {new:.4f} instead of {old:.4f}"]
    return []


def _has_measure(evaluation: Evaluation, name: str) -> bool:
    return any(measure.name == name for measure in evaluation.measures)


def _finite_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
