"""What a comparison comes to: measures with intervals, every model against the best, and a verdict in words.

Seeds are put together user by user before anything is tested: a user's sums and weights of all seeds add up, so that
she is drawn, or changes sides, as one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.evaluation.compare.cell import PAIRED_MEASURES, K
from cinematrix.evaluation.compare.run import CellFailure, ComparisonOutcome, ComparisonPlan
from cinematrix.evaluation.evaluate import Measure
from cinematrix.evaluation.segments import MOVIE_SEGMENTS, USER_SEGMENTS, select_users
from cinematrix.metrics.accuracy import bootstrap
from cinematrix.metrics.significance import (
    RESAMPLES,
    Difference,
    compute_differences,
    describe_difference,
    holm_correction,
)

Float64 = NDArray[np.float64]
UserSums = dict[str, tuple[Float64, Float64]]
"""Of one model: each measure's sums and weights by user number, all seeds together."""

VERDICT_MEASURES = ("rmse", f"ndcg@{K}")
"""The measures that the verdict is about: how far predicted stars are off, and how good lists are."""

COST_NAMES = ("tuning_s", "training_s", "list_ms", "pair_us", "peak_mb")


def smaller_is_better(measure: str) -> bool:
    """Errors are; what is measured on lists isn't."""
    return "@" not in measure


@dataclass(frozen=True)
class SegmentMeasures:
    """One model in one segment (`all`, or a name in `segments`): its measures, of those that it has."""

    model: str
    segment: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Comparison:
    """One model against the best by one measure.

    Attributes:
        difference: the model's measure minus the best one's, with its 95 % interval and its p-value.
        p_holm: the p-value corrected for all models compared with the best by this measure on this question.
        verdict: in words, as `significance.verdict` says them.
    """

    model: str
    best: str
    measure: str
    difference: Difference
    p_holm: float
    verdict: str


@dataclass(frozen=True)
class QuestionResult:
    """All that a comparison says to one question.

    Attributes:
        name: the split, and how many ratings new users give.
        protocol: of the first seed, as `evaluation.Protocol` has it.
        seeds: how many are put together.
        checks: what the split was checked for.
        movies: how many tested movies are in the head, the torso and the tail (first seed).
        rows: every model that was measured, by all ratings and by segment.
        costs: by model, means over seeds of `COST_NAMES` (those that it has), and `coverage`.
        by_seed: by model and measure, the value of each seed.
        comparisons: every model against the best, by each measure.
        verdicts: a sentence for each of `VERDICT_MEASURES` that was measured.
    """

    name: str
    protocol: dict[str, Any]
    seeds: int
    checks: tuple[str, ...]
    movies: tuple[int, ...]
    rows: tuple[SegmentMeasures, ...]
    costs: dict[str, dict[str, float]]
    by_seed: dict[str, dict[str, list[float]]]
    comparisons: tuple[Comparison, ...]
    verdicts: tuple[str, ...]


def summarise_results(plan: ComparisonPlan, outcome: ComparisonOutcome, n_users: int) -> tuple[QuestionResult, ...]:
    """Every question of the plan that any model could be asked; models that failed with any seed are left out of it."""
    failed = {(failure.cell.split, failure.cell.model) for failure in outcome.failures}
    found = []
    for split in plan.splits:
        cells = [c for c in outcome.cells if c["key"]["split"] == split and (split, c["key"]["model"]) not in failed]
        of = {name: [c for c in cells if c["key"]["model"] == name] for name in plan.settings}
        of = {name: mine for name, mine in of.items() if mine}
        for place in range(min((len(cell["questions"]) for cell in cells), default=0)):
            found.append(_question(place, of, outcome.checks[split], n_users))
    return tuple(found)


def _question(
    place: int, cells: dict[str, list[dict[str, Any]]], checks: tuple[str, ...], n_users: int
) -> QuestionResult:
    asked = {name: [cell["questions"][place] for cell in mine] for name, mine in cells.items()}
    first = next(iter(asked.values()))
    sums = {name: sum_by_user(mine, "all", n_users) for name, mine in asked.items()}
    comparisons = tuple(each for measure in PAIRED_MEASURES for each in compare_with_best(sums, measure))
    segments = {
        s: {name: sum_by_user(mine, s, n_users) for name, mine in asked.items()}
        for s in (*USER_SEGMENTS, *MOVIE_SEGMENTS)
    }
    return QuestionResult(
        name=first[0]["question"],
        protocol={key: value for key, value in first[0]["protocol"].items() if key != "model"},
        seeds=len(first),
        checks=checks,
        movies=tuple(first[0]["movies"]),
        rows=tuple(row for segment, mine in ({"all": sums} | segments).items() for row in _rows(mine, segment)),
        costs={name: _costs(cells[name], mine) for name, mine in asked.items()},
        by_seed={name: _by_seed(mine, n_users) for name, mine in asked.items()},
        comparisons=comparisons,
        verdicts=tuple(filter(None, (write_verdict(measure, sums, comparisons) for measure in VERDICT_MEASURES))),
    )


def sum_by_user(asked: Sequence[dict[str, Any]], segment: str, n_users: int) -> UserSums:
    """One model's sums and weights in a segment, its seeds added up; measures without any weight are left out."""
    found: UserSums = {}
    for seed in asked:
        part = seed["parts"].get("all" if segment in USER_SEGMENTS else segment)
        if part is None:
            continue
        users = np.array(part["users"], np.int64)
        inside = (
            select_users(segment, np.array(part["history"])) if segment in USER_SEGMENTS else np.ones(len(users), bool)
        )
        for measure, pair in part["measures"].items():
            mine = [np.bincount(users[inside], np.array(column)[inside], n_users) for column in pair]
            before = found.get(measure, (np.zeros(n_users), np.zeros(n_users)))
            found[measure] = before[0] + mine[0], before[1] + mine[1]
    return {measure: pair for measure, pair in found.items() if pair[1].any()}


