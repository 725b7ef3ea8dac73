"""Regularised biases: the overall mean, a bias of each user and a bias of each movie.

    rating ≈ mean + user bias + movie bias            (Koren, Bell & Volinsky 2009, equation 3)

Both biases are shrunk towards 0, more strongly for fewer ratings. The shrinkage isn't a hyper-parameter. It is the
ratio of the noise's variance to the biases' own, estimated from the ratings (empirical Bayes; Efron & Morris 1975).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.models.contract_types import ScoreShares

MAX_SWEEPS = 30
"""Maximum alternations between movie and user biases."""

SETTLED = 1e-3
"""Root mean square of a sweep's changes of the movies' biases, in standard deviations of ratings, that is the last."""

MIN_VARIANCE = 1e-6
"""Lower bound of the variance of biases and noise, as a share of the ratings' variance."""


@dataclass(frozen=True, eq=False)
class Biases:
    """The biases of one table of ratings.

    Attributes:
        mean: mean rating.
        movie: float32 `[n_movies]`, 0 for a movie without ratings.
        user_shrinkage: penalty that pulls a user's bias to 0, in ratings.
        movie_shrinkage: penalty that pulls a movie's bias to 0, in ratings.
    """

    mean: float
    movie: NDArray[np.float32]
    user_shrinkage: float
    movie_shrinkage: float

    @classmethod
    def of(cls, ratings: Ratings, n_movies: int | None = None, movie_shrinkage_factor: float = 1.0) -> Self:
        """Estimate the biases of `ratings`, for `n_movies` movies if the catalog has more than were rated.

        Args:
            movie_shrinkage_factor: multiple of the estimated shrinkage of the movies' biases; above 1 for a model that
                learns from the residuals and models movies with few ratings better.

        Raises:
            DataError: `ratings` are plain interactions.
        """
        stars, _ = ratings.stars("the bias model")
        mean = float(stars.mean(dtype=np.float64))
        residual = stars - np.float32(mean)
        least = MIN_VARIANCE * (float(residual.var(dtype=np.float64)) or 1.0)
        user, movie = _BiasEstimate(ratings.user, len(ratings.users)), _BiasEstimate(ratings.movie, len(ratings.movies))
        _alternate(user, movie, residual, least)
        if movie_shrinkage_factor != 1:
            movie.shrinkage *= movie_shrinkage_factor
            _alternate(user, movie, residual, least, fixed=True)
        padded = np.zeros(len(ratings.movies) if n_movies is None else n_movies, np.float32)
        padded[: len(movie.bias)] = movie.bias
        return cls(mean, padded, user.shrinkage, movie.shrinkage)

    def of_users(self, histories: Histories) -> NDArray[np.float32]:
        """Return each history's user bias, in closed form; 0 for an empty history. float32 `[len(histories)]`."""
        if histories.values is None or len(histories.items) == 0:
            return np.zeros(len(histories), np.float32)
        residual = histories.values - np.float32(self.mean) - self.movie[histories.items]
        sums = np.bincount(histories.rows, residual, len(histories))
        return np.asarray(sums / (histories.counts + self.user_shrinkage), np.float32)

    def predict(self, user: NDArray[np.float32], movies: Numbers) -> NDArray[np.float32]:
        """Return mean + user bias + movie bias of pairs; an unknown movie's bias is 0. float32 `[n]`."""
        in_catalog = movies >= 0
        movie = np.where(in_catalog, self.movie[np.where(in_catalog, movies, 0)], np.float32(0))
        return np.asarray(np.float32(self.mean) + user + movie, np.float32)

    def residuals(self, histories: Histories) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return each history's user bias `[n]` and its entries' residuals, 0 for plain interactions `[size]`."""
        user = self.of_users(histories)
        if histories.values is None:
            return user, np.zeros(len(histories.items), np.float32)
        return user, histories.values - self.predict(user[histories.rows], histories.items)

    def score(self, histories: Histories) -> NDArray[np.float32]:
        """Return the expected rating of every movie for every history, not clipped to the scale. `[n, n_movies]`."""
        return np.asarray(np.float32(self.mean) + self.of_users(histories)[:, None] + self.movie, np.float32)

    def shares(self, history: Histories, movies: Numbers) -> ScoreShares:
        """Return the parts of the expected ratings of `movies` for the one history: biases only, no single ratings."""
        user = np.broadcast_to(self.of_users(history), len(movies))
        mean = np.full(len(movies), self.mean, np.float32)
        movie = self.predict(np.zeros(len(movies), np.float32), movies) - mean
        parts = {"mean": mean, "movie_bias": movie, "user_bias": user}
        none = np.zeros((len(movies), len(history.items)), np.float32)
        return ScoreShares(self.predict(user, movies).astype(np.float64), parts, none, none)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save."""
        return {
            "bias.movie": self.movie,
            "bias.constants": np.array([self.mean, self.user_shrinkage, self.movie_shrinkage]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the biases from the output of `arrays`."""
        mean, *shrinkage = arrays["bias.constants"].tolist()
        return cls(mean, arrays["bias.movie"], *shrinkage)


class _BiasEstimate:
    """Running estimate of the biases of one side (users or movies)."""

    def __init__(self, numbers: Numbers, n: int) -> None:
        self.numbers = numbers.astype(np.intp)  # NumPy would convert them at each use
        self.counts = np.bincount(self.numbers, minlength=n)
        self.bias = np.zeros(n, np.float32)
        self.shrinkage = 10.0

    def of_ratings(self) -> NDArray[np.float32]:
        """Return this side's bias for each rating."""
        return self.bias[self.numbers]

    def estimate_shrinkage(self, residual: NDArray[np.float32], least: float) -> None:
        """Estimate the shrinkage that the biases and the noise imply (an EM step); variances are at least `least`."""
        noise = max(float(np.mean((residual - self.of_ratings()) ** 2)), least)
        rated = self.counts > 0
        variance = float(np.mean(self.bias[rated] ** 2 + noise / (self.counts[rated] + self.shrinkage)))
        self.shrinkage = noise / max(variance, least)

    def fit(self, residual: NDArray[np.float32]) -> None:
        """Fit the biases by ridge regression with the current shrinkage."""
        sums = np.bincount(self.numbers, residual, len(self.counts))
        self.bias = np.asarray(sums / (self.counts + self.shrinkage), np.float32)


def _alternate(
    user: _BiasEstimate, movie: _BiasEstimate, residual: NDArray[np.float32], least: float, fixed: bool = False
) -> None:
    """Fit the biases of either side to what the other leaves, in turn, until the movies' have settled.

    Args:
        least: the least variance.
        fixed: keep the shrinkage; else it is estimated in each sweep.
    """
    settled = SETTLED * float(residual.std(dtype=np.float64))
    for _ in range(MAX_SWEEPS):
        before = movie.bias
        for side, other in ((movie, user), (user, movie)):
            left = residual - other.of_ratings()
            side.fit(left)
            if not fixed:
                side.estimate_shrinkage(left, least)
        if np.mean((movie.bias - before) ** 2) <= settled**2:
            return
