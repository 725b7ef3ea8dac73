"""Prefetch of recommendation lists: a user who has just rated a movie usually requests their list next.

After a write for a user, a background thread remakes the list last sent to them, one list after the other. So the user
rarely waits for it, and neither do other requests: a list is begun while no request computes or writes. Each list is
remade only once after it was sent: a thousand ratings in a row don't cause a thousand lists.
"""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread

from cinematrix.service.logging import LOG


class Prefetcher:
    """Background thread with a queue of users.

    Args:
        make: function that makes the list of one user.
        most: maximum users in the queue. Lists of further users are made on request.
        idle: event that is set while a list may be begun.
    """

    def __init__(self, make: Callable[[str], None], most: int, idle: Event) -> None:
        self._make, self._most, self._idle = make, most, idle
        self._users: Queue[str | None] = Queue(most)
        self._thread = Thread(target=self._work, daemon=True, name="ahead")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def schedule(self, user: str) -> None:
        """Add a user to the queue, if it isn't full."""
        if self._most:  # a queue without places would be unlimited
            with suppress(Full):
                self._users.put_nowait(user)

    @property
    def n_waiting(self) -> int:
        """Number of users in the queue, about."""
        return self._users.qsize()

    def stop(self) -> None:
        """Empty the queue and stop the thread."""
        with suppress(Empty):
            while True:
                self._users.get_nowait()
        self._users.put(None)
        self._idle.set()
        self._thread.join()

    def _work(self) -> None:
        while (user := self._users.get()) is not None:
            self._idle.wait()
            try:
                self._make(user)
            except Exception:  # the next request for the list gets the error
                LOG.exception("a list couldn't be prefetched")
