"""Gaussian process on the residuals of one user's ratings over the towers, interpolated to similar movies.

A tower encodes a history in a few dozen factors. A user's deviations from its predictions are similar for similar
movies, at a finer scale than factors can represent. So the residuals of the user's own ratings are interpolated (Krige
1951; Rasmussen & Williams 2006, equation 2.25):

    k(i, j) = exp(−sharpness · (1 − cos(place_i, place_j)))
    extra_ui = weight · k_i · (K + noise · I)⁻¹ · residual_u,        K over the movies that u rated

A movie's place combines its vector from the towers, its audience, its content and the words of its title; for movies
without ratings, it is their content alone. Nothing is learned per user, so the process works for new users too. A long
history is represented by some of its movies (the subset of regressors, their section 8.3.1), so that the cost per user
is bounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from cinematrix.common.eigen import eigenvectors
from cinematrix.common.threads import one_thread
from cinematrix.common.vectors import normalise_rows
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.models.components.ease_low_rank import Spectrum
from cinematrix.models.components.quantised_rows import QuantisedRows

Float32 = NDArray[np.float32]

KERNEL_SHARPNESS = 2.0
"""Rate at which similarity falls with the angle between two movies' places, unless told."""

TANGENT_COSINE = 0.3
"""Cosine at which the linear kernel equals the kernel; of 0 to 0.75 it lost fewest movies of lists by stars."""

NOISE_VARIANCE = 1.0
"""Variance of a single rating's noise, in units of the process's variance, unless told."""

EMBEDDING_WIDTH = 128
"""Width of a place."""

EMBEDDING_SHARES = (0.35, 0.35, 0.2, 0.1)
"""Shares of the towers' vectors, the audience, the content and the titles' words in a place."""

COMBINED_SHARPNESS, COMBINED_NOISE = 3.0, 0.5
"""The kernel's constants for such places."""

AUDIENCE_RANK, AUDIENCE_RIDGE = 256, 200.0
"""Directions of the audience in a place, and the eigenvalue below which they are damped."""

JITTER = 1e-2
"""Added to the kernel's diagonal, so that movies at one place don't make it singular."""

MAX_INDUCING_MOVIES = 384
"""Maximum movies that represent a history; longer ones are thinned."""

PRIOR_WEIGHT, PRIOR_WEIGHT_STD = 0.75, 0.1
"""Prior mean of the weight, and the standard deviation of such a prior."""


