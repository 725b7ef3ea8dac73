"""Output of the command line: results on stdout, progress and errors on stderr, JSON with `--json`."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table


def make_console() -> Console:
    """Make a console on stdout, 140 columns wide if it is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 140)


def print_json(payload: Any) -> None:
    """Print `payload` as one JSON document; NaN and infinity become null."""
    print(json.dumps(_replace_non_finite(payload), indent=2, ensure_ascii=False))


def _replace_non_finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {str(key): _replace_non_finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_non_finite(item) for item in value]
    return value


def make_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> Table:
    """Make a table; a column whose name ends in `#` (not shown) is numeric and right-aligned."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.removesuffix("#"), justify="right" if name.endswith("#") else "left", overflow="fold")
    for row in rows:
        table.add_row(*[str(cell) for cell in row])
    return table


class ProgressBar:
    """A progress bar on stderr, with time left; silent where stderr is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar: Progress | None = None

    def start(self, what: str, total: int) -> None:
        self.stop()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        more = (TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
        quiet = not self._console.is_terminal
        self._bar = Progress(*columns, *more, console=self._console, disable=quiet, transient=True)
        self._task = self._bar.add_task(what, total=total, note="")
        self._bar.start()

    def advance(self, steps: int = 1, note: str = "") -> None:
        if self._bar:
            fields = {"note": note} if note else {}
            self._bar.update(self._task, advance=steps, **fields)  # type: ignore[arg-type]

    def stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
