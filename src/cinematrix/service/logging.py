"""Logging of the service: lines are written by a background thread, so that no request waits for it."""

import logging
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event, Thread
from types import TracebackType

from cinematrix.service.log_lines import make_formatter

MAX_WRITE_BYTES = select.PIPE_BUF
"""Maximum bytes in one write of several lines, which the system doesn't mix with those of other processes."""

WRITE_INTERVAL_SECONDS = 0.02
"""Seconds for which lines are collected before a write."""


class QueuedLogHandler(logging.Handler):
    """Handler that writes lines to a file descriptor from a background thread.

    Once the reader of the descriptor is gone, the thread ends, and all further lines are dropped.

    Args:
        descriptor: file descriptor to write to.
        dropped: called for each line dropped because the queue is full or the line can't be written.
        most: maximum lines in the queue.
        turn: makes the context of a write, in which no other process writes; a long line would be torn apart.
    """

    def __init__(
        self, descriptor: int, dropped: Callable[[], object], most: int,
        turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:  # fmt: skip
        super().__init__()
        self._turn = turn
        self._descriptor, self._dropped, self._most = descriptor, dropped, most
        self._lines: deque[str] = deque()  # appends and pops are atomic, so requests and writer need no lock
        self._has_lines, self._ending = Event(), False
        self._thread = Thread(target=self._write, daemon=True, name="log")
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Append a line to the queue, or drop it if the queue is full."""
        if len(self._lines) >= self._most:
            self._dropped()
            return
        self._lines.append(self.format(record))
        if not self._has_lines.is_set():
            self._has_lines.set()

    def finish(self, seconds: float) -> None:
        """Wait until all queued lines are written, for at most `seconds`. Later lines aren't written."""
        self._ending = True
        self._has_lines.set()
        self._thread.join(seconds)

    def _write(self) -> None:
        while self._lines or not self._ending:
            self._has_lines.wait()
            time.sleep(WRITE_INTERVAL_SECONDS)
            self._has_lines.clear()
            while batch := self._take_batch():
                self._write_batch(batch)
            if self._lines or self._ending:
                self._has_lines.set()

    def _write_batch(self, batch: list[bytes]) -> None:
        """Write lines, or drop them: after a full disk further lines are tried, after a lost reader none."""
        left = b"".join(batch)
        try:
            with self._turn():
                while left:
                    left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            for _ in batch:
                self._dropped()
            if isinstance(error, BrokenPipeError):
                self._most, self._ending = 0, True  # `emit` drops from now on

    def _take_batch(self) -> list[bytes]:
        """Take lines from the queue that fit into one write, or one long line; empty if there are none."""
        batch, size = list[bytes](), 0
        while self._lines:
            line = f"{self._lines[0]}\n".encode("utf-8", "replace")
            if batch and size + len(line) > MAX_WRITE_BYTES:
                break
            self._lines.popleft()
            batch.append(line)
            size += len(line)
        return batch


LOG = logging.getLogger("cinematrix.service")
REQUEST_LOG = LOG.getChild("requests")
"""Access log: one line a request, written by `service.middleware`."""


@contextmanager
def write_log(handler: logging.Handler, form: str, level: str) -> Iterator[None]:
    """Write all log lines of the process, those of libraries, warnings and uncaught exceptions too, by one handler.

    A handler of an outer context writes again afterwards.
    """
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    handler.setFormatter(make_formatter(form))
    root.setLevel(level.upper())
    root.handlers[:] = [handler]
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    try:
        yield
    finally:
        root.handlers[:] = before


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    LOG.critical("an uncaught %s ends the process", kind.__name__, exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    name = caught.thread.name if caught.thread else "unknown"
    info = caught.exc_type, caught.exc_value or caught.exc_type(), caught.exc_traceback
    LOG.error("an uncaught %s ends the thread %s", caught.exc_type.__name__, name, exc_info=info)
