"""Low-rank EASE: an item-item model in closed form, cut to the largest part of its spectrum.

EASE (Steck 2019) is the matrix B, with a zero diagonal, that best predicts each column of the histories X from the
others:

    B = argmin ‖X − XB‖² + λ‖B‖²,        B_ij = −P_ij / P_jj,   P = (XᵀX + λI)⁻¹

With the eigenvectors V and eigenvalues s² of XᵀX, and W = V·√(s² / (s² + λ)), this is

    B_ij = W_i · W_j / (1 − |W_j|²)       for i ≠ j,

so a history is scored by two thin matrices: (Σ W_i over its movies) · W_j / (1 − |W_j|²). The whole spectrum gives EASE
itself. Its largest part gives nearly the same at a bounded size, if all other eigenvalues are taken to be their mean τ
instead of 0: then W = V·√((s² − τ) / (s² + λ)).

Rows of content (one a genre, a tag, a year, a series) are appended below the histories, as if each were a user who had
seen all of its movies. With times, sittings are appended too: each user's ratings in the order of time, cut into groups
of ten, each as if of one more user. Movies rated in one sitting belong together more than movies rated years apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.eigen import eigenvectors
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.models.components.quantised_rows import QuantisedRows

Float32 = NDArray[np.float32]
Choice = TypeVar("Choice")

MAX_EXACT_SIDE = 4_000
"""Maximum rows or columns for an exact spectrum; above it is a randomised one (Halko et al. 2011)."""

STRONG_EIGENVALUE = 100.0
"""Eigenvalue from which a direction matters beside the usual ridge of 200 or more."""

MAX_VECTOR_CELLS = 2**24
"""Maximum movies × directions that are added to the requested rank for strong directions: 64 MB."""

SITTING_SIZE = 10
"""Consecutive ratings in a sitting."""

SERIES_WEIGHT = np.float32(3)
"""Weight of a series among the rows of content."""

RATING_WEIGHT = 0.2
"""Additional weight of a rating per standard deviation above the biases."""

BLOCK_ROWS = 65_536
"""Rows that the randomised spectrum multiplies at a time."""

MAX_GRAM_CELLS = 2**27
"""Maximum movies × movies in a table of XᵀX, which the randomised spectrum multiplies instead of X: 512 MB."""

GRAM_CELLS_PER_ENTRY = 8
"""Maximum cells of that table for each entry of X; a larger table is multiplied more slowly than X itself."""

GRAM_BLOCK = 512
"""Rows of that table computed at a time."""

ITEM_VECTORS = "ease_low_rank.item_vectors"
"""Name of the movies' vectors among the arrays to save."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The largest eigenvalues of XᵀX and their eigenvectors.

    Attributes:
        values: float64 `[rank]`, eigenvalues.
        vectors: float32 `[n_movies, rank]`, eigenvectors.
        rest: mean of all other eigenvalues, τ; 0 if there are none.
    """

    values: NDArray[np.float64]
    vectors: Float32
    rest: float = 0.0

    @classmethod
    def of(
        cls,
        histories: Histories,
        content: sparse.csr_matrix | None,
        n_movies: int,
        rank: int,
        sat: Histories | None = None,
    ) -> "Spectrum":
        """Return the spectrum of the histories, with the sittings `sat` and the content appended below them.

        It has at least `rank` directions, and all strong ones up to `MAX_VECTOR_CELLS`.
        """
        rows = [each.matrix(n_movies) for each in (histories, sat) if each is not None]
        stacked = sparse.vstack(rows if content is None else [*rows, content.T], format="csr")
        most = max(rank, min(n_movies, MAX_VECTOR_CELLS // max(n_movies, 1)))
        return cls.of_rows(stacked, rank, most)

    @classmethod
    def of_rows(cls, rows: sparse.csr_matrix, rank: int, most: int = 0) -> "Spectrum":
        """Return the spectrum of any rows over the movies, `[anything, n_movies]`.

        It has at least `rank` directions, and all strong ones up to `most`.
        """
        if min(rows.shape) <= MAX_EXACT_SIDE:
            values, vectors = _exact_spectrum(rows, max(rank, most))
        else:
            multiply = _gram_multiplier(rows)
            values, vectors = _randomised_spectrum(multiply, rows.shape[1], rank)
            while len(values) < most and values[-1] > STRONG_EIGENVALUE:
                values, vectors = _randomised_spectrum(multiply, rows.shape[1], min(2 * len(values), most))
        positive = values > 1e-6 * values.max(initial=1e-12)
        whole = cls(values[positive], np.ascontiguousarray(vectors[:, positive], np.float32))
        return replace(whole, rest=whole._mean_of_others(float(rows.power(2).sum(dtype=np.float64))))

    def largest(self, rank: int) -> "Spectrum":
        """Return the largest `rank` eigenvalues and their eigenvectors."""
        if rank >= len(self.values):
            return self
        total = self.values.sum() + self.rest * (self.vectors.shape[0] - len(self.values))
        part = Spectrum(self.values[:rank], self.vectors[:, :rank])
        return replace(part, rest=part._mean_of_others(float(total)))

    def strongest(self, rank: int) -> "Spectrum":
        """Return the largest `rank` eigenvalues, and all others that are strong, with their eigenvectors."""
        return self.largest(max(rank, int((self.values > STRONG_EIGENVALUE).sum())))

    def _mean_of_others(self, total: float) -> float:
        """Return the mean of all eigenvalues but these, from their total."""
        n_others, left = self.vectors.shape[0] - len(self.values), total - float(self.values.sum())
        return max(left, 0.0) / n_others if n_others and left > 1e-5 * total else 0.0


@dataclass(frozen=True, eq=False)
class LowRankEase:
    """The item-item model, ready to serve.

    Attributes:
        item_vectors: `[n_movies, rank]`, W: the vector that a movie adds to a history's.
        weight: float32 `[n_movies + 1]`, the factor of a movie's dot product with a history; the last, 0, is of
            `UNKNOWN`.
    """

    item_vectors: QuantisedRows
    weight: Float32

    @classmethod
    def of(cls, spectrum: Spectrum, decay: float, weight: float = 1.0) -> "LowRankEase":
        """Return the model with the ridge `decay` (λ), its scores multiplied by `weight`."""
        beyond = np.maximum(spectrum.values - spectrum.rest, 0)
        item_vectors = spectrum.vectors * np.sqrt(beyond / (spectrum.values + decay)).astype(np.float32)
        unexplained = np.maximum(1 - np.einsum("jr,jr->j", item_vectors, item_vectors), np.float32(1e-3))
        return cls(QuantisedRows.of(item_vectors), np.append(np.float32(weight) / unexplained, np.float32(0)))

    def gather(self, histories: Histories, values: Float32 | None = None) -> Float32:
        """Return the vectors of histories, each movie weighted by `values` (default: 1). `[n, rank]`."""
        return self.item_vectors.sums(histories, values)

    def score(self, gathered: Float32) -> Float32:
        """Return every history's score of every movie, meaningless for movies in the history. `[n, n_movies]`."""
        scores = self.item_vectors.dot_products(gathered)
        scores *= self.weight[:-1]
        return scores

    def pairs(self, gathered: Float32, rows: Numbers, movies: Numbers) -> Float32:
        """Return the scores of pairs. `[n]`."""
        dots = np.einsum("nr,nr->n", gathered[rows], self.item_vectors.rows(movies))
        return np.asarray(dots * self.weight[movies], np.float32)

    def shares(self, items: Numbers, values: Float32, movies: Numbers) -> Float32:
        """Return each history item's part, weighted by `values`, in the scores of `movies`. `[n, size]`."""
        dots = self.item_vectors.rows(movies) @ self.item_vectors.rows(items).T
        return np.asarray(dots * values * self.weight[movies, None], np.float32)

    def history_shares(self, histories: Histories, values: Float32, movies: Sequence[Numbers]) -> list[Float32]:
        """Return the parts of each history's entries, weighted by `values`, in movies of its own. `[n, size]` each."""
        parts = zip(pairwise(histories.starts.tolist()), movies, strict=True)
        return [self.shares(histories.items[start:stop], values[start:stop], own) for (start, stop), own in parts]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save."""
        return self.item_vectors.arrays(ITEM_VECTORS) | {"ease_low_rank.weight": self.weight}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "LowRankEase | None":
        """Return the model from the output of `arrays`; None if there is none."""
        item_vectors = QuantisedRows.from_arrays(arrays, ITEM_VECTORS)
        return None if item_vectors is None else cls(item_vectors, arrays["ease_low_rank.weight"])


def split_into_sittings(ratings: Ratings) -> Histories | None:
    """Split each user's ratings, in the order of time, into sittings of `SITTING_SIZE`; None without times.

    Ratings with the same time are in random order.
    """
    if ratings.time is None:
        return None
    order = np.lexsort((np.random.default_rng(0).random(len(ratings)), ratings.time, ratings.user))
    starts = ratings.by_user.starts[:-1]
    sizes = -(-ratings.by_user.counts // SITTING_SIZE)
    place = np.arange(len(ratings)) - np.repeat(starts, ratings.by_user.counts)
    rows = np.repeat(np.cumsum(sizes) - sizes, ratings.by_user.counts) + place // SITTING_SIZE
    return Histories.of_pairs(rows, ratings.movie[order], None, int(sizes.sum()))


def weigh_by_rating(residual: Float32) -> Float32:
    """Return the weight of each entry of a history: 1, and up to 0.4 more or less by its rating's `residual`."""
    return 1 + np.float32(RATING_WEIGHT) * np.clip(residual, -2, 2)


