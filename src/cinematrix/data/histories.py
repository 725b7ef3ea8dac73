"""Histories: who rated what, row by row, in compressed sparse row form.

The same shape serves a user's movies, a movie's raters, a stranger's five ratings and a batch of users:
whatever a tower encodes is a `Histories`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.ids import UNKNOWN, Numbers


@dataclass(frozen=True, eq=False)
class Histories:
    """`len(self)` histories; history `i` holds `items[starts[i]:starts[i + 1]]`.

    Attributes:
        starts: int64 `[n + 1]`, where each history begins.
        items: int32 `[size]`, numbers of the movies (or of the raters) in it, ascending within a history.
        values: float32 `[size]`, the rating of each, or the count of a plain interaction; None if all are 1.
        owners: int32 `[n]`, the known user whom each history belongs to, `UNKNOWN` for a stranger; None if all are
            strangers'. Only models with something learned for a user beyond her history look at it.
    """

    starts: NDArray[np.int64]
    items: Numbers
    values: NDArray[np.float32] | None = None
    owners: Numbers | None = None

    @classmethod
    def of_pairs(cls, rows: NDArray[Any], items: NDArray[Any], values: NDArray[Any] | None, n_rows: int) -> Self:
        """Histories from pairs in any order: pair `j` puts `items[j]` into history `rows[j]`."""
        width = np.int64(items.max(initial=0)) + 1
        order = np.argsort(rows.astype(np.int64) * width + items, kind="stable")
        starts = np.zeros(n_rows + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=n_rows), out=starts[1:])
        picked = None if values is None else values[order].astype(np.float32, copy=False)
        return cls(starts, items[order].astype(np.int32, copy=False), picked)

    @classmethod
    def of_lists(cls, lists: Sequence[tuple[Sequence[int], Sequence[float] | None]]) -> Self:
        """Histories from one `(movie numbers, ratings or None)` each."""
        rows = np.repeat(np.arange(len(lists)), [len(items) for items, _ in lists])
        items = np.array([item for items, _ in lists for item in items], np.int32)
        plain = any(values is None for _, values in lists)
        values = None if plain else np.array([v for _, values in lists for v in values or ()], np.float32)
        return cls.of_pairs(rows, items, values, len(lists))

    @classmethod
    def empty(cls, n_rows: int) -> Self:
        """`n_rows` histories of somebody who has rated nothing."""
        return cls(np.zeros(n_rows + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self) -> str:
        return f"Histories({len(self):,} histories, {len(self.items):,} entries)"

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many entries each history has. Shape `[n]`."""
        return np.diff(self.starts)

    @cached_property
    def rows(self) -> Numbers:
        """The history that each entry belongs to. Shape `[size]`, int32."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.counts)

    def items_of(self, row: int) -> Numbers:
        """The items of one history."""
        return self.items[self.starts[row] : self.starts[row + 1]]

    def take(self, rows: NDArray[Any]) -> "Histories":
        """The histories of `rows`, in that order; a negative row (an unknown ID) is an empty history."""
        rows = np.asarray(rows, np.int64)
        known = rows >= 0
        counts = np.where(known, self.counts[rows], 0) if len(self) else np.zeros(len(rows), np.int64)
        starts = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        source = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], counts)
        values = None if self.values is None else self.values[source]
        owners = None if self.owners is None else np.append(self.owners, np.int32(UNKNOWN))[np.maximum(rows, -1)]
        return Histories(starts, self.items[source], values, owners)

    def owned(self) -> "Histories":
        """The same histories as those of the users 0…n-1."""
        return replace(self, owners=np.arange(len(self), dtype=np.int32))

    def matrix(self, n_items: int, values: NDArray[np.float32] | None = None) -> sparse.csr_matrix:
        """The histories as a SciPy CSR matrix `[n, n_items]` of `values` (default: of ones)."""
        data = np.ones(len(self.items), np.float32) if values is None else values
        return sparse.csr_matrix((data, self.items, self.starts), shape=(len(self), n_items))

    def sums(self, table: NDArray[np.float32], values: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The sum over each history of its items' rows of `table`, times `values` (default: 1). `[n, width]`.

        One history is summed without the detour over a sparse matrix, which would take longer than the sum.
        """
        if len(self) != 1:
            return np.asarray(self.matrix(len(table), values) @ table, np.float32)
        rows = table[self.items]
        return np.asarray(rows.sum(0) if values is None else values @ rows, np.float32)[None]


def select_entries(histories: Histories, keep: NDArray[np.bool_]) -> Histories:
    """The entries of a mask, sorted again."""
    values = None if histories.values is None else histories.values[keep]
    return Histories.of_pairs(histories.rows[keep], histories.items[keep], values, len(histories))


def find_entries(histories: Histories, rows: NDArray[Any], items: NDArray[Any]) -> NDArray[np.int64]:
    """Where `items[i]` stands in history `rows[i]`: its place in `histories.items`, -1 if it isn't there.

    `rows` and `items` may have any shapes that broadcast; `UNKNOWN` is never found.
    """
    width = np.int64(max(histories.items.max(initial=0), items.max(initial=0))) + 1
    keys = histories.rows * width + histories.items  # ascending, as items are within a history
    wanted = rows * width + items
    if len(keys) == 0:
        return np.full(wanted.shape, -1)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((keys[place] == wanted) & (items != UNKNOWN), place, -1)
