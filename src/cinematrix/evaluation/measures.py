"""Result of an evaluation: the measures with their intervals, and the protocol behind them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from cinematrix.common.html import html_table
from cinematrix.common.text import count_of
from cinematrix.data.ids import Ids
from cinematrix.evaluation.measure_facts import get_facts, lower_is_better, neither_is_better
from cinematrix.metrics.accuracy import PerUser
from cinematrix.metrics.significance import Difference
from cinematrix.models.orders import ListOrder

RESAMPLES = 1_000
"""Bootstrap resamples of the users for an interval."""


@dataclass(frozen=True)
class Measure:
    """One measure: name, value, 95 % interval (NaN where there is none), and number of users behind it."""

    name: str
    value: float
    low: float
    high: float
    n_users: int

    def as_dict(self) -> dict[str, float | int | None]:
        """Return all fields but the name, for JSON; None stands for NaN."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return {key: None if np.isnan(number) else number for key, number in numbers.items()} | {
            "n_users": self.n_users
        }

    def __str__(self) -> str:
        interval = "" if np.isnan(self.low) else f"{self.low:.4f}–{self.high:.4f}"
        value = "n/a" if np.isnan(self.value) else format_value(self.name, self.value)
        _, better, meaning = get_facts(self.name)
        return format_row(self.name, value, interval, f"{self.n_users:,}", better, meaning)


def format_row(*cells: str) -> str:
    """Return a line of the printed table: measure, value, interval, users, better end, meaning."""
    name, value, interval, users, better, meaning = cells
    return f"  {name:<19}{value:>8}  {interval:<15}{users:>8}  {better:<8}{meaning}".rstrip()


def format_table(measures: Sequence[Measure]) -> list[str]:
    """Return the lines of the measures, in groups below a header."""
    lines = [format_row("measure", "value", "95 % interval", "users", "better", "meaning")]
    by_group: dict[str, list[Measure]] = {}
    for measure in measures:
        by_group.setdefault(get_facts(measure.name).group, []).append(measure)
    for group, members in by_group.items():
        lines += ["", group, *map(str, members)]
    return lines


def format_value(name: str, value: float) -> str:
    """Format a measure's value: four decimals, none for the number of movies shown."""
    return f"{value:,.0f}" if name.startswith("movies_shown") else f"{value:.4f}"


@dataclass(frozen=True)
class PairedDifference:
    """Difference of one measure from that of another model or order, on the same users.

    Attributes:
        name: name of the measure.
        value: value of the measure.
        difference: the value minus the other one's, with its 95 % interval and p-value.
    """

    name: str
    value: float
    difference: Difference

    @property
    def verdict(self) -> str:
        """Direction of the difference in a word; `not clear` if the interval contains 0 or there is none."""
        low, high = self.difference.low, self.difference.high
        if not (low > 0 or high < 0):
            return "not clear"
        if neither_is_better(self.name):
            return "higher" if low > 0 else "lower"
        return "better" if (high < 0) == lower_is_better(self.name) else "worse"

    def as_dict(self) -> dict[str, float | None]:
        """Return the other value, the difference, its interval and p-value, for JSON; None stands for NaN."""
        d = self.difference
        numbers = {"other": self.value - d.value, "difference": d.value, "low": d.low, "high": d.high, "p": d.p}
        return {key: None if np.isnan(number) else number for key, number in numbers.items()}

    def __str__(self) -> str:
        d = self.difference
        if np.isnan(d.value):
            return f"  {self.name:<19}     n/a"
        interval = "" if np.isnan(d.low) else f"  {d.low:+.4f} to {d.high:+.4f}  p {d.p:.4f}"
        return f"  {self.name:<19}{d.value:>+8.4f}{interval:<32}  {self.verdict}"


