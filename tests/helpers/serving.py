"""Real server in a process of its own, for tests that kill it, stall it or send it bad requests."""

import atexit
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self

from forks import ForkedRuns

PROGRAM = [sys.executable, "-c", "from cinematrix.cli.main import run; run()"]


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


SERVER = """
import os, resource, sys
from cinematrix.cli import main
from cinematrix.models import bias
from cinematrix.models.deep_mf import model
from cinematrix.service import cache_middleware, server
def run(log, before, *words):
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    exec(before, globals())
    sys.argv = ["cinematrix", *words]
    main.run()
"""
"""Program for `ForkedRuns` that runs statements, and then serves a model."""


@cache
def imported_servers() -> ForkedRuns:
    """Return the process whose forks are the servers of this test run. It ends with the run."""
    servers = ForkedRuns(SERVER)
    atexit.register(servers.__exit__)
    return servers


class ServerProcess:
    """`cinematrix serve` in a process of its own, with its log in a file.

    Args:
        words: options of the command.
        before: statements that are executed before the server starts.
        program: program that is started as a user starts it; None: the server is a fork, which starts in no time.
        surroundings: environment variables of the program.

    Attributes:
        seconds: seconds from start to ready.
        worked: processor seconds from start to ready, which don't depend on the machine's load.
    """

    def __init__(
        self, model: Path, db: str, log: Path, *words: str, before: str = "", program: list[str] | None = None,
        surroundings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.port, self.log = free_port(), log
        command = ["serve", str(model), "--db", db, "--port", str(self.port), *words]
        self.process: Any  # of subprocess.Popen, or a fork
        if program is None:
            servers = imported_servers()
            self._started = time.monotonic()
            self.process = servers.start(log, before, *command)
            return
        self._started = time.monotonic()
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*program, *command], stdout=output, stderr=output, env={**os.environ, **(surroundings or {})}
            )

    def ready(self, path: str = "/readyz", status: int = 200) -> Self:
        """Wait until the server answers `path` with `status`."""
        while self._status(path) != status:
            assert self.process.poll() is None, self.log.read_text("utf-8")[-2000:]
            assert time.monotonic() < self._started + 60, "the server isn't ready after a minute"
            time.sleep(0.01)
        self.seconds = time.monotonic() - self._started
        self.worked = sum(map(int, Path(f"/proc/{self.process.pid}/stat").read_text().split()[13:15])) / os.sysconf(
            "SC_CLK_TCK"
        )
        return self

    def _status(self, path: str) -> int:
        try:
            return self.ask("GET", path)[0]
        except OSError:
            return 0

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send a request on a new connection; return the status and the body, parsed if it is JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            return send_request(connection, method, path, body, headers)
        finally:
            connection.close()

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Send a body as it is on a new connection; return the status and the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {"content-type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """Return the process IDs of the workers, if there are several."""
        pid = self.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def all_ready(self, n: int) -> bool:
        """Return whether `n` workers run and answer."""
        try:
            health = self.ask("GET", "/readyz")
        except (OSError, http.client.HTTPException):
            return False  # the worker that was asked ended
        return len(self.workers()) == n and health == (200, {"status": "ready", "workers": {"all": n, "ready": n}})

    def kill(self) -> None:
        """Send SIGKILL and wait for the process to end."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def send_request(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:  # fmt: skip
    """Send a request on an open connection; return the status and the body, parsed if it is JSON."""
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"content-type": "application/json", **(headers or {})})
    response = connection.getresponse()
    text = response.read()
    return response.status, json.loads(text) if text and "json" in response.headers.get("content-type", "") else text


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
