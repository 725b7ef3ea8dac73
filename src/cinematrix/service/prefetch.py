"""Lists made anew before they are asked for: who has just rated a film asks next what to watch now.

A write for a user lets the list that she asked for last be made again at once, in a thread of its own that makes one
after the other. So she rarely waits for it, nor does who asks for another one at that moment. A list that wasn't asked
for since is left alone, so that a thousand ratings in a row make no thousand lists.
"""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Thread

from cinematrix.service.logging import LOG

MAX_WAITING_USERS = 100
"""Users who may wait; the lists of those beyond are made when they are asked for."""


class Prefetcher:
    """The thread, and who waits for it; `make` makes the list of the user whom it is given."""

    def __init__(self, make: Callable[[str], None]) -> None:
        self._make = make
        self._users: Queue[str | None] = Queue(MAX_WAITING_USERS)
        self._thread = Thread(target=self._work, daemon=True, name="ahead")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def schedule(self, user: str) -> None:
        """Make her list when it is her turn, if there is room."""
        with suppress(Full):
            self._users.put_nowait(user)

    def stop(self) -> None:
        """End; the lists of those who wait are made when they are asked for."""
        with suppress(Empty):
            while True:
                self._users.get_nowait()
        self._users.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (user := self._users.get()) is not None:
            try:
                self._make(user)
            except Exception:  # whoever asks for the list will be told what is wrong
                LOG.exception("a list couldn't be made ahead")
