"""Independent work in this process and in others: `cinematrix.common.spread`. The cluster has its own file."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cinematrix.common import optional
from cinematrix.common.spread.processes import share_cores
from cinematrix.common.spread.run import choose_executor, spreading
from cinematrix.common.spread.work import MAX_RUNS
from cinematrix.errors import MissingExtraError, SettingError, TrainingError, WorkError
from spread_work import (
    RecordedNotes,
    be_killed,
    fail,
    is_running,
    multiply,
    pid,
    run_on,
    shared_number,
    wait_long,
)
from waiting import wait_for

on = pytest.mark.parametrize("on", ["local", "processes:2"])
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@on
def test_results_and_notes_are_alike_everywhere(on: str) -> None:
    """Each item's result has its place, in whatever order they end; its notes begin with its name."""
    progress = RecordedNotes([])
    found = run_on(on, multiply, [0, 1, 2], progress=progress)
    assert [outcome.get("?") for outcome in found] == [0, 10, 20]
    for item in range(3):
        assert {f"item {item}", f"item {item}: multiplying 0/1"} <= {*progress.notes}


@on
def test_errors_name_the_item_and_leave_the_others_alone(on: str) -> None:
    """An error of ours keeps its class; others, and exits, have their name; the traceback is a note."""
    found = run_on(on, fail, ["diverge", "well", "crash", "exit"])
    assert found[1].get("?") == "well"
    with pytest.raises(TrainingError, match=r"^item 0: the loss became NaN"):
        found[0].get("item 0")
    with pytest.raises(WorkError, match=r"^item 2: stopped with ValueError: no such luck") as error:
        found[2].get("item 2")
    assert 'raise ValueError("no such luck")' in error.value.__notes__[0]
    assert found[3].why == "stopped with SystemExit: 3"


@on
def test_an_exception_in_the_receiver_ends_the_work(on: str) -> None:
    """The receiver isn't called again, and no further item starts in this process."""
    received = []

    def done(place: int, outcome: Any) -> None:
        received.append(place)
        outcome.get(f"item {place}")

    with pytest.raises(WorkError, match="item 1: "), spreading(shared_number(10), on) as spread:
        spread(fail, ["well", "crash", *["well"] * 98], done)
    assert received[-1] == 1
    assert on != "local" or len(received) == 2


def test_processes_stay_for_more_work_unless_items_want_fresh_ones() -> None:
    """Two processes run five items and then more; with `fresh`, each item has its own."""
    found: dict[int, Any] = {}
    with spreading(shared_number(10), "processes:2") as spread:
        spread(pid, range(5), found.__setitem__)
        first = {outcome.get("?") for outcome in found.values()}
        spread(pid, range(5), found.__setitem__)
        assert {outcome.get("?") for outcome in found.values()} <= first or len(first) == 1
    assert len(first) <= 2
    fresh = {outcome.get("?") for outcome in run_on("processes:2", pid, [0, 1, 2], fresh=True)}
    assert len(fresh) == 3
    assert os.getpid() not in fresh | first


@pytest.mark.parametrize("kills", [1, MAX_RUNS])
def test_the_item_of_a_killed_process_runs_again(kills: int, tmp_path: Path) -> None:
    """A process that is killed once costs a run; one that is killed each time is a failure that says so."""
    unlucky, lucky = run_on("processes:2", be_killed, [(tmp_path / "a", kills), (tmp_path / "b", 0)])
    assert lucky.result == 1
    if kills < MAX_RUNS:
        assert unlucky.result == kills + 1
    else:
        assert unlucky.why == "was ended by the signal SIGKILL, most likely because memory ran out"
        assert len((tmp_path / "a").read_text()) == MAX_RUNS


@linux
def test_an_interruption_ends_all_processes_at_once(tmp_path: Path) -> None:
    """Ctrl-C while two items run: both processes are gone when the exception arrives, and the folder too."""
    files = [tmp_path / "0", tmp_path / "1"]

    class Interrupted(RecordedNotes):
        def advance(self, steps: int = 1, note: str = "") -> None:
            super().advance(steps, note)
            if len(self.notes) == 2:
                wait_for(lambda: all(file.exists() for file in files), 60)
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_on("processes:2", wait_long, files, progress=Interrupted([]))
    assert not any(is_running(int(file.read_text())) for file in files)


@linux
def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    """No process of items is left working for nobody."""
    code = "import sys; from pathlib import Path; from spread_work import *; "
    code += "run_on('processes:1', wait_long, [Path(sys.argv[1])])"
    helpers = str(Path(__file__).parents[1] / "helpers")
    path = os.pathsep.join([helpers, os.environ.get("PYTHONPATH", "")])
    parent = subprocess.Popen([sys.executable, "-c", code, tmp_path / "pid"], env={**os.environ, "PYTHONPATH": path})
    wait_for((tmp_path / "pid").exists, 60)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not is_running(int((tmp_path / "pid").read_text())), 30)


def test_what_other_processes_cannot_have_is_a_failure() -> None:
    """A function or a class inside a function."""

    def local(number: int, item: int, progress: Any) -> None: ...

    (found,) = run_on("processes:1", local, [1])
    assert found.why.startswith("can't be sent to another process (Can't ")
    assert found.why.endswith("; define it in a module")


def test_each_process_has_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process has all cores; the user's own number of threads is left alone."""
    monkeypatch.setattr("cinematrix.common.spread.processes.count_cores", lambda: 8)
    assert share_cores(3) == {}  # the tests run with OMP_NUM_THREADS=1
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [share_cores(count) for count in (1, 3, 16)] == [{}, {"OMP_NUM_THREADS": "2"}, {"OMP_NUM_THREADS": "1"}]


@pytest.mark.parametrize("wrong", ["", "threads", "processes:0", "ray:", "ray://host", "ray://host:port"])
def test_unknown_executors_are_errors(wrong: str) -> None:
    """The message says what there is."""
    with pytest.raises(SettingError, match=r"it must be local .*, processes or processes:N, ray .*ray://HOST:PORT"):
        choose_executor(wrong)


@pytest.mark.parametrize("on", ["ray", "ray://head:10001"])
def test_a_cluster_needs_ray(on: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to install it."""
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"running work on a cluster needs Ray; .*'cinematrix\[cluster\]'"):
        choose_executor(on)
