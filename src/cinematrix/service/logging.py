"""Logging of the service: secrets redacted, lines written by a background thread so that no request waits for it."""

import logging
import os
import re
import select
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

MAX_WRITE_BYTES = select.PIPE_BUF
"""Maximum bytes in one write of several lines, which the system doesn't mix with those of other processes."""

WRITE_INTERVAL_SECONDS = 0.02
"""Seconds for which lines are collected before a write."""


class QueuedLogHandler(logging.Handler):
    """Handler that writes lines to a file descriptor from a background thread.

    Args:
        descriptor: file descriptor to write to.
        dropped: called for each line dropped because the queue is full.
        most: maximum lines in the queue.
    """

    def __init__(self, descriptor: int, dropped: Callable[[], object], most: int) -> None:
        super().__init__()
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
            with suppress(OSError):  # the reader of the descriptor is gone
                while batch := self._take_batch():
                    while batch:
                        batch = batch[os.write(self._descriptor, batch) :]
            if self._lines or self._ending:
                self._has_lines.set()

    def _take_batch(self) -> bytes:
        """Take lines from the queue that fit into one write, or one long line; empty if there are none."""
        batch = b""
        while self._lines:
            line = f"{self._lines[0]}\n".encode("utf-8", "replace")
            if batch and len(batch) + len(line) > MAX_WRITE_BYTES:
                break
            self._lines.popleft()
            batch += line
        return batch


LOG = logging.getLogger("cinematrix.service")
REQUEST_LOG = LOG.getChild("requests")
"""Access log: one line a request, written and redacted by `service.middleware`."""

SECRET_PATTERN = re.compile(r"\b(cm[xt]_)[\w-]{8,}")
"""Keys and tokens, or text from a client that looks like them."""


def redact(text: str) -> str:
    """Return the text with keys and tokens cut to their prefix."""
    return SECRET_PATTERN.sub(r"\1…", text)


class RedactingFilter(logging.Filter):
    """Filter that redacts secrets in messages and tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record and return True."""
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


LOG.addFilter(RedactingFilter())
