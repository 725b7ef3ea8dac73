"""Helpers that run the `cinematrix` command, in a subprocess or in this process."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from cinematrix.cli.main import run

PROGRAM = [sys.executable, "-c", "from cinematrix.cli.main import run; run()"]


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
