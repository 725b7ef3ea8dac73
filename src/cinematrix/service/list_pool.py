"""Admission of lists: a few threads that compute them, and a queue that is short by rule.

Where more lists are requested than can be computed, a queue makes all of them late. So a request is refused before any
work if it would find the queue full, or would wait too long by the duration of the lists before it. Ratings have
threads of their own (`state.run_in_writer_thread`) and never wait for lists. Background work waits for both.
"""

import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CapacityLimiter

from cinematrix.service.batches import BatchQueue
from cinematrix.service.problems import Problem
from cinematrix.service.settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

SMOOTHING = 0.1
"""Weight of the latest list in the mean duration of lists."""

LIST_PATH = re.compile(r"/v1/(users/[^/]+/|groups/)?recommendations|/v1/rows")
"""Paths whose answers are computed by the threads of lists."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Foreground:
    """Number of requests that compute or write. `idle` is set while there are none. Used in the event loop only."""

    def __init__(self) -> None:
        self.idle, self._working = Event(), 0
        self.idle.set()

    @contextmanager
    def work(self) -> "Iterator[None]":
        """Count a request until the context ends."""
        self._working += 1
        self.idle.clear()
        try:
            yield
        finally:
            self._working -= 1
            if not self._working:
                self.idle.set()


@dataclass
class ListPool:
    """Threads that compute lists, and the requests that wait for them. Used in the event loop only.

    Large products of NumPy run beside each other in the threads, the rest shares Python's lock. Lists computed together
    share the passes over the model's arrays, which are larger than the caches.

    Attributes:
        settings: numbers of threads and places.
        foreground: counter of the requests that compute or write.
        in_flight: lists that are being computed or wait for it.
        computed: told the duration of each list, in the context of its request.
        seconds: mean duration of a list, of late.
    """

    settings: ServiceSettings
    foreground: Foreground
    computed: Callable[[float], object] = lambda _: None
    in_flight: int = 0
    seconds: float = 0.0
    _queue: BatchQueue[Any, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._queue = BatchQueue(CapacityLimiter(self.settings.list_threads), self.settings.list_batch)

    @property
    def wait(self) -> float:
        """Expected wait of another list in seconds."""
        threads = self.settings.list_threads
        return max(self.in_flight - threads + 1, 0) * self.seconds / threads

    @property
    def is_full(self) -> bool:
        """Return whether another list is to be refused."""
        return self.in_flight >= self.settings.lists_waiting or self.wait > self.settings.list_seconds

    def refusal(self) -> Problem:
        """Return the response to a list that is refused."""
        detail = "too many lists are requested at the moment; retry later"
        return Problem(503, detail, {"Retry-After": str(math.ceil(max(self.wait, 1)))})

    async def run(self, compute: Callable[[Sequence[Item]], Sequence[Result | Exception]], item: Item) -> Result:
        """Return the result of an item, which a thread of lists computes together with others that wait for it.

        Args:
            compute: returns the result of each item, or the exception to raise for it.
        """
        self.in_flight += 1
        try:
            with self.foreground.work():
                measured: tuple[Result, float] = await self._queue.run(_Measured(compute), item)
        finally:
            self.in_flight -= 1
        result, seconds = measured
        self.seconds += SMOOTHING * (seconds - self.seconds)
        self.computed(seconds)
        return result


@dataclass(frozen=True)
class _Measured:
    """Function of a batch, whose results come with the seconds that each took."""

    compute: Callable[[Sequence[Any]], Sequence[Any]]

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        begun = time.perf_counter()
        results = self.compute(items)
        seconds = (time.perf_counter() - begun) / len(items)
        return [result if isinstance(result, Exception) else (result, seconds) for result in results]
