"""Executor on processes of this machine.

Each process is a new interpreter, not a fork, so that scripts need no guard around `__main__`. It has a session of its
own: Ctrl-C reaches only this process, which then kills the others.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from tempfile import TemporaryFile
from threading import Lock, Thread
from typing import Any

from cinematrix.common.spread.work import MAX_RUNS, Outcome, Shared, Work
from cinematrix.common.threads import THREADS_VARIABLE, count_cores

COMMAND = [sys.executable, "-P", "-c", "from cinematrix.common.spread.worker import main; main()"]
"""Command of a process that runs items."""


@dataclass(frozen=True)
class Processes:
    """Executor that runs items in `count` processes; 0: one a core."""

    count: int = 0

    @contextmanager
    def open(self, shared: Shared[Any], *, fresh: bool) -> Iterator[Callable[[Work[Any, Any, Any]], None]]:
        """Yield the function that runs work; the processes stay until the end."""
        with shared.as_folder() as folder:
            crew = _Crew(self.count or count_cores(), (shared.read, folder), fresh=fresh)
            try:
                yield crew.run
            finally:
                crew.close()


@dataclass(frozen=True)
class _Note:
    """A note of the item at `place`."""

    place: int
    text: str = ""


def _put_note(events: "SimpleQueue[Any]", place: int, text: str) -> None:
    events.put(_Note(place, text))


class _EndedError(Exception):
    """The work was ended from outside."""


class _Crew:
    """Processes that run items, each one kept at work by a thread of this process."""

    def __init__(self, count: int, start: Any, *, fresh: bool) -> None:
        self._count, self._start, self._fresh = count, start, fresh
        self._lock, self._ended = Lock(), False
        self._children, self._idle = set[_Child](), list[_Child]()

    def run(self, work: Work[Any, Any, Any]) -> None:
        """Run all items, and report what happens in this thread."""
        waiting, events = deque(range(len(work.items))), SimpleQueue[Any]()
        count = min(self._count, len(waiting))
        threads = [Thread(target=self._run_items, args=(work, waiting, events), daemon=True) for _ in range(count)]
        try:
            for thread in threads:
                thread.start()
            for _ in work.items:
                while isinstance(event := events.get(), _Note):
                    work.report(event.place, event.text)
                if isinstance(event, BaseException):
                    raise event
                work.done(*event)
        except BaseException:
            self.kill()
            raise
        finally:
            for thread in threads:
                thread.join()

    def kill(self) -> None:
        """Kill all processes, and start no more."""
        with self._lock:
            self._ended = True
            for child in self._children:
                child.kill()

    def close(self) -> None:
        """End all processes and free what belongs to them."""
        self.kill()
        for child in list(self._children):
            self._close(child)

    def _run_items(self, work: Work[Any, Any, Any], waiting: deque[int], events: "SimpleQueue[Any]") -> None:
        """Run items while there are any; one whose process is killed runs again in another process."""
        try:
            while waiting:
                place = waiting.popleft()
                for _ in range(MAX_RUNS):
                    child = self._take()
                    events.put(_Note(place))
                    outcome = child.run((work.function, work.items[place]), partial(_put_note, events, place))
                    self._give_back(child)
                    if not child.killed:
                        break
                events.put((place, outcome))
        except (_EndedError, IndexError):  # another thread took the last item
            pass
        except BaseException as error:
            events.put(error)

    def _take(self) -> "_Child":
        """Return an idle process, or a new one."""
        with self._lock:
            if self._ended:
                raise _EndedError
            if self._idle:
                return self._idle.pop()
            child = _Child(self._start, share_cores(self._count))
            self._children.add(child)
            return child

    def _give_back(self, child: "_Child") -> None:
        if self._fresh or child.dead:
            self._close(child)
        else:
            self._idle.append(child)

    def _close(self, child: "_Child") -> None:
        with self._lock:
            self._children.discard(child)
        child.close()


class _Child:
    """A process that runs items; `dead` once it has ended by itself, and `killed` if that was by a signal."""

    def __init__(self, start: Any, environment: Mapping[str, str]) -> None:
        self.dead = self.killed = False
        self._errors = TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed by `close`)
        self._process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            env={**os.environ, **environment}, start_new_session=True,
        )  # fmt: skip
        self._send(sys.path)
        self._send(start)

    def run(self, job: Any, note: Callable[[str], None]) -> Outcome[Any]:
        """Run a function on an item, and pass on its notes."""
        assert self._process.stdout is not None
        try:
            self._send(job)
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            return Outcome(why=f"can't be sent to another process ({error}); define it in a module")
        try:
            while isinstance(message := pickle.load(self._process.stdout), str):
                note(message)
        except (EOFError, pickle.UnpicklingError):
            return self._explain_end()
        outcome: Outcome[Any] = message
        return outcome

    def kill(self) -> None:
        """End the process, and those that it has started; one that has ended may have left its number to another."""
        if self._process.returncode is not None:
            return
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def close(self) -> None:
        """End the process and free what belongs to it."""
        self.kill()
        self._process.wait()
        self._errors.close()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _send(self, message: object) -> None:
        """Send a message, in vain to a process that has ended."""
        assert self._process.stdin is not None
        content = pickle.dumps(message)
        with suppress(OSError):
            self._process.stdin.write(content)
            self._process.stdin.flush()

    def _explain_end(self) -> Outcome[Any]:
        """Say by what the process has ended."""
        code, self.dead = self._process.wait(), True
        self.killed = code < 0
        if self.killed:
            guess = ", most likely because memory ran out" if -code == 9 else ""
            return Outcome(why=f"was ended by the signal {signal.Signals(-code).name}{guess}")
        self._errors.seek(0)
        trace = self._errors.read().strip()
        return Outcome(why=f"stopped with {(trace.splitlines() or ['no message'])[-1].strip()}", trace=trace)


def share_cores(count: int) -> dict[str, str]:
    """Return the variables of the environment by which each of `count` processes has its share of the cores."""
    if count == 1 or THREADS_VARIABLE in os.environ:
        return {}
    return {THREADS_VARIABLE: str(max(1, count_cores() // count))}
