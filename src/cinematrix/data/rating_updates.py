"""What counts as people's ratings: those that a model remembers, overlaid with what was said since."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers


class RatingUpdates(NamedTuple):
    """Ratings, one row a pair of user and movie. Columns of equal length.

    Attributes:
        user: int32, whose.
        movie: int32, of what.
        rating: float32; NaN: taken back.
        time: int64, UTC epoch seconds; 0 where it isn't known.
        received: int64, when the store got it, in epoch milliseconds; 0 where it never did.
    """

    user: Numbers
    movie: Numbers
    rating: NDArray[np.float32]
    time: NDArray[np.int64]
    received: NDArray[np.int64]

    @classmethod
    def of(cls, histories: Histories, times: NDArray[np.int64] | None = None) -> "RatingUpdates":
        """The ratings in histories, the row of each as its user."""
        assert histories.values is not None, "only ratings are overlaid"
        never = np.zeros(len(histories.items), np.int64)
        return cls(histories.rows, histories.items, histories.values, never if times is None else times, never)

    def pairs(self, n_movies: int) -> NDArray[np.int64]:
        """A number for each pair of user and movie, of which there are `n_movies`."""
        return self.user * np.int64(n_movies) + self.movie

    def take(self, rows: NDArray[np.bool_]) -> "RatingUpdates":
        """The rows of a mask."""
        return RatingUpdates._make(column[rows] for column in self)


def apply_updates(before: RatingUpdates, since: RatingUpdates) -> RatingUpdates:
    """`before`, but for the pairs that `since` has: these count as it says, and not at all where it takes them back."""
    width = int(max(before.movie.max(initial=0), since.movie.max(initial=0))) + 1
    parts = before.take(~np.isin(before.pairs(width), since.pairs(width))), since.take(np.isfinite(since.rating))
    return RatingUpdates._make(np.concatenate([old, new]) for old, new in zip(*parts, strict=True))
