"""Functions that the tests of spread work run in other processes, which import them from here."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cinematrix.common.progress import Progress
from cinematrix.common.spread.run import spreading
from cinematrix.common.spread.work import Outcome, Shared
from cinematrix.errors import TrainingError


def shared_number(number: int) -> Shared[int]:
    """Return a number that is shared as a file."""
    return Shared(number, lambda folder: (folder / "number").write_text(str(number)), read_number)


def read_number(folder: Path) -> int:
    """Read the number, and count how often it is read."""
    return int((folder / "number").read_text())


def run_on(on: str, function: Callable[..., Any], items: list[Any], **more: Any) -> list[Outcome[Any]]:
    """Return the outcomes of all items, with the shared number 10."""
    found: dict[int, Outcome[Any]] = {}
    with spreading(shared_number(10), on, more.pop("progress", None), **more) as spread:
        spread(function, items, found.__setitem__, name=lambda item: f"item {item}")
    return [found[place] for place in range(len(items))]


@dataclass
class RecordedNotes:
    """Progress receiver that records notes."""

    notes: list[str]

    def start(self, what: str, total: int) -> None: ...

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.notes.append(note)

    def stop(self) -> None: ...


def multiply(number: int, item: int, progress: Progress) -> int:
    """Multiply, and report a step; larger items take less time."""
    progress.start("multiplying", 1)
    time.sleep(0.02 * (3 - item))
    progress.advance()
    return number * item


def fail(number: int, item: str, progress: Progress) -> str:
    """Fail in the way that the item names."""
    print("noise that is no message")
    if item == "diverge":
        raise TrainingError("the loss became NaN")
    if item == "crash":
        raise ValueError("no such luck")
    if item == "exit":
        raise SystemExit(3)
    return item


def pid(number: int, item: int, progress: Progress) -> int:
    """Return the process that runs the item."""
    return os.getpid()


def be_killed(number: int, item: tuple[Path, int], progress: Progress) -> int:
    """Kill the own process in the first `item[1]` runs; return the number of runs. The file `item[0]` counts them."""
    counter, kills = item
    with counter.open("a") as file:
        file.write("x")
    runs = len(counter.read_text())
    if runs <= kills:
        os.kill(os.getpid(), signal.SIGKILL)
    return runs


def wait_long(number: int, item: Path, progress: Progress) -> None:
    """Write the own process's number to the file, and wait a minute."""
    item.with_suffix(".part").write_text(str(os.getpid()))
    item.with_suffix(".part").rename(item)
    time.sleep(60)


def is_running(process: int) -> bool:
    """Return True if a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
