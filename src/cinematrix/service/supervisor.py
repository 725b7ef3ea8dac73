"""Supervision of background tasks: an error is counted, logged and retried, and a failing task is known by name."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from cinematrix.service.logging import LOG
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.telemetry import Telemetry


@dataclass
class SupervisedTask:
    """A background task that runs again and again.

    Attributes:
        name: name in metrics, log and problems.
        work: one run of the task, in a thread.
        seconds: pause between two runs.
        failures: failures in a row.
        running_since: start of the current run in monotonic seconds; None between two runs.
    """

    name: str
    work: Callable[[], object]
    seconds: float
    failures: int = 0
    running_since: float | None = None

    def is_failing(self, settings: ServiceSettings) -> bool:
        """Return whether the task fails again and again, or hangs."""
        hangs = self.running_since is not None and time.monotonic() - self.running_since > settings.task_seconds
        return hangs or self.failures >= settings.task_failures


@dataclass
class Supervisor:
    """Runs the background tasks of one app, each in a thread outside those of requests."""

    figures: Telemetry
    settings: ServiceSettings
    tasks: list[SupervisedTask] = field(default_factory=list)
    _loops: "list[asyncio.Task[None]]" = field(default_factory=list)
    _stopping: asyncio.Event = field(init=False)

    def add(self, name: str, work: Callable[[], object], seconds: float) -> None:
        """Add a task, before `start`."""
        self.tasks.append(SupervisedTask(name, work, seconds))

    def start(self) -> None:
        """Start all tasks in the running event loop."""
        threads, self._stopping = CapacityLimiter(len(self.tasks) or 1), asyncio.Event()
        self._loops = [asyncio.create_task(self._repeat(task, threads)) for task in self.tasks]

    async def stop(self) -> None:
        """Stop all tasks after the runs that have begun, which may hold connections of the store."""
        self._stopping.set()
        await asyncio.gather(*self._loops, return_exceptions=True)

    def failing(self) -> list[str]:
        """Return the names of tasks that fail again and again, hang or have ended."""
        ended = {task.name for task, loop in zip(self.tasks, self._loops, strict=False) if loop.done()}
        return [task.name for task in self.tasks if task.is_failing(self.settings) or task.name in ended]

    async def _repeat(self, task: SupervisedTask, threads: CapacityLimiter) -> None:
        while not await self._stops_within(task.seconds):
            task.running_since = time.monotonic()
            try:
                await run_sync(task.work, limiter=threads)
            except Exception as error:
                task.failures += 1
                self.figures.task_failures.labels(task.name).inc()
                if task.failures & (task.failures - 1) == 0:  # the first, second, fourth, eighth … in a row
                    LOG.error("the background task %s failed and is tried again: %s", task.name, error, exc_info=error)
            else:
                task.failures = 0
            finally:
                task.running_since = None

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()
