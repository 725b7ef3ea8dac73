"""Workers that train one model together: which rows each of them has, and what they exchange.

A training calls a method of its `World` wherever users or movies of all workers meet. In a single process none of them
does anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np

Rows = TypeVar("Rows")
"""A tensor, or an array."""

Other = TypeVar("Other")

Item = TypeVar("Item")


@dataclass(frozen=True)
class Part:
    """Consecutive rows of a worker, among those of all.

    Attributes:
        bounds: where each worker's rows begin, and at last where those of the last worker end.
        rank: number of this worker.
    """

    bounds: tuple[int, ...]
    rank: int = 0

    @classmethod
    def whole(cls, n: int) -> Self:
        """Return the part that has all of `n` rows."""
        return cls((0, n))

    @property
    def total(self) -> int:
        """Number of all workers' rows."""
        return self.bounds[-1]

    @property
    def rows(self) -> slice:
        """Place of this worker's rows."""
        return slice(self.bounds[self.rank], self.bounds[self.rank + 1])

    @property
    def sizes(self) -> list[int]:
        """Number of each worker's rows."""
        return [end - begin for begin, end in zip(self.bounds, self.bounds[1:], strict=False)]

    @property
    def size(self) -> int:
        """Number of this worker's rows."""
        return self.sizes[self.rank]

    def among(self, numbers: Any) -> "Part":
        """Return the parts of ascending numbers of rows, in an array or a tensor on the CPU."""
        cuts = np.searchsorted(np.asarray(numbers), self.bounds[1:-1]).tolist()
        return Part((0, *cuts, len(numbers)), self.rank)

    def of_worker(self, rank: int) -> "Part":
        """Return the part of another worker."""
        return Part(self.bounds, rank)


class World:
    """The workers of a training; in this class a single process, which has all rows.

    Attributes:
        rank: number of this worker; worker 0 reads the data and writes the model.
        size: number of workers.
    """

    rank = 0
    size = 1

    def cut(self, weights: Any) -> Part:
        """Cut rows into parts of about equal total weight; return that of this worker."""
        ends = np.cumsum(weights)
        total = ends[-1] if len(ends) else 0
        cuts = np.searchsorted(ends, total * np.arange(1, self.size) / self.size).tolist()
        return Part((0, *cuts, len(ends)), self.rank)

    def work(self) -> None:
        """Train what the first worker hands out, until there is no more; the work of all other workers."""

    def sum(self, values: Rows) -> Rows:
        """Return the sum over all workers."""
        return values

    def std(self, values: Any) -> Any:
        """Return the standard deviation of all workers' values."""
        return values.std(correction=0)

    def sum_own(self, rows: Rows, part: Part) -> Rows:
        """Return the sum over all workers, of the rows of this one's part."""
        return rows

    def join(self, rows: Rows, part: Part) -> Rows:
        """Return the rows of all workers' parts."""
        return rows

    def join_and_sum(self, rows: Rows, part: Part, addends: Other) -> tuple[Rows, Other]:
        """Return, in one exchange and without gradients, what `join` returns of `rows` and `sum` of `addends`."""
        return rows, addends

    def swap(self, sums: Rows, rows: Other, part: Part) -> tuple[Rows, Other]:
        """Return, in one exchange, what `sum_own` returns of `sums` and `join` of `rows`, which may be None."""
        return sums, rows

    def sum_gradients(self, shared: Sequence[Any], own: Sequence[Any], loss: Rows) -> tuple[Rows, Any]:
        """Add up gradients of all workers.

        Args:
            shared: gradients of what all workers have.
            own: gradients of rows that this worker has alone.

        Returns:
            The loss of all workers, and norms of the `own` gradients over the rows of all workers; None where this
            worker has all rows.
        """
        return loss, None

    def share(self, make: Callable[[], Any]) -> Any:
        """Return on all workers what `make` returns on the first."""
        return make()

    def scatter(self, whole: Item, cut: Callable[[int], Item]) -> Item:
        """Return this worker's part of `whole`; the first worker gives each of the others theirs, `cut(rank)`."""
        return whole


ALONE = World()
"""The world of a single process."""
