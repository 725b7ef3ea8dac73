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

from cinematrix.biases import Biases
from cinematrix.histories import Histories
from cinematrix.protocols import Progress

Floats = NDArray[np.float32]

CELLS = 8_000_000
"""Entries of the largest dense array held at a time."""


def residuals(biases: Biases, histories: Histories) -> Floats:
    """What the biases leave of each rating of the histories, in stars; 0 where there are none. `[size]`."""
    if histories.values is None:
        return np.zeros(len(histories.items), np.float32)
    return histories.values - biases.predict(biases.of_users(histories)[histories.rows], histories.items)


def shrunk(rows: sparse.csr_matrix, doubt: float) -> sparse.csr_matrix:
    """The rows over their norms, so that dot products are shrunk cosines."""
    squares = np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()
    return (sparse.diags(1 / np.sqrt(np.maximum(squares + doubt, 1e-12))) @ rows).tocsr().astype(np.float32)


def nearest(
    some: sparse.csr_matrix,
    others: sparse.csr_matrix,
    n: int,
    *,
    exponent: float = 1.0,
    themselves: bool = False,
    progress: Progress | None = None,
) -> sparse.csr_matrix:
    """The largest `n` positive dot products of each of `some` rows with `others`, to a power. `[len(some), len(others)]`.

    `themselves`: both are the same rows, and none is its own neighbour. Rows that tie with the last are kept too.
    """
    columns, found = others.T.tocsr(), []
    for start, stop in blocks(some.shape[0], others.shape[0]):
        near = (some[start:stop] @ columns).tocsr()
        if themselves:
            near.data[near.indices == np.repeat(np.arange(start, stop), np.diff(near.indptr))] = 0
        found.append(_largest(near, n, exponent))
        if progress:
            progress.advance(stop - start)
    return sparse.vstack(found, format="csr") if found else sparse.csr_matrix((0, others.shape[0]), dtype=np.float32)


def blocks(n_rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Where blocks of rows begin and end that are `width` wide and have at most `CELLS` entries."""
    step = max(1, CELLS // max(width, 1))
    return ((start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def _largest(near: sparse.csr_matrix, n: int, exponent: float) -> sparse.csr_matrix:
    """The largest `n` positive entries of each row, to a power, in the order of their columns."""
    near.sort_indices()
    least = np.zeros(near.shape[0], np.float32)
    if n < near.shape[1]:
        least = np.partition(near.toarray(), -n, axis=1)[:, -n]
    kept = (near.data > 0) & (near.data >= np.repeat(least, np.diff(near.indptr)))
    starts = np.append(0, np.cumsum(kept))[near.indptr]
    return sparse.csr_matrix((near.data[kept] ** np.float32(exponent), near.indices[kept], starts), near.shape)


def arrays(name: str, matrix: sparse.csr_matrix) -> dict[str, NDArray[Any]]:
    """A square matrix for saving."""
    return {f"{name}.data": matrix.data, f"{name}.indices": matrix.indices, f"{name}.indptr": matrix.indptr}


def from_arrays(name: str, saved: Mapping[str, NDArray[Any]]) -> sparse.csr_matrix:
    """The square matrix that `arrays` took apart."""
    parts = saved[f"{name}.data"], saved[f"{name}.indices"], saved[f"{name}.indptr"]
    return sparse.csr_matrix(parts, shape=(len(parts[2]) - 1,) * 2)
