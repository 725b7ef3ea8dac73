"""Progress bars for a terminal and for a notebook."""

import sys
import time
from typing import Any

from cinematrix.common.progress import Progress, Silent

UPDATE_SECONDS = 0.2
"""Seconds between two updates in a notebook."""


def default_progress() -> Progress:
    """Return a bar in the notebook, a bar on stderr where it is a terminal, and else a silent progress."""
    if (display := _notebook_display()) is not None:
        return NotebookBar(display)
    return TerminalBar() if sys.stderr.isatty() else Silent()


class TerminalBar:
    """A progress bar on stderr, with time left; silent where stderr is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._bar: Any = None

    def start(self, what: str, total: int) -> None:
        """Show a bar of `total` steps of `what`."""
        from rich import progress as rich

        self.stop()
        columns = (
            rich.TextColumn("{task.description}"), rich.BarColumn(), rich.MofNCompleteColumn(),
            rich.TimeElapsedColumn(), rich.TextColumn("left"), rich.TimeRemainingColumn(),
            rich.TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        quiet = not self._console.is_terminal
        self._bar = rich.Progress(*columns, console=self._console, disable=quiet, transient=True)
        self._task = self._bar.add_task(what, total=total, note="")
        self._bar.start()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move on, and show `note` behind the bar."""
        if self._bar:
            fields = {"note": note} if note else {}
            self._bar.update(self._task, advance=steps, **fields)

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar:
            self._bar.stop()
            self._bar = None


class NotebookBar:
    """A progress bar in the output of a notebook's cell; it is removed at the end."""

    def __init__(self, display: Any) -> None:
        self._display, self._handle = display, None
        self._what, self._total, self._done, self._shown = "", 0, 0, 0.0

    def start(self, what: str, total: int) -> None:
        """Show a bar of `total` steps of `what`."""
        self._what, self._total, self._done, self._shown = what, max(total, 1), 0, 0.0
        self._handle = self._display(self._html(""), display_id=True)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move on, and show `note` behind the bar."""
        self._done += steps
        if self._handle is not None and time.monotonic() > self._shown + UPDATE_SECONDS:
            self._shown = time.monotonic()
            self._handle.update(self._html(note))

    def stop(self) -> None:
        """Remove the bar."""
        if self._handle is not None:
            self._handle.update(_Html(""))
            self._handle = None

    def _html(self, note: str) -> "_Html":
        from html import escape

        text = f"{self._what} {self._done:,}/{self._total:,} {note}".rstrip()
        return _Html(f'<progress value="{self._done}" max="{self._total}"></progress> {escape(text)}')


class _Html:
    """Content that a notebook shows."""

    def __init__(self, content: str) -> None:
        self._content = content

    def _repr_html_(self) -> str:
        return self._content


def _notebook_display() -> Any:
    """IPython's `display` inside a notebook; None elsewhere."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython  # type: ignore[import-not-found,unused-ignore]
    from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

    shell = get_ipython()
    return display if shell is not None and "IPKernelApp" in getattr(shell, "config", {}) else None
