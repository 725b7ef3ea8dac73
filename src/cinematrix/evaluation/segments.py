"""Whom a number is about: users by how much they have rated, movies by how much they have been."""

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ratings import Ratings

USER_SEGMENTS = {"users with < 20 ratings": (0, 19), "users with 20-100": (20, 100), "users with > 100": (101, np.inf)}
"""Users by the ratings in their history at the time of the test: the fewest and the most."""

HEAD, TORSO = 0.5, 0.9
"""Movies from the most rated one down: those that share the first half of all training ratings, and nine tenths."""

MOVIE_SEGMENTS = ("head movies", "torso movies", "tail movies")
"""Movies by their training ratings; what nobody has rated is tail."""


def select_users(segment: str, history: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which users are in a segment, by how long their histories are."""
    fewest, most = USER_SEGMENTS[segment]
    return (history >= fewest) & (history <= most)


def assign_movie_segments(train: Ratings) -> NDArray[np.int64]:
    """The place in `MOVIE_SEGMENTS` of each movie number of `train`."""
    counts = np.bincount(train.movie, minlength=len(train.movies))
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    places = np.empty(len(counts), np.int64)
    places[order] = np.searchsorted(np.array([HEAD, TORSO]) * counts.sum(), before, side="right")
    return places
