"""Output of the command line: results on stdout, progress and errors on stderr, JSON with `--json`."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def make_console() -> Console:
    """Make a console on stdout, 140 columns wide if it is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 140)


def print_notes(sentences: Sequence[str]) -> None:
    """Print what was taken from the input, a line each."""
    for sentence in sentences:
        make_console().print(sentence, style="dim", markup=False, soft_wrap=True)


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
