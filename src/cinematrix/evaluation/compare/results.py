"""What a comparison comes to: measures with intervals, every model against the best, and a verdict in words.

Seeds are put together user by user before anything is tested: a user's sums and weights of all seeds add up, so that
she is drawn, or changes sides, as one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.evaluation.compare.cell import PAIRED, K
from cinematrix.evaluation.compare.run import Failure, Outcome, Plan
from cinematrix.evaluation.evaluate import Measure
from cinematrix.evaluation.segments import MOVIES, USERS, users_in
from cinematrix.metrics.accuracy import bootstrap
from cinematrix.metrics.significance import RESAMPLES, Difference, differences, holm, verdict

Floats = NDArray[np.float64]
Sums = dict[str, tuple[Floats, Floats]]
"""Of one model: each measure's sums and weights by user number, all seeds together."""

JUDGED = ("rmse", f"ndcg@{K}")
"""The measures that the verdict is about: how far predicted stars are off, and how good lists are."""

COSTS = ("tuning_s", "training_s", "list_ms", "pair_us", "peak_mb")


def smaller_is_better(measure: str) -> bool:
    """Errors are; what is measured on lists isn't."""
    return "@" not in measure


@dataclass(frozen=True)
class Row:
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
class Question:
    """All that a comparison says to one question.

    Attributes:
        name: the split, and how many ratings new users give.
        protocol: of the first seed, as `evaluation.Protocol` has it.
        seeds: how many are put together.
        checks: what the split was checked for.
        movies: how many tested movies are in the head, the torso and the tail (first seed).
        rows: every model that was measured, by all ratings and by segment.
        costs: by model, means over seeds of `COSTS` (those that it has), and `coverage`.
        by_seed: by model and measure, the value of each seed.
        comparisons: every model against the best, by each measure.
        verdicts: a sentence for each of `JUDGED` that was measured.
    """

    name: str
    protocol: dict[str, Any]
    seeds: int
    checks: tuple[str, ...]
    movies: tuple[int, ...]
    rows: tuple[Row, ...]
    costs: dict[str, dict[str, float]]
    by_seed: dict[str, dict[str, list[float]]]
    comparisons: tuple[Comparison, ...]
    verdicts: tuple[str, ...]


def standings(plan: Plan, outcome: Outcome, n_users: int) -> tuple[Question, ...]:
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


def _question(place: int, cells: dict[str, list[dict[str, Any]]], checks: tuple[str, ...], n_users: int) -> Question:
    asked = {name: [cell["questions"][place] for cell in mine] for name, mine in cells.items()}
    first = next(iter(asked.values()))
    sums = {name: gathered(mine, "all", n_users) for name, mine in asked.items()}
    comparisons = tuple(each for measure in PAIRED for each in against_the_best(sums, measure))
    segments = {s: {name: gathered(mine, s, n_users) for name, mine in asked.items()} for s in (*USERS, *MOVIES)}
    return Question(
        name=first[0]["question"],
        protocol={key: value for key, value in first[0]["protocol"].items() if key != "model"},
        seeds=len(first),
        checks=checks,
        movies=tuple(first[0]["movies"]),
        rows=tuple(row for segment, mine in ({"all": sums} | segments).items() for row in _rows(mine, segment)),
        costs={name: _costs(cells[name], mine) for name, mine in asked.items()},
        by_seed={name: _by_seed(mine, n_users) for name, mine in asked.items()},
        comparisons=comparisons,
        verdicts=tuple(filter(None, (sentence(measure, sums, comparisons) for measure in JUDGED))),
    )


def gathered(asked: Sequence[dict[str, Any]], segment: str, n_users: int) -> Sums:
    """One model's sums and weights in a segment, its seeds added up; measures without any weight are left out."""
    found: Sums = {}
    for seed in asked:
        part = seed["parts"].get("all" if segment in USERS else segment)
        if part is None:
            continue
        users = np.array(part["users"], np.int64)
        inside = users_in(segment, np.array(part["history"])) if segment in USERS else np.ones(len(users), bool)
        for measure, pair in part["measures"].items():
            mine = [np.bincount(users[inside], np.array(column)[inside], n_users) for column in pair]
            before = found.get(measure, (np.zeros(n_users), np.zeros(n_users)))
            found[measure] = before[0] + mine[0], before[1] + mine[1]
    return {measure: pair for measure, pair in found.items() if pair[1].any()}


