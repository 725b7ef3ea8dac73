"""Deadlines of writes: nobody waits for the store longer than an answer may take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from cinematrix.service.problems import Problem
from cinematrix.store.engine import give_up_locks_at


@contextmanager
def give_up_at(deadline: float) -> Iterator[None]:
    """Let the writes of this block wait for locks of the database until `deadline`, in monotonic seconds.

    Raises:
        Problem: 503, it is too late to begin.
    """
    if time.monotonic() >= deadline:
        raise Problem(503, "too many writes wait for the store; retry later", {"Retry-After": "1"})
    with give_up_locks_at(deadline):
        yield