@dataclass(frozen=True, eq=False)
class ResidualGP:
    """Gaussian process that interpolates the residuals of a user's ratings.

    Attributes:
        places: `[n_movies, rank]`, of unit length: each movie's place among the others.
        weight: factor of the interpolated residual.
        sharpness: rate at which similarity falls with the angle between two movies' places.
        noise: variance of a single rating's noise, in units of the process's variance.
    """

    places: QuantisedRows
    weight: float = PRIOR_WEIGHT
    sharpness: float = KERNEL_SHARPNESS
    noise: float = NOISE_VARIANCE

    def solve(self, histories: Histories, residual: Float32, rows: Numbers | None = None) -> Float32:
        """Return the value that each entry of the histories adds to a movie of similarity 1. `[size]`.

        Entries that don't represent their history have 0.

        Args:
            residual: `[size]`, residual of each entry's rating over the towers.
            rows: histories to solve for; None: all.
        """
        solved = np.zeros(len(histories.items), np.float32)
        with one_thread():
            for row in range(len(histories)) if rows is None else rows:
                start, stop = histories.starts[row], histories.starts[row + 1]
                if stop > start:
                    inducing = (
                        np.linspace(start, stop - 1, min(stop - start, MAX_INDUCING_MOVIES)).round().astype(np.int64)
                    )
                    solved[inducing] = self._solve_history(
                        histories.items[inducing], histories.items[start:stop], residual[start:stop]
                    )
        return solved * np.float32(self.weight)

    def _solve_history(self, inducing: Numbers, items: Numbers, residual: Float32) -> Float32:
        """Return the weights of the entries of `inducing`, which represent all `items`; exact if these are the same."""
        kernel = self.similarity(inducing, inducing)
        if len(inducing) == len(items):
            return _solve_positive(_add_to_diagonal(kernel, self.noise), residual)
        root = linalg.cholesky(_add_to_diagonal(kernel, JITTER), lower=True, overwrite_a=True, check_finite=False)
        across = linalg.solve_triangular(root, self.similarity(inducing, items), lower=True, check_finite=False)
        solved = _solve_positive(_add_to_diagonal(across @ across.T, self.noise), across @ residual)
        return np.asarray(linalg.solve_triangular(root, solved, lower=True, trans=1, check_finite=False), np.float32)

    def similarity(self, some: Numbers, others: Numbers) -> Float32:
        """Return the similarity of movies, 0…1; it is 0 for `UNKNOWN`. `[len(some), len(others)]`."""
        similarity = self._kernel(self.places.rows(some), others)
        similarity[some < 0] = 0
        return similarity

    def _kernel(self, some: Float32, others: Numbers) -> Float32:
        kernel: Float32 = some @ self.places.rows(others).T
        kernel -= np.float32(1)
        kernel *= np.float32(self.sharpness)
        return np.exp(kernel, out=kernel)

    def pairs(self, histories: Histories, solved: Float32, rows: Numbers, movies: Numbers) -> Float32:
        """Return the additions to the predictions of pairs, by the output of `solve` for their histories. `[n]`."""
        order = np.argsort(rows, kind="stable")
        present, starts = np.unique(rows[order], return_index=True)
        added = np.zeros(len(rows), np.float32)
        for row, start, stop in zip(present, starts, [*starts[1:], len(rows)], strict=False):
            places = order[start:stop]
            entries = _find_used(histories, row, solved)
            added[places] = self.similarity(movies[places], histories.items[entries]) @ solved[entries]
        return added

    def score(self, histories: Histories, solved: Float32, movies: Numbers) -> Float32:
        """Return the additions to every history's predictions of `movies`, by the output of `solve`.

        `[n, len(movies)]`.
        """
        added, places = np.empty((len(histories), len(movies)), np.float32), self.places.rows(movies)
        for row in range(len(histories)):
            entries = _find_used(histories, row, solved)
            added[row] = self._kernel(places, histories.items[entries]) @ solved[entries]
        return added

    def linear(self, histories: Histories, solved: Float32) -> Float32:
        """Return estimates of `score` for all movies, for a kernel that is linear in the cosine. `[n, n_movies]`.

        The kernel's tangent at `TANGENT_COSINE` is k ≈ k₀ · (1 + s · (cos − cos₀)), which takes one matrix product.
        """
        slope = np.float32(self.sharpness * np.exp(self.sharpness * (TANGENT_COSINE - 1)))
        user = self.places.sums(histories, slope * solved)
        level = np.bincount(histories.rows, solved, len(histories)).astype(np.float32)
        level *= slope * np.float32(1 / self.sharpness - TANGENT_COSINE)
        return np.asarray(self.places.dot_products(user) + level[:, None], np.float32)

    def fit_weight(self, added: Float32, missing: Float32) -> "ResidualGP":
        """Return the process with the weight that fits held-out residuals best, by least squares with a normal prior.

        Args:
            added: additions of this process to the towers' predictions of held-out ratings.
            missing: residuals of these ratings over the towers' predictions.
        """
        added = added / np.float32(max(self.weight, 1e-9))
        return replace(self, weight=fit_weight(added, missing, PRIOR_WEIGHT))

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the arrays to save, under names that begin with `prefix`."""
        constants = np.array([self.weight, self.sharpness, self.noise])
        return self.places.arrays(f"{prefix}places") | {f"{prefix}weight": constants}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> "ResidualGP | None":
        """Return the process from the output of `arrays`; None if there is none under that prefix.

        Models of older versions have the weight alone.
        """
        places = QuantisedRows.from_arrays(arrays, f"{prefix}places")
        return None if places is None else cls(places, *arrays[f"{prefix}weight"].tolist())


def fit_weight(added: Float32, missing: Float32, prior: float) -> float:
    """Return the weight, 0 to 1, of `added` that fits `missing` best, by least squares with a normal prior."""
    precision = float(np.mean(missing**2, dtype=np.float64)) / PRIOR_WEIGHT_STD**2 if len(missing) else 1.0
    moment = float(added @ missing) + precision * prior
    return min(max(moment / (float(added @ added) + precision), 0.0), 1.0)


def _find_used(histories: Histories, row: int, solved: Float32) -> NDArray[np.int64]:
    """Return the places of the entries of one history that add something: those that represent it."""
    start, stop = histories.starts[row], histories.starts[row + 1]
    return np.asarray(start + np.flatnonzero(solved[start:stop]))


def embed_movies(
    vectors: Float32, spectrum: Spectrum, described: list[sparse.csr_matrix], raters: NDArray[np.int64]
) -> Float32:
    """Return the movies' places: vectors, audience, content and words of titles side by side, each of unit length.

    Args:
        described: features of content and words of titles; none without content.
        raters: number of raters of each movie; the mean and the main axes are weighted by it.
    """
    weights = raters + np.float32(0.1)
    directions = spectrum.largest(AUDIENCE_RANK)
    audience = directions.vectors * np.sqrt(directions.values / (directions.values + AUDIENCE_RIDGE)).astype(np.float32)
    parts = [
        normalise_rows(vectors - np.average(vectors, axis=0, weights=weights).astype(np.float32)),
        normalise_rows(audience),
    ]
    parts += [embed_content(features) for features in described]
    combined = np.hstack([part * np.float32(share**0.5) for part, share in zip(parts, EMBEDDING_SHARES, strict=False)])
    axes = eigenvectors((combined * weights[:, None]).T @ combined)[1][:, ::-1][:, :EMBEDDING_WIDTH]
    return normalise_rows(combined @ axes.astype(np.float32))


def embed_content(content: sparse.csr_matrix) -> Float32:
    """Return places by content alone, rare features weigh more. `[n_movies, EMBEDDING_WIDTH or less]`, unit length."""
    rarity = np.log(content.shape[0] / (1 + np.diff(content.tocsc().indptr))).astype(np.float32)
    axes = Spectrum.of_rows((content @ sparse.diags(rarity)).T.tocsr(), EMBEDDING_WIDTH)
    return normalise_rows(axes.vectors * np.sqrt(axes.values).astype(np.float32))


def _add_to_diagonal(matrix: Float32, value: float) -> Float32:
    """Add `value` to the diagonal of a square matrix in place; return the matrix."""
    matrix.flat[:: len(matrix) + 1] += value
    return matrix


def _solve_positive(matrix: Float32, right: Float32) -> Float32:
    """Solve `matrix` · x = `right` for a positive definite matrix, without an estimate of its condition."""
    factor = linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(linalg.cho_solve(factor, right, check_finite=False), np.float32)
