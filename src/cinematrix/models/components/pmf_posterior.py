"""The stored posterior of `pmf` and its predictions, in NumPy.

The movies' side of each sample is stored. Given one of them, a user's vector is the posterior mean, in closed form:

    A = α Σ_j c_j c_jᵀ + Λ,      z = A⁻¹ (α Σ_j c_j·(y_j − b_j) + Λ·center),      c_j = (1, factors of movie j)
    center = constant + Σ_j link_j / √n                              from the movies rated at all, if that is learned
    y_i ~ N(b_i + c_i · z, c_iᵀ A⁻¹ c_i + 1/α)

The predictive distribution is the mixture over all samples.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.memo import WeakMemo
from cinematrix.data.histories import MAX_REMEMBERED, Histories
from cinematrix.data.ids import Numbers
from cinematrix.models.contract_types import ScoreShares

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Posterior:
    """`n_samples` draws of the movies and of the hyper-parameters; `width` numbers: a bias, then factors.

    Attributes:
        mean: mean of the training ratings.
        deviation: standard deviation of the training ratings; all else is in such deviations from the mean.
        movies: `[n_movies + 1, n_samples, width]`; the last row is for UNKNOWN (-1).
        expected: `[n_movies + 1, n_samples, width]`, means of the distributions that `movies` was drawn from.
        links: `[n_movies, n_samples, width]`, the effect of having rated a movie; no rows: it isn't learned.
        constant: `[n_samples, width]`, center of a user without ratings.
        precision: `[n_samples, width]`, precision of users around their center.
        noise: `[n_samples]`, the precision α.
    """

    mean: float
    deviation: float
    movies: Float32
    expected: Float32
    links: Float32
    constant: Float32
    precision: Float32
    noise: Float32
    _remembered: WeakMemo[Histories, list["UserPosterior"]] = field(default_factory=WeakMemo, init=False, repr=False)

    def score(self, histories: Histories) -> Float32:
        """Return the expected ratings of all movies. `[len(histories), n_movies]`."""
        n_samples, width = self.constant.shape
        vectors = np.empty((len(histories), n_samples, width), np.float32)
        for row, user in enumerate(self._compute_posteriors(histories)):
            vectors[row] = user.vectors
        bias = vectors[:, :, 0].mean(1, keepdims=True)
        vectors[:, :, 0] = 1
        movies = self.expected[:-1].reshape(-1, n_samples * width)
        dots = vectors.reshape(-1, n_samples * width) @ movies.T / np.float32(n_samples)
        return np.asarray(self.mean + self.deviation * (bias + dots), np.float32)

    def pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> Float32:
        """Return the expected ratings of pairs. `[n]`."""
        stars = np.empty(len(rows), np.float32)
        for user, places in self._group_by_user(histories, rows):
            stars[places] = self.mean + self.deviation * user.predict(self.expected.take(movies[places], axis=0))
        return stars

    def predict_with_deviations(self, histories: Histories, rows: Numbers, movies: Numbers) -> tuple[Float32, Float32]:
        """Return the expected ratings of pairs and the standard deviations around them. `[n]` each."""
        stars, deviations = np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
        for user, places in self._group_by_user(histories, rows):
            drawn = self.movies[movies[places]]
            variance = user.predict_samples(drawn).var(1) + (user.variance(drawn) + 1 / self.noise).mean(1)
            stars[places] = self.mean + self.deviation * user.predict_samples(self.expected[movies[places]]).mean(1)
            deviations[places] = self.deviation * np.sqrt(variance)
        return stars, deviations

    def _group_by_user(
        self, histories: Histories, rows: Numbers
    ) -> Iterator[tuple["UserPosterior", NDArray[np.int64]]]:
        """Yield the posterior of each user among the pairs, and the places of their pairs."""
        order = np.argsort(rows, kind="stable")
        distinct, first = np.unique(rows[order], return_index=True)
        groups = np.split(order, first[1:]) if len(distinct) else []
        if len(histories) > MAX_REMEMBERED:
            return zip(self._compute_posteriors(histories.take(distinct)), groups, strict=True)
        users = self._remember_posteriors(histories)
        return zip((users[row] for row in distinct), groups, strict=True)

    def _remember_posteriors(self, few: Histories) -> list["UserPosterior"]:
        """Return the posterior of the user of each of a few histories, computed once as long as they live."""
        return self._remembered.get(few, lambda histories: list(self._compute_posteriors(histories)))

    def _compute_posteriors(self, histories: Histories) -> Iterator["UserPosterior"]:
        """Yield the posterior of the user of each history, one by one."""
        ratings = np.zeros(len(histories.items), np.float32) if histories.values is None else histories.values
        targets = (ratings - np.float32(self.mean)) / np.float32(self.deviation)
        for start, end in pairwise(histories.starts.tolist()):
            yield self._user_posterior(histories.items[start:end], targets[start:end])

    def _user_posterior(self, items: Numbers, targets: Float32) -> "UserPosterior":
        """Compute the posterior of one user from the standardised ratings `targets` of `items`."""
        vectors = np.ascontiguousarray(self.movies.take(items, axis=0).transpose(1, 0, 2))
        residuals = targets - vectors[:, :, 0]
        vectors[:, :, 0] = 1
        transposed, noise = vectors.transpose(0, 2, 1), self.noise[:, None]
        precision = noise[:, :, None] * (transposed @ vectors) + self.precision[:, :, None] * np.eye(vectors.shape[2])
        linear = noise * (transposed @ residuals[:, :, None])[:, :, 0] + self.precision * self._center(items)
        return UserPosterior(np.linalg.solve(precision, linear[:, :, None])[:, :, 0].astype(np.float32), precision)

    def _center(self, items: Numbers) -> Float32:
        """Return the prior center of a user who has rated `items`, whatever the ratings. `[n_samples, width]`."""
        if len(self.links) == 0 or len(items) == 0:
            return self.constant
        return np.asarray(
            self.constant + self.links.take(items, axis=0).sum(0) / np.float32(len(items) ** 0.5), np.float32
        )

    def shares(self, history: Histories, movies: Numbers) -> ScoreShares:
        """Return the additive parts of the expected ratings of `movies` for the one history.

        The user's vector is a sum over the ratings, since the posterior mean is linear in them.
        """
        assert history.values is not None, "only histories of ratings are explained"
        targets = (history.values - np.float32(self.mean)) / np.float32(self.deviation)
        (user,), rated = self._remember_posteriors(history), self.movies[history.items]
        design = rated.copy()
        design[:, :, 0] = 1
        pulls = self.noise[:, None] * design * (targets[:, None] - rated[:, :, 0])[:, :, None]
        if len(self.links) and len(history.items):
            pulls += self.precision * self.links[history.items] / np.float32(len(history.items) ** 0.5)
        covariance = np.linalg.inv(user.precision)
        of_ratings = np.einsum("skl,jsl->jsk", covariance, pulls)
        data_precision = user.precision - self.precision[:, :, None] * np.eye(self.precision.shape[1])
        shrinkage = -(covariance @ data_precision @ self.constant[:, :, None])[:, :, 0]
        expected, unit = self.expected[movies], np.float32(self.deviation / len(self.noise))

        def dots(vectors: NDArray[Any], spec: str) -> Float32:
            return np.asarray(unit * np.einsum(spec, expected[:, :, 1:], vectors[..., 1:]), np.float32)

        n = len(movies)
        habits = dots(shrinkage, "isk,sk->i")
        movie = unit * (expected[:, :, 0] + self.constant[:, 0]).sum(1) + dots(self.constant, "isk,sk->i")
        bias = unit * (shrinkage[:, 0] + of_ratings[:, :, 0].sum(0)).sum()
        parts = {"mean": self.mean, "movie_bias": movie, "user_bias": bias, "habits": habits}
        ratings = dots(of_ratings, "isk,jsk->ij")
        score = self.mean + self.deviation * user.predict_samples(expected).mean(1, dtype=np.float64)
        full = {name: np.broadcast_to(np.asarray(part, np.float32), n) for name, part in parts.items()}
        return ScoreShares(score, full, ratings, np.zeros_like(ratings))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save; the large ones in half precision, to which they were rounded."""
        return {
            "scale": np.array([self.mean, self.deviation]),
            "movies": self.movies.astype(np.float16),
            "expected": self.expected.astype(np.float16),
            "links": self.links.astype(np.float16),
            "constant": self.constant,
            "precision": self.precision,
            "noise": self.noise,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the posterior from the output of `arrays`."""
        mean, deviation = arrays["scale"].tolist()
        names = ("movies", "expected", "links")
        large: dict[str, Any] = {name: np.ascontiguousarray(arrays[name], np.float32) for name in names}
        rest: dict[str, Any] = {name: array for name, array in arrays.items() if name not in ("scale", *large)}
        return cls(mean, deviation, **large, **rest)


@dataclass(frozen=True, eq=False)
class UserPosterior:
    """Posterior of one user, given their ratings.

    Attributes:
        vectors: `[n_samples, width]`, the posterior mean z of each sample.
        precision: float64 `[n_samples, width, width]`, the posterior precision A.
    """

    vectors: Float32
    precision: NDArray[np.float64]

    def predict_samples(self, movies: Float32) -> Float32:
        """Return each sample's prediction for movie vectors `[n, n_samples, width]`. `[n, n_samples]`."""
        dots = (movies[:, :, 1:] * self.vectors[:, 1:]).sum(2)
        return np.asarray(dots + movies[:, :, 0] + self.vectors[:, 0], np.float32)

    def predict(self, movies: Float32) -> Float32:
        """Return the mean of `predict_samples`, in one product. `[n]`."""
        weights = self.vectors.copy()
        weights[:, 0] = 1
        dots = movies.reshape(len(movies), -1) @ weights.ravel()
        return np.asarray(dots / np.float32(len(weights)) + self.vectors[:, 0].mean(), np.float32)

    def variance(self, movies: Float32) -> Float32:
        """Return the variance of that prediction from the uncertain user vector, cᵀ A⁻¹ c. `[n, n_samples]`."""
        weights = movies.transpose(1, 0, 2).copy()
        weights[:, :, 0] = 1
        return np.asarray(((weights @ np.linalg.inv(self.precision)) * weights).sum(2).T, np.float32)
