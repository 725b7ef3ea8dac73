"""Group commit: writes that wait at the same time share one transaction, and so one sync of the disk.

A sync takes milliseconds, and SQLite allows one writer. Each write has a savepoint of its own, so one that is refused
leaves the others alone. All are acknowledged after the commit. PostgreSQL commits concurrent transactions together by
itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from sqlalchemy import Connection

from cinematrix.service.list_pool import Foreground
from cinematrix.store.records import Store

MAX_GROUP = 64
"""Maximum writes in one transaction."""

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
        self._store, self._writers, self._foreground = store, writers, foreground
        self._shares = store.engine.dialect.name == "sqlite"
        self._waiting: list[tuple[Write, asyncio.Future[Any]]] = []
        self._draining: asyncio.Task[None] | None = None

    async def run(self, write: Callable[[Connection], Result]) -> Result:
        """Return the result of a write, once it is on the disk."""
        with self._foreground.work():
            if not self._shares:
                return await run_sync(_write_alone, self._store, write, limiter=self._writers)
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((write, future))
            if self._draining is None:
                self._draining = asyncio.create_task(self._drain())
            result: Result = await future
            return result

    async def _drain(self) -> None:
        """Commit groups of writes until none waits."""
        while self._waiting:
            group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
            try:
                writes = [write for write, _ in group]
                results = await run_sync(partial(_write_together, self._store, writes), limiter=self._writers)
            except Exception as error:
                results = [error] * len(group)
            for (_, future), result in zip(group, results, strict=True):
                if future.done():
                    continue  # the client has gone
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        self._draining = None


def _write_alone(store: Store, write: Callable[[Connection], Result]) -> Result:
    with store.write_transaction() as connection:
        return write(connection)


def _write_together(store: Store, writes: Sequence[Write]) -> list[Any]:
    """Return the result of each write in one transaction, or the exception for which it was rolled back."""
    results: list[Any] = []
    with store.write_transaction() as connection:
        for write in writes:
            try:
                with connection.begin_nested():
                    results.append(write(connection))
            except Exception as error:
                results.append(error)
    return results
