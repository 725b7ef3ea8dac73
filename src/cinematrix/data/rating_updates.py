"""Rating updates: a model's training ratings, overlaid with the ratings given or deleted since."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers


class RatingUpdates(NamedTuple):
    """Ratings, one row a (user, movie) pair; columns of equal length.

    Attributes:
        user: int32, user numbers.
        movie: int32, movie numbers.
        rating: float32, or the count of a plain interaction; NaN: deleted.
        time: int64, UTC epoch seconds; 0 where it is missing.
        received: int64, epoch milliseconds at which the store received it; 0 for training ratings.
    """

    user: Numbers
    movie: Numbers
    rating: NDArray[np.float32]
    time: NDArray[np.int64]
    received: NDArray[np.int64]

    @classmethod
    def of(cls, histories: Histories, times: NDArray[np.int64] | None = None) -> "RatingUpdates":
        """Create the table of the ratings in `histories`, with the row of each as its user."""
        zeros, values = np.zeros(len(histories.items), np.int64), histories.values
        ratings = np.ones(len(histories.items), np.float32) if values is None else values
        return cls(histories.rows, histories.items, ratings, zeros if times is None else times, zeros)

    def pairs(self, n_movies: int) -> NDArray[np.int64]:
        """Return one distinct integer for each (user, movie) pair; movie numbers are below `n_movies`."""
        return self.user * np.int64(n_movies) + self.movie

    def take(self, rows: NDArray[np.bool_]) -> "RatingUpdates":
        """Return the rows of a mask."""
        return RatingUpdates._make(column[rows] for column in self)


def apply_updates(before: RatingUpdates, since: RatingUpdates) -> RatingUpdates:
    """Return `before` with the pairs of `since` replaced, and removed where their rating in `since` is NaN."""
    width = int(max(before.movie.max(initial=0), since.movie.max(initial=0))) + 1
    parts = before.take(~np.isin(before.pairs(width), since.pairs(width))), since.take(np.isfinite(since.rating))
    return RatingUpdates._make(np.concatenate([old, new]) for old, new in zip(*parts, strict=True))
