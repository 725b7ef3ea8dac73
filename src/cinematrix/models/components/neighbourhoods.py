"""Who or what is alike: cosines shrunk by doubt, of sparse rows, and the nearest of each.

    s_ij = x_i · x_j / √((|x_i|² + doubt)(|x_j|² + doubt))

With residuals over the biases in standard deviations as entries, each rating adds about 1 to a norm, so `doubt` counts
ratings; two movies with few raters in common are hardly alike, however these agree (the shrunk, baseline-corrected
correlation of Koren 2010, section 2.2, with all raters in the norms in place of the common ones).
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
"""Of rows about equally long, which are partitioned together."""

DOUBT_RATERS, MIN_COMMON_RATERS = 5.0, 0.1
"""Common raters' worth of doubt in how two movies compare, and what is left of it where they have none."""

GENRE_WEIGHT = 0.15
"""What the same genres add to a cosine by taste: people agree more with lists that stay in the genre."""

POPULARITY_WEIGHT = 0.01
"""What the share of users who have seen a movie adds to its score: it orders lists where nothing is like anything."""


def check_knn_settings(settings: Any) -> None:
    """Refuse settings of item-knn and user-knn, which have the same names, that make no model.

    Raises:
        SettingError: no neighbours; a doubt, an exponent or a damping that isn't a finite number from 0 up.
    """
    check_settings(settings, lambda x: x >= 1, "must be at least 1", "neighbours ranking_neighbours")
    finite = "must be a finite number, 0 or above"
    check_settings(settings, lambda x: 0 <= x < float("inf"), finite, "shrinkage exponent damping ranking_shrinkage")


def popularity_scores(known: TrainingData) -> Float32:
    """What anybody's list starts from, `POPULARITY_WEIGHT` × the share of users who have seen each movie. `[n_movies]`."""
    return np.asarray(POPULARITY_WEIGHT * known.raters / max(len(known.users), 1), np.float32)


def damped_mean(weight: Float32, added: Float32, damping: float) -> Float32:
    """Weighted means from sums of weights and of what they weigh, damped."""
    return np.asarray(added / np.maximum(weight + np.float32(damping), np.float32(1e-9)), np.float32)


def residual_unit(left: Float32) -> np.float32:
    """The standard deviation of what the biases leave, in stars; never 0."""
    return np.float32(max(float(left.std(dtype=np.float64)), 1e-6))


def shrink_rows(rows: sparse.csr_matrix, doubt: float) -> sparse.csr_matrix:
    """The rows over their norms, so that dot products are shrunk cosines."""
    squares = np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()
    return (sparse.diags(1 / np.sqrt(np.maximum(squares + doubt, 1e-12))) @ rows).tocsr().astype(np.float32)


def genre_adjusted_similarity(cosines: Float32, movie: int, known: TrainingData) -> Float32:
    """Cosines to one movie and what its genres add, shrunk where few have rated both. `[n_movies]`.

    A model that learned from titles too takes films of one name for a series; that people watch both proves one.
    """
    genres = normalise_sparse_rows(known.catalog.genre_matrix())
    shared = np.asarray((genres @ genres[[movie]].T).todense()).ravel()
    both = known.raters_with(movie)
    return np.asarray(
        (both + MIN_COMMON_RATERS) / (both + DOUBT_RATERS) * (cosines + GENRE_WEIGHT * shared), np.float32
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
    """The largest `n` positive dot products of each of `some` rows with `others`, to a power.

    With `themselves`, both are the same rows and none is its own neighbour. Ties with the last are kept too.
    `[len(some), len(others)]`.
    """
    columns, found = others.T.tocsr(), []
    for start, stop in iterate_blocks(some.shape[0], others.shape[0]):
        near = (some[start:stop] @ columns).tocsr()
        if themselves:
            near.data[near.indices == np.repeat(np.arange(start, stop), np.diff(near.indptr))] = 0
        found.append(_largest(near, n, exponent))
        if progress:
            progress.advance(stop - start)
    return sparse.vstack(found, format="csr") if found else sparse.csr_matrix((0, others.shape[0]), dtype=np.float32)


def iterate_blocks(n_rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Where blocks of rows begin and end that are `width` wide and have at most `BLOCK_CELLS` entries."""
    step = max(1, BLOCK_CELLS // max(width, 1))
    return ((start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def _largest(near: sparse.csr_matrix, n: int, exponent: float) -> sparse.csr_matrix:
    """The largest `n` positive entries of each row, to a power, in the order of their columns."""
    kept = (near.data > 0) & (near.data >= np.repeat(_nth_largest(near, n), np.diff(near.indptr)))
    starts = np.append(0, np.cumsum(kept))[near.indptr]
    found = sparse.csr_matrix((near.data[kept] ** np.float32(exponent), near.indices[kept], starts), near.shape)
    found.sort_indices()
    return found


def _nth_largest(near: sparse.csr_matrix, n: int) -> Float32:
    """The `n`-th largest entry of each row; 0 where there are no more than `n`. `[len(near)]`."""
    counts, least = np.diff(near.indptr), np.zeros(near.shape[0], np.float32)
    order = np.argsort(counts, kind="stable")
    for rows in np.array_split(order[counts[order] > n], LENGTH_GROUPS):
        if len(rows):
            side_by_side = np.zeros((len(rows), counts[rows].max()), np.float32)
            side_by_side[np.arange(side_by_side.shape[1]) < counts[rows, None]] = near[rows].data
            least[rows] = np.partition(side_by_side, -n, axis=1)[:, -n]
    return least


def pack_matrix(name: str, matrix: sparse.csr_matrix) -> dict[str, NDArray[Any]]:
    """A square matrix for saving."""
    return {f"{name}.data": matrix.data, f"{name}.indices": matrix.indices, f"{name}.indptr": matrix.indptr}


def unpack_matrix(name: str, saved: Mapping[str, NDArray[Any]]) -> sparse.csr_matrix:
    """The square matrix that `pack_matrix` took apart."""
    parts = saved[f"{name}.data"], saved[f"{name}.indices"], saved[f"{name}.indptr"]
    return sparse.csr_matrix(parts, shape=(len(parts[2]) - 1,) * 2)
