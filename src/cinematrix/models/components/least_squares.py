"""Ridge regression of every history at once: the half-step of alternating least squares, and the fold-in of a stranger.

For one history with the rows Y of a table, targets t, a prior mean m and penalties d (one a column):

    x = argmin ‖t − Yx‖² + (x − m)ᵀ diag(d) (x − m)
      = m + (YᵀY + D)⁻¹ Yᵀ (t − Ym)                     as many equations as columns
      = m + D⁻¹Yᵀ (Y D⁻¹ Yᵀ + I)⁻¹ (t − Ym)             as many equations as entries

Both are exact; a short history takes the second (Hoerl & Kennard 1970; Woodbury's identity). Histories of about one
length are solved together, padded by rows of zeros, which change nothing.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories

Float32 = NDArray[np.float32]

BLOCK_CELLS = 2_000_000
"""Numbers in the padded block of rows that is solved at a time: 8 MB."""


def solve_ridge(
    histories: Histories, table: Float32, targets: Float32, penalty: Float32, prior: Float32 | None = None
) -> Float32:
    """Each history's vector by ridge regression on the rows of its items. float32 `[len(histories), k]`.

    Args:
        histories: who has which rows of the table.
        table: `[n_items, k]`.
        targets: `[size]`, what the dot product of each entry should be.
        penalty: above 0, `[k]` or `[len(histories), k]`.
        prior: the mean that penalties pull to, which an empty history gets; None: 0. `[len(histories), k]`.
    """
    d = np.broadcast_to(penalty, (len(histories), table.shape[1]))
    left = targets
    if prior is not None:
        left = targets - np.einsum("nk,nk->n", prior[histories.rows], table[histories.items])
    found = np.zeros(d.shape, np.float32) if prior is None else prior.astype(np.float32)
    for rows, y, t in _blocks(histories, table, left):
        solve = _by_entries if t.shape[1] < table.shape[1] else _by_columns
        found[rows] += solve(y, t, d[rows])
    return found


def entry_contributions(rows: Float32, penalty: Float32) -> Float32:
    """(YᵀY + D)⁻¹ of one history times its rows Y: what a target of 1 in each entry adds to x. `[size, k]`."""
    y = rows.astype(np.float64)
    return np.asarray(np.linalg.solve(y.T @ y + np.diag(penalty), y.T).T, np.float32)


def _by_columns(y: Float32, t: Float32, d: Float32) -> Float32:
    turned, columns = y.transpose(0, 2, 1), np.arange(y.shape[2])
    gram = turned @ y
    gram[:, columns, columns] += d
    return np.asarray(np.linalg.solve(gram, turned @ t[..., None])[..., 0], np.float32)


def _by_entries(y: Float32, t: Float32, d: Float32) -> Float32:
    scaled = y / d[:, None]
    kernel = y @ scaled.transpose(0, 2, 1)
    entries = np.arange(y.shape[1])
    kernel[:, entries, entries] += 1
    weights = np.linalg.solve(kernel, t[..., None])
    return np.asarray((scaled * weights).sum(1), np.float32)


def _blocks(
    histories: Histories, table: Float32, targets: Float32
) -> Iterator[tuple[NDArray[np.int64], Float32, Float32]]:
    """Histories of about one length together: their rows, the padded rows of the table, and the padded targets.

    Shapes `[b]`, `[b, longest, k]`, `[b, longest]`. Empty histories are left out.
    """
    counts = histories.counts
    order = np.argsort(counts, kind="stable")
    order = order[np.searchsorted(counts[order], 1) :]
    padded, ends = np.vstack([table, np.zeros((1, table.shape[1]), np.float32)]), np.append(targets, np.float32(0))
    while len(order):
        size = _block_size(counts[order], table.shape[1])
        rows, order = order[:size], order[size:]
        place = np.arange(counts[rows[-1]])
        entry = np.where(place < counts[rows, None], histories.starts[rows, None] + place, -1)
        items = np.append(histories.items, np.int32(-1))[entry]
        yield rows, padded[items], ends[entry]


def _block_size(ascending: NDArray[np.int64], columns: int) -> int:
    """How many histories, of these lengths, go together: up to a quarter longer than the first, and within `BLOCK_CELLS`."""
    alike = int(np.searchsorted(ascending, ascending[0] + ascending[0] // 4, side="right"))
    longest = int(ascending[alike - 1])
    return max(1, min(alike, BLOCK_CELLS // (longest * columns), BLOCK_CELLS // min(longest, columns) ** 2))
