"""Thread limits for linear algebra, and threads for independent work."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")


THREADS_VARIABLE = "OMP_NUM_THREADS"
"""Variable of the environment that limits the threads of a process, in most numerical libraries."""


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_threads() -> int:
    """Return the number of threads for independent work in this process: `OMP_NUM_THREADS`, or else one a core."""
    return int(os.environ.get(THREADS_VARIABLE, 0)) or count_cores()


def map_in_threads(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Yield the result of each item in order, computed in `threads` threads with one BLAS thread each.

    Two items a thread are in work at most, so that results don't pile up. The rest is cancelled if the loop ends early.
    """
    pending: deque[Future[Result]] = deque()
    with one_thread(), ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) == 2 * threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def one_thread() -> AbstractContextManager[object]:
    """Limit BLAS and LAPACK to one thread, from this call until the context ends; for many small problems.

    With several threads, small problems spend more time waiting than computing, above all on a busy machine.
    """
    return limit_threads(1)


def limit_threads(threads: int) -> AbstractContextManager[object]:
    """Limit BLAS and LAPACK to `threads` threads, from this call until the context ends; 0: as many as before."""
    if not threads:
        return nullcontext()
    limit: AbstractContextManager[object] = _controller().limit(limits=threads, user_api="blas")
    return limit


def limit_process_to_one_thread() -> None:
    """Limit BLAS and LAPACK to one thread for this whole process; for servers, where requests share the cores."""
    one_thread()


@cache
def _controller() -> ThreadpoolController:
    """Controller of the loaded BLAS libraries, cached; SciPy is imported first so that its BLAS is among them."""
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()
