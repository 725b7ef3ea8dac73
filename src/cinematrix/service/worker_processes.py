"""The main process of a server with several workers: starts them, replaces those that end, and stops them all.

The workers are forked from a process that has imported everything and loaded the model (`preloading`), so they share
both. It has no store, no socket and no threads of its own, so they share nothing else of it. Each listens on the port
itself: Linux distributes the connections. Granian's own worker processes aren't used, because they give up the whole
server when a worker ends twice within seconds, and outlive their main process when it is killed.
"""

import os
import pickle
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import NoReturn

from cinematrix.errors import CinematrixError
from cinematrix.service.logging import LOG
from cinematrix.service.worker_group import WorkerGroup

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
"""Signals that the main process waits for."""

GRACE_SECONDS = 2.0
"""Seconds beyond those of a shutdown after which a worker that hasn't stopped is killed."""

MAX_PAUSE_SECONDS = 10.0
"""Maximum seconds before a worker that can't start is started again."""

POLL_SECONDS = 0.05
"""Interval in seconds at which the first worker's start is looked at."""

Work = Callable[[WorkerGroup, Callable[[], None]], None]
"""Work of a worker until SIGTERM. It calls its second argument once it is ready."""


@dataclass
class WorkerProcess:
    """A worker, in one process after the other.

    Attributes:
        group: the group as this worker sees it.
        pid: its process; 0: none.
        outcome: pipe to which the process writes None when it is ready, or the error of its start.
        ready: its process has been ready.
        error: error of its start.
        failures: processes in a row that ended before they were ready.
        due: monotonic time from which it may be started.
    """

    group: WorkerGroup
    pid: int = 0
    outcome: int = -1
    ready: bool = False
    error: BaseException | None = None
    failures: int = 0
    due: float = 0.0

    def check_start(self) -> None:
        """Note that the process is ready or failed to start, if it has said so by now."""
        if not self.ready and select.select([self.outcome], [], [], 0)[0]:
            with suppress(EOFError), open(self.outcome, "rb", closefd=False) as pipe:
                self.error = pickle.load(pipe)  # trusted: the process is ours
                self.ready = self.error is None

    def note_end(self) -> None:
        """Note the end of the process, and when to start another: at once, if it had been ready."""
        self.check_start()
        self.failures = 0 if self.ready else self.failures + 1
        pause = min(2.0**self.failures / 4, MAX_PAUSE_SECONDS) if self.failures else 0.0
        os.close(self.outcome)
        self.pid, self.ready, self.due = 0, False, time.monotonic() + pause


class WorkerProcesses:
    """All workers of a server, seen by its main process, which blocks `SIGNALS` from now on.

    Args:
        group: their group.
        work: what each of them does.
        stop_seconds: time for requests in flight after a signal to stop.
    """

    def __init__(self, group: WorkerGroup, work: Work, stop_seconds: float) -> None:
        self._work, self._stop_seconds = work, stop_seconds + GRACE_SECONDS
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._lifeline = os.pipe()  # its end tells the workers that this process has ended, however it did
        self._workers = [WorkerProcess(replace(group, number=number)) for number in range(group.size)]

    def run(self) -> None:
        """Run the workers until SIGTERM or SIGINT. A second signal ends them at once.

        The first one starts alone: it migrates the store, and what fails in it would fail in all.

        Raises:
            CinematrixError: that of the first worker's start.
        """
        stopping = None
        try:
            self._start(self._workers[0])
            while not self._workers[0].ready and stopping is None:
                stopping = self._next_signal(POLL_SECONDS)
                self._check_first(self._workers[0])
            while stopping is None:
                for worker in self._workers:
                    if not worker.pid and worker.due <= time.monotonic():
                        self._start(worker)
                wait = min([1.0, *(worker.due - time.monotonic() for worker in self._workers if not worker.pid)])
                stopping = self._next_signal(wait)
        finally:
            self._stop()

    @staticmethod
    def _check_first(worker: WorkerProcess) -> None:
        if worker.pid:
            worker.check_start()
        if worker.error is not None:
            raise worker.error
        if not worker.pid:
            raise CinematrixError("the first worker ended before it was ready; the lines above have the reason")

    def _next_signal(self, seconds: float) -> int | None:
        """Wait for a signal to stop and return its number; None if something else happens or the time is up."""
        received = signal.sigtimedwait(SIGNALS, max(seconds, 0))
        for worker in self._workers:
            if worker.pid and (ended := os.waitpid(worker.pid, os.WNOHANG))[0]:
                pid, code = worker.pid, os.waitstatus_to_exitcode(ended[1])
                worker.note_end()
                how = f"was ended by signal {-code}" if code < 0 else f"ended with exit status {code}"
                if code and worker.error is None:
                    LOG.error("worker %s (process %s) %s", worker.group.number + 1, pid, how)
        return None if received is None or received.si_signo == signal.SIGCHLD else received.si_signo

    def _start(self, worker: WorkerProcess) -> None:
        worker.group.report(None, [], ready=False)
        worker.outcome, outcome = os.pipe()
        worker.pid = os.fork()
        if not worker.pid:
            self._run_in_worker(worker.group, outcome)
        os.close(outcome)

    def _run_in_worker(self, group: WorkerGroup, outcome: int) -> NoReturn:
        """Do the work in a new process. It ends with the main process, whose Ctrl-C it leaves to that."""

        def tell(what: object) -> None:
            with suppress(OSError), open(outcome, "wb", closefd=False) as pipe:
                pickle.dump(what, pipe)

        status = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            os.close(self._lifeline[1])
            Thread(target=_end_with_main, args=(self._lifeline[0], group.folder), daemon=True).start()
            self._work(group, lambda: tell(None))
            status = 0
        except CinematrixError as error:
            LOG.error("worker %s can't start: %s", group.number + 1, error) if group.number else tell(error)
        except BaseException:
            LOG.exception("worker %s failed", group.number + 1)
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _stop(self) -> None:
        """Stop all workers and wait for them. Kill those that are left at a second signal or when the time is up."""
        deadline = time.monotonic() + self._stop_seconds
        self._signal_all(signal.SIGTERM)
        while any(worker.pid for worker in self._workers):
            left = deadline - time.monotonic()
            if left <= 0 or self._next_signal(left) is not None:
                self._signal_all(signal.SIGKILL)
                deadline = time.monotonic() + self._stop_seconds
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _signal_all(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid:
                os.kill(worker.pid, number)


def _end_with_main(lifeline: int, folder: Path | None) -> None:
    """Wait for the end of the main process, then remove the group's folder and end this process."""
    os.read(lifeline, 1)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
