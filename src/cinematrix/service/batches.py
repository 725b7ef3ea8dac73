"""Queue of items that threads compute in batches: what waits at the same time is computed together."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

Item = TypeVar("Item")
Result = TypeVar("Result")
Compute = Callable[[Sequence[Any]], Sequence[Any]]


class _Waiting(NamedTuple):
    """An item in the queue, the function that computes it, the future of its result, and the context of its request."""

    compute: Compute
    item: Any
    future: "asyncio.Future[Any]"
    context: Context


class BatchQueue(Generic[Item, Result]):
    """Queue in the order of arrival. Used in the event loop only. A batch has the context of its first request.

    Args:
        threads: limiter of the threads that compute.
        most: maximum items of a batch.
    """

    def __init__(self, threads: CapacityLimiter, most: int) -> None:
        self._threads, self._most = threads, most
        self._waiting: list[_Waiting] = []
        self._workers: set[asyncio.Task[None]] = set()

    @property
    def n_waiting(self) -> int:
        """Number of items in the queue."""
        return len(self._waiting)

    async def run(self, compute: Callable[[Sequence[Item]], Sequence[Result | Exception]], item: Item) -> Result:
        """Return the result of an item.

        Args:
            compute: returns the result of each item, or the exception to raise for it.
            item: it is computed together with others that wait for the same `compute`.
        """
        waiting = _Waiting(compute, item, asyncio.get_running_loop().create_future(), copy_context())
        self._waiting.append(waiting)
        if len(self._workers) < self._threads.total_tokens:
            self._workers.add(asyncio.create_task(self._work()))
        result: Result = await waiting.future
        return result

    async def _work(self) -> None:
        """Compute batches until nothing waits."""
        try:
            while self._waiting:
                batch = self._take()
                items = [each.item for each in batch]
                compute = partial(batch[0].context.run, _compute, batch[0].compute, items)
                results = await run_sync(compute, limiter=self._threads)
                for each, result in zip(batch, results, strict=True):
                    if each.future.done():
                        continue  # the client has gone
                    if isinstance(result, Exception):
                        each.future.set_exception(result)
                    else:
                        each.future.set_result(result)
        finally:
            task = asyncio.current_task()
            assert task is not None, "workers are tasks"
            self._workers.discard(task)

    def _take(self) -> list[_Waiting]:
        """Remove and return the first items of one function, at most this thread's share of all that wait."""
        share = min(-(-len(self._waiting) // int(self._threads.total_tokens)), self._most)
        compute, n = self._waiting[0].compute, 1
        while n < share and self._waiting[n].compute == compute:
            n += 1
        batch, self._waiting = self._waiting[:n], self._waiting[n:]
        return batch


def _compute(compute: Compute, items: Sequence[Any]) -> Sequence[Any]:
    """Return the results of a batch; if it fails as a whole, the failure for each of its items."""
    try:
        return compute(items)
    except Exception as error:
        return [error] * len(items)
