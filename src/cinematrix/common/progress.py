"""Progress reporting for long work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Receiver of progress reports, such as a progress bar; None in its place reports nothing."""

    def start(self, what: str, total: int) -> None:
        """Begin the task `what` of `total` steps."""
        ...

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Report `steps` finished steps; `note` is shown beside the bar (the loss, the validation RMSE)."""
        ...

    def stop(self) -> None:
        """End the task that began last."""
        ...


class Silent:
    """Progress receiver that shows nothing."""

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
