"""Waiting for a condition that another thread or process makes true."""

import time
from collections.abc import Callable


def wait_for(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait until a condition is true, for at most `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"the condition didn't become true within {seconds:g} seconds"
        time.sleep(0.005)
