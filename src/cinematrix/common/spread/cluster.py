"""Executor on a Ray cluster.

The shared input is put into Ray's object store once. Each node gets it once and writes it to a folder, which all
processes of the node read. Tasks are spread over the nodes; Ray runs those of a killed process or node again.
"""

import logging
import os
import re
import shutil
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.spread.work import MAX_RUNS, NoteProgress, Outcome, Shared, Work, attempt
from cinematrix.common.threads import THREADS_VARIABLE
from cinematrix.errors import ClusterError

POLL_SECONDS = 0.5
"""Time between two looks at the notes."""

CONNECT_SECONDS = 10
"""Maximum time until a cluster answers."""

FORGET_SECONDS = 30
"""Maximum time until nodes have removed the shared input."""

Files = dict[str, NDArray[np.uint8]]
"""Contents of the files in a folder, by their paths in it."""


@dataclass(frozen=True)
class RayCluster:
    """Executor that runs items as tasks of a Ray cluster.

    Attributes:
        address: `ray://HOST:PORT` of a cluster's client server; `ray`: the cluster that `RAY_ADDRESS` names, or else
            one that is started on this machine for the time of the work.
    """

    address: str

    @contextmanager
    def open(self, shared: Shared[Any], *, fresh: bool) -> Iterator[Callable[[Work[Any, Any, Any]], None]]:
        """Yield the function that runs work; the cluster keeps the shared input until the end."""
        with _connect(self.address):
            import ray

            key, threads = uuid.uuid4().hex, int(os.environ.get(THREADS_VARIABLE, 1))
            with shared.as_folder() as folder:
                common = ray.put((key, version("cinematrix"), shared.read, _pack(folder)))
            notes = ray.remote(_Notes).options(num_cpus=0, max_restarts=-1).remote()
            task = ray.remote(max_calls=1)(_run_item) if fresh else ray.remote(_run_item)
            task = task.options(num_cpus=threads, max_retries=MAX_RUNS - 1, scheduling_strategy="SPREAD")
            try:
                yield lambda work: _run(work, partial(task.remote, common, notes), notes)
            finally:
                _forget_everywhere(key)


def _run(work: Work[Any, Any, Any], start: Callable[..., Any], notes: Any) -> None:
    """Run all items as tasks; cancel them if this is interrupted."""
    import ray

    running = {start(place, work.function, item): place for place, item in enumerate(work.items)}
    try:
        while running:
            ended, _ = ray.wait(list(running), timeout=POLL_SECONDS)
            _show(notes, work)
            for reference in ended:
                work.done(running.pop(reference), _get(reference))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)


class _Notes:
    """Actor that holds the last note of each item until it is taken."""

    def __init__(self) -> None:
        self._notes: dict[int, str] = {}

    def put(self, place: int, note: str) -> None:
        """Replace the note of an item."""
        self._notes[place] = note

    def take(self) -> dict[int, str]:
        """Return the notes since the last call."""
        notes, self._notes = self._notes, {}
        return notes


@contextmanager
def _connect(address: str) -> Iterator[None]:
    """Connect this program to the cluster, unless it is connected already.

    Raises:
        ClusterError: no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        yield
        return
    place = os.environ.get("RAY_ADDRESS", "local") if address == "ray" else address
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        _check_answer(place)
        if place == "local":
            ray.init(place, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        else:
            ray.init(place, **quiet)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise ClusterError(
            f"no Ray cluster answers at {place} ({error}); start one with 'ray start --head', or set "
            "RAY_AUTH_MODE=token if it asks for a token"
        ) from error
    with _quiet():
        try:
            yield
        finally:
            ray.shutdown()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray from printing to stdout what its nodes report, as Ray's debugger does; it has no option for that."""
    from ray._private import worker

    before, worker._worker_logs_enabled = worker._worker_logs_enabled, False
    try:
        yield
    finally:
        worker._worker_logs_enabled = before


def _check_answer(place: str) -> None:
    """Raise OSError at once if nothing answers at HOST:PORT; Ray itself tries for minutes."""
    if found := re.fullmatch(r"(?:ray://)?\[?([^/\]]+)\]?:(\d+)", place):
        socket.create_connection((found[1], int(found[2])), CONNECT_SECONDS).close()


def _get(reference: Any) -> Outcome[Any]:
    """Return the outcome of a task that has ended; a failure if Ray couldn't run it."""
    import ray

    try:
        outcome: Outcome[Any] = ray.get(reference)
    except ray.exceptions.RayError as error:
        return Outcome(why=f"was ended by Ray: {str(error).strip().splitlines()[-1]}", trace=str(error))
    return outcome


def _show(notes: Any, work: Work[Any, Any, Any]) -> None:
    """Pass on the notes of the actor; none while it is moved from a killed node to another one."""
    import ray

    with suppress(ray.exceptions.RayError):
        for place, note in ray.get(notes.take.remote(), timeout=POLL_SECONDS).items():
            work.report(place, note)


def _run_item(common: Any, notes: Any, place: int, function: Any, item: Any) -> Outcome[Any]:
    """Run an item in a process of a node."""
    key, wanted, read, files = common
    if (here := version("cinematrix")) != wanted:
        return Outcome(why=f"{os.uname().nodename} has cinematrix {here} and not {wanted}; install the same everywhere")
    notes.put.remote(place, "")
    progress = NoteProgress(lambda note: notes.put.remote(place, note))
    return attempt(function, _read_shared(key, read, files), item, progress)


_SHARED: dict[str, Any] = {}
"""Shared input of the work that this process of a node has run last, by its key."""


def _read_shared(key: str, read: Callable[[Path], Any], files: Files) -> Any:
    """Return the shared input, read once by each process from the folder of its node."""
    if key not in _SHARED:
        _SHARED.clear()
        _SHARED[key] = read(_unpack(key, files))
    return _SHARED[key]


def _pack(folder: Path) -> Files:
    """Read the files of a folder, and of folders that it links to."""
    files = [Path(parent, name) for parent, _, names in os.walk(folder, followlinks=True) for name in names]
    return {path.relative_to(folder).as_posix(): np.fromfile(path, np.uint8) for path in files}


def _unpack(key: str, files: Files) -> Path:
    """Write files to a folder of this node, unless another process has done so."""
    from filelock import FileLock  # comes with Ray

    folder = _node_folder(key)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.part")
            for name, content in files.items():
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                content.tofile(unfinished / name)
            unfinished.rename(folder)
    return folder


def _node_folder(key: str) -> Path:
    return Path(tempfile.gettempdir(), f"cinematrix-{key}")


def _forget_everywhere(key: str) -> None:
    """Remove the folders of all nodes that answer."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    tasks = []
    nodes: Any = ray.nodes  # a function without types
    for node in nodes():
        if node["Alive"]:
            here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            tasks.append(ray.remote(_forget).options(num_cpus=0, scheduling_strategy=here).remote(key))
    ray.wait(tasks, num_returns=len(tasks), timeout=FORGET_SECONDS)


def _forget(key: str) -> None:
    """Remove the folder of this node, and what a killed process has left of it."""
    folder = _node_folder(key)
    for path in (folder, folder.with_name(f"{folder.name}.part")):
        shutil.rmtree(path, ignore_errors=True)
    Path(f"{folder}.lock").unlink(missing_ok=True)
