"""EASE (Steck 2019): each movie predicted from all others by ridge regression, exactly, by movies or by users.

    B = argmin ‖X − XB‖² + λ‖B‖²,  diag B = 0:        B_ij = −P_ij / P_jj,   P = (XᵀX + λI)⁻¹

X holds 1 where a user has seen a movie. With fewer users than movies, the same scores come from the users' side
(Woodbury's identity), and no array has an entry for each pair of movies:

    P = (I − Xᵀ K⁻¹ X) / λ,   K = XXᵀ + λI:           B_ij = (Xᵀ K⁻¹ X)_ij / (λ P_jj)       for i ≠ j

Both forms have the interface of `ease_low_rank.LowRankEase`, the same model cut to the largest part of the spectrum: a
history is gathered, and the result scores every movie. Scores of movies in the history itself mean nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.errors import SettingError, TrainingError

Float32 = NDArray[np.float32]

MAX_SIDE = 40_000
"""Rows of the largest matrix that is inverted: 6.4 GB as float32, in place, and some ten minutes of the processor."""

BLOCK_CELLS = 16_000_000
"""Entries of the largest array besides that matrix."""

MIN_UNEXPLAINED = np.float32(1e-3)
"""Lower bound of λP_jj, the share of a movie that the others don't explain; 0 would be an exact prediction."""


