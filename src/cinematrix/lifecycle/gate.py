"""Whether a new version of a model may take the old one's place: it isn't worse, by the same people's ratings."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cinematrix.evaluation.measures import Evaluation
from cinematrix.evaluation.pooling import pool_by_user
from cinematrix.metrics.significance import compute_differences

MAX_LOSS = 0.1
"""A loss of this share of the old value is refused, however few people tell of it."""

MIN_COVERAGE_RATIO = 0.5
"""Lists that show less than this share of the movies that the old lists showed have collapsed onto popular ones."""

GATED_MEASURES = {"rmse": 1, "ndcg@10": -1}
"""What is compared, and its sign: 1 where more is worse."""

REPORTED_MEASURES = ("rmse", "mae", "within80", "ndcg@10", "recall@10", "coverage@10", "gini@10", "novelty@10")


@dataclass(frozen=True)
class GateDecision:
    """What the gate found: why the new version is refused (nothing: it isn't), and the figures of both, for JSON."""

    refused: list[str]
    figures: dict[str, Any]


def compare_evaluations(old: Evaluation, new: Evaluation) -> GateDecision:
    """Compare two evaluations on the same ratings of the same people.

    The new version is refused if its RMSE or NDCG@10 is worse by a tenth, or the 95 % interval of the difference,
    paired by user, lies wholly on the worse side; if one of them isn't a number where the old one's is; or if its lists
    show less than half of the movies.
    """
    refused, figures = [], {}
    for name, sign in GATED_MEASURES.items():
        if name not in old.per_user:
            continue
        found = _difference(name, old, new)
        figures[name] = {"old": _finite_or_none(old[name]), "new": _finite_or_none(new[name])} | found
        refused += _worse(name, sign, old[name], new[name], found)
    for name in (name for name in REPORTED_MEASURES if name not in figures and _has(old, name)):
        figures[name] = {"old": _finite_or_none(old[name]), "new": _finite_or_none(new[name])}
    if new["coverage@10"] < MIN_COVERAGE_RATIO * old["coverage@10"]:
        refused.append(f"its lists show {new['coverage@10']:.1%} of the movies instead of {old['coverage@10']:.1%}")
    return GateDecision(refused, {"users": old.protocol.users, "ratings": old.protocol.ratings, "measures": figures})


def _difference(name: str, old: Evaluation, new: Evaluation) -> dict[str, float | None]:
    (theirs, weights), (mine, _) = pool_by_user(name, old.per_user), pool_by_user(name, new.per_user)
    (found,) = compute_differences(mine[:, None], theirs, weights, root=name == "rmse")
    return {
        "difference": _finite_or_none(found.value),
        "low": _finite_or_none(found.low),
        "high": _finite_or_none(found.high),
    }


def _worse(name: str, sign: int, old: float, new: float, found: dict[str, float | None]) -> list[str]:
    if np.isnan(new) and not np.isnan(old):
        return [f"its {name} isn't a number"]
    nearest = found["low"] if sign > 0 else found["high"]
    if sign * (new - old) > MAX_LOSS * old or (nearest is not None and sign * nearest > 0):
        return [f"its {name} is {new:.4f} instead of {old:.4f}"]
    return []


def _has(evaluation: Evaluation, name: str) -> bool:
    return any(measure.name == name for measure in evaluation.measures)


def _finite_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
