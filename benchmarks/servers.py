"""Servers in their own processes, and load that is sent to them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from open_loop import Outcome, Plan

HERE = Path(__file__).parent
START = [sys.executable, "-c", "from cinematrix.cli.main import run; run()", "serve"]
"""The command `cinematrix serve`."""

Requests = list[list[str]]
"""Requests, each `[method, path, body]`."""


class Server:
    """A server in its own process."""

    def __init__(self, command: list[str], port: int) -> None:
        self.port, self.begun = port, time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def get(self, path: str) -> bytes | None:
        """Return the body of a 200; None for any other status, and while nothing listens."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            return body if answer.status == 200 else None
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def until(self, path: str) -> float:
        """Wait for the first 200 for `path`; return the seconds since the start of the process."""
        while self.get(path) is None:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            time.sleep(0.005)
        return time.perf_counter() - self.begun

    def megabytes(self, what: str = "VmRSS") -> float:
        """Return memory in megabytes: `VmRSS` is resident now, `VmHWM` the peak so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(re.findall(rf"{what}:\s+(\d+)", status)[0]) / 1024

    def processor_seconds(self) -> float:
        """Return the processor time that the server has used so far, of the user and the system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def until_idle(self) -> None:
        """Wait until it has built in the background what it needs beside lists; that begins seconds after the start."""
        used = -1.0
        while self.processor_seconds() - used > 0.05:
            used = self.processor_seconds()
            time.sleep(10)

    def shared_megabytes(self) -> float:
        """Return the memory in megabytes of all processes together, each shared page counted once (PSS)."""
        pid = self.process.pid
        pids = [pid, *Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
        rollups = (Path(f"/proc/{each}/smaps_rollup").read_text("ascii") for each in pids)
        return sum(int(re.findall(r"Pss:\s+(\d+)", rollup)[0]) for rollup in rollups) / 1024

    def lists(self) -> dict[str, float]:
        """Return the counts of lists so far, by `how`, as in docs/service.md."""
        text = (self.get("/metrics") or b"").decode()
        return {how: float(n) for how, n in re.findall(r'cinematrix_lists_total\{how="(\w+)"\} (\S+)', text)}

    def end(self, number: int = signal.SIGTERM) -> None:
        """Stop the server and wait for its end."""
        self.process.send_signal(number)
        self.process.wait(30)


@contextmanager
def serving_model(model: Path, *options: str, start: list[str] = START) -> Iterator[str]:
    """Run `cinematrix serve` of a model with a store of its own; the value is the address.

    Args:
        model: folder of the model.
        options: further options of the command.
        start: the command, such as that of another environment.
    """
    port = free_port()
    with TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/store.db"
        server = Server([*start, str(model), "--db", store, "--port", str(port), *options], port)
        try:
            server.until("/readyz")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.end()


@contextmanager
def serving(*arguments: object) -> Iterator[Server]:
    """Run `load_server.py` once it is ready."""
    port = free_port()
    server = Server([sys.executable, str(HERE / "load_server.py"), str(port), *map(str, arguments)], port)
    try:
        server.until("/readyz")
        yield server
    finally:
        server.end()


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shot(port: int, seconds: float, **streams: tuple[float, Requests]) -> dict[str, list[Outcome]]:
    """Send open-loop streams of (rate, requests); return their outcomes."""
    plan: Plan = {
        "port": port, "seconds": seconds, "timeout": 10.0,
        "streams": [{"name": name, "rate": rate, "requests": asked} for name, (rate, asked) in streams.items()],
    }  # fmt: skip
    command = [sys.executable, str(HERE / "open_loop.py")]
    ran = subprocess.run(command, input=json.dumps(plan), check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, list[Outcome]] = json.loads(ran.stdout)
    return found


def wrk(port: int, path: str, seconds: int, connections: int = 32) -> float:
    """Return the requests per second that wrk gets answered with 200; `path` may be a script for wrk."""
    script = "" if path.startswith("/v1") else path
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *(["-s", script] if script else [])]
    ran = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{'' if script else path}"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    wrong = re.findall(r"Non-2xx or 3xx responses: (\d+)", ran) or ["0"]
    total = int(re.findall(r"(\d+) requests in", ran)[0])
    return float(re.findall(r"Requests/sec:\s+(\S+)", ran)[0]) * (1 - int(wrong[0]) / max(total, 1))
