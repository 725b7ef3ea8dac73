"""`spread(function, items)`: the one way to run independent work, wherever its items run.

All executors are alike: notes on one progress bar, errors that name the item, another run of an item whose process or
node was killed, and the end of everything at Ctrl-C. Results depend neither on the executor nor on the order in which
items end, as long as each has the same number of threads.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress, Silent
from cinematrix.common.spread.cluster import RayCluster
from cinematrix.common.spread.processes import Processes
from cinematrix.common.spread.work import Common, Executor, Function, Item, Loop, Outcome, Result, Shared, Work
from cinematrix.errors import SettingError

Input = TypeVar("Input", covariant=True)


class Spread(Protocol[Input]):
    """Function that runs work on an opened executor."""

    def __call__(
        self,
        function: Callable[[Input, Item, Progress], Result],
        items: Sequence[Item],
        done: Callable[[int, Outcome[Result]], None],
        name: Callable[[Item], str] = str,
    ) -> None:
        """Run `function` on all items.

        Args:
            function: a function of the shared input, an item, and a receiver of its progress. Other processes must be
                able to import it.
            items: values that can be pickled, small ones.
            done: called with each item's place and outcome, in any order, in this thread. An exception that it raises
                ends the work.
            name: name of an item, for notes and errors.
        """
        ...


@contextmanager
def spreading(
    shared: Shared[Common], on: str, progress: Progress | None = None, *, fresh: bool = False
) -> Iterator[Spread[Common]]:
    """Yield the function `spread`, for as much work as one likes; processes and the shared input stay until the end.

    Args:
        shared: the input of all items.
        on: where items run, as `choose_executor` takes it.
        progress: receiver of notes; steps are up to `done`.
        fresh: each item has a new process, so that its peak memory is its own; the loop in this process can't.

    Raises:
        SettingError: there is no such executor.
        MissingExtraError: it needs Ray, and that isn't installed.
        ClusterError: no cluster answers.
    """
    bar = progress or Silent()
    with choose_executor(on).open(shared, fresh=fresh) as run:

        def spread(
            function: Function[Common, Item, Result],
            items: Sequence[Item],
            done: Callable[[int, Outcome[Result]], None],
            name: Callable[[Item], str] = str,
        ) -> None:
            run(Work(function, items, name, lambda note: bar.advance(0, note=note), done))

        yield spread


def choose_executor(on: str) -> Executor:
    """Return the executor `on`: local, processes, processes:N, ray, or ray://HOST:PORT.

    Raises:
        SettingError: there is no such executor.
        MissingExtraError: it needs Ray, and that isn't installed.
    """
    if on == "local":
        return Loop()
    if match := re.fullmatch(r"processes(?::([1-9]\d*))?", on):
        return Processes(int(match[1] or 0))
    if on == "ray" or re.fullmatch(r"ray://[^/\s]+:\d+", on):
        require_package("ray", "work on a cluster")
        return RayCluster(on)
    raise SettingError(
        f"work can't run on {on!r}; it must be local (this process), processes or processes:N, ray (the cluster of "
        "RAY_ADDRESS, or one on this machine), or ray://HOST:PORT"
    )