@dataclass(frozen=True, eq=False)
class ItemSideEase:
    """The regression as a matrix.

    Attributes:
        weights: float32 `[n_movies, n_movies]`, B_ij in row i and column j.
    """

    weights: Float32

    @classmethod
    def of(cls, seen: sparse.csr_matrix, regularization: float) -> "ItemSideEase":
        """Fit the regression on `seen` `[n_users, n_movies]`, by inverting a matrix of the movies."""
        weights = invert_regularised_gram(seen.T.tocsr(), regularization)
        weights /= -np.diag(weights).copy()
        np.fill_diagonal(weights, 0)
        return cls(weights)

    def gather(self, histories: Histories, values: Float32 | None = None) -> sparse.csr_matrix:
        """Return the histories as a matrix, each entry weighted by `values` (default: 1)."""
        return histories.matrix(len(self.weights), values)

    def score(self, gathered: sparse.csr_matrix) -> Float32:
        """Return the score of every movie for every history. `[n, n_movies]`."""
        return np.asarray(gathered @ self.weights, np.float32)

    def pairs(self, gathered: sparse.csr_matrix, rows: Numbers, movies: Numbers) -> Float32:
        """Return the scores of pairs, 0 for `UNKNOWN`. `[n]`."""
        distinct, column = np.unique(movies, return_inverse=True)
        scores = np.asarray(gathered @ self.weights[:, distinct])[rows, column]
        return np.where(movies >= 0, scores, np.float32(0))

    def shares(self, items: Numbers, values: Float32, movies: Numbers) -> Float32:
        """Return each history item's part, weighted by `values`, in the scores of `movies`. `[n, size]`."""
        return np.asarray(self.weights[np.ix_(items, movies)].T * values * (movies >= 0)[:, None], np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save."""
        return {"movies.weights": self.weights}


@dataclass(frozen=True, eq=False)
class UserSideEase:
    """The regression through its users: K⁻¹ gives a history's similarity to each of them.

    Attributes:
        seen: `[n_movies, n_users]`, the users who have seen each movie, Xᵀ.
        inverse: float32 `[n_users, n_users]`, K⁻¹.
        unexplained: float32 `[n_movies]`, λP_jj: the share of each movie that the others don't explain.
    """

    seen: sparse.csr_matrix
    inverse: Float32
    unexplained: Float32

    @classmethod
    def of(cls, seen: sparse.csr_matrix, regularization: float) -> "UserSideEase":
        """Fit the regression on `seen` `[n_users, n_movies]`, by inverting a matrix of the users."""
        inverse, by_movie = invert_regularised_gram(seen, regularization), seen.T.tocsr()
        step = max(1, BLOCK_CELLS // seen.shape[0])
        blocks = (by_movie[start : start + step] for start in range(0, by_movie.shape[0], step))
        explained = [np.asarray(block.multiply(block @ inverse).sum(axis=1)).ravel() for block in blocks]
        return cls(by_movie, inverse, np.maximum(1 - np.concatenate(explained), MIN_UNEXPLAINED).astype(np.float32))

    def seen_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the matrix that it was fitted on, for saving beside histories that have changed since."""
        by_user = self.seen.T.tocsr()
        by_user.sort_indices()
        return {
            "users.seen.starts": by_user.indptr,
            "users.seen.movies": by_user.indices,
            "users.seen.weights": by_user.data,
        }

    @cached_property
    def weights_by_user(self) -> sparse.csr_matrix:
        """Weights of the similarity to each user for each movie. `[n_movies, n_users]`."""
        return (sparse.diags(1 / self.unexplained) @ self.seen).tocsr().astype(np.float32)

    def gather(self, histories: Histories, values: Float32 | None = None) -> Float32:
        """Return each history's similarity to each user, entries weighted by `values` (default: 1). `[n, n_users]`."""
        common = histories.matrix(self.seen.shape[0], values) @ self.seen
        return np.asarray(common @ self.inverse, np.float32)

    def score(self, gathered: Float32) -> Float32:
        """Return the score of every movie for every history. `[n, n_movies]`."""
        return np.ascontiguousarray((self.weights_by_user @ gathered.T).T, np.float32)

    def pairs(self, gathered: Float32, rows: Numbers, movies: Numbers) -> Float32:
        """Return the scores of pairs, 0 for `UNKNOWN`. `[n]`."""
        raters = self.weights_by_user[np.maximum(movies, 0)]
        pair = np.repeat(np.arange(len(movies)), np.diff(raters.indptr))
        scores = np.bincount(pair, raters.data * gathered[rows[pair], raters.indices], len(movies))
        return np.where(movies >= 0, scores, 0).astype(np.float32)

    def shares(self, items: Numbers, values: Float32, movies: Numbers) -> Float32:
        """Return each history item's part, weighted by `values`, in the scores of `movies`. `[n, size]`."""
        inward = self.seen[items] @ self.inverse
        return np.asarray((self.weights_by_user[movies] @ inward.T) * values * (movies >= 0)[:, None], np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save; `seen` follows from the model's own histories."""
        return {"users.inverse": self.inverse, "users.left": self.unexplained}


def fit_exact_ease(seen: sparse.csr_matrix, regularization: float) -> ItemSideEase | UserSideEase:
    """Fit the regression on `seen` `[n_users, n_movies]`, from the smaller side.

    Raises:
        SettingError: both sides are too large.
    """
    n_users, n_movies = seen.shape
    check_exact_size(n_users, n_movies)
    return (UserSideEase if n_users < n_movies else ItemSideEase).of(seen, regularization)


def check_exact_size(n_users: int, n_movies: int) -> None:
    """Check that the regression can be solved exactly.

    Raises:
        SettingError: both sides are too large.
    """
    side = min(n_users, n_movies)
    if side > MAX_SIDE:
        raise SettingError(
            f"regression by {n_users:,} users or {n_movies:,} movies inverts a matrix of {4e-9 * side**2:.0f} GB; "
            f"at most {MAX_SIDE:,} of either can be done exactly, so set rank, such as rank=1024"
        )


def restore_exact_ease(arrays: Mapping[str, NDArray[Any]], seen: sparse.csr_matrix) -> ItemSideEase | UserSideEase:
    """Return the regression on `seen` from the output of `arrays`."""
    if "movies.weights" in arrays:
        return ItemSideEase(arrays["movies.weights"])
    if "users.seen.starts" in arrays:
        starts, parts = arrays["users.seen.starts"], [arrays[f"users.seen.{name}"] for name in ("weights", "movies")]
        seen = sparse.csr_matrix((*parts, starts), shape=(len(starts) - 1, seen.shape[1]))
    return UserSideEase(seen.T.tocsr(), arrays["users.inverse"], arrays["users.left"])


def invert_regularised_gram(rows: sparse.csr_matrix, regularization: float) -> Float32:
    """Return (AAᵀ + λI)⁻¹ of the sparse `rows` A, float32, by a Cholesky factorization.

    Raises:
        TrainingError: the matrix isn't positive definite in single precision.
    """
    gram, columns = np.empty((rows.shape[0],) * 2, np.float32, order="F"), rows.T.tocsc()
    step = max(1, BLOCK_CELLS // rows.shape[0])
    for start in range(0, rows.shape[0], step):
        gram[start : start + step] = (rows[start : start + step] @ columns).toarray()
    gram[np.diag_indices_from(gram)] += np.float32(regularization)
    root, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
    if failed:
        raise TrainingError(f"regularization {regularization:g} is too small for single precision; set a larger one")
    inverse: Float32 = lapack.spotri(root, lower=1, overwrite_c=1)[0].T
    _mirror_upper_triangle(inverse, step)
    return inverse


def _mirror_upper_triangle(matrix: Float32, step: int) -> None:
    """Copy the entries above the diagonal of a square matrix below it, in place, `step` rows at a time."""
    for start in range(0, len(matrix), step):
        block = slice(start, start + step)
        matrix[block, :start] = matrix[:start, block].T
        matrix[block, block] = np.triu(matrix[block, block]) + np.triu(matrix[block, block], 1).T
