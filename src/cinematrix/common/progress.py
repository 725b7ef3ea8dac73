"""TODO common.progress."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """What hears about long work. `None` in its place means silence."""

    def start(self, what: str, total: int) -> None:
        """`total` steps of `what` begin."""
        ...

    def advance(self, steps: int = 1, note: str = "") -> None:
        """`steps` more are done; `note` is shown beside the bar (the loss, the validation RMSE)."""
        ...

    def stop(self) -> None:
        """The work begun last is over."""
        ...


class Silent:
    """Progress that nobody sees."""

    def start(self, what: str, total: int) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


@contextmanager
def running(progress: Progress, what: str, total: int) -> Iterator[None]:
    """Show `total` steps of `what` inside the context; the bar is removed however the context ends."""
    progress.start(what, total)
    try:
        yield
    finally:
        progress.stop()
