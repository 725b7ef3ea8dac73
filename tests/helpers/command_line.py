"""Running `cinematrix` as a user does, in a process of its own or in this one."""

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
    """The environment without what would change the output."""
    colours = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "PYTHONIOENCODING", "LC_ALL")
    return {name: value for name, value in os.environ.items() if name not in colours} | more


def run_cli(*words: object, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `cinematrix` with these words, whatever comes of it."""
    return subprocess.run(
        [*PROGRAM, *map(str, words)], capture_output=True, encoding="utf-8", cwd=cwd, env=clean_environment(**more),
        check=False, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip


def run_in_process(*words: object) -> subprocess.CompletedProcess[str]:
    """The same in this process, which is quicker: for what doesn't depend on the process."""
    out, errors = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(errors):
        patched.setattr(sys, "argv", ["cinematrix", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            run()
    return subprocess.CompletedProcess(sys.argv, int(end.value.code or 0), out.getvalue(), errors.getvalue())


def run_ok(*words: object, by: Run = run_in_process) -> str:
    """The standard output of a command that ends well and has nothing on standard error."""
    done = by(*words)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert ANSI not in done.stdout
    return done.stdout


def run_json(*words: object, by: Run = run_in_process) -> Any:
    """What a command answers with `--json`: one document and nothing beside it."""
    return json.loads(run_ok(*words, "--json", by=by))


def run_failing(*words: object, code: int = 2, by: Run = run_in_process) -> str:
    """The one line on standard error of a command that fails, without a traceback and with nothing on stdout."""
    done = by(*words)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    assert re.fullmatch(r"cinematrix: [^\n]+\n", done.stderr), done.stderr
    assert ANSI not in done.stderr
    return done.stderr
