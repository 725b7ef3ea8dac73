"""Rating histories in compressed sparse row form.

One class serves the movies of users, the raters of movies, new users and batches: every model encodes `Histories`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.ids import UNKNOWN, Numbers

MANY_PAIRS = 10_000
"""Number of pairs from which counting sorts take less time than comparing."""

MAX_REMEMBERED = 64
"""Maximum histories of a batch of which models remember what they computed; that of larger ones is computed anew."""


@dataclass(frozen=True, eq=False)
class Histories:
    """Histories of users (or of movies); history `i` holds `items[starts[i]:starts[i + 1]]`.

    Attributes:
        starts: int64 `[n + 1]`, where each history begins.
        items: int32 `[size]`, numbers of the movies (or of the raters) in it, ascending within a history.
        values: float32 `[size]`, the rating of each, or the count of a plain interaction; None if all are 1.
        owners: int32 `[n]`, the training user of each history, `UNKNOWN` for a user outside the training data;
            None if all are outside. Only models with parameters of a user beyond their history use it.
    """

    starts: NDArray[np.int64]
    items: Numbers
    values: NDArray[np.float32] | None = None
    owners: Numbers | None = None

    @classmethod
    def of_pairs(cls, rows: NDArray[Any], items: NDArray[Any], values: NDArray[Any] | None, n_rows: int) -> Self:
        """Create histories from pairs in any order: pair `j` puts `items[j]` into history `rows[j]`."""
        order = order_pairs(rows, items)
        starts = np.zeros(n_rows + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=n_rows), out=starts[1:])
        picked = None if values is None else values[order].astype(np.float32, copy=False)
        return cls(starts, items[order].astype(np.int32, copy=False), picked)

    @classmethod
    def of_lists(cls, lists: Sequence[tuple[Sequence[int], Sequence[float] | None]]) -> Self:
        """Create histories from one `(movie numbers, ratings or None)` each."""
        rows = np.repeat(np.arange(len(lists)), [len(items) for items, _ in lists])
        items = np.array([item for items, _ in lists for item in items], np.int32)
        plain = any(values is None for _, values in lists)
        values = None if plain else np.array([v for _, values in lists for v in values or ()], np.float32)
        return cls.of_pairs(rows, items, values, len(lists))

    @classmethod
    def empty(cls, n_rows: int) -> Self:
        """Create `n_rows` empty histories."""
        return cls(np.zeros(n_rows + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self) -> str:
        return f"Histories({len(self):,} histories, {len(self.items):,} entries)"

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of entries of each history. int64 `[n]`."""
        return np.diff(self.starts)

    @cached_property
    def rows(self) -> Numbers:
        """Number of the history that each entry belongs to. int32 `[size]`."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.counts)

    def items_of(self, row: int) -> Numbers:
        """Return the items of one history."""
        return self.items[self.starts[row] : self.starts[row + 1]]

    def take(self, rows: NDArray[Any]) -> "Histories":
        """Return the histories of `rows`, in that order; a negative row (an unknown ID) gives an empty history."""
        rows = np.asarray(rows, np.int64)
        counts = self.starts[rows + (rows >= 0)] - self.starts[rows]
        starts = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        source = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], counts)
        values = None if self.values is None else self.values[source]
        owners = None if self.owners is None else np.append(self.owners, np.int32(UNKNOWN))[np.maximum(rows, -1)]
        return Histories(starts, self.items[source], values, owners)

    def split(self) -> Iterator["Histories"]:
        """Yield each history by itself."""
        if len(self) == 1:
            yield self
            return
        for row, (start, stop) in enumerate(pairwise(self.starts.tolist())):
            values = None if self.values is None else self.values[start:stop]
            owners = None if self.owners is None else self.owners[row : row + 1]
            yield Histories(np.array([0, stop - start]), self.items[start:stop], values, owners)

    def owned(self) -> "Histories":
        """Return the same histories with the users 0…n-1 as owners."""
        return replace(self, owners=np.arange(len(self), dtype=np.int32))

    def matrix(self, n_items: int, values: NDArray[np.float32] | None = None) -> sparse.csr_matrix:
        """Return the histories as a SciPy CSR matrix `[n, n_items]` of `values` (default: ones)."""
        data = np.ones(len(self.items), np.float32) if values is None else values
        return sparse.csr_matrix((data, self.items, self.starts), shape=(len(self), n_items))

    def sums(self, table: NDArray[np.number], values: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Sum the rows of `table` over each history's items, weighted by `values` (default: 1). float32 `[n, width]`.

        A single history is summed directly; building a sparse matrix would take longer than the sum. Of a table of 16
        bits only the rows of these items are converted.
        """
        if len(self) != 1:
            if table.dtype.itemsize == 2:
                used, items = np.unique(self.items, return_inverse=True)
                return replace(self, items=items.astype(np.int32)).sums(table[used].astype(np.float32), values)
            return np.asarray(self.matrix(len(table), values) @ table, np.float32)
        rows = table[self.items].astype(np.float32, copy=False)
        return np.asarray(rows.sum(0) if values is None else values @ rows, np.float32)[None]


def order_pairs(rows: NDArray[Any], items: NDArray[Any]) -> NDArray[Any]:
    """Return the order that sorts pairs by row, then by item; equal pairs keep theirs. `[size]`."""
    if len(rows) < MANY_PAIRS:
        return np.asarray(np.lexsort((items, rows)))
    by_item = _count_order(items)
    return np.asarray(by_item[_count_order(rows[by_item])])


def _count_order(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return the stable order of `numbers` by a counting sort: SciPy's change from rows to columns. `[size]`."""
    size = len(numbers)
    entries = sparse.csr_matrix((np.zeros(size, np.int8), numbers, np.arange(size + 1)), (size, numbers.max() + 1))
    return np.asarray(entries.tocsc().indices)


def join_histories(parts: Sequence[Histories]) -> Histories:
    """Return the histories of all parts, one part after the other. Values and owners are kept where all have them."""
    if len(parts) == 1:
        return parts[0]
    starts = np.zeros(1 + sum(map(len, parts)), np.int64)
    np.cumsum(np.concatenate([part.counts for part in parts]), out=starts[1:])
    values, owners = [part.values for part in parts], [part.owners for part in parts]
    return Histories(
        starts, np.concatenate([part.items for part in parts]),
        None if any(each is None for each in values) else np.concatenate([each for each in values if each is not None]),
        None if any(each is None for each in owners) else np.concatenate([each for each in owners if each is not None]),
    )  # fmt: skip


def select_entries(histories: Histories, keep: NDArray[np.bool_]) -> Histories:
    """Return the entries of a mask, as histories again."""
    values = None if histories.values is None else histories.values[keep]
    return Histories.of_pairs(histories.rows[keep], histories.items[keep], values, len(histories))


def find_entries(histories: Histories, rows: NDArray[Any], items: NDArray[Any]) -> NDArray[np.int64]:
    """Return the index in `histories.items` of `items[i]` in history `rows[i]`, -1 if it isn't there.

    `rows` and `items` may have any shapes that broadcast; the index of `UNKNOWN` is always -1.
    """
    width = np.int64(max(histories.items.max(initial=0), items.max(initial=0))) + 1
    keys = histories.rows * width + histories.items  # ascending, as items are within a history
    wanted = rows * width + items
    if len(keys) == 0:
        return np.full(wanted.shape, -1)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((keys[place] == wanted) & (items != UNKNOWN), place, -1)
