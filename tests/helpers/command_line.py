"""Helpers that run the `cinematrix` command: in a subprocess, in a fork, or in this process."""

import atexit
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from cinematrix.cli.main import run
from forks import ForkedRuns

PROGRAM = [sys.executable, "-c", "from cinematrix.cli.main import run; run()"]


COMMANDS = """
import os, sys
from cinematrix.cli import main
from cinematrix.evaluation.compare import run as comparison, report
from cinematrix.models import bias
def run(output, folder, *words):
    for stream, name in ((1, "out"), (2, "errors")):
        os.dup2(os.open(f"{output}/{name}", os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(folder)
    sys.argv = ["cinematrix", *words]
    main.run()
"""
"""Program for `ForkedRuns` that runs a command in a folder and writes what it prints to files of another folder."""

ANSI = "\x1b"


Run = Callable[..., subprocess.CompletedProcess[str]]


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without variables that change the output, plus `more`."""
    colours = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "PYTHONIOENCODING", "LC_ALL")
    return {name: value for name, value in os.environ.items() if name not in colours} | more


def run_cli(*words: object, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `cinematrix` with these arguments in a subprocess, without checking its exit status."""
    return subprocess.run(
        [*PROGRAM, *map(str, words)], capture_output=True, encoding="utf-8", cwd=cwd, env=clean_environment(**more),
        check=False, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip


@cache
def imported_commands() -> ForkedRuns:
    """Return the process whose forks run commands. It ends with the test run."""
    commands = ForkedRuns(f"from cinematrix.models.deep_mf import training\n{COMMANDS}", clean_environment())
    atexit.register(commands.__exit__)
    return commands


def run_forked(
    *words: object, cwd: Path | None = None, by: ForkedRuns | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `cinematrix` in a process of its own that needn't import anything, in the environment of the first run.

    `by`: process whose forks run the commands, in place of the usual one.
    """
    with TemporaryDirectory() as output:
        status = (by or imported_commands()).start(output, cwd or Path.cwd(), *words).wait(120)
        out, errors = (Path(output, name).read_text("utf-8") for name in ("out", "errors"))
    return subprocess.CompletedProcess(list(map(str, words)), status, out, errors)


def run_in_process(*words: object) -> subprocess.CompletedProcess[str]:
    """Run `cinematrix` in this process, which is faster."""
    out, errors = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(errors):
        patched.setattr(sys, "argv", ["cinematrix", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            run()
    return subprocess.CompletedProcess(sys.argv, int(end.value.code or 0), out.getvalue(), errors.getvalue())


def run_ok(*words: object, by: Run = run_in_process) -> str:
    """Return the standard output of a command that must succeed with nothing on standard error."""
    done = by(*words)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert ANSI not in done.stdout
    return done.stdout


def run_json(*words: object, by: Run = run_in_process) -> Any:
    """Return the parsed output of a command with `--json`, which must be one JSON document."""
    return json.loads(run_ok(*words, "--json", by=by))


def run_failing(*words: object, code: int = 2, by: Run = run_in_process) -> str:
    """Return the single error line of a command that must fail, without a traceback or standard output."""
    done = by(*words)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    assert re.fullmatch(r"cinematrix: [^\n]+\n", done.stderr), done.stderr
    assert ANSI not in done.stderr
    return done.stderr
