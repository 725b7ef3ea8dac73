"""What a comparison found as tables and sentences, for the terminal and for the page."""

from collections.abc import Iterable, Sequence
from typing import Any

from cinematrix.evaluation.compare.results import QuestionResult
from cinematrix.evaluation.evaluate import Measure

TextTable = tuple[list[str], list[list[Any]]]
"""Columns (a name that ends in `#` is of numbers) and rows of text."""


def make_main_table(question: QuestionResult) -> TextTable:
    """Each model's measures with intervals."""
    rows = [row for row in question.rows if row.segment == "all"]
    measures = list(dict.fromkeys(m.name for row in rows for m in row.measures))
    columns = ["model", *(f"{name}#" for name in measures)]
    return columns, [[row.model, *_format_measures(row.measures, measures)] for row in rows]


def make_cost_table(question: QuestionResult) -> TextTable:
    """What each model costs, and the share of all movies that its lists hold between them."""
    columns = ["model", "coverage#", "search#", "training#", "one list#", "one rating#", "peak memory#"]
    return columns, [[model, *_format_costs(costs)] for model, costs in question.costs.items()]


def make_segment_table(question: QuestionResult) -> TextTable:
    """Each model's measures in each segment."""
    rows = [row for row in question.rows if row.segment != "all"]
    measures = list(dict.fromkeys(m.name for row in rows for m in row.measures))
    columns = ["segment", "users#", "model", *(f"{name}#" for name in measures)]
    return columns, [
        [row.segment, f"{max(m.n_users for m in row.measures):,}", row.model, *_format_measures(row.measures, measures)]
        for row in rows
    ]


def make_comparison_table(question: QuestionResult) -> TextTable:
    """Every model against the best, measure by measure."""
    columns = ["measure", "best", "model", "difference#", "95 % interval#", "p#", "p, Holm#", "verdict"]
    rows = []
    for c in question.comparisons:
        found = c.difference
        ends = f"{found.low:+.4f} to {found.high:+.4f}" if found.low == found.low else "–"
        p_values = format_number(found.p), format_number(c.p_holm)
        rows.append([c.measure, c.best, c.model, f"{found.value:+.4f}", ends, *p_values, c.verdict])
    return columns, rows


def describe_protocol(question: QuestionResult) -> str:
    """What was tested, on which cut, and what the cut was checked for."""
    p = question.protocol
    seeds = f"{question.seeds} seeds, of which this is the first" if question.seeds > 1 else "one seed"
    return (
        f"{p['split'][0].upper()}{p['split'][1:]}; {seeds}. {p['ratings']:,} ratings by {p['users']:,} users tested. "
        f"Lists are the best {p['k']} of the {p['movies']:,} movies that aren't in a user's history, and every tested "
        f"movie is relevant. Checked: {'; '.join(question.checks)}."
    )


def describe_segments(question: QuestionResult) -> str:
    """What the segments are."""
    head, torso, tail = question.movies
    return (
        "Users by the ratings in their history. Movies from the most rated one down: head movies share the first half "
        f"of all training ratings, torso movies the next 40 %, tail movies the rest; {head:,}, {torso:,} and {tail:,} "
        "of them are tested. In a segment of movies, only its movies are relevant, while lists may hold any."
    )


def format_settings(settings: dict[str, Any]) -> str:
    """Settings as they are typed."""
    return " ".join(f"{key}={f'{value:.4g}' if isinstance(value, float) else value}" for key, value in settings.items())


def _format_measures(measures: Sequence[Measure], names: Iterable[str]) -> list[str]:
    found = {measure.name: measure for measure in measures}
    return [_format_measure(found[name]) if name in found else "–" for name in names]


def _format_measure(measure: Measure) -> str:
    ends = f" ({measure.low:.3f}–{measure.high:.3f})" if measure.low == measure.low else ""
    return f"{measure.value:.4f}{ends}"


def _format_costs(costs: dict[str, float]) -> list[str]:
    search = f"{costs['tuning_s']:,.1f} s" if "tuning_s" in costs else "–"
    rating = f"{costs['pair_us']:.1f} µs" if "pair_us" in costs else "–"
    told = [f"{costs['coverage']:.3f}", search, f"{costs['training_s']:,.2f} s", f"{costs['list_ms']:.2f} ms", rating]
    return [*told, f"{costs['peak_mb']:,.0f} MB"]


def format_number(value: float | None) -> str:
    """A number to four places; a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.4f}"
