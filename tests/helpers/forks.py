"""Runs of a program that are killed: its imports are run once, and each run is a fork of that process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

FORKER = """
{program}
import json, os, signal, sys
for line in iter(sys.stdin.readline, ""):
    child = os.fork()
    if child == 0:
        for stream, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
            os.dup2(os.open(os.devnull, mode), stream)
        try:
            run(*json.loads(line))
        finally:
            os._exit(0)
    print(child, flush=True)
    sys.stdin.readline()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""
"""Program that forks for a line, and kills the fork at the next line or when there is none."""


class ForkedRuns:
    """Process that forks, one fork at a time. `program`: statements that define `run`, the function of a fork."""

    def __init__(self, program: str) -> None:
        command = [sys.executable, "-c", FORKER.format(program=program)]
        self._forker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def start(self, *words: object) -> "Fork":
        """Run `run` with these words in a fork."""
        return Fork(self, int(self.send(json.dumps([str(word) for word in words]))))

    @contextmanager
    def running(self, *words: object) -> Iterator[None]:
        """Run `run` with these words in a fork during the block, and kill it at the end of the block."""
        fork = self.start(*words)
        try:
            yield
        finally:
            fork.kill()

    def send(self, line: str) -> str:
        """Send the forker a line, and return its answer."""
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        print(line, file=self._forker.stdin)
        return self._forker.stdout.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._forker.communicate()


class Fork:
    """One run of `ForkedRuns`, with what `ServerProcess` needs of `subprocess.Popen`."""

    def __init__(self, runs: ForkedRuns, pid: int) -> None:
        self._runs, self.pid = runs, pid

    def poll(self) -> int | None:
        """Return None while the run goes on, else its exit status as far as it is known: 0."""
        ended = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return 0 if ended else None

    def kill(self) -> None:
        """Send SIGKILL and wait for the run to end."""
        assert self._runs.send("") == "ended\n"

    def wait(self) -> None:
        """Return at once: `kill` has waited."""
