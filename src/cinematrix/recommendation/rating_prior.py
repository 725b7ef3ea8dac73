"""How people's ratings of films go together, as a belief about somebody who has rated nothing yet: factor analysis.

    rating_uj = b_j · (1, x_u) + ε_uj,      x_u ~ N(0, I),   ε_uj ~ N(0, noise_j),   b_j = (mean_j, a_j)

So before her first rating what somebody thinks of films i and j has the covariance a_i · a_j, and each rating makes her
x better known, in closed form. Neither is a film known whose ratings are few:

    b_j ~ N(usual_j, spread)

where what is usual depends on how well known a film is (people are generous or stern, and not alike so with films that
everybody knows and with those that few do), and how far films are from it is learned with the rest. What stays doubtful
of b_j is doubt about what a rating of j means:

    Σ⁻¹ = I + Σ_j (a_j a_jᵀ + unsure_j) / noise_j,      the covariance of x once she has rated films j

so that a film which few have rated isn't asked about because by chance it seems to tell much. Learned by variational
Bayes (Bishop 1999; Ilin & Raiko 2010, with missing data): in turn what each person is expected to be, and each film.
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
"""How many ratings' worth of doubt draw a film's noise to that of all ratings."""

GENEROSITY_SHARE, FAME_SHARE = 0.45, 0.2
"""At the start, the shares of the ratings' standard deviation by which people differ on all films alike, and by which
they differ more on a film that is better known by a standard deviation."""

DEVIATION_SHARES = 0.5, 0.1
"""At the start, the shares of the ratings' standard deviation by which films' means and loadings are off the usual."""

BLOCK_MOVIES = 1_000
"""Films whose covariances are in hand at a time."""

MIN_VARIANCE_SHARE = 1e-3
"""The least noise and spread, as a share of the ratings' variance."""