def best_unless_noise(quality: Mapping[Choice, NDArray[np.float64]], default: Choice) -> Choice:
    """Return the choice with the best mean quality over the users, if it is significantly better than `default`.

    The gain must be two standard errors: the best of many candidates on few users is mostly noise.
    """
    best = max(quality, key=lambda option: float(np.nanmean(quality[option])))
    gains = quality[best] - quality[default]
    gains = gains[~np.isnan(gains)]
    return best if len(gains) and gains.mean() > 2 * gains.std() / len(gains) ** 0.5 else default


def _exact_spectrum(rows: sparse.csr_matrix, rank: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return all eigenvalues, or the largest `rank`, by the smaller of the two Gram matrices."""
    few = rows.shape[0] <= rows.shape[1]
    values, vectors = eigenvectors((rows @ rows.T if few else rows.T @ rows).toarray(), rank)
    values, vectors = values[::-1], vectors[:, ::-1]
    if few:
        vectors = rows.T @ (vectors / np.sqrt(np.maximum(values, 1e-12))).astype(np.float32)
    return np.maximum(values, 0), vectors


def _randomised_spectrum(
    multiply: Callable[[NDArray[Any]], NDArray[Any]], n_movies: int, rank: int, iterations: int = 5
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return the largest `rank` eigenvalues by subspace iteration from a fixed random start.

    Args:
        multiply: multiplies XᵀX by a matrix.
    """
    start = np.random.default_rng(0).standard_normal((n_movies, min(rank + 16, n_movies))).astype(np.float32)
    basis = _orthonormalise(start)
    for _ in range(iterations):
        basis = _orthonormalise(multiply(basis))
    values, rotation = eigenvectors(basis.T @ multiply(basis))
    best = np.argsort(-values)[:rank]
    return np.maximum(values[best], 0), basis @ rotation[:, best]


def _orthonormalise(basis: NDArray[Any]) -> NDArray[Any]:
    """Return orthonormal columns of the same span, by the eigenvectors of the Gram matrix; ten times as fast as QR."""
    values, rotation = eigenvectors(basis.T.astype(np.float64) @ basis.astype(np.float64))
    return np.asarray(basis @ (rotation / np.sqrt(np.maximum(values, 1e-12 * values[-1]))).astype(np.float32))


def _gram_multiplier(rows: sparse.csr_matrix) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return the product of XᵀX and a basis as a function, by a table of XᵀX where that is faster and small enough."""
    n = rows.shape[1]
    if n * n > min(MAX_GRAM_CELLS, GRAM_CELLS_PER_ENTRY * rows.nnz):
        return lambda basis: _multiply_gram(rows, basis)
    gram, columns = np.empty((n, n), np.float32), rows.T.tocsr()
    for start in range(0, n, GRAM_BLOCK):
        (columns[start : start + GRAM_BLOCK] @ rows).toarray(out=gram[start : start + GRAM_BLOCK])
    return lambda basis: np.asarray(gram @ basis)


def _multiply_gram(rows: sparse.csr_matrix, basis: NDArray[Any]) -> NDArray[Any]:
    """Return XᵀX · basis, computed over blocks of rows, of which there are far more than movies."""
    blocks = (rows[start : start + BLOCK_ROWS] for start in range(0, rows.shape[0], BLOCK_ROWS))
    return np.asarray(sum(block.T @ (block @ basis) for block in blocks))