def value(measure: str, pair: tuple[Floats, Floats]) -> float:
    """The measure itself."""
    quotient = float(pair[0].sum() / pair[1].sum())
    return float(np.sqrt(quotient)) if measure == "rmse" else quotient


def _rows(sums: dict[str, Sums], segment: str) -> list[Row]:
    """Each model's measures in a segment with intervals, bootstrapped over users: the same draws for all."""
    columns = [(name, measure) for name, mine in sums.items() for measure in PAIRED if measure in mine]
    if not columns:
        return []
    tops, weights = (np.stack([sums[name][m][side] for name, m in columns], axis=1) for side in (0, 1))
    used = weights.any(axis=1)
    ends = np.stack(bootstrap(tops[used], weights[used], resamples=RESAMPLES), axis=1)
    found: dict[str, list[Measure]] = {name: [] for name, _ in columns}
    for (name, measure), pair, n_users in zip(columns, ends, np.count_nonzero(weights, axis=0).tolist(), strict=True):
        low, high = (np.sqrt(pair) if measure == "rmse" else pair).tolist()
        found[name].append(Measure(measure, value(measure, sums[name][measure]), low, high, n_users))
    return [Row(name, segment, tuple(measures)) for name, measures in found.items()]


def _by_seed(asked: Sequence[dict[str, Any]], n_users: int) -> dict[str, list[float]]:
    apart = [gathered([seed], "all", n_users) for seed in asked]
    return {m: [value(m, sums[m]) for sums in apart if m in sums] for m in PAIRED if any(m in sums for sums in apart)}


def _costs(cells: Sequence[dict[str, Any]], asked: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Means over seeds."""
    both = [cell | question for cell, question in zip(cells, asked, strict=True)]
    return {name: float(np.mean([b[name] for b in both])) for name in (*COSTS, "coverage") if name in both[0]}


def against_the_best(sums: dict[str, Sums], measure: str) -> list[Comparison]:
    """Every other model that has the measure against the one that has the best value, p-values corrected by Holm."""
    has = {name: mine[measure] for name, mine in sums.items() if measure in mine}
    if not has:
        return []
    best = best_of(has, measure)
    others = [name for name in has if name != best]
    top = value(measure, has[best])
    tops = np.stack([has[name][0] for name in others], axis=1) if others else np.empty((len(has[best][0]), 0))
    found = differences(tops, *has[best], root=measure == "rmse")
    corrected = holm(np.array([each.p for each in found])).tolist()
    return [
        Comparison(name, best, measure, each, p, verdict(each, p, top))
        for name, each, p in zip(others, found, corrected, strict=True)
    ]


def best_of(has: dict[str, tuple[Floats, Floats]], measure: str) -> str:
    """The model with the best value; the first of equals."""
    choose: Callable[..., str] = min if smaller_is_better(measure) else max
    return choose(has, key=lambda name: value(measure, has[name]))


def sentence(measure: str, sums: dict[str, Sums], comparisons: Sequence[Comparison]) -> str:
    """The verdict of one measure in words; nothing, if no model has it."""
    has = {name: mine[measure] for name, mine in sums.items() if measure in mine}
    if not has:
        return ""
    best = best_of(has, measure)
    top = value(measure, has[best])
    if top == 0 and not smaller_is_better(measure):
        return f"No model has a tested movie in any list, so that {measure} says nothing here."
    parts = [f"{best} is best by {measure} ({top:.4f})"]
    for word, told in TOLD.items():
        named = [c for c in comparisons if (c.measure, c.verdict) == (measure, word)]
        named.sort(key=lambda c: abs(c.difference.value))
        if named:
            names = listed([_with_size(c) if "worse" in word else c.model for c in named])
            parts.append(told[len(named) > 1].format(best=best, names=names))
    return "; ".join(parts) + "."


TOLD = {
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


def _with_size(comparison: Comparison) -> str:
    """`bias by 0.077 (0.070–0.084)`."""
    found = comparison.difference
    side = -1 if found.value < 0 else 1
    low, high = sorted((side * found.low, side * found.high))
    return f"{comparison.model} by {abs(found.value):.4f} ({low:.4f}–{high:.4f})"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def failures_told(failures: Sequence[Failure]) -> list[dict[str, Any]]:
    """Each failed cell as a row."""
    return [{"model": f.cell.model, "split": f.cell.split, "seed": f.cell.seed, "why": f.why} for f in failures]
