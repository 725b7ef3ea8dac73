"""Runs of a program that are killed: its imports are run once, and each run is a fork of that process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

FORKER = """
{program}
import json, os, signal, sys
for line in iter(sys.stdin.readline, ""):
    child = os.fork()
    if child == 0:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        try:
            run(*json.loads(line))
        finally:
            os._exit(0)
    sys.stdin.readline()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""
"""Program that forks for a line, and kills the fork at the next line or when there is none."""


class ForkedRuns:
    """Process that forks again and again. `program`: statements that define `run`, the function of a fork."""

    def __init__(self, program: str) -> None:
        command = [sys.executable, "-c", FORKER.format(program=program)]
        self._forker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    @contextmanager
    def running(self, *words: object) -> Iterator[None]:
        """Run `run` with these words in a fork during the block, and kill it at the end of the block."""
        self._write(json.dumps([str(word) for word in words]))
        try:
            yield
        finally:
            self._write("")
            assert self._forker.stdout is not None
            assert self._forker.stdout.readline() == "ended\n"

    def _write(self, line: str) -> None:
        assert self._forker.stdin is not None
        print(line, file=self._forker.stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._forker.communicate()
