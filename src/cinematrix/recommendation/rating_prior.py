"""Prior of a new user's ratings: Bayesian factor analysis of all ratings.

    rating_uj = b_j · (1, x_u) + ε_uj,      x_u ~ N(0, I),   ε_uj ~ N(0, noise_j),   b_j = (mean_j, a_j)

Before the first rating, a user's ratings of movies i and j have the covariance a_i · a_j. Each rating narrows the
posterior of x_u in closed form. Movies with few ratings are uncertain too:

    b_j ~ N(expected_j, spread)

The expectation depends on the movie's fame, since users differ in generosity, and differently so for famous and for
obscure movies. The spread is learned. The posterior covariance of b_j enters that of a user who has rated movies j:

    Σ⁻¹ = I + Σ_j (a_j a_jᵀ + covariance_j) / noise_j

so a movie with few ratings doesn't look informative by chance. Trained by variational Bayes (Bishop 1999; Ilin & Raiko
2010, with missing data), which updates users and movies in turn.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Float64 = NDArray[np.float64]

FACTORS, SWEEPS = 8, 15
"""Width of a loading; passes over the ratings."""

NOISE_SHRINKAGE = 20.0
"""Shrinkage of a movie's noise towards that of all ratings, in ratings."""

GENEROSITY_SHARE, FAME_SHARE = 0.45, 0.2
"""Initial loadings, as shares of the ratings' standard deviation: on generosity, and on generosity with each standard
deviation of fame."""

DEVIATION_SHARES = 0.5, 0.1
"""Initial deviations of a movie's mean and loadings from the expected, as shares of the ratings' standard deviation."""

BLOCK_MOVIES = 1_000
"""Movies whose covariances are computed per block; bounds the memory."""

MIN_VARIANCE_SHARE = 1e-3
"""Minimum noise and spread, as a share of the ratings' variance."""


