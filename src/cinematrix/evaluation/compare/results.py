"""Results of a comparison: measures with intervals, differences from the best model, and verdicts in words.

Each user's sums and weights are added up over all seeds before any test. A user is thus one unit in the bootstrap and
in the randomisation test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.evaluation.compare.cell import PAIRED_MEASURES, K
from cinematrix.evaluation.compare.run import CellFailure, ComparisonOutcome, ComparisonPlan
from cinematrix.evaluation.measure_facts import lower_is_better
from cinematrix.evaluation.measures import Measure
from cinematrix.metrics.accuracy import bootstrap
from cinematrix.metrics.segments import MOVIE_SEGMENTS, USER_SEGMENTS, select_users
from cinematrix.metrics.significance import (
    RESAMPLES,
    Difference,
    compute_differences,
    describe_difference,
    holm_correction,
)

Float64 = NDArray[np.float64]
UserSums = dict[str, tuple[Float64, Float64]]
"""Sums and weights of one model by measure, float64 `[users]` each, added up over seeds."""

VERDICT_MEASURES = ("rmse", f"ndcg@{K}", f"ndcg_liked@{K}", f"disliked@{K}")
"""Measures with a verdict in words."""

COST_NAMES = ("tuning_s", "training_s", "list_ms", "pair_us", "peak_mb")
"""Costs of a cell: seconds of search and training, ms per list, µs per prediction, peak memory in MB."""


@dataclass(frozen=True)
class SegmentMeasures:
    """Measures of one model in one segment: `all`, or a name in `metrics.segments`."""

    model: str
    segment: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Comparison:
    """Comparison of one model with the best one by one measure.

    Attributes:
        model, best: names of the two models.
        measure: name of the measure.
        difference: the model's measure minus the best one's, with its 95 % interval and its p-value.
        p_holm: the p-value with Holm's correction for all comparisons by this measure on this question.
        verdict: the verdict of `significance.describe_difference`.
    """

    model: str
    best: str
    measure: str
    difference: Difference
    p_holm: float
    verdict: str


@dataclass(frozen=True)
class QuestionResult:
    """Results of one question: a split, or a split with a number of ratings given.

    Attributes:
        name: the split, and for new users the number of ratings given.
        protocol: fields of `measures.Protocol` of the first seed, without the model.
        seeds: number of seeds.
        checks: descriptions of the leakage checks that the split passed.
        movies: numbers of tested head, torso and tail movies, of the first seed.
        rows: measures by model and segment.
        costs: by model, means over seeds of the measured `COST_NAMES`, and of `coverage` and `movies_shown`.
        by_seed: by model and measure, the value of each seed.
        comparisons: each model with the best one, by each measure.
        verdicts: a text for each of the measured `VERDICT_MEASURES`.
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
    """Return the results of all questions; a model that failed on a split with any seed is left out there."""
    failed = {(failure.cell.split, failure.cell.model) for failure in outcome.failures}
    results = []
    for split in plan.splits:
        cells = [c for c in outcome.cells if c["key"]["split"] == split and (split, c["key"]["model"]) not in failed]
        by_model = {name: [c for c in cells if c["key"]["model"] == name] for name in plan.settings}
        by_model = {name: model_cells for name, model_cells in by_model.items() if model_cells}
        for place in range(min((len(cell["questions"]) for cell in cells), default=0)):
            results.append(_summarise_question(place, by_model, outcome.checks[split], n_users))
    return tuple(results)


