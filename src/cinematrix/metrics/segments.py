"""Segments of users and of movies, by their number of ratings."""

import numpy as np
from numpy.typing import NDArray

USER_SEGMENTS = {"users with < 20 ratings": (0, 19), "users with 20-100": (20, 100), "users with > 100": (101, np.inf)}
"""Minimum and maximum ratings in the history, by segment of users."""

HEAD, TORSO = 0.5, 0.9
"""Shares of all training ratings at which the head and the torso end, movies sorted by descending ratings."""

MOVIE_SEGMENTS = ("head movies", "torso movies", "tail movies")
"""Segments of movies by training ratings; movies without any are tail movies."""


def select_users(segment: str, history: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a mask of the users in a segment, by the lengths of their histories."""
    low, high = USER_SEGMENTS[segment]
    return (history >= low) & (history <= high)


def assign_movie_segments(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index in `MOVIE_SEGMENTS` of each movie, by their numbers of training ratings. int64 `[movies]`."""
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    segments = np.empty(len(counts), np.int64)
    segments[order] = np.searchsorted(np.array([HEAD, TORSO]) * counts.sum(), before, side="right")
    return segments
