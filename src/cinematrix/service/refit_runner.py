"""TODO service.refit_runner."""

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass, field
from threading import Lock

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from cinematrix.models.artifact import MANIFEST
from cinematrix.service.logging import LOG
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.telemetry import Telemetry
from cinematrix.store.records import Store
from cinematrix.store.refits import Refit, find_refit, request_refit_if_due

REFIT_COMMAND = (sys.executable, "-c", "from cinematrix.cli.main import run; run()")


REFIT_NICENESS = 10
"""A refit takes what time the server leaves."""


@dataclass
class RefitRunner:
    """Runs refits beside the server, one at a time; the server itself never imports what trains."""

    settings: ServiceSettings
    store: Store
    figures: Telemetry
    _process: "subprocess.Popen[bytes] | None" = None
    _asked: Refit | None = None
    _looking: Lock = field(default_factory=Lock)

    @property
    def busy(self) -> bool:
        """Whether one that this server began is still running."""
        return self._process is not None

    def start(self, asked: Refit) -> None:
        """Begin a refit; the store's URL, which may hold a password, isn't among the words of the command."""
        words = [*REFIT_COMMAND, "refit", str(self.settings.model), "--asked", str(asked.refit)]
        environment = os.environ | {"CINEMATRIX_DB": self.settings.db}
        self._process, self._asked = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL), asked
        os.setpriority(os.PRIO_PROCESS, self._process.pid, REFIT_NICENESS)
        LOG.info("refit %s of %s has begun", asked.refit, asked.who)

    def check_progress(self) -> None:
        """Tell of a refit that has ended, and begin one if the schedule says so."""
        with self._looking:
            self._check_progress()

    def _check_progress(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._record_end(self._process.returncode)
        if self._process is None and self.settings.refit_every:
            trained = int((self.settings.model / MANIFEST).stat().st_mtime * 1000)
            asked = request_refit_if_due(self.store, int(self.settings.refit_every * 1000), trained)
            if asked is not None:
                self.start(asked)

    def _record_end(self, code: int) -> None:
        assert self._asked is not None, "what has ended was asked for"
        found = find_refit(self.store, self._asked.refit)
        self._process = None
        state, why = (found.state, found.why) if found else ("failed", "")
        if state in ("asked", "running"):
            state, why = "failed", f"its process ended with {code}"
        self.figures.refits.labels(state).inc()
        if found and found.begun and found.ended:
            self.figures.refit_seconds.set((found.ended - found.begun) / 1000)
        LOG.info("refit %s is %s: %s", self._asked.refit, state, why)

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self.settings.watch_seconds)
            try:
                await run_sync(self.check_progress)
            except (SQLAlchemyError, OSError) as error:
                LOG.error("refits can't be looked after now: %s", error)

    def stop(self) -> None:
        """End a refit that is running: whatever it has done, a whole version serves."""
        with self._looking:
            if self._process is not None:
                self._process.terminate()
                self._process.wait()
                self._process = None
