"""Runs of a program in forks of a process that has imported it, which start at once and may be killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from waiting import wait_for

FORKER = """
{program}
import json, os, signal, sys, traceback
def start(words):
    code = 1
    for stream, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        os.dup2(os.open(os.devnull, mode), stream)
    try:
        run(*words)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)
def end(child):
    os.kill(child, signal.SIGKILL)
    forks.remove(child)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
forks = set()
for line in iter(sys.stdin.readline, ""):
    given = json.loads(line)
    if isinstance(given, int):
        print(end(given), flush=True)
        continue
    child = os.fork()
    if child == 0:
        start(given)
    forks.add(child)
    print(child, flush=True)
for child in [*forks]:
    end(child)
"""
"""Program that forks for a list of words, and kills the fork whose process ID it reads. Without input it kills all."""


class ForkedRuns:
    """Process that forks.

    Args:
        program: statements that define `run`, the function of a fork.
        environment: environment variables; None: those of this process.
    """

    def __init__(self, program: str, environment: Mapping[str, str] | None = None) -> None:
        self._forker = subprocess.Popen(
            [sys.executable, "-c", FORKER.format(program=program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1, env=environment,
        )  # fmt: skip

    def start(self, *words: object) -> "Fork":
        """Run `run` with these words in a fork."""
        return Fork(self, self.send([str(word) for word in words]))

    @contextmanager
    def running(self, *words: object) -> Iterator[None]:
        """Run `run` with these words in a fork during the block, and kill it at the end of the block."""
        fork = self.start(*words)
        try:
            yield
        finally:
            fork.kill()

    def send(self, given: list[str] | int) -> int:
        """Start a fork with these words, or end the fork with this process ID; return its ID, or its exit status."""
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        print(json.dumps(given), file=self._forker.stdin)
        return int(self._forker.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._forker.communicate()


class Fork:
    """One run of `ForkedRuns`, with what `ServerProcess` needs of `subprocess.Popen`."""

    def __init__(self, runs: ForkedRuns, pid: int) -> None:
        self._runs, self.pid = runs, pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return None while the run goes on, else its exit status, negative for the signal that ended it."""
        if self._status is None and Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            self.kill()
        return self._status

    def wait(self, seconds: float = 10) -> int:
        """Wait until the run has ended, and return its exit status."""
        wait_for(lambda: self.poll() is not None, seconds)
        assert self._status is not None
        return self._status

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the run has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL and wait for the run to end, unless it has ended."""
        if self._status is None:
            self._status = self._runs.send(self.pid)
