"""Retraining runs beside the server, by schedule and by request, each in a subprocess."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from threading import Lock, Thread

from cinematrix.models.artifact import MANIFEST
from cinematrix.service.logging import LOG
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.telemetry import Telemetry
from cinematrix.store.records import Store
from cinematrix.store.refits import Refit, find_refit, request_refit_if_due

REFIT_COMMAND = (sys.executable, "-c", "from cinematrix.cli.main import run; run()")


@dataclass
class RefitRunner:
    """Runs retraining subprocesses, one at a time. The server itself never imports training packages."""

    settings: ServiceSettings
    store: Store
    figures: Telemetry
    _process: "subprocess.Popen[bytes] | None" = None
    _running: Refit | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def busy(self) -> bool:
        """Return whether a retraining that this server started is still running."""
        return self._process is not None

    def start(self, asked: Refit) -> None:
        """Start a requested retraining.

        The store's URL may contain a password, so it is passed in the environment, not on the command line.
        """
        command = [*REFIT_COMMAND, "refit", str(self.settings.model), "--asked", str(asked.refit)]
        environment = os.environ | {"CINEMATRIX_DB": self.settings.db}
        silent, pipe = subprocess.DEVNULL, subprocess.PIPE
        self._process, self._running = subprocess.Popen(command, env=environment, stdout=silent, stderr=pipe), asked
        Thread(target=_log_output, args=(self._process, asked.refit), daemon=True, name="refit").start()
        os.setpriority(os.PRIO_PROCESS, self._process.pid, self.settings.niceness)
        LOG.info("refit %s, requested by %s, has started", asked.refit, asked.who)

    def check_progress(self) -> None:
        """Record a retraining that has ended, and start one that is due."""
        with self._lock:
            self._check_progress()

    def _check_progress(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._record_end(self._process.returncode)
        if self._process is None and self.settings.refit_every:
            trained = int((self.settings.model / MANIFEST).stat().st_mtime * 1000)
            refit = request_refit_if_due(self.store, int(self.settings.refit_every * 1000), trained)
            if refit is not None:
                self.start(refit)

    def _record_end(self, code: int) -> None:
        assert self._running is not None, "no retraining was started"
        refit = find_refit(self.store, self._running.refit)
        self._process = None
        state, why = (refit.state, refit.why) if refit else ("failed", "")
        if state in ("asked", "running"):
            state, why = "failed", f"its process ended with exit status {code}"
        self.figures.refits.labels(state).inc()
        if refit and refit.begun and refit.ended:
            self.figures.refit_seconds.observe((refit.ended - refit.begun) / 1000)
        LOG.info("refit %s is %s: %s", self._running.refit, state, why)

    def stop(self) -> None:
        """Terminate a running retraining. The served version stays complete, whatever was done."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()
                self._process.wait()
                self._process = None


def _log_output(process: "subprocess.Popen[bytes]", refit: int) -> None:
    """Log what a retraining writes to its stderr, such as a traceback, in one line once it has ended."""
    assert process.stderr is not None
    with process.stderr as errors:
        text = errors.read().decode(errors="replace").strip()
    if text:
        LOG.warning("refit %s has written to stderr", refit, extra={"fields": {"traceback": text}})
