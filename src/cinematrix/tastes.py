"""How people's ratings of films go together, as a belief about somebody who has rated nothing yet: factor analysis.

    rating_uj = mean_j + a_j · x_u + ε_uj,        x_u ~ N(0, I),   ε_uj ~ N(0, noise_j)

So before her first rating what somebody thinks of films i and j has the covariance a_i · a_j, and each rating makes her
x better known, in closed form:

    x | ratings ~ N(…, Σ),                        Σ⁻¹ = I + Σ_j a_j a_jᵀ / noise_j

Learned from ratings of some films each by expectation maximization (Rubin & Thayer 1982, with missing data). A film's
loadings are drawn to those usual for a film as well known as it is: people are generous or stern, and not alike so with
the films that everybody knows and with those that few do. Its noise is drawn to everybody's.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.ids import Numbers

Floats = NDArray[np.float64]

FACTORS, SWEEPS = 8, 15
"""Width of a loading; passes over the ratings."""

LOADING_DOUBT, MEAN_DOUBT, NOISE_DOUBT = 30.0, 2.0, 200.0
"""How many ratings' worth of doubt draw a film's loadings, mean and noise to those of all films. The noise most: what
is asked is what seems to tell most of thousands of films; with less doubt, it would be those that seem so by chance."""

GENEROUS, KNOWING = 0.45, 0.2
"""At the start, the shares of the ratings' standard deviation by which people differ on all films alike, and by which
they differ more on a film that is better known by a standard deviation."""

LEAST = 1e-3
"""The least noise, as a share of the ratings' variance."""


@dataclass(frozen=True, eq=False)
class Tastes:
    """What is believed of everybody's ratings.

    Attributes:
        mean: float64 `[n_movies]`, in stars.
        loadings: float64 `[n_movies, factors]`, a_j, in stars.
        noise: float64 `[n_movies]`, variances, in stars².
    """

    mean: Floats
    loadings: Floats
    noise: Floats

    @classmethod
    def of(cls, stars: sparse.csr_matrix, seed: int = 0) -> Self:
        """Learned from `stars` `[n_people, n_movies]`, whose stored entries are ratings."""
        values, counts = stars.data.astype(np.float64), np.bincount(stars.indices, minlength=stars.shape[1])
        variance = max(values.var(), 1e-6)
        fame = _fame(counts)
        start = np.random.default_rng(seed).normal(0, 0.05 * variance**0.5, (len(counts), FACTORS))
        start[:, :2] = fame * np.array([GENEROUS, KNOWING]) * variance**0.5
        noise = (1 - GENEROUS**2 - KNOWING**2) * variance
        tastes = cls(np.full(len(counts), values.mean()), start, np.full(len(counts), noise))
        for _ in range(SWEEPS):
            tastes = tastes._better(stars, counts, fame, LEAST * variance)
        return tastes

    def doubt(self, movies: Numbers) -> Floats:
        """Σ, the covariance of somebody's x once she has rated `movies`. `[factors, factors]`."""
        rows = self.loadings[movies]
        return np.asarray(np.linalg.inv(np.eye(rows.shape[1]) + (rows.T / self.noise[movies]) @ rows))

    def told(self, movies: Numbers, doubt: Floats, sought: Floats) -> Floats:
        """By how much a rating of each of `movies` would lower what is doubtful about all films. `[len(movies)]`.

        That is the sum over films j of weight_j times the variance of a_j · x that the rating of film i takes away,
        (a_i Σ a_j)² / (a_i Σ a_i + noise_i): the criterion A of optimal designs. `sought` is Σ_j weight_j a_j a_jᵀ.
        """
        rows = self.loadings[movies]
        known = rows @ doubt
        total = np.einsum("ik,ik->i", known, rows) + self.noise[movies]
        return np.asarray(np.einsum("ik,ik->i", known @ sought, known) / total)

    def _better(self, stars: sparse.csr_matrix, counts: NDArray[np.int64], fame: Floats, least: float) -> Self:
        """After one sweep of expectation maximization."""
        people, movies = np.repeat(np.arange(stars.shape[0]), np.diff(stars.indptr)), stars.indices
        raters = _like(stars, np.ones(stars.nnz)).T
        left = stars.data - self.mean[movies]
        place, squares = self._people(stars, left)
        loadings = self._loadings(stars, left, place, squares, _line(fame, self.loadings, counts))
        taste = np.einsum("nk,nk->n", place[people], loadings[movies])
        usual = MEAN_DOUBT * stars.data.mean(dtype=np.float64)
        mean = (np.bincount(movies, stars.data - taste, len(counts)) + usual) / (counts + MEAN_DOUBT)
        unsure = raters @ (squares - place[:, :, None] * place[:, None, :]).reshape(len(place), -1)
        missed = np.bincount(movies, (stars.data - mean[movies] - taste) ** 2, len(counts))
        missed += np.einsum("jk,jkl,jl->j", loadings, unsure.reshape(-1, *2 * loadings.shape[1:]), loadings)
        noise = (missed + NOISE_DOUBT * missed.sum() / len(movies)) / (counts + NOISE_DOUBT)
        unit = np.linalg.cholesky(squares.mean(0))  # so that x has variance I again
        return type(self)(mean, loadings @ unit, np.maximum(noise, least))

    @staticmethod
    def _loadings(stars: sparse.csr_matrix, left: Floats, place: Floats, squares: Floats, usual: Floats) -> Floats:
        """Each film's loadings by ridge regression on what its raters are expected to be, drawn to `usual` ones."""
        size = usual.shape[1]
        gram = (_like(stars, np.ones(len(left))).T @ squares.reshape(len(squares), -1)).reshape(-1, size, size)
        target = _like(stars, left).T @ place + LOADING_DOUBT * usual
        return np.asarray(np.linalg.solve(gram + LOADING_DOUBT * np.eye(size), target[..., None])[..., 0])

    def _people(self, stars: sparse.csr_matrix, left: Floats) -> tuple[Floats, Floats]:
        """Each person's expected x `[n, factors]` and expected xxᵀ `[n, factors, factors]`."""
        factors = self.loadings.shape[1]
        sure = _like(stars, 1 / self.noise[stars.indices])
        pairs = (self.loadings[:, :, None] * self.loadings[:, None, :]).reshape(-1, factors**2)
        doubt = np.linalg.inv(np.eye(factors) + (sure @ pairs).reshape(-1, factors, factors))
        place = np.einsum("nkl,nl->nk", doubt, _like(stars, left * sure.data) @ self.loadings)
        return place, place[:, :, None] * place[:, None, :] + doubt


def _fame(counts: NDArray[np.int64]) -> Floats:
    """1 and how well known each film is: the log of its ratings, in deviations over the ratings. `[n_movies, 2]`."""
    known, weights = np.log(counts + 1.0), np.maximum(counts, 1e-9)
    apart = known - np.average(known, weights=weights)
    deviation = np.average(apart**2, weights=weights) ** 0.5
    return np.stack([np.ones(len(counts)), apart / max(deviation, 1e-6)], axis=1)


def _line(fame: Floats, loadings: Floats, counts: NDArray[np.int64]) -> Floats:
    """The loadings usual for films as well known as each: least squares, each film weighed by its ratings."""
    root = np.sqrt(counts)[:, None]
    return np.asarray(fame @ np.linalg.lstsq(fame * root, loadings * root, rcond=None)[0])


def _like(stars: sparse.csr_matrix, values: Floats) -> sparse.csr_matrix:
    """Other values in the places of the ratings."""
    return sparse.csr_matrix((values, stars.indices, stars.indptr), stars.shape)
