"""A matrix whose rows are stored as 16-bit integers, in half the memory of single precision.

Each row has a step of its own, so that rows of very different size are stored equally well:

    x_ij ≈ level_ij · step_i,        step_i = max_j |x_ij| / 32,767

The error of each entry is at most half its row's step. Products and sums convert a block of rows at a time, so the
matrix is never held in single precision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.errors import TrainingError

Float32 = NDArray[np.float32]

MAX_LEVEL = 32_767
"""Largest level; the smallest is its negative, so that x and −x have the same error."""

BLOCK_CELLS = 2**20
"""Cells converted at a time, 4 MB; smaller and larger blocks take longer (docs/experiments.md)."""


@dataclass(frozen=True, eq=False)
class QuantisedRows:
    """The matrix.

    Attributes:
        levels: int16 `[n, width]`, each entry in steps of its row.
        steps: float32 `[n]`, the step of each row; 1 for rows of zeros, or of numbers below 4e-34.
    """

    levels: NDArray[np.int16]
    steps: Float32

    @classmethod
    def of(cls, rows: Float32) -> "QuantisedRows":
        """Quantise the rows of a matrix `[n, width]`.

        Raises:
            TrainingError: the matrix has NaN or infinity.
        """
        largest = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
        if not np.isfinite(largest).all():
            row = int(np.flatnonzero(~np.isfinite(largest))[0])
            raise TrainingError(
                f"row {row} of the vectors holds {largest[row]}; vectors must be finite; train it again"
            )
        steps = largest / np.float32(MAX_LEVEL)
        steps[steps < np.finfo(np.float32).tiny] = 1
        levels = np.empty(rows.shape, np.int16)
        for block in _blocks(*rows.shape):
            levels[block] = np.rint(rows[block] / steps[block, None].astype(np.float64))
        return cls(levels, steps)

    def __len__(self) -> int:
        return len(self.levels)

    def rows(self, numbers: Numbers | slice) -> Float32:
        """Return some rows in single precision. `[n, width]`."""
        return np.asarray(self.levels[numbers] * self.steps[numbers, None])

    def sums(self, histories: Histories, values: Float32 | None = None) -> Float32:
        """Sum the rows over each history's items, weighted by `values` (default: 1). `[len(histories), width]`."""
        steps = self.steps[histories.items]
        return histories.sums(self.levels, steps if values is None else steps * values)

    def dot_products(self, vectors: Float32) -> Float32:
        """Return the dot product of each of the `vectors` `[k, width]` with each row. `[k, n]`."""
        products = np.empty((len(vectors), len(self)), np.float32)
        for block in _blocks(*self.levels.shape):
            np.matmul(vectors, self.levels[block].astype(np.float32).T, out=products[:, block])
        products *= self.steps
        return products

    def cosines(self, number: int) -> Float32:
        """Return the cosine of each row with row `number`; 0 for rows of zeros. `[n]`."""
        dots = self.dot_products(self.rows(slice(number, number + 1)))[0]
        return np.asarray(dots / np.maximum(self._lengths * self._lengths[number], np.float32(1e-12)), np.float32)

    @cached_property
    def _lengths(self) -> Float32:
        """Length of each row. `[n]`."""
        lengths = np.empty(len(self), np.float32)
        for block in _blocks(*self.levels.shape):
            lengths[block] = np.linalg.norm(self.rows(block), axis=1)
        return lengths

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the arrays to save, under names that begin with `name`."""
        return {f"{name}.levels": self.levels, f"{name}.steps": self.steps}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> "QuantisedRows | None":
        """Return the matrix from the output of `arrays`; None if there is none under that name."""
        if f"{name}.levels" not in arrays:
            return None
        return cls(arrays[f"{name}.levels"], arrays[f"{name}.steps"])


def _blocks(n: int, width: int) -> list[slice]:
    """Return slices that cut `n` rows into blocks of `BLOCK_CELLS`."""
    size = max(1, BLOCK_CELLS // max(width, 1))
    return [slice(start, start + size) for start in range(0, n, size)]
