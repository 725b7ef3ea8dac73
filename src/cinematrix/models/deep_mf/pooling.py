"""Sums over histories, in torch: the sparse operation of the towers; and its counterpart, the scores of pairs.

Summing rows of a table over each history is a sparse matrix times a dense one. `embedding_bag`, forward on one view of
the pairs and for the gradient on the transposed view, was the fastest of four ways on a CPU (6.7 ms against 65 for
`index_add` at 80,000 pairs and 64 factors), and it writes no array with an entry for each pair and factor.
"""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import nn

from cinematrix.data.histories import Histories

BLOCK_PAIRS = 2_048
"""Pairs whose dot products are computed at a time, so that the gathered rows fit into the processor's cache."""


class SparsePattern:
    """The items of each row: a sparse matrix of a fixed pattern, whose values change from step to step.

    It sums rows of a table over each row's items, or over each item's rows (`transposed`). The gradient with respect to
    the table is the sum over the transposed pattern, so neither direction writes an array with an entry for each pair
    and factor.
    """

    def __init__(
        self, starts: torch.Tensor, items: torch.Tensor, other: "SparsePattern | None" = None, n_items: int = 0
    ) -> None:
        self.starts, self.items = starts, items
        self.n_items = n_items
        self.pairs: tuple[torch.Tensor, torch.Tensor]  # rows and items, in the order of the values
        self.order: torch.Tensor | None = None  # maps this side's order of pairs to the order of the values
        if other is not None:
            self.transposed, self.pairs = other, (other.pairs[1], other.pairs[0])
            return
        row_numbers = torch.arange(len(starts) - 1, dtype=items.dtype, device=starts.device)
        self.pairs = torch.repeat_interleave(row_numbers, starts.diff(), output_size=len(items)), items

    @cached_property
    def transposed(self) -> "SparsePattern":
        """Each item's rows, sorted when they are first needed."""
        order, others = _sort_by_row(self.items, self.n_items)
        transposed = SparsePattern(others, self.pairs[0][order], self)
        transposed.order = order
        return transposed

    @classmethod
    def of(cls, histories: Histories, n_items: int, device: torch.device) -> "SparsePattern":
        """Return the pattern of `histories`; values are in their order."""
        starts = torch.from_numpy(histories.starts.astype(np.int32)).to(device)
        return cls(starts, torch.from_numpy(histories.items).to(device), n_items=n_items)

    @classmethod
    def of_pairs(cls, rows: torch.Tensor, items: torch.Tensor, n_rows: int, n_items: int) -> "SparsePattern":
        """Return the pattern of pairs in ascending order of their rows."""
        ends = torch.bincount(rows, minlength=n_rows).cumsum(0, dtype=items.dtype)
        return cls(torch.cat([ends.new_zeros(1), ends]), items, n_items=n_items)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def pool(self, table: torch.Tensor, values: torch.Tensor | None = None) -> torch.Tensor:
        """Return Σ value × table row over each row's items; values are 1 unless given. `[n_rows, width]`."""
        return _Pool.apply(table, values, self)  # type: ignore[no-any-return, no-untyped-call]

    def pooled(self, table: torch.Tensor, values: torch.Tensor | None) -> torch.Tensor:
        """Return the result of `pool`, without a gradient."""
        return _sum_rows(table, self.items, self.starts, None if values is None else self._in_order(values))

    def pooled_by_member(self, table: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Return Σ value × member's part of the table row over each row's items, without a gradient.

        Args:
            table: `[items, members, width]`.
            values: `[n, members]`.

        Returns:
            `[n_rows, members, width]`.
        """
        members, width = table.shape[1:]
        numbers = torch.arange(members, dtype=self.items.dtype, device=table.device)[:, None]
        items = (self.items * members + numbers).flatten()
        starts = torch.cat([(self.starts[:-1] + len(self.items) * numbers).flatten(), numbers.new_tensor([len(items)])])
        sums = _sum_rows(table.reshape(-1, width), items, starts, self._in_order(values).t().flatten())
        return sums.view(members, -1, width).transpose(0, 1)

    def _in_order(self, values: torch.Tensor) -> torch.Tensor:
        """Return values in this side's order of pairs."""
        return values if self.order is None else values.index_select(0, self.order)

    def select(self, rows: torch.Tensor, n_items: int) -> tuple["SparsePattern", torch.Tensor]:
        """Return the pattern of some rows, ascending, and the places of their values among all."""
        if len(rows) == len(self):
            return self, torch.arange(len(self.items), dtype=torch.int32, device=rows.device)
        begins, lengths = self.starts.index_select(0, rows), self.starts.diff().index_select(0, rows)
        ends = lengths.cumsum(0, dtype=torch.int32)
        starts = torch.cat([ends.new_zeros(1), ends])
        places = torch.arange(int(starts[-1]), dtype=torch.int32, device=rows.device)
        places += torch.repeat_interleave(begins - starts[:-1], lengths, output_size=len(places))
        return SparsePattern(starts, self.items.index_select(0, places), n_items=n_items), places

    def sums(self, values: torch.Tensor) -> torch.Tensor:
        """Return Σ value over each row. `[n_rows]`."""
        ordered = self._in_order(values).double()
        return torch.segment_reduce(ordered, "sum", offsets=self.starts, axis=0).to(values.dtype)


class _Pool(torch.autograd.Function):
    """`SparsePattern.pooled`, with the gradient by the transposed pattern."""

    @staticmethod
    def forward(ctx: Any, table: torch.Tensor, values: torch.Tensor | None, pattern: SparsePattern) -> torch.Tensor:
        ctx.values, ctx.pattern = values, pattern
        return pattern.pooled(table, values)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.pattern.transposed.pooled(gradient.contiguous(), ctx.values), None, None


def pair_dot_products(x: torch.Tensor, y: torch.Tensor, pattern: SparsePattern) -> torch.Tensor:
    """Return dot products of rows of two tables, for each pair of the pattern and each member. `[n, members]`.

    The gradient of Σ g·(x_u · y_i) with respect to x sums g·y_i over u's pairs: a sum over histories again. So neither
    direction writes an array with an entry for each pair and factor.

    Args:
        x: `[rows, members, width]`.
        y: `[items, members, width]`.
    """
    return _Dots.apply(x, y, pattern)  # type: ignore[no-any-return, no-untyped-call]


class _Dots(torch.autograd.Function):
    """`pair_dot_products`, in blocks of pairs."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor, pattern: SparsePattern) -> torch.Tensor:
        ctx.save_for_backward(x, y)
        ctx.pattern, (at_x, at_y) = pattern, pattern.pairs
        blocks = [slice(start, start + BLOCK_PAIRS) for start in range(0, max(len(at_x), 1), BLOCK_PAIRS)]
        return torch.cat([(x.index_select(0, at_x[s]) * y.index_select(0, at_y[s])).sum(2) for s in blocks])

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        (x, y), pattern = ctx.saved_tensors, ctx.pattern
        return pattern.pooled_by_member(y, gradient), pattern.transposed.pooled_by_member(x, gradient), None


def _sort_by_row(rows: torch.Tensor, n_rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the order that groups pairs by row, and each row's start in it, `[n_rows + 1]`."""
    ends = torch.bincount(rows, minlength=n_rows).cumsum(0).to(rows.dtype)
    return torch.argsort(rows, stable=True).to(rows.dtype), torch.cat([ends.new_zeros(1), ends])


def _sum_rows(
    table: torch.Tensor, items: torch.Tensor, starts: torch.Tensor, values: torch.Tensor | None
) -> torch.Tensor:
    """Return Σ value × item's row of the table over each row's items. `[n_rows, width]`."""
    return nn.functional.embedding_bag(
        items, table.contiguous(), starts, mode="sum", per_sample_weights=values, include_last_offset=True
    )


class ContentMatrix:
    """Movies' features as a constant matrix that multiplies a table of weights."""

    def __init__(self, matrix: sparse.csr_matrix, device: torch.device) -> None:
        pattern = Histories(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32))
        self.width = matrix.shape[1]
        self.pattern = SparsePattern.of(pattern, self.width, device)
        self.values = torch.from_numpy(matrix.data.astype(np.float32)).to(device)

    def times(self, weights: torch.Tensor) -> torch.Tensor:
        """Return features @ weights. `[n_movies, width of weights]`."""
        return self.pattern.pool(weights, self.values)
