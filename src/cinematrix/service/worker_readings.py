"""Readings of one worker process: processor, memory, files, and its pools of threads and connections."""

import os
import resource
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from anyio import CapacityLimiter
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

Readings = dict[str, dict[str, float]]
"""Values by metric and by pool; without pools the name of the pool is empty."""

METRICS = {
    "process_cpu_seconds_total": "Processor time of a worker.",
    "process_memory_bytes": "Memory that a worker has in the machine's: its resident set, shared arrays included.",
    "process_children_peak_bytes": "Greatest resident set of a subprocess that has ended: a refit, or an import.",
    "process_start_time_seconds": "Start of a worker, in epoch seconds.",
    "process_threads": "Threads of Python in a worker.",
    "process_open_files": "Open files and connections of a worker.",
    "process_max_open_files": "Maximum open files and connections of a worker.",
    "prefetch_waiting": "Users whose list waits to be made ahead.",
    "pool_places": "Threads or connections of a pool.",
    "pool_busy": "Threads or connections of a pool that are busy.",
    "pool_waiting": "Requests that wait for a thread or connection of a pool.",
}
"""Meanings of the metrics, by name without `cinematrix_`."""


class Pool(NamedTuple):
    """Numbers of a pool: all its places, the busy ones, and who waits for one."""

    places: float
    busy: float
    waiting: float

    @classmethod
    def of(cls, limiter: CapacityLimiter, queued: int = 0) -> Self:
        """Return those of a limiter of threads. `queued`: who waits in a queue before it."""
        return cls(limiter.total_tokens, limiter.borrowed_tokens, limiter.statistics().tasks_waiting + queued)

    @classmethod
    def of_connections(cls, engine: Engine) -> Self | None:
        """Return those of an engine's connections; None if they aren't limited."""
        pool = engine.pool
        return cls(pool.size() + pool._max_overflow, pool.checkedout(), 0) if isinstance(pool, QueuePool) else None


def read_worker(started: float, prefetched: int, pools: Mapping[str, Pool]) -> Readings:
    """Return the readings of this process.

    Args:
        started: its start in epoch seconds.
        prefetched: users whose list waits to be made ahead.
        pools: its pools by name.
    """
    used, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    unit = 1 if sys.platform == "darwin" else 1024
    single = {
        "process_cpu_seconds_total": used.ru_utime + used.ru_stime,
        "process_memory_bytes": _resident_bytes() or used.ru_maxrss * unit,
        "process_children_peak_bytes": children.ru_maxrss * unit,
        "process_start_time_seconds": started,
        "process_threads": threading.active_count(),
        "process_open_files": _count_files(),
        "process_max_open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "prefetch_waiting": prefetched,
    }
    return {name: {"": float(value)} for name, value in single.items()} | {
        f"pool_{what}": {name: getattr(pool, what) for name, pool in pools.items()} for what in Pool._fields
    }


def _resident_bytes() -> int:
    """Return the resident set of this process; 0 where the system doesn't tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _count_files() -> int:
    """Return the number of open files; 0 where the system doesn't tell."""
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    except OSError:
        return 0
