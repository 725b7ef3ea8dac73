"""Group commit: writes that wait at the same time share one transaction, and so one sync of the disk.

A sync takes milliseconds, and SQLite allows one writer. Each write has a savepoint of its own, so one that is refused
leaves the others alone. All are acknowledged after the commit. PostgreSQL has several writers and commits their
transactions together by itself.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from anyio import CapacityLimiter
from sqlalchemy import Connection

from cinematrix.service.batches import BatchQueue
from cinematrix.service.deadlines import give_up_at
from cinematrix.service.list_pool import Foreground
from cinematrix.store.records import Store

MAX_GROUP = {"sqlite": 64, "postgresql": 1}
"""Maximum writes in one transaction, by database."""

Result = TypeVar("Result")
Write = Callable[[Connection], Any]


class _Pending(NamedTuple):
    """A write, and the time in monotonic seconds after which it isn't begun."""

    write: Write
    deadline: float


class GroupCommit:
    """Queue of writes to one store. Used in the event loop only.

    Args:
        store: the store.
        seconds: time after which a write that still waits is refused.
        writers: limiter of the threads for writes.
        foreground: counter of the requests that compute or write.
    """

    def __init__(self, store: Store, seconds: float, writers: CapacityLimiter, foreground: Foreground) -> None:
        self._store, self._seconds, self._foreground = store, seconds, foreground
        self._queue = BatchQueue[_Pending, Any](writers, MAX_GROUP[store.engine.dialect.name])

    @property
    def n_waiting(self) -> int:
        """Number of writes in the queue."""
        return self._queue.n_waiting

    async def run(self, write: Callable[[Connection], Result]) -> Result:
        """Return the result of a write, once it is on the disk."""
        with self._foreground.work():
            pending = _Pending(write, time.monotonic() + self._seconds)
            result: Result = await self._queue.run(self._write_together, pending)
            return result

    def _write_together(self, group: Sequence[_Pending]) -> list[Any]:
        """Return the result of each write in one transaction, or the exception for which it was rolled back."""
        with give_up_at(group[0].deadline), self._store.write_transaction() as connection:
            if len(group) == 1:
                return [group[0].write(connection)]
            return [_write_apart(connection, pending.write) for pending in group]


def _write_apart(connection: Connection, write: Write) -> Any:
    """Return the result of a write within a transaction, or the exception for which it alone was rolled back."""
    try:
        with connection.begin_nested():
            return write(connection)
    except Exception as error:
        return error
