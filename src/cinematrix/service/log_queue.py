"""The log: lines that a thread of its own writes, so that no request waits for whoever reads them."""

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

MOST_LINES = 10_000
"""How many lines may wait; those after are dropped and counted."""

AT_ONCE = 1_000
"""Lines that are written at once."""

GATHERING = 0.02
"""Seconds in which lines gather before they are written at once."""


class QueuedLog(logging.Handler):
    """Lines to the file with this descriptor; `dropped` is called for each that there is no room for."""

    def __init__(self, descriptor: int, dropped: Callable[[], object]) -> None:
        super().__init__()
        self._descriptor, self._dropped = descriptor, dropped
        self._lines: deque[str] = deque()  # whose ends need no lock, for which requests and writer would wait
        self._some, self._ending = Event(), False
        self._thread = Thread(target=self._write, daemon=True, name="log")
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Let a line wait for its turn."""
        if len(self._lines) >= MOST_LINES:
            self._dropped()
            return
        self._lines.append(self.format(record))
        if not self._some.is_set():
            self._some.set()

    def finish(self, seconds: float) -> None:
        """Wait until all lines are written, at most so long; those that come later aren't."""
        self._ending = True
        self._some.set()
        self._thread.join(seconds)

    def _write(self) -> None:
        while self._lines or not self._ending:
            self._some.wait()
            time.sleep(GATHERING)
            self._some.clear()
            rest = "".join(f"{self._lines.popleft()}\n" for _ in range(min(len(self._lines), AT_ONCE))).encode(
                "utf-8", "replace"
            )
            with suppress(OSError):  # its reader has gone
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            if self._lines or self._ending:
                self._some.set()
