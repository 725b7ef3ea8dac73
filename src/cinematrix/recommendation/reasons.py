"""Reasons of a recommendation: a movie of the user's own history that contributes to its score and is akin to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.metrics.liking import is_below
from cinematrix.models.base import Recommender
from cinematrix.models.orders import ListOrder, explained_by
from cinematrix.recommendation.kinship import Kinship, find_kinship

CANDIDATES = 3
"""Movies of the history, those with the largest shares, among which a reason is sought."""

MIN_LIFT, MAX_MIN_SHARE = 3.0, 0.2
"""Minimum share of a reason, in multiples of the mean share of the history; the maximum that this asks for."""

MAX_STARS = 5
"""Highest rating that is shown with a star; ratings of longer scales are shown as `8 of 10`."""


@dataclass(frozen=True)
class Reason:
    """A movie of the user's history that contributes to a recommendation.

    Attributes:
        movie, title, year: the movie's ID, title and year.
        share: share of the history's positive contributions to the score, 0…1.
        rating: the user's rating of it; None for a model of plain interactions.
        given: the rating in words, `5 ★` or `8 of 10`; empty without a rating.
        why: the facts that it shares with the recommended movie, in words: `film noir, 1940s`.
        shared: the same facts as values.
    """

    movie: int | str
    title: str
    year: int | None
    share: float
    rating: float | None = None
    given: str = ""
    why: str = ""
    shared: Kinship = field(default_factory=Kinship)

    def sentence(self, recommended: str = "") -> str:
        """Return `Because you gave Double Indemnity 5 ★: film noir, 1940s`. Other titles in brackets are left out.

        Args:
            recommended: title of the recommended movie; a reason of the same title is named with its year.
        """
        name = self.title.split(" (")[0] or self.title
        name += f" ({self.year})" if self.year and self.title == recommended else ""
        verb = f"gave {name} {self.given}" if self.given else f"watched {name}"
        return f"Because you {verb}{': ' * bool(self.why)}{self.why}"


def find_reasons(model: Recommender, history: Histories, movies: Numbers, by: ListOrder) -> list[list[Reason]]:
    """Return the reason of each of `movies`, as a list of one; an empty list where there is no good one.

    It is the first that is akin to the movie, of the `CANDIDATES` liked movies of the history that contribute most. A
    disliked movie can contribute too, but would confuse as a reason. Lists that aren't by stars are explained by the
    shares in the ranking.

    Args:
        by: the order of the list.
    """
    return find_reasons_each(model, history, [movies], by)[0]


def find_reasons_each(
    model: Recommender, histories: Histories, movies: Sequence[Numbers], by: ListOrder
) -> list[list[list[Reason]]]:
    """Return the reasons of each history's movies, as `find_reasons` does; together they take less time."""
    shares = model.rating_shares(histories, movies, by=explained_by(by))
    return [_choose_reasons(model, *each) for each in zip(histories.split(), movies, shares, strict=True)]


def _choose_reasons(
    model: Recommender, history: Histories, movies: Numbers, shares: NDArray[np.float32]
) -> list[list[Reason]]:
    """Return the reason of each movie by the shares of the history's entries. `shares`: `[n, size]`."""
    gains = np.maximum(shares, 0, dtype=np.float64)
    fractions = np.where(find_liked(model, history), gains, 0) / np.maximum(gains.sum(1, keepdims=True), 1e-12)
    least = min(MIN_LIFT / max(len(history.items), 1), MAX_MIN_SHARE)
    best = np.argsort(-fractions, axis=1, kind="stable")[:, :CANDIDATES]
    return [
        _find_reason(model.data, history, movie, [place for place in places if line[place] >= least], line)
        for movie, places, line in zip(movies.tolist(), best.tolist(), fractions, strict=True)
    ]


def _find_reason(
    known: TrainingData, history: Histories, movie: int, places: list[int], fractions: NDArray[np.float64]
) -> list[Reason]:
    """Return the first entry of the history among `places` that is akin to the movie."""
    for place in places:
        number = int(history.items[place])
        if kinship := find_kinship(known.catalog, movie, number):
            facts, rating = known.catalog.facts[number], _rating(known, history, place)
            return [
                Reason(
                    known.movies.listed[number], known.catalog.title(number), facts.year, float(fractions[place]),
                    rating, format_rating(rating, known.scale), kinship.words, kinship,
                )
            ]  # fmt: skip
    return []


def _rating(known: TrainingData, history: Histories, place: int) -> float | None:
    return None if history.values is None or known.scale is None else float(history.values[place])


def format_rating(rating: float | None, scale: Scale | None) -> str:
    """Format a rating on its scale: `4.5 ★` or `8 of 10`; empty without one."""
    if rating is None or scale is None:
        return ""
    return f"{rating:g} ★" if scale.high <= MAX_STARS else f"{rating:g} of {scale.high:g}"


def find_liked(model: Recommender, history: Histories) -> NDArray[np.bool_]:
    """Return the mask of the history's movies rated at or above the user's mean; all without ratings. `[size]`."""
    if history.values is None or model.data.scale is None or not len(history.items):
        return np.ones(len(history.items), bool)
    return ~is_below(history.values, history.values.mean(dtype=np.float64))
