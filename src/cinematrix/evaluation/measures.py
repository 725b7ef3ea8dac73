"""Result of an evaluation: the measures with their intervals, and the protocol behind them."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from cinematrix.common.html import html_table
from cinematrix.data.ids import Ids
from cinematrix.metrics.accuracy import PerUser
from cinematrix.models.base import Ordering

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
        interval = "" if np.isnan(self.low) else f"  {self.low:.4f}–{self.high:.4f}"
        value = "n/a" if np.isnan(self.value) else format_value(self.name, self.value)
        return f"{self.name:<18}{value:>8}{interval:<17}{self.n_users:>9,} users"


def format_value(name: str, value: float) -> str:
    """Format a measure's value: four decimals, none for the number of movies shown."""
    return f"{value:,.0f}" if name.startswith("movies_shown") else f"{value:.4f}"


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
        unknown_users, unknown_movies: tested IDs outside the model's training data.
        ratings_of_unknown_movies: tested ratings of those movies.
        movies: number of candidate movies that the model ranks.
    """

    split: str
    model: str
    k: int
    by: Ordering
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
            f"Split: {self.split}. {self.ratings:,} ratings by {self.users:,} users tested, "
            f"{self.users_without_history:,} of them without a history.\n"
            f"Unknown to the model: {self.unknown_users:,} users; {self.unknown_movies:,} movies with "
            f"{self.ratings_of_unknown_movies:,} ratings, which count in the errors and as misses in the lists.\n"
            f"Lists: the best {self.k} by {self.by} of the {self.movies:,} movies that aren't in the user's history; "
            f"relevant is {relevance}.\n"
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
    """

    measures: tuple[Measure, ...]
    protocol: Protocol
    users: Ids = field(repr=False)
    per_user: dict[str, PerUser] = field(repr=False)

    def __getitem__(self, name: str) -> float:
        """Return the value of one measure, such as `evaluation["ndcg@10"]`; KeyError if it wasn't measured."""
        return {measure.name: measure.value for measure in self.measures}[name]

    def __str__(self) -> str:
        return "\n".join([*map(str, self.measures), "", str(self.protocol)])

    def as_dict(self) -> dict[str, Any]:
        """Return the measures by name and the protocol, for JSON; None stands for undefined numbers."""
        return {"measures": {m.name: m.as_dict() for m in self.measures}, "protocol": asdict(self.protocol)}

    def to_frame(self) -> pl.DataFrame:
        """Return a frame: measure, value, low, high, users."""
        rows = [(m.name, m.value, m.low, m.high, m.n_users) for m in self.measures]
        return pl.DataFrame(rows, schema=["measure", "value", "low", "high", "users"], orient="row")

    def _repr_html_(self) -> str:
        columns = ["measure", "value#", "low#", "high#", "users#"]
        rows = [[None if value != value else value for value in row] for row in self.to_frame().rows()]
        return html_table(columns, rows, self.protocol.model, str(self.protocol))