@dataclass(frozen=True)
class Protocol:
    """Protocol of an evaluation: the test set and the settings that the measures depend on.

    Attributes:
        split: description of the split.
        model: the model's name.
        k: length of the lists.
        by: what the lists are ordered by.
        relevant_from: lowest rating of a relevant tested movie; None: every tested movie is relevant.
        seed: of the bootstrap.
        users, ratings: number of tested users and ratings.
        users_without_history: tested users with an empty history.
        unknown_users, unknown_movies: tested users and movies without a training rating, as the same split has them in
            memory, where the model knows all IDs, and from files.
        ratings_of_unknown_movies: tested ratings of those movies.
        movies: number of candidate movies that the model ranks.
    """

    split: str
    model: str
    k: int
    by: ListOrder
    relevant_from: float | None
    seed: int
    users: int
    ratings: int
    users_without_history: int
    unknown_users: int
    unknown_movies: int
    ratings_of_unknown_movies: int
    movies: int

    def __str__(self) -> str:
        relevance = "every tested movie" if self.relevant_from is None else f"rated {self.relevant_from:g} or more"
        return (
            f"Split: {self.split}. {count_of(self.ratings, 'rating')} by {count_of(self.users, 'user')} tested, "
            f"{self.users_without_history:,} of them without a history.\n"
            f"Without a training rating: {count_of(self.unknown_users, 'user')}; "
            f"{count_of(self.unknown_movies, 'movie')} with "
            f"{count_of(self.ratings_of_unknown_movies, 'tested rating')}. They count in the errors and in the lists.\n"
            f"Lists: the best {self.k} by {self.by} of the {self.movies:,} movies that aren't in the user's history; "
            f"relevant is {relevance}. Liked is a rating at or above the user's own mean.\n"
            f"Intervals: 95 %, bootstrap over users, {RESAMPLES:,} resamples, seed {self.seed}."
        )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Measures of one model on one test set.

    Attributes:
        measures: the measures, in the order of display.
        protocol: the protocol behind them.
        users: IDs of the tested users.
        per_user: values per user of each metric that has them (NaN where undefined), after `history` and `ratings`,
            the numbers of ratings in the history and in the test. Paired comparisons of two models need them.
        differences: paired differences from another evaluation, for `paired.add_differences`.
        against: model and order of that other evaluation.
    """

    measures: tuple[Measure, ...]
    protocol: Protocol
    users: Ids = field(repr=False)
    per_user: dict[str, PerUser] = field(repr=False)
    differences: tuple[PairedDifference, ...] = ()
    against: str = ""

    def __getitem__(self, name: str) -> float:
        """Return the value of one measure, such as `evaluation["ndcg@10"]`; KeyError if it wasn't measured."""
        return {measure.name: measure.value for measure in self.measures}[name]

    def __str__(self) -> str:
        parts = format_table(self.measures)
        if self.differences:
            parts += ["", f"Difference from {self.against}, paired by user (95 % intervals; each p by itself):"]
            parts += map(str, self.differences)
        return "\n".join([*parts, "", str(self.protocol)])

    def as_dict(self) -> dict[str, Any]:
        """Return the measures by name and the protocol, for JSON; None stands for undefined numbers."""
        plain: dict[str, Any] = {
            "measures": {m.name: m.as_dict() for m in self.measures},
            "protocol": asdict(self.protocol),
        }
        if self.differences:
            plain |= {"against": self.against, "differences": {d.name: d.as_dict() for d in self.differences}}
        return plain

    def to_frame(self) -> pl.DataFrame:
        """Return a frame: measure, value, low, high, users; then the differences, if there are any."""
        rows = [(m.name, m.value, m.low, m.high, m.n_users) for m in self.measures]
        frame = pl.DataFrame(rows, schema=["measure", "value", "low", "high", "users"], orient="row")
        if not self.differences:
            return frame
        names = ["measure", "difference", "difference_low", "difference_high", "p"]
        paired = [
            (d.name, *(getattr(d.difference, end) for end in ("value", "low", "high", "p"))) for d in self.differences
        ]
        return frame.join(pl.DataFrame(paired, schema=names, orient="row"), on="measure", how="left")

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        columns = ["measure", *(f"{name.replace('_', ' ')}#" for name in frame.columns[1:])]
        rows = [[None if value != value else value for value in row] for row in frame.rows()]
        title = (
            f"{self.protocol.model}, with the difference from {self.against}" if self.against else self.protocol.model
        )
        return html_table(columns, rows, title, str(self.protocol))
