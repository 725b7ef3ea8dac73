"""`cinematrix`: the entry point, and the exit codes of errors.

Exit codes: 0 done, 1 failed, 2 bad usage or input, 3 imported in part, 130 interrupted.
"""

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from cinematrix.cli import (
    audit,
    compare,
    data,
    demo,
    doctor,
    evaluate,
    explain,
    imports,
    keys,
    movies,
    recommend,
    refit,
    serve,
    train,
    tune,
    users,
)
from cinematrix.common.waiting_threads import let_waiting_threads_sleep
from cinematrix.errors import CinematrixError

app = typer.Typer(
    name="cinematrix",
    help="Movie recommendation by deep matrix factorization: train, evaluate, recommend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.add_typer(keys.app, name="key")
app.add_typer(users.app, name="user")
app.add_typer(movies.app, name="movies")
COMMANDS = (
    *(demo.demo, train.train, evaluate.evaluate, compare.compare, tune.tune),
    *(recommend.predict, recommend.recommend, recommend.similar, explain.explain, serve.serve),
    *(refit.refit, refit.versions, refit.rollback, doctor.doctor),
    audit.audit,
)
for command in COMMANDS:
    app.command()(command)
app.command("import")(imports.import_journal)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("cinematrix"))
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Declare the options of all commands; `run` itself reads --debug."""


def run() -> None:
    """Run the command line; a Cinematrix error is one line on stderr and the exit code of its class."""
    debug = "--debug" in sys.argv
    _set_utf8_output()
    let_waiting_threads_sleep()  # before a command imports NumPy or PyTorch
    try:
        _run_app()
    except CinematrixError as error:
        if debug:
            raise
        line = "".join(letter if letter.isprintable() else " " for letter in str(error))  # from names in files
        print(f"cinematrix: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("cinematrix: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of the output has ended, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _set_utf8_output() -> None:
    """Encode output to files and pipes in UTF-8 for any locale; characters that can't be encoded are replaced."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


def _run_app() -> None:
    """Run the app; raise KeyboardInterrupt and BrokenPipeError, which Typer turns into exit codes of its own."""
    try:
        app(standalone_mode=True)
    except SystemExit as end:
        cause = end.__context__
        while cause is not None and not isinstance(cause, KeyboardInterrupt | BrokenPipeError):
            cause = cause.__context__
        if cause is None:
            raise
        raise cause from None
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