def compute_value(measure: str, pair: tuple[Float64, Float64]) -> float:
    """The measure itself."""
    quotient = float(pair[0].sum() / pair[1].sum())
    return float(np.sqrt(quotient)) if measure == "rmse" else quotient


def _rows(sums: dict[str, UserSums], segment: str) -> list[SegmentMeasures]:
    """Each model's measures in a segment with intervals, bootstrapped over users: the same draws for all."""
    columns = [(name, measure) for name, mine in sums.items() for measure in PAIRED_MEASURES if measure in mine]
    if not columns:
        return []
    tops, weights = (np.stack([sums[name][m][side] for name, m in columns], axis=1) for side in (0, 1))
    used = weights.any(axis=1)
    ends = np.stack(bootstrap(tops[used], weights[used], resamples=RESAMPLES), axis=1)
    found: dict[str, list[Measure]] = {name: [] for name, _ in columns}
    for (name, measure), pair, n_users in zip(columns, ends, np.count_nonzero(weights, axis=0).tolist(), strict=True):
        low, high = (np.sqrt(pair) if measure == "rmse" else pair).tolist()
        found[name].append(Measure(measure, compute_value(measure, sums[name][measure]), low, high, n_users))
    return [SegmentMeasures(name, segment, tuple(measures)) for name, measures in found.items()]


def _by_seed(asked: Sequence[dict[str, Any]], n_users: int) -> dict[str, list[float]]:
    apart = [sum_by_user([seed], "all", n_users) for seed in asked]
    return {
        m: [compute_value(m, sums[m]) for sums in apart if m in sums]
        for m in PAIRED_MEASURES
        if any(m in sums for sums in apart)
    }


def _costs(cells: Sequence[dict[str, Any]], asked: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Means over seeds."""
    both = [cell | question for cell, question in zip(cells, asked, strict=True)]
    return {name: float(np.mean([b[name] for b in both])) for name in (*COST_NAMES, "coverage") if name in both[0]}


def compare_with_best(sums: dict[str, UserSums], measure: str) -> list[Comparison]:
    """Every other model that has the measure against the one that has the best value, p-values corrected by Holm."""
    has = {name: mine[measure] for name, mine in sums.items() if measure in mine}
    if not has:
        return []
    best = find_best(has, measure)
    others = [name for name in has if name != best]
    top = compute_value(measure, has[best])
    tops = np.stack([has[name][0] for name in others], axis=1) if others else np.empty((len(has[best][0]), 0))
    found = compute_differences(tops, *has[best], root=measure == "rmse")
    corrected = holm_correction(np.array([each.p for each in found])).tolist()
    return [
        Comparison(name, best, measure, each, p, describe_difference(each, p, top))
        for name, each, p in zip(others, found, corrected, strict=True)
    ]


def find_best(has: dict[str, tuple[Float64, Float64]], measure: str) -> str:
    """The model with the best value; the first of equals."""
    choose: Callable[..., str] = min if smaller_is_better(measure) else max
    return choose(has, key=lambda name: compute_value(measure, has[name]))


def write_verdict(measure: str, sums: dict[str, UserSums], comparisons: Sequence[Comparison]) -> str:
    """The verdict of one measure in words; nothing, if no model has it."""
    has = {name: mine[measure] for name, mine in sums.items() if measure in mine}
    if not has:
        return ""
    best = find_best(has, measure)
    top = compute_value(measure, has[best])
    if top == 0 and not smaller_is_better(measure):
        return f"No model has a tested movie in any list, so that {measure} says nothing here."
    parts = [f"{best} is best by {measure} ({top:.4f})"]
    for word, told in VERDICT_PHRASES.items():
        named = [c for c in comparisons if (c.measure, c.verdict) == (measure, word)]
        named.sort(key=lambda c: abs(c.difference.value))
        if named:
            names = join_names([_format_difference(c) if "worse" in word else c.model for c in named])
            parts.append(told[len(named) > 1].format(best=best, names=names))
    return "; ".join(parts) + "."


VERDICT_PHRASES = {
    "as good": ("{names} is as good, to half a percent", "{names} are as good, to half a percent"),
    "can't be told apart": (
        "{best} and {names} can't be told apart on this data",
        "{names} can't be told apart from it on this data",
    ),
    "a little worse": ("a little worse, by less than half a percent: {names}",) * 2,
    "worse": ("worse: {names}",) * 2,
    "not tested": ("not tested: {names}",) * 2,
}
"""What is said of one model, and of several, with each verdict of `significance.verdict`, in the order of telling."""


def _format_difference(comparison: Comparison) -> str:
    """`bias by 0.077 (0.070–0.084)`."""
    found = comparison.difference
    side = -1 if found.value < 0 else 1
    low, high = sorted((side * found.low, side * found.high))
    return f"{comparison.model} by {abs(found.value):.4f} ({low:.4f}–{high:.4f})"


def join_names(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def list_failures(failures: Sequence[CellFailure]) -> list[dict[str, Any]]:
    """Each failed cell as a row."""
    return [{"model": f.cell.model, "split": f.cell.split, "seed": f.cell.seed, "why": f.why} for f in failures]
