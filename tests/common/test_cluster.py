"""Independent work on a real Ray cluster of three nodes on this machine: `cinematrix.common.spread.cluster`.

It is slow, since a cluster takes some ten seconds to start, and so it is the only file that starts one.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cinematrix.common.spread.run import spreading
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import ClusterError, TrainingError
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from command_line import run_json, run_ok
from spread_work import RecordedNotes, be_killed, fail, is_running, multiply, run_on, shared_number, wait_long
from waiting import wait_for

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="THE CLUSTER ISN'T TESTED HERE: Ray isn't installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc"),
]

NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000, "node_ip_address": "127.0.0.1"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of three nodes, whose address is in RAY_ADDRESS; processes of the nodes find the helpers."""
    helpers = str(Path(__file__).parents[1] / "helpers")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ray") as scratch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_health_check_initial_delay_ms", "0")  # a killed node is noticed soon
        patch.setenv("RAY_health_check_period_ms", "300")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else a token would be left in the home folder
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # as there: nodes talk by the loopback address alone
        patch.setenv("PYTHONPATH", os.pathsep.join([helpers, os.environ.get("PYTHONPATH", "")]))
        from ray.cluster_utils import Cluster

        cluster = Cluster(True, head_node_args={**NODE, "include_dashboard": False, "temp_dir": scratch})
        try:
            for _ in range(2):
                cluster.add_node(wait=False, **NODE)
            cluster.wait_for_nodes()
            patch.setenv("RAY_ADDRESS", cluster.address)
            yield cluster
        finally:
            cluster.shutdown()


def node_folders() -> set[Path]:
    """Folders of shared inputs, which all nodes of this machine have in one place."""
    return {*Path(tempfile.gettempdir()).glob("cinematrix-" + "[0-9a-f]" * 32 + "*")}


def test_work_on_a_cluster_is_as_everywhere(cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Results, notes, errors, another run of an item whose process is killed; nothing is left on nodes or printed."""
    progress, found, before = RecordedNotes([]), dict[int, Any](), node_folders()
    with spreading(shared_number(10), "ray", progress) as spread:
        spread(multiply, [0, 1, 2], found.__setitem__, name=lambda item: f"item {item}")
        assert [found[place].get("?") for place in range(3)] == [0, 10, 20]
        assert {f"item {item}: multiplying 0/1" for item in range(3)} & {*progress.notes}
        spread(fail, ["diverge", "well", "crash"], found.__setitem__)
        assert found[1].get("?") == "well"
        with pytest.raises(TrainingError, match="item 0: the loss became NaN"):
            found[0].get("item 0")
        assert found[2].why == "stopped with ValueError: no such luck"
        spread(be_killed, [(tmp_path / "a", 1), (tmp_path / "b", 3)], found.__setitem__)
        assert found[0].result == 2
        assert found[1].why.startswith("was ended by Ray: ")
        assert len((tmp_path / "b").read_text()) == 3
    assert node_folders() <= before
    assert "raylet" not in capsys.readouterr().out


def test_an_interruption_ends_the_items_of_a_cluster(cluster: Any, tmp_path: Path) -> None:
    """The process that runs an item is gone soon after Ctrl-C."""

    class Interrupted(RecordedNotes):
        def advance(self, steps: int = 1, note: str = "") -> None:
            wait_for((tmp_path / "pid").exists, 60)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_on("ray", wait_long, [tmp_path / "pid"], progress=Interrupted([]))
    wait_for(lambda: not is_running(int((tmp_path / "pid").read_text())), 30)


def test_lists_of_a_cluster_are_those_of_this_process(
    cluster: Any, tmp_path: Path, world: tuple[Ratings, Catalog]
) -> None:
    """The nodes get the saved model, and the command prints nothing else."""
    save(Bias().fit(*world), tmp_path / "model")
    for on in ("local", "ray"):
        run_ok("recommend", tmp_path / "model", "--all", "--out", tmp_path / f"{on}.parquet", "--on", on)
    assert_frame_equal(pl.read_parquet(tmp_path / "ray.parquet"), pl.read_parquet(tmp_path / "local.parquet"))


TIMES = ("training_s", "tuning_s", "peak_mb", "list_ms", "pair_us", "command")


def without_times(report: Any) -> Any:
    """Return a report without its times, memory and command."""
    if isinstance(report, dict):
        return {key: without_times(value) for key, value in report.items() if key not in TIMES}
    return [without_times(each) for each in report] if isinstance(report, list) else report


def test_a_comparison_survives_a_killed_node(cluster: Any, tmp_path: Path) -> None:
    """One of three nodes is killed in the middle: the same document as in this process, but for times."""
    sizes = [word for size in ("users=60", "movies=45", "ratings=1200", "seed=3") for word in ("--set", size)]
    run_json("data", "get", "simulated", "--to", tmp_path / "data", "--csv", *sizes)
    words, cells = ["compare", tmp_path / "data", "--models", "bias", "--seeds", 2], tmp_path / "ray.cells"

    def kill_node() -> None:
        wait_for(lambda: [*cells.glob("*.json")], 120)
        assert len([*cells.glob("*.json")]) < 4
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(kill_node)
        there = run_json(*words, "--report", tmp_path / "ray.html", "--on", "ray")
    assert killed.exception() is None
    here = run_json(*words, "--report", tmp_path / "here.html", "--on", "local")
    assert without_times(there) == without_times(here)
    assert len([*cells.glob("*.json")]) == len([*cells.iterdir()]) == 4


def test_a_cluster_that_does_not_answer_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where, why, and what to do."""
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ClusterError, match=r"no Ray cluster answers at 127.0.0.1:1 \(.*refused\); start one with"):
        run_on("ray", multiply, [1])