def _summarise_question(
    place: int, cells: dict[str, list[dict[str, Any]]], checks: tuple[str, ...], n_users: int
) -> QuestionResult:
    """Summarise the question at `place` of the models' cells, one cell a seed."""
    questions = {name: [cell["questions"][place] for cell in model_cells] for name, model_cells in cells.items()}
    first = next(iter(questions.values()))
    sums = {name: sum_by_user(seeds, "all", n_users) for name, seeds in questions.items()}
    comparisons = tuple(each for measure in PAIRED_MEASURES for each in compare_with_best(sums, measure))
    segments = {
        s: {name: sum_by_user(seeds, s, n_users) for name, seeds in questions.items()}
        for s in (*USER_SEGMENTS, *MOVIE_SEGMENTS)
    }
    return QuestionResult(
        name=first[0]["question"],
        protocol={key: value for key, value in first[0]["protocol"].items() if key != "model"},
        seeds=len(first),
        checks=checks,
        movies=tuple(first[0]["movies"]),
        rows=tuple(row for name, part in ({"all": sums} | segments).items() for row in _measure_segment(part, name)),
        costs={name: _average_costs(cells[name], seeds) for name, seeds in questions.items()},
        by_seed={name: _values_by_seed(seeds, n_users) for name, seeds in questions.items()},
        comparisons=comparisons,
        verdicts=tuple(filter(None, (write_verdict(measure, sums, comparisons) for measure in VERDICT_MEASURES))),
    )


def sum_by_user(questions: Sequence[dict[str, Any]], segment: str, n_users: int) -> UserSums:
    """Add up one model's sums and weights in a segment over seeds; measures without any weight are left out.

    Args:
        questions: the model's results of one question, one a seed.
        segment: `all`, or a name in `metrics.segments`.
        n_users: number of users of the data set.
    """
    totals: UserSums = {}
    for seed in questions:
        part = seed["parts"].get("all" if segment in USER_SEGMENTS else segment)
        if part is None:
            continue
        users = np.array(part["users"], np.int64)
        inside = (
            select_users(segment, np.array(part["history"])) if segment in USER_SEGMENTS else np.ones(len(users), bool)
        )
        for measure, pair in part["measures"].items():
            sums, weights = (np.bincount(users[inside], np.array(column)[inside], n_users) for column in pair)
            before = totals.get(measure, (np.zeros(n_users), np.zeros(n_users)))
            totals[measure] = before[0] + sums, before[1] + weights
    return {measure: pair for measure, pair in totals.items() if pair[1].any()}


def compute_value(measure: str, pair: tuple[Float64, Float64]) -> float:
    """Compute a measure from its sums and weights."""
    quotient = float(pair[0].sum() / pair[1].sum())
    return float(np.sqrt(quotient)) if measure == "rmse" else quotient


def _measure_segment(sums: dict[str, UserSums], segment: str) -> list[SegmentMeasures]:
    """Compute each model's measures in a segment, with bootstrap intervals over users; all use the same resamples."""
    columns = [(name, measure) for name, own in sums.items() for measure in PAIRED_MEASURES if measure in own]
    if not columns:
        return []
    numerators, weights = (np.stack([sums[name][m][side] for name, m in columns], axis=1) for side in (0, 1))
    used = weights.any(axis=1)
    ends = np.stack(bootstrap(numerators[used], weights[used], resamples=RESAMPLES), axis=1)
    by_model: dict[str, list[Measure]] = {name: [] for name, _ in columns}
    for (name, measure), pair, n_users in zip(columns, ends, np.count_nonzero(weights, axis=0).tolist(), strict=True):
        low, high = (np.sqrt(pair) if measure == "rmse" else pair).tolist()
        by_model[name].append(Measure(measure, compute_value(measure, sums[name][measure]), low, high, n_users))
    return [SegmentMeasures(name, segment, tuple(measures)) for name, measures in by_model.items()]


def _values_by_seed(questions: Sequence[dict[str, Any]], n_users: int) -> dict[str, list[float]]:
    """Compute each measure of one model seed by seed."""
    by_seed = [sum_by_user([seed], "all", n_users) for seed in questions]
    return {
        m: [compute_value(m, sums[m]) for sums in by_seed if m in sums]
        for m in PAIRED_MEASURES
        if any(m in sums for sums in by_seed)
    }


