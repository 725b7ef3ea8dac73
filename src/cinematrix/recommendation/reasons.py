"""Reasons of a recommendation: movies of the user's own history that contribute to its score."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.models.base import Ordering, Recommender

MAX_REASONS = 3
"""Maximum reasons per recommended movie."""


@dataclass(frozen=True)
class Reason:
    """A movie of the user's history that contributes to a recommendation.

    Attributes:
        movie, title, year: the movie's ID, title and year.
        share: share of the history's positive contributions to the score, 0…1.
    """

    movie: int | str
    title: str
    year: int | None
    share: float


def find_reasons(model: Recommender, history: Histories, movies: Numbers, by: Ordering) -> list[list[Reason]]:
    """Return the `MAX_REASONS` liked movies of the history that contribute most to the score of each movie.

    A disliked movie can contribute too, but would confuse as a reason.
    """
    gains = np.maximum(model.shares(history, movies, by=by).ratings, 0, dtype=np.float64)
    fractions = np.where(find_liked(model, history), gains, 0) / np.maximum(gains.sum(1, keepdims=True), 1e-12)
    best, known = np.argsort(-fractions, axis=1, kind="stable")[:, :MAX_REASONS], model.data
    shares, numbers = np.take_along_axis(fractions, best, 1).tolist(), history.items[best].tolist()
    return [
        [
            Reason(known.movies.listed[number], known.catalog.title(number), known.catalog.facts[number].year, share)
            for number, share in zip(*line, strict=True)
            if share > 0
        ]
        for line in zip(numbers, shares, strict=True)
    ]


def find_liked(model: Recommender, history: Histories) -> NDArray[np.bool_]:
    """Return the mask of the history's movies rated at or above the user's mean; all without ratings. `[size]`."""
    if history.values is None or model.data.scale is None or not len(history.items):
        return np.ones(len(history.items), bool)
    return np.asarray(history.values >= history.values.mean(dtype=np.float64) - 1e-6)


def format_reasons(reasons: list[Reason]) -> str:
    """Format reasons: `Heat 40 %, Alien 12 %`."""
    return ", ".join(f"{reason.title} {reason.share:.0%}" for reason in reasons)
