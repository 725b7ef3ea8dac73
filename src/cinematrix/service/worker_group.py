"""The worker processes of one server, as one of them sees the group: what they share lies in a folder of the group.

Everything is shared by files that outlive a worker, so a killed one takes nothing with it: counters are its own row or
file, which its successor continues, and locks are released by the system.
"""

import fcntl
import json
import mmap
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.service.worker_readings import Readings

REPORT_SECONDS = 1.0
"""Interval in seconds at which a worker reports its state."""

SILENT_SECONDS = 10.0
"""Seconds without a report after which a worker counts as missing. A killed one is replaced sooner."""


class WorkerState(NamedTuple):
    """State that a worker reports, or that is reported of it while it starts.

    Attributes:
        ready: it answers requests.
        version: version of the model that it serves; None if there is none yet.
        failing: names of its background tasks that fail.
        at: time of the report in monotonic seconds, which all processes share.
        readings: values of the worker's metrics (`worker_readings.read_worker`).
    """

    ready: bool
    version: str | None
    failing: list[str]
    at: float
    readings: Readings = {}  # noqa: RUF012 (never changed)

    @property
    def is_missing(self) -> bool:
        """Return whether the worker hasn't reported for a while."""
        return time.monotonic() - self.at > SILENT_SECONDS


@dataclass(frozen=True)
class WorkerGroup:
    """The group of a worker. A server without further workers is a group of one, which shares nothing.

    Attributes:
        folder: folder of shared files; None for a group of one.
        size: number of workers.
        number: number of this worker, from 0.
        secret: random bytes that all workers know.
    """

    folder: Path | None = None
    size: int = 1
    number: int = 0
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    def report(
        self, version: str | None, failing: list[str], readings: Readings | None = None, *, ready: bool = True
    ) -> None:
        """Report this worker's state to the others."""
        file = self._state_file(self.number)
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.write_text(
            json.dumps(WorkerState(ready, version, failing, time.monotonic(), readings or {})), "utf-8"
        )
        temporary.replace(file)

    def states(self) -> list[WorkerState]:
        """Return the last report of each worker; none in a group of one."""
        return [] if self.folder is None else [self._read_state(number) for number in range(self.size)]

    def _read_state(self, number: int) -> WorkerState:
        try:
            return WorkerState(*json.loads(self._state_file(number).read_bytes()))
        except FileNotFoundError:
            return WorkerState(False, None, [], time.monotonic())

    def _state_file(self, number: int) -> Path:
        assert self.folder is not None, "a group of one has no folder"
        return self.folder / f"worker-{number}.json"

    def map_memory(self, name: str, n_bytes: int) -> mmap.mmap:
        """Return memory of this size, zero at first, that all workers share under this name."""
        if self.folder is None:
            return mmap.mmap(-1, n_bytes)
        with (self.folder / name).open("ab") as file:
            os.truncate(file.fileno(), n_bytes)
        with (self.folder / name).open("r+b") as file:
            return mmap.mmap(file.fileno(), n_bytes)

    def map_counts(self, name: str, n: int) -> NDArray[np.int64]:
        """Return counts that all workers share under this name: a row for each worker, who changes only its own."""
        memory: Any = self.map_memory(name, max(1, self.size * n * 8))
        return np.frombuffer(memory, np.int64, self.size * n).reshape(self.size, n)

    def forget(self, name: str) -> None:
        """Remove shared memory that no worker will need again; those who still use it keep it."""
        if self.folder is not None:
            (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Wait for a turn: one worker at a time does what has this name."""
        if self.folder is None:
            yield
            return
        with (self.folder / f"{name}.turn").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
