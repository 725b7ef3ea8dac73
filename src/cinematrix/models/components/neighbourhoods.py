"""Similarities of users or movies: shrunk cosines of sparse rows, and the nearest neighbours of each.

    s_ij = x_i · x_j / √((|x_i|² + shrinkage)(|x_j|² + shrinkage))

With residuals over the biases in standard deviations as entries, each rating adds about 1 to a norm, so `shrinkage`
counts ratings. Two movies with few raters in common are hardly similar, however well these agree. It is the shrunk,
baseline-corrected correlation of Koren 2010, section 2.2, with all raters in the norms instead of the common ones.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.progress import Progress
from cinematrix.common.settings import check_settings
from cinematrix.common.vectors import normalise_sparse_rows
from cinematrix.data.training_data import TrainingData

Float32 = NDArray[np.float32]

BLOCK_CELLS = 8_000_000
"""Entries of the largest dense array held at a time."""

LENGTH_GROUPS = 16
"""Groups of rows of similar length that are partitioned together."""

SHRINKAGE_RATERS, MIN_COMMON_RATERS = 5.0, 0.1
"""Shrinkage of the similarity of two movies, in common raters, and the number added to the common raters."""

GENRE_WEIGHT = 0.15
"""Weight of common genres, added to a cosine by taste: users agree more with lists that stay in the genre."""

POPULARITY_WEIGHT = 0.01
"""Weight of the share of a movie's viewers in its score: it orders lists where no movie is similar."""


def check_knn_settings(settings: Any) -> None:
    """Check the settings of item-knn and user-knn, which have the same names.

    Raises:
        SettingError: no neighbours; a shrinkage, exponent or damping that isn't a finite number from 0 up.
    """
    check_settings(settings, lambda x: x >= 1, "must be at least 1", "neighbours ranking_neighbours")
    finite = "must be a finite number, 0 or above"
    check_settings(settings, lambda x: 0 <= x < float("inf"), finite, "shrinkage exponent damping ranking_shrinkage")


def popularity_scores(data: TrainingData) -> Float32:
    """Return `POPULARITY_WEIGHT` × the share of users who have seen each movie. `[n_movies]`."""
    return np.asarray(POPULARITY_WEIGHT * data.raters / max(len(data.users), 1), np.float32)


def damped_mean(weight: Float32, added: Float32, damping: float) -> Float32:
    """Return damped weighted means from sums of weights and sums of weighted values."""
    return np.asarray(added / np.maximum(weight + np.float32(damping), np.float32(1e-9)), np.float32)


def residual_unit(residuals: Float32) -> np.float32:
    """Return the standard deviation of the residuals over the biases, in stars; never 0."""
    return np.float32(max(float(residuals.std(dtype=np.float64)), 1e-6))


def shrink_rows(rows: sparse.csr_matrix, shrinkage: float) -> sparse.csr_matrix:
    """Return the rows divided by their shrunk norms, so that dot products are shrunk cosines."""
    squares = np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()
    return (sparse.diags(1 / np.sqrt(np.maximum(squares + shrinkage, 1e-12))) @ rows).tocsr().astype(np.float32)


def genre_adjusted_similarity(cosines: Float32, movie: int, data: TrainingData) -> Float32:
    """Return cosines to one movie plus their genre part, shrunk where few users have rated both. `[n_movies]`.

    A model that also learned from titles takes movies with similar names for a series; common viewers prove one.
    """
    genres = normalise_sparse_rows(data.catalog.genre_matrix())
    shared = np.asarray((genres @ genres[[movie]].T).todense()).ravel()
    common = data.raters_with(movie)
    return np.asarray(
        (common + MIN_COMMON_RATERS) / (common + SHRINKAGE_RATERS) * (cosines + GENRE_WEIGHT * shared), np.float32
    )


def find_nearest(
    some: sparse.csr_matrix,
    others: sparse.csr_matrix,
    n: int,
    *,
    exponent: float = 1.0,
    themselves: bool = False,
    progress: Progress | None = None,
) -> sparse.csr_matrix:
    """Return the largest `n` positive dot products of each of `some` rows with `others`, to a power.

    With `themselves`, both are the same rows and none is its own neighbour. Ties with the last are kept too.
    `[len(some), len(others)]`.
    """
    columns, blocks = others.T.tocsr(), []
    for start, stop in iterate_blocks(some.shape[0], others.shape[0]):
        products = (some[start:stop] @ columns).tocsr()
        if themselves:
            products.data[products.indices == np.repeat(np.arange(start, stop), np.diff(products.indptr))] = 0
        blocks.append(_select_largest(products, n, exponent))
        if progress:
            progress.advance(stop - start)
    return sparse.vstack(blocks, format="csr") if blocks else sparse.csr_matrix((0, others.shape[0]), dtype=np.float32)


def iterate_blocks(n_rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Return the ranges of blocks of rows `width` wide, of at most `BLOCK_CELLS` entries each."""
    step = max(1, BLOCK_CELLS // max(width, 1))
    return ((start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def _select_largest(products: sparse.csr_matrix, n: int, exponent: float) -> sparse.csr_matrix:
    """Return the largest `n` positive entries of each row, to a power, in the order of their columns."""
    selected = (products.data > 0) & (products.data >= np.repeat(_nth_largest(products, n), np.diff(products.indptr)))
    starts = np.append(0, np.cumsum(selected))[products.indptr]
    largest = sparse.csr_matrix(
        (products.data[selected] ** np.float32(exponent), products.indices[selected], starts), products.shape
    )
    largest.sort_indices()
    return largest


def _nth_largest(products: sparse.csr_matrix, n: int) -> Float32:
    """Return the `n`-th largest entry of each row; 0 where there are no more than `n`. `[len(products)]`."""
    counts, least = np.diff(products.indptr), np.zeros(products.shape[0], np.float32)
    order = np.argsort(counts, kind="stable")
    for rows in np.array_split(order[counts[order] > n], LENGTH_GROUPS):
        if len(rows):
            side_by_side = np.zeros((len(rows), counts[rows].max()), np.float32)
            side_by_side[np.arange(side_by_side.shape[1]) < counts[rows, None]] = products[rows].data
            least[rows] = np.partition(side_by_side, -n, axis=1)[:, -n]
    return least


def pack_matrix(name: str, matrix: sparse.csr_matrix) -> dict[str, NDArray[Any]]:
    """Return a square sparse matrix as arrays to save."""
    return {f"{name}.data": matrix.data, f"{name}.indices": matrix.indices, f"{name}.indptr": matrix.indptr}


def unpack_matrix(name: str, saved: Mapping[str, NDArray[Any]]) -> sparse.csr_matrix:
    """Return the square matrix from the output of `pack_matrix`."""
    parts = saved[f"{name}.data"], saved[f"{name}.indices"], saved[f"{name}.indptr"]
    return sparse.csr_matrix(parts, shape=(len(parts[2]) - 1,) * 2)
