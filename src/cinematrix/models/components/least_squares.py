"""Ridge regression of many histories at once: the half-step of alternating least squares, and the fold-in of new users.

For one history with the rows Y of a table, targets t, a prior mean m and penalties d (one a column):

    x = argmin ‖t − Yx‖² + (x − m)ᵀ diag(d) (x − m)
      = m + (YᵀY + D)⁻¹ Yᵀ (t − Ym)                     as many equations as columns
      = m + D⁻¹Yᵀ (Y D⁻¹ Yᵀ + I)⁻¹ (t − Ym)             as many equations as entries

Both are exact; short histories take the second (Hoerl & Kennard 1970; Woodbury's identity). A few steps of conjugate
gradients come close in a third of the time, which is enough while the table still changes. Histories of similar length
are solved together, padded by rows of zeros, which change nothing.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.threads import count_threads, map_in_threads
from cinematrix.data.histories import Histories

Float32 = NDArray[np.float32]

BLOCK_CELLS = 500_000
"""Entries of the padded block of rows that is solved at a time: 2 MB, about a core's cache."""

TINY = np.finfo(np.float32).tiny
"""Smallest divisor, for systems that are solved already."""

SHORT_HISTORY = 8
"""Entries below which an exact solution takes no longer than conjugate gradients."""

GRADIENT_STEPS = 3
"""Steps of conjugate gradients; the solution differs from the exact one by about 0.4 %."""


def solve_ridge(
    histories: Histories, table: Float32, targets: Float32, penalty: Float32, prior: Float32 | None = None
) -> Float32:
    """Return each history's vector by ridge regression on the rows of its items. float32 `[len(histories), k]`.

    Args:
        histories: the rows of the table that belong to each history.
        table: `[n_items, k]`.
        targets: `[size]`, target of the dot product of each entry.
        penalty: above 0, `[k]` or `[len(histories), k]`.
        prior: prior mean, which is the result for an empty history; None: 0. `[len(histories), k]`.
    """
    d = np.broadcast_to(penalty, (len(histories), table.shape[1]))
    residuals = targets
    if prior is not None:
        residuals = targets - np.einsum("nk,nk->n", prior[histories.rows], table[histories.items])
    solution = np.zeros(d.shape, np.float32) if prior is None else prior.astype(np.float32)
    for rows, y, t in _iterate_blocks(histories, table, residuals):
        solve = _solve_by_entries if t.shape[1] < table.shape[1] else _solve_by_columns
        solution[rows] += solve(y, t, d[rows])
    return solution


def approach_ridge(
    histories: Histories, table: Float32, targets: Float32, penalty: Float32, threads: int = 0
) -> Float32:
    """Return `solve_ridge` without a prior by `GRADIENT_STEPS` steps of conjugate gradients (Takács et al. 2011).

    Args:
        threads: blocks of histories are solved in so many threads; 0: `count_threads`. The result doesn't depend on it.
    """
    d = np.broadcast_to(penalty, (len(histories), table.shape[1]))
    solution = np.zeros(d.shape, np.float32)

    def approach(block: tuple[NDArray[np.int64], Float32, Float32]) -> tuple[NDArray[np.int64], Float32]:
        rows, y, t = block
        solve = _solve_by_entries if t.shape[1] < SHORT_HISTORY else _approach_by_gradients
        return rows, solve(y, t, d[rows])

    for rows, found in map_in_threads(approach, _iterate_blocks(histories, table, targets), threads or count_threads()):
        solution[rows] = found
    return solution


def entry_contributions(rows: Float32, penalty: Float32) -> Float32:
    """Return (YᵀY + D)⁻¹ of one history times its rows Y: the part in x of a target of 1 in each entry. `[size, k]`."""
    y = rows.astype(np.float64)
    return np.asarray(np.linalg.solve(y.T @ y + np.diag(penalty), y.T).T, np.float32)


def _solve_by_columns(y: Float32, t: Float32, d: Float32) -> Float32:
    transposed, columns = y.transpose(0, 2, 1), np.arange(y.shape[2])
    gram = transposed @ y
    gram[:, columns, columns] += d
    return np.asarray(np.linalg.solve(gram, transposed @ t[..., None])[..., 0], np.float32)


def _solve_by_entries(y: Float32, t: Float32, d: Float32) -> Float32:
    scaled = y / d[:, None]
    kernel = y @ scaled.transpose(0, 2, 1)
    entries = np.arange(y.shape[1])
    kernel[:, entries, entries] += 1
    weights = np.linalg.solve(kernel, t[..., None])
    return np.asarray((scaled * weights).sum(1), np.float32)


def _approach_by_gradients(y: Float32, t: Float32, d: Float32) -> Float32:
    """Return the solutions after a few steps of conjugate gradients from 0, preconditioned by the diagonal."""
    residual = (t[:, None] @ y)[:, 0]
    preconditioner = 1 / (d + np.einsum("blk,blk->bk", y, y))
    x = np.zeros_like(residual)
    direction = preconditioner * residual
    size = np.einsum("bk,bk->b", residual, direction)
    for _ in range(GRADIENT_STEPS):
        fitted = y @ direction[..., None]
        slope = (fitted.transpose(0, 2, 1) @ y)[:, 0] + d * direction
        step = size / np.maximum(np.einsum("bk,bk->b", direction, slope), TINY)
        x += step[:, None] * direction
        residual -= step[:, None] * slope
        corrected = preconditioner * residual
        before, size = size, np.einsum("bk,bk->b", residual, corrected)
        direction = corrected + (size / np.maximum(before, TINY))[:, None] * direction
    return np.asarray(x, np.float32)


def _iterate_blocks(
    histories: Histories, table: Float32, targets: Float32
) -> Iterator[tuple[NDArray[np.int64], Float32, Float32]]:
    """Yield blocks of histories of similar length: their rows, the padded rows of the table, and the padded targets.

    Shapes `[b]`, `[b, longest, k]`, `[b, longest]`. Empty histories are left out.
    """
    counts = histories.counts
    order = np.argsort(counts, kind="stable")
    order = order[np.searchsorted(counts[order], 1) :]
    padded_table = np.vstack([table, np.zeros((1, table.shape[1]), np.float32)])
    padded_items, padded_targets = np.append(histories.items, np.int32(-1)), np.append(targets, np.float32(0))
    while len(order):
        size = _block_size(counts[order], table.shape[1])
        rows, order = order[:size], order[size:]
        column = np.arange(counts[rows[-1]])
        entry = np.where(column < counts[rows, None], histories.starts[rows, None] + column, -1)
        yield rows, padded_table[padded_items[entry]], padded_targets[entry]


def _block_size(ascending: NDArray[np.int64], columns: int) -> int:
    """Return the number of histories in the next block: up to a quarter longer than the first, within `BLOCK_CELLS`.

    `ascending` are the lengths of the histories that are left.
    """
    similar = int(np.searchsorted(ascending, ascending[0] + ascending[0] // 4, side="right"))
    longest = int(ascending[similar - 1])
    return max(1, min(similar, BLOCK_CELLS // (longest * columns), BLOCK_CELLS // min(longest, columns) ** 2))
