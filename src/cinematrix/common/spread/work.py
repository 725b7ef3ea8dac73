"""Independent work: one function over many items, the input that they share, and how each item ends."""

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, Protocol, TypeVar, cast

from cinematrix.common.process_memory import read_peak_megabytes
from cinematrix.common.progress import Progress
from cinematrix.errors import CinematrixError, WorkError

Common = TypeVar("Common")
Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_RUNS = 3
"""Maximum runs of an item whose process, worker or node was killed."""

NOTE_SECONDS = 0.2
"""Minimum time between two notes of an item."""

Function = Callable[[Common, Item, Progress], Result]
"""Function of the shared input, an item, and a receiver of its progress."""


@dataclass(frozen=True)
class Shared(Generic[Common]):
    """Input that all items share. Another process or node gets it once, as a folder of files.

    Attributes:
        value: the input, for items that run in this process.
        write: writes the input to an empty folder.
        read: reads it from there in another process, which must be able to import this function.
        near: existing folder beside which that folder is created; None: the system's temporary folder.
    """

    value: Common
    write: Callable[[Path], object]
    read: Callable[[Path], Common]
    near: Path | None = None

    @contextmanager
    def as_folder(self) -> Iterator[Path]:
        """Write the input to a temporary folder."""
        with TemporaryDirectory(prefix=".shared.", dir=self.near) as folder:
            self.write(Path(folder))
            yield Path(folder)


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """End of an item: its result, or the reason why there is none.

    Attributes:
        result: what the function returned.
        why: reason of the failure, as the rest of a sentence; empty if there is a result.
        kind: class of the error.
        trace: traceback of the error.
    """

    result: Result | None = None
    why: str = ""
    kind: type[CinematrixError] = WorkError
    trace: str = ""

    def get(self, name: str) -> Result:
        """Return the result; raise the error of the item of this name, with its traceback as a note.

        Raises:
            CinematrixError: the item failed.
        """
        if not self.why:
            return cast(Result, self.result)
        error = self.kind(f"{name}: {self.why}")
        if self.trace:
            error.add_note(self.trace)
        raise error


@dataclass(frozen=True)
class Work(Generic[Common, Item, Result]):
    """Items to run, and the receivers of what happens to them.

    Attributes:
        function: a function that other processes can import.
        items: values that can be pickled, small ones.
        name: name of an item, for notes and errors.
        note: receiver of notes.
        done: receiver of each item's place and outcome, in any order. An exception that it raises ends the work.
    """

    function: Function[Common, Item, Result]
    items: Sequence[Item]
    name: Callable[[Item], str]
    note: Callable[[str], None]
    done: Callable[[int, Outcome[Result]], None]

    def report(self, place: int, note: str = "") -> None:
        """Pass on the note of an item, after its name."""
        name = self.name(self.items[place])
        self.note(f"{name}: {note}" if note else name)


class Executor(Protocol):
    """Place where work runs."""

    def open(
        self, shared: Shared[Any], *, fresh: bool
    ) -> AbstractContextManager[Callable[[Work[Any, Any, Any]], None]]:
        """Return a context with a function that runs work on the shared input; its end is the end of all that runs.

        Args:
            fresh: each item has a new process, so that its peak memory is its own.
        """
        ...


class Loop:
    """Executor that runs one item after the other in this process, which can't be fresh."""

    @contextmanager
    def open(self, shared: Shared[Any], *, fresh: bool) -> Iterator[Callable[[Work[Any, Any, Any]], None]]:
        """Yield the function that runs work."""

        def run(work: Work[Any, Any, Any]) -> None:
            for place, item in enumerate(work.items):
                work.report(place)
                progress = NoteProgress(partial(work.report, place))
                work.done(place, attempt(work.function, shared.value, item, progress))

        yield run


def attempt(
    function: Function[Common, Item, Result], common: Common, item: Item, progress: Progress
) -> Outcome[Result]:
    """Run an item and return its outcome; only an interruption is raised."""
    try:
        return Outcome(function(common, item, progress))
    except CinematrixError as error:
        return Outcome(why=str(error), kind=type(error), trace=traceback.format_exc())
    except MemoryError:
        return Outcome(why=f"ran out of memory, with a peak of {read_peak_megabytes():,.0f} MB")
    except (Exception, SystemExit) as error:
        return Outcome(why=f"stopped with {type(error).__name__}: {error}", trace=traceback.format_exc())


class NoteProgress:
    """Progress receiver of an item: it turns bars into notes such as `evaluating 3/5`."""

    def __init__(self, send: Callable[[str], object]) -> None:
        self._send = send
        self._what, self._total, self._done, self._sent = "", 0, 0, 0.0

    def start(self, what: str, total: int) -> None:
        """Begin a task and send it."""
        self._what, self._total, self._done = what, total, 0
        self._report("")

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count the steps, and send them at most every `NOTE_SECONDS`."""
        self._done += steps
        if time.monotonic() - self._sent > NOTE_SECONDS:
            self._report(note)

    def stop(self) -> None:
        """Do nothing."""

    def _report(self, note: str) -> None:
        self._sent = time.monotonic()
        self._send(f"{self._what} {self._done:,}/{self._total:,} {note}".strip())
