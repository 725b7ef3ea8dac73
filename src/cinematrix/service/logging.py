"""The service's log: secrets redacted, written by a background thread so that no request waits for the reader."""

import logging
import os
import re
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

MAX_WAITING_LINES = 10_000
"""How many lines may wait; those after are dropped and counted."""

MAX_LINES_PER_WRITE = 1_000
"""Lines that are written at once."""

WRITE_INTERVAL_SECONDS = 0.02
"""Seconds in which lines gather before they are written at once."""


class QueuedLogHandler(logging.Handler):
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
        if len(self._lines) >= MAX_WAITING_LINES:
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
            time.sleep(WRITE_INTERVAL_SECONDS)
            self._some.clear()
            rest = "".join(
                f"{self._lines.popleft()}\n" for _ in range(min(len(self._lines), MAX_LINES_PER_WRITE))
            ).encode("utf-8", "replace")
            with suppress(OSError):  # its reader has gone
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            if self._lines or self._ending:
                self._some.set()


LOG = logging.getLogger("cinematrix.service")
REQUEST_LOG = LOG.getChild("requests")
"""A line a request, of nothing but what `guard` writes; what a client sent is redacted there."""

SECRET_PATTERN = re.compile(r"\b(cm[xt]_)[\w-]{8,}")
"""Keys and tokens, or what a client sent that looks like them."""


def redact(text: str) -> str:
    """The text without the secrets in it."""
    return SECRET_PATTERN.sub(r"\1…", text)


class RedactingFilter(logging.Filter):
    """Takes secrets out of messages and tracebacks, wherever an exception may have picked them up."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass."""
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


LOG.addFilter(RedactingFilter())
