"""The log: lines that a thread of its own writes, so that no request waits for whoever reads them."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Thread

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
        self._lines: Queue[bytes] = Queue(MOST_LINES)
        Thread(target=self._write, daemon=True, name="log").start()

    def emit(self, record: logging.LogRecord) -> None:
        """Let a line wait for its turn."""
        try:
            self._lines.put_nowait(self.format(record).encode("utf-8", "replace") + b"\n")
        except Full:
            self._dropped()

    def finish(self, seconds: float) -> None:
        """Wait until all lines are written, at most so long."""
        until = time.monotonic() + seconds
        while self._lines.unfinished_tasks and time.monotonic() < until:
            time.sleep(GATHERING)

    def _write(self) -> None:
        while True:
            lines = [self._lines.get()]
            time.sleep(GATHERING)
            with suppress(Empty):
                while len(lines) < AT_ONCE:
                    lines.append(self._lines.get_nowait())
            with suppress(OSError):  # its reader has gone
                rest = b"".join(lines)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            for _ in lines:
                self._lines.task_done()
