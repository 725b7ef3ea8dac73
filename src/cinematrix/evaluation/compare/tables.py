"""Tables and sentences of a comparison's results, for the terminal and for the report."""

from collections.abc import Iterable, Sequence
from typing import Any

from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.compare.cell import LIKING_MEASURES, MAIN_MEASURES
from cinematrix.evaluation.compare.results import VERDICT_MEASURES, QuestionResult
from cinematrix.evaluation.measures import Measure

TextTable = tuple[list[str], list[list[Any]]]
"""Column names (ending in `#` for columns of numbers) and rows of text."""


LIKING_NOTE = (
    "Liked is a rating at or above the user's own mean. Lower is better for disliked, expected_below and "
    "miscalibration. Read no column alone: lists that hit few tested movies can have few disliked ones."
)
"""Reading aid of the table of liking."""


def make_summary_table(question: QuestionResult) -> TextTable:
    """Return the measures with a verdict, and each model's time of training and memory."""
    columns, rows = _make_table(question, VERDICT_MEASURES)
    costs = {model: _format_costs(each) for model, each in question.costs.items()}
    return [*columns, "training#", "peak memory#"], [[*row, costs[row[0]][2], costs[row[0]][-1]] for row in rows]


def make_main_table(question: QuestionResult) -> TextTable:
    """Return each model's errors and hits with intervals."""
    return _make_table(question, MAIN_MEASURES)


def make_liking_table(question: QuestionResult) -> TextTable:
    """Return what the users of each model's lists like, with intervals, and the number of distinct movies shown."""
    columns, rows = _make_table(question, LIKING_MEASURES)
    shown = {model: f"{costs['movies_shown']:,.0f}" for model, costs in question.costs.items()}
    return [*columns, "movies shown#"], [[*row, shown[row[0]]] for row in rows]


def _make_table(question: QuestionResult, names: Sequence[str]) -> TextTable:
    """Return a row a model and a column for each of the named measures that any model has."""
    rows = [row for row in question.rows if row.segment == "all"]
    measured = {m.name for row in rows for m in row.measures}
    measures = [name for name in names if name in measured]
    columns = ["model", *(f"{name}#" for name in measures)]
    return columns, [[row.model, *_format_measures(row.measures, measures)] for row in rows]


def make_cost_table(question: QuestionResult) -> TextTable:
    """Return each model's costs and catalog coverage."""
    columns = ["model", "coverage#", "search#", "training#", "one list#", "one rating#", "peak memory#"]
    return columns, [[model, *_format_costs(costs)] for model, costs in question.costs.items()]


def make_segment_table(question: QuestionResult) -> TextTable:
    """Return each model's measures in each segment."""
    rows = [row for row in question.rows if row.segment != "all"]
    measured = {m.name for row in rows for m in row.measures}
    measures = [name for name in MAIN_MEASURES if name in measured]
    columns = ["segment", "users#", "model", *(f"{name}#" for name in measures)]
    return columns, [
        [row.segment, f"{max(m.n_users for m in row.measures):,}", row.model, *_format_measures(row.measures, measures)]
        for row in rows
    ]


def make_comparison_table(question: QuestionResult) -> TextTable:
    """Return each model's difference from the best model, measure by measure."""
    columns = ["measure", "best", "model", "difference#", "95 % interval#", "p#", "p, Holm#", "verdict"]
    rows = []
    for c in question.comparisons:
        difference = c.difference
        interval = f"{difference.low:+.4f} to {difference.high:+.4f}" if difference.low == difference.low else "–"
        p_values = format_number(difference.p), format_number(c.p_holm)
        rows.append([c.measure, c.best, c.model, f"{difference.value:+.4f}", interval, *p_values, c.verdict])
    return columns, rows


def describe_protocol(question: QuestionResult) -> str:
    """Describe the split, the test set, the lists, and the checks that the split passed."""
    p = question.protocol
    seeds = f"{question.seeds} seeds, of which this is the first" if question.seeds > 1 else "one seed"
    return (
        f"{p['split'][0].upper()}{p['split'][1:]}; {seeds}. {p['ratings']:,} ratings by {p['users']:,} users tested. "
        f"Lists are the best {p['k']} by {p['by']} of the {p['movies']:,} movies that aren't in a user's history. "
        f"Every tested movie is relevant, except in measures of liking. Checked: {'; '.join(question.checks)}."
    )


def describe_segments(question: QuestionResult) -> str:
    """Describe the segments of users and movies."""
    head, torso, tail = question.movies
    return (
        "Users by the ratings in their history. Movies from the most rated one down: head movies share the first half "
        f"of all training ratings, torso movies the next 40 %, tail movies the rest; {head:,}, {torso:,} and {tail:,} "
        "of them are tested. In a segment of movies, only its movies are relevant, but lists may contain any movie."
    )


def describe_counts(ratings: Ratings) -> dict[str, Any]:
    """Return the numbers of users, movies and ratings, and the scale, for JSON."""
    scale = str(ratings.scale) if ratings.scale else None
    return {"users": len(ratings.users), "movies": len(ratings.movies), "ratings": len(ratings), "scale": scale}


def format_settings(settings: dict[str, Any]) -> str:
    """Format settings as `name=value`, separated by spaces."""
    return " ".join(f"{key}={f'{value:.4g}' if isinstance(value, float) else value}" for key, value in settings.items())


def _format_measures(measures: Sequence[Measure], names: Iterable[str]) -> list[str]:
    by_name = {measure.name: measure for measure in measures}
    return [_format_measure(by_name[name]) if name in by_name else "–" for name in names]


def _format_measure(measure: Measure) -> str:
    interval = f" ({measure.low:.3f}–{measure.high:.3f})" if measure.low == measure.low else ""
    return f"{measure.value:.4f}{interval}"


def _format_costs(costs: dict[str, float]) -> list[str]:
    search = f"{costs['tuning_s']:,.1f} s" if "tuning_s" in costs else "–"
    rating = f"{costs['pair_us']:.1f} µs" if "pair_us" in costs else "–"
    training, one_list = f"{costs['training_s']:,.2f} s", f"{costs['list_ms']:.2f} ms"
    return [f"{costs['coverage']:.3f}", search, training, one_list, rating, f"{costs['peak_mb']:,.0f} MB"]


def format_number(value: float | None) -> str:
    """Format a number with four decimals; a dash for None and NaN."""
    return "–" if value is None or value != value else f"{value:.4f}"