def _average_costs(cells: Sequence[dict[str, Any]], questions: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Average the costs of one model over seeds."""
    both = [cell | question for cell, question in zip(cells, questions, strict=True)]
    return {
        name: float(np.mean([b[name] for b in both]))
        for name in (*COST_NAMES, "coverage", "movies_shown")
        if name in both[0]
    }


def compare_with_best(sums: dict[str, UserSums], measure: str) -> list[Comparison]:
    """Compare each model that has the measure with the best one; p-values have Holm's correction."""
    pairs = {name: own[measure] for name, own in sums.items() if measure in own}
    if not pairs:
        return []
    best = find_best(pairs, measure)
    names = [*(name for name in pairs if name != best), best]
    numerators, weights = (np.stack([pairs[name][side] for name in names], axis=1) for side in (0, 1))
    differences = compute_differences(numerators[:, :-1], numerators[:, -1], weights, root=measure == "rmse")
    corrected = holm_correction(np.array([each.p for each in differences])).tolist()
    return [
        Comparison(name, best, measure, each, p, describe_difference(each, p, compute_value(measure, pairs[best])))
        for name, each, p in zip(names[:-1], differences, corrected, strict=True)
    ]


def find_best(pairs: dict[str, tuple[Float64, Float64]], measure: str) -> str:
    """Return the model with the best value, from sums and weights by model; the first in a tie."""
    choose: Callable[..., str] = min if lower_is_better(measure) else max
    return choose(pairs, key=lambda name: compute_value(measure, pairs[name]))


def write_verdict(measure: str, sums: dict[str, UserSums], comparisons: Sequence[Comparison]) -> str:
    """Write the verdict on one measure as sentences; empty if no model has the measure.

    A model is called the best only if every other one that was tested is worse or as good.
    """
    pairs = {name: own[measure] for name, own in sums.items() if measure in own}
    if not pairs:
        return ""
    best = find_best(pairs, measure)
    value, lower = compute_value(measure, pairs[best]), lower_is_better(measure)
    if value == 0 and not lower:
        return f"{measure}: says nothing here, as no model has a tested movie in any list."
    others = sorted((c for c in comparisons if c.measure == measure), key=lambda c: abs(c.difference.value))
    names = {verdict: _join_models([c for c in others if c.verdict == verdict]) for verdict in (AS_GOOD, *OPENINGS)}
    if names[UNCLEAR]:
        lead = f"no clear winner. {best} has the {'lowest' if lower else 'highest'} ({value:.4f})"
    else:
        lead = f"{best} is best ({value:.4f})"
    if names[AS_GOOD]:
        lead += f", and {names[AS_GOOD]} as good, to half a percent"
    rest = [f"{opening}: {names[verdict]}" for verdict, opening in OPENINGS.items() if names[verdict]]
    return f"{measure}: {'. '.join([lead, *rest])}."


AS_GOOD, UNCLEAR = "as good", "can't be told apart"
OPENINGS = {
    UNCLEAR: "Can't be told apart from it on this data",
    "a little worse": "A little worse, by less than half a percent",
    "worse": "Worse",
    "not tested": "Not tested",
}
"""Openings of the sentences that name other models, by verdict of `significance.describe_difference`."""


def _join_models(comparisons: Sequence[Comparison]) -> str:
    """Join the names of compared models, those of worse ones with their differences."""
    return join_names([_format_difference(c) if "worse" in c.verdict else c.model for c in comparisons])


def _format_difference(comparison: Comparison) -> str:
    """Format a difference, such as `bias by 0.0770 (0.0700–0.0840)`."""
    difference = comparison.difference
    sign = -1 if difference.value < 0 else 1
    low, high = sorted((sign * difference.low, sign * difference.high))
    return f"{comparison.model} by {abs(difference.value):.4f} ({low:.4f}–{high:.4f})"


def join_names(names: Sequence[str]) -> str:
    """Join names: `a`, `a and b`, `a, b and c`; nothing for none."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def list_failures(failures: Sequence[CellFailure]) -> list[dict[str, Any]]:
    """Return the failed cells as rows: `model`, `split`, `seed` and `why`."""
    return [{"model": f.cell.model, "split": f.cell.split, "seed": f.cell.seed, "why": f.why} for f in failures]