@dataclass(frozen=True, eq=False)
class RatingPrior:
    """Prior of any user's ratings.

    Attributes:
        lines: float64 `[n_movies, 1 + factors]`, posterior mean of b_j: each movie's mean and loadings, in stars.
        covariances: float64 `[n_movies, 1 + factors, 1 + factors]`, posterior covariances of b_j, in stars².
        noise: float64 `[n_movies]`, variances of the noise, in stars².
    """

    lines: Float64
    covariances: Float64
    noise: Float64

    @classmethod
    def of(cls, stars: sparse.csr_matrix, seed: int = 0) -> Self:
        """Train on `stars` `[n_users, n_movies]`, whose stored entries are ratings; each movie needs one at least."""
        stars = stars.astype(np.float64)
        counts = np.bincount(stars.indices)
        variance = max(stars.data.var(), 1e-6)
        fame, deviation = _fame(counts), variance**0.5
        lines = np.random.default_rng(seed).normal(0, 0.05 * deviation, (len(counts), 1 + FACTORS))
        lines[:, 0] = stars.data.mean()
        lines[:, 1:3] = fame * np.array([GENEROSITY_SHARE, FAME_SHARE]) * deviation
        covariance = variance * np.diag([DEVIATION_SHARES[0], *FACTORS * [DEVIATION_SHARES[1]]]) ** 2
        noise = (1 - GENEROSITY_SHARE**2 - FAME_SHARE**2) * variance
        prior = cls(lines, np.tile(covariance, (len(counts), 1, 1)), np.full(len(counts), noise))
        for _ in range(SWEEPS):
            prior = prior._update_movies(stars, fame, MIN_VARIANCE_SHARE * variance, *prior._infer_users(stars))
        return prior

    @property
    def loadings(self) -> Float64:
        """The movies' loadings a_j on the factors x. `[n_movies, factors]`."""
        return self.lines[:, 1:]

    def take(self, movies: NDArray[np.int64]) -> Self:
        """Return the prior of some of the movies."""
        return type(self)(self.lines[movies], self.covariances[movies], self.noise[movies])

    def doubt(self, movies: NDArray[np.int64]) -> Float64:
        """Return Σ, the posterior covariance of x of a user who has rated `movies`. `[factors, factors]`."""
        squares = _outer_products(self.lines[movies]) + self.covariances[movies]
        precision = (squares / self.noise[movies, None, None]).sum(0)[1:, 1:]
        return np.asarray(np.linalg.inv(np.eye(len(precision)) + precision))

    def told(self, covariance: Float64, target_matrix: Float64) -> Float64:
        """Return the variance reduction by a rating of each movie. `[n_movies]`.

        It is the weighted sum over movies j of the reduction of the variance of a_j · x by a rating of movie i,
        (a_i Σ a_j)² / (variance of a rating of i): A-optimality of experimental designs.

        Args:
            covariance: Σ, as of `doubt`.
            target_matrix: Σ_j weight_j a_j a_jᵀ.
        """
        gain = self.loadings @ covariance
        total = np.einsum("ik,ik->i", gain, self.loadings) + self.noise
        total += self.covariances[:, 0, 0] + np.einsum("ikl,kl->i", self.covariances[:, 1:, 1:], covariance)
        return np.asarray(np.einsum("ik,ik->i", gain @ target_matrix, gain) / total)

    def _infer_users(self, stars: sparse.csr_matrix) -> tuple[Float64, Float64]:
        """Return the expectation of (1, x) of each user `[n, 1 + factors]`, and of its outer product `[n, ·, ·]`."""
        width = self.lines.shape[1]
        weights = _with_values(stars, 1 / self.noise[stars.indices])
        columns, precision = weights.tocsc(), np.zeros((stars.shape[0], width, width))
        for block in _blocks(len(self.lines)):
            squares = _outer_products(self.lines[block]) + self.covariances[block]
            precision += (columns[:, block] @ squares.reshape(-1, width**2)).reshape(-1, width, width)
        covariance = np.zeros_like(precision)
        covariance[:, 1:, 1:] = np.linalg.inv(np.eye(width - 1) + precision[:, 1:, 1:])
        weighted = _with_values(stars, stars.data * weights.data) @ self.lines
        mean = np.einsum("nkl,nl->nk", covariance, weighted - precision[:, 0])
        mean[:, 0] = 1
        return mean, _outer_products(mean) + covariance

    def _update_movies(
        self, stars: sparse.csr_matrix, fame: Float64, min_variance: float, mean: Float64, square: Float64
    ) -> Self:
        """Update the movies: each is a ridge regression of its ratings on the expectations of its raters."""
        counts, width = np.bincount(stars.indices), self.lines.shape[1]
        expected = _fit_expected(fame, self.lines, counts)
        deviations = self.lines - expected
        spread = (deviations.T @ deviations + self.covariances.sum(0)) / len(deviations) + min_variance * np.eye(width)
        target, precision = stars.T @ mean, np.linalg.inv(spread)
        unit = np.linalg.cholesky(square.mean(0))  # so that x is N(0, I) again, over all users
        raters, squares = _with_values(stars, np.ones(stars.nnz)).T.tocsr(), square.reshape(-1, width**2)
        lines, covariances = np.empty_like(self.lines), np.empty_like(self.covariances)
        errors = stars.power(2).sum(0).A1
        for block in _blocks(len(deviations)):
            gram = (raters[block] @ squares).reshape(-1, width, width)
            covariance = np.linalg.inv(gram / self.noise[block, None, None] + precision)
            weighted = target[block] / self.noise[block, None] + expected[block] @ precision
            line = np.einsum("nkl,nl->nk", covariance, weighted)
            errors[block] -= 2 * np.einsum("nk,nk->n", line, target[block])
            errors[block] += np.einsum("nkl,nkl->n", _outer_products(line) + covariance, gram)
            lines[block], covariances[block] = line @ unit, unit.T @ covariance @ unit
        noise = (errors + NOISE_SHRINKAGE * errors.sum() / counts.sum()) / (counts + NOISE_SHRINKAGE)
        return type(self)(lines, covariances, np.maximum(noise, min_variance))


def _fame(counts: NDArray[np.int64]) -> Float64:
    """Return 1 and the fame of each movie: the standardised log of its ratings, clipped to ±3. `[n_movies, 2]`."""
    logs = np.log(counts + 1.0)
    centred = logs - np.average(logs, weights=counts)
    deviation = np.average(centred**2, weights=counts) ** 0.5
    return np.stack([np.ones(len(counts)), np.clip(centred / max(deviation, 1e-6), -3, 3)], axis=1)


def _fit_expected(fame: Float64, lines: Float64, counts: NDArray[np.int64]) -> Float64:
    """Return the expected line of each movie by its fame: least squares, weighted by the movies' ratings."""
    root = np.sqrt(counts)[:, None]
    return np.asarray(fame @ np.linalg.lstsq(fame * root, lines * root, rcond=None)[0])


def _blocks(n: int) -> Iterator[slice]:
    """Yield slices of `BLOCK_MOVIES` movies."""
    return (slice(start, start + BLOCK_MOVIES) for start in range(0, n, BLOCK_MOVIES))


def _outer_products(rows: Float64) -> Float64:
    """Return the outer product of each row with itself. `[n, width, width]`."""
    return rows[:, :, None] * rows[:, None, :]


def _with_values(stars: sparse.csr_matrix, values: Float64) -> sparse.csr_matrix:
    """Return the matrix with other values in place of the ratings."""
    return sparse.csr_matrix((values, stars.indices, stars.indptr), stars.shape)
