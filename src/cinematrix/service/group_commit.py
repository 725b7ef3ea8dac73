"""Group commit: writes that wait at the same time share one transaction, and so one sync of the disk.

A sync takes milliseconds, and SQLite allows one writer. Each write has a savepoint of its own, so one that is refused
leaves the others alone. All are acknowledged after the commit. PostgreSQL has several writers and commits their
transactions together by itself.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from anyio import CapacityLimiter
from sqlalchemy import Connection

from cinematrix.service.batches import BatchQueue
from cinematrix.service.list_pool import Foreground
from cinematrix.store.records import Store

MAX_GROUP = {"sqlite": 64, "postgresql": 1}
"""Maximum writes in one transaction, by database."""

Result = TypeVar("Result")
Write = Callable[[Connection], Any]


class GroupCommit:
    """Queue of writes to one store. Used in the event loop only.

    Args:
        store: the store.
        writers: limiter of the threads for writes.
        foreground: counter of the requests that compute or write.
    """

    def __init__(self, store: Store, writers: CapacityLimiter, foreground: Foreground) -> None:
        self._store, self._foreground = store, foreground
        self._queue = BatchQueue[Write, Any](writers, MAX_GROUP[store.engine.dialect.name])

    async def run(self, write: Callable[[Connection], Result]) -> Result:
        """Return the result of a write, once it is on the disk."""
        with self._foreground.work():
            result: Result = await self._queue.run(self._write_together, write)
            return result

    def _write_together(self, writes: Sequence[Write]) -> list[Any]:
        """Return the result of each write in one transaction, or the exception for which it was rolled back."""
        results: list[Any] = []
        with self._store.write_transaction() as connection:
            if len(writes) == 1:
                return [writes[0](connection)]
            for write in writes:
                try:
                    with connection.begin_nested():
                        results.append(write(connection))
                except Exception as error:
                    results.append(error)
        return results
