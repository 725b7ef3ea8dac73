"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable


def wait_for(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is true, at most so long."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)