@dataclass(frozen=True, eq=False)
class RatingPrior:
    """What is believed of everybody's ratings.

    Attributes:
        lines: float64 `[n_movies, 1 + factors]`, b_j: each film's mean and loadings, in stars.
        unsure: float64 `[n_movies, 1 + factors, 1 + factors]`, the covariance of what isn't known of b_j, in stars².
        noise: float64 `[n_movies]`, variances, in stars².
    """

    lines: Float64
    covariances: Float64
    noise: Float64

    @classmethod
    def of(cls, stars: sparse.csr_matrix, seed: int = 0) -> Self:
        """Learned from `stars` `[n_people, n_movies]`, whose stored entries are ratings, some of each movie."""
        stars = stars.astype(np.float64)
        counts = np.bincount(stars.indices)
        variance = max(stars.data.var(), 1e-6)
        fame, deviation = _fame(counts), variance**0.5
        lines = np.random.default_rng(seed).normal(0, 0.05 * deviation, (len(counts), 1 + FACTORS))
        lines[:, 0] = stars.data.mean()
        lines[:, 1:3] = fame * np.array([GENEROSITY_SHARE, FAME_SHARE]) * deviation
        off = variance * np.diag([DEVIATION_SHARES[0], *FACTORS * [DEVIATION_SHARES[1]]]) ** 2
        noise = (1 - GENEROSITY_SHARE**2 - FAME_SHARE**2) * variance
        tastes = cls(lines, np.tile(off, (len(counts), 1, 1)), np.full(len(counts), noise))
        for _ in range(SWEEPS):
            tastes = tastes._films(stars, fame, MIN_VARIANCE_SHARE * variance, *tastes._people(stars))
        return tastes

    @property
    def loadings(self) -> Float64:
        """How much each film's ratings follow each of a person's x. `[n_movies, factors]`."""
        return self.lines[:, 1:]

    def take(self, movies: NDArray[np.int64]) -> Self:
        """What is believed of some of them."""
        return type(self)(self.lines[movies], self.covariances[movies], self.noise[movies])

    def doubt(self, movies: NDArray[np.int64]) -> Float64:
        """Σ, the covariance of somebody's x once she has rated `movies`. `[factors, factors]`."""
        squares = _outer_products(self.lines[movies]) + self.covariances[movies]
        known = (squares / self.noise[movies, None, None]).sum(0)[1:, 1:]
        return np.asarray(np.linalg.inv(np.eye(len(known)) + known))

    def told(self, doubt: Float64, sought: Float64) -> Float64:
        """By how much a rating of each film would lower what is doubtful about films j. `[n_movies]`.

        That is the sum over these of weight_j times the variance of a_j · x that the rating of film i takes away,
        (a_i Σ a_j)² / (the variance of a rating of i): the criterion A of optimal designs. `target_matrix` is
        Σ_j weight_j a_j a_jᵀ.
        """
        known = self.loadings @ doubt
        total = np.einsum("ik,ik->i", known, self.loadings) + self.noise
        total += self.covariances[:, 0, 0] + np.einsum("ikl,kl->i", self.covariances[:, 1:, 1:], doubt)
        return np.asarray(np.einsum("ik,ik->i", known @ sought, known) / total)

    def _people(self, stars: sparse.csr_matrix) -> tuple[Float64, Float64]:
        """What (1, x) of each person is expected to be `[n, 1 + factors]`, and its expected square `[n, ·, ·]`."""
        width = self.lines.shape[1]
        sure = _with_values(stars, 1 / self.noise[stars.indices])
        columns, known = sure.tocsc(), np.zeros((stars.shape[0], width, width))
        for part in _parts(len(self.lines)):
            squares = _outer_products(self.lines[part]) + self.covariances[part]
            known += (columns[:, part] @ squares.reshape(-1, width**2)).reshape(-1, width, width)
        doubt = np.zeros_like(known)
        doubt[:, 1:, 1:] = np.linalg.inv(np.eye(width - 1) + known[:, 1:, 1:])
        place = np.einsum("nkl,nl->nk", doubt, _with_values(stars, stars.data * sure.data) @ self.lines - known[:, 0])
        place[:, 0] = 1
        return place, _outer_products(place) + doubt

    def _films(self, stars: sparse.csr_matrix, fame: Float64, least: float, place: Float64, square: Float64) -> Self:
        """What is believed of films, each a ridge regression of its ratings on what its raters are expected to be."""
        counts, width = np.bincount(stars.indices), self.lines.shape[1]
        usual = _fit_expected(fame, self.lines, counts)
        off = self.lines - usual
        spread = (off.T @ off + self.covariances.sum(0)) / len(off) + least * np.eye(width)
        target, prior = stars.T @ place, np.linalg.inv(spread)
        unit = np.linalg.cholesky(square.mean(0))  # so that x is N(0, I) again, over all people
        raters, squares = _with_values(stars, np.ones(stars.nnz)).T.tocsr(), square.reshape(-1, width**2)
        lines, turned, missed = np.empty_like(self.lines), np.empty_like(self.covariances), stars.power(2).sum(0).A1
        for part in _parts(len(off)):
            gram = (raters[part] @ squares).reshape(-1, width, width)
            unsure = np.linalg.inv(gram / self.noise[part, None, None] + prior)
            found = np.einsum("nkl,nl->nk", unsure, target[part] / self.noise[part, None] + usual[part] @ prior)
            missed[part] -= 2 * np.einsum("nk,nk->n", found, target[part])
            missed[part] += np.einsum("nkl,nkl->n", _outer_products(found) + unsure, gram)
            lines[part], turned[part] = found @ unit, unit.T @ unsure @ unit
        noise = (missed + NOISE_SHRINKAGE * missed.sum() / counts.sum()) / (counts + NOISE_SHRINKAGE)
        return type(self)(lines, turned, np.maximum(noise, least))


def _fame(counts: NDArray[np.int64]) -> Float64:
    """1 and how well known each film is: the log of its ratings, in deviations, three at most. `[n_movies, 2]`."""
    known = np.log(counts + 1.0)
    apart = known - np.average(known, weights=counts)
    deviation = np.average(apart**2, weights=counts) ** 0.5
    return np.stack([np.ones(len(counts)), np.clip(apart / max(deviation, 1e-6), -3, 3)], axis=1)


def _fit_expected(fame: Float64, lines: Float64, counts: NDArray[np.int64]) -> Float64:
    """What is usual for films as well known as each: least squares, each film weighed by its ratings."""
    root = np.sqrt(counts)[:, None]
    return np.asarray(fame @ np.linalg.lstsq(fame * root, lines * root, rcond=None)[0])


def _parts(n: int) -> Iterator[slice]:
    """`BLOCK_MOVIES` places after the other."""
    return (slice(start, start + BLOCK_MOVIES) for start in range(0, n, BLOCK_MOVIES))


def _outer_products(rows: Float64) -> Float64:
    """Each row times itself. `[n, width, width]`."""
    return rows[:, :, None] * rows[:, None, :]


def _with_values(stars: sparse.csr_matrix, values: Float64) -> sparse.csr_matrix:
    """Other values in the places of the ratings."""
    return sparse.csr_matrix((values, stars.indices, stars.indptr), stars.shape)
