"""TODO common.progress."""

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
