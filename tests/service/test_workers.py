"""Several workers of one server: `cinematrix serve --workers`."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from cinematrix.lifecycle import versions
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular
from cinematrix.service.preloading import POLARS_THREADS
from serving import PROGRAM, ServerProcess, free_port, resident_bytes, send_request
from waiting import wait_for
from worlds import taste_world

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")


MAX_OWN_SHARE = 0.35
"""Maximum memory of its own that a worker has, of all its resident memory."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with another stored version."""
    place = tmp_path_factory.mktemp("workers") / "model"
    ratings, catalog = taste_world(np.random.default_rng(5))
    save(Bias().fit(ratings, catalog), place)
    versions.save_version(place, Popular().fit(ratings, catalog), {})
    return place


@pytest.fixture(scope="module")
def server(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of two workers on SQLite that allows each caller 300 reads a minute of shelves."""
    folder = tmp_path_factory.mktemp("server")
    words = ("--new-users", "9", "--workers", "2", "--watch-seconds", "0.1", "--writes", "300")
    with ServerProcess(place, f"sqlite:///{folder}/store.db", folder / "log", *words) as server:
        wait_for(lambda: _is_up(server), 60)
        yield server


def _is_up(server: ServerProcess) -> bool:
    assert server.process.poll() is None, server.log.read_text("utf-8")[-2000:]
    return server.all_ready(2)


@contextmanager
def connect_to_each(server: ServerProcess) -> Iterator[list[http.client.HTTPConnection]]:
    """Open a connection to each of two workers: connect until both have one."""
    with ExitStack() as stack:
        found: dict[int, http.client.HTTPConnection] = {}
        while len(found) < 2:
            connection = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)))
            connection.connect()
            send_request(connection, "GET", "/livez")
            found.setdefault(_worker_of(server, connection), connection)
        yield [found[pid] for pid in sorted(found)]


def _worker_of(server: ServerProcess, connection: http.client.HTTPConnection) -> int:
    """Return the worker that holds the other end of a connection."""
    assert connection.sock is not None
    port = connection.sock.getsockname()[1]
    inode = next(
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if line.split()[1].endswith(f":{server.port:04X}") and line.split()[2].endswith(f":{port:04X}")
    )
    links = ((pid, link) for pid in server.workers() for link in Path(f"/proc/{pid}/fd").iterdir())
    return next(pid for pid, link in links if _target(link) == f"socket:[{inode}]")


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _arrays_of(pid: int) -> list[str]:
    """Return the addresses at which a process has mapped the arrays of models."""
    lines = Path(f"/proc/{pid}/maps").read_text("utf-8").splitlines()
    return [line.split("-")[0] for line in lines if line.endswith("arrays.safetensors")]


def _own_bytes(pid: int) -> int:
    """Return the memory of a process that no other one shares, in bytes."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    return sum(int(kilobytes) for kilobytes in re.findall(r"Private_\w+: +(\d+)", rollup)) * 1024


def test_workers_share_the_model_of_the_main_process(server: ServerProcess) -> None:
    """They answer by the arrays that it mapped, and have little memory of their own."""
    arrays, workers = _arrays_of(server.process.pid), server.workers()
    assert arrays
    assert [_arrays_of(pid) for pid in workers] == [arrays, arrays]
    for pid in workers:
        assert _own_bytes(pid) < MAX_OWN_SHARE * resident_bytes(pid)


COMPUTES = """
import polars
from cinematrix.models.bias import Bias
score = Bias.score
def score_with_polars(*args, **options):
    polars.DataFrame({"movie": [1]}).select("movie")
    return score(*args, **options)
Bias.score = score_with_polars
"""
"""Statements after which a model computes with Polars."""


def test_a_model_that_computes_with_polars_is_loaded_by_each_worker(place: Path, tmp_path: Path) -> None:
    """It can't be loaded before the fork. The log says so, and the workers answer."""
    log, words = tmp_path / "log", ("--workers", "2")
    with ServerProcess(place, f"sqlite:///{tmp_path}/store.db", log, *words, before=COMPUTES) as server:
        wait_for(lambda: _is_up(server), 60)
        assert server.ask("POST", "/v1/recommendations", {"ratings": []})[0] == 200
        assert not _arrays_of(server.process.pid)
        assert "computes with Polars" in log.read_text("utf-8")


def test_a_rating_through_one_worker_counts_in_the_next_list_of_the_other(server: ServerProcess) -> None:
    """Kept lists of both workers change with each rating, whichever worker stored it."""
    with connect_to_each(server) as pair:
        for turn in range(4):
            writer, reader = pair[turn % 2], pair[1 - turn % 2]
            best = send_request(reader, "GET", "/v1/users/ann/recommendations")[1]["items"][0]["movie"]
            assert send_request(writer, "PUT", f"/v1/users/ann/ratings/{best}", {"rating": 4.0})[0] == 201
            after = send_request(reader, "GET", "/v1/users/ann/recommendations")[1]["items"]
            assert best not in [item["movie"] for item in after]


def test_workers_share_metrics_and_exposure(server: ServerProcess) -> None:
    """Each worker tells of the requests, lists and exposure of both."""
    with connect_to_each(server) as pair:
        for connection in pair:
            for _ in range(3):
                assert send_request(connection, "GET", "/v1/users/bob/recommendations")[0] == 200
        shown = [send_request(connection, "GET", "/v1/admin/overview")[1]["shown"] for connection in pair]
        told = [send_request(connection, "GET", "/metrics")[1].decode() for connection in pair]
    lists = [_sum("cinematrix_lists_total", text, '{how="(?:made|kept)"}') for text in told]
    assert lists[0] == lists[1] >= 6
    wait_for(lambda: server.ask("GET", "/v1/admin/overview")[1]["shown"]["lists"] == lists[0])
    assert shown[0]["coverage"] > 0
    assert all(re.search(r'^cinematrix_model\{version="\w+"\} 2.0', text, re.M) for text in told)
    assert all(_sum("cinematrix_request_seconds_count", text) >= 6 for text in told)


def _sum(metric: str, text: str, labels: str = "") -> float:
    """Return the sum of a metric's samples in the Prometheus text."""
    return sum(map(float, re.findall(rf"^{metric}{labels}\S* (\S+)", text, re.M)))


def test_polars_computes_in_the_workers_alone(server: ServerProcess) -> None:
    """Each worker filters movies and reads a table by Polars' threads of its own; the main process has none."""
    with connect_to_each(server) as pair:
        for connection in pair:
            body = {"ratings": [], "where": "genre=Comedy"}
            movie = send_request(connection, "POST", "/v1/recommendations", body)[1]["items"][0]["movie"]
            connection.request("POST", "/v1/imports?name=ratings.csv", f"movieId,rating\n{movie},4\n")
            assert json.loads(connection.getresponse().read())["imported"] == 1
    computes = [_has_polars_threads(pid) for pid in (server.process.pid, *server.workers())]
    assert computes == [False, True, True]


def _has_polars_threads(pid: int) -> bool:
    return any(task.read_text().startswith(POLARS_THREADS) for task in Path(f"/proc/{pid}/task").glob("*/comm"))


def test_workers_share_rate_limits(server: ServerProcess) -> None:
    """300 writes a minute are those through both workers together."""
    with connect_to_each(server) as pair:
        for turn in range(2000):
            status, _ = send_request(pair[turn % 2], "DELETE", "/v1/users/nobody/ratings/1")
            if status == 429:
                break
    assert status == 429
    assert turn <= 600, "each worker has a limit of its own"


def test_a_killed_worker_is_replaced_and_its_counts_stay(server: ServerProcess) -> None:
    """After kill -9 of a worker the other one answers, a new one comes, and no counter goes back."""

    def count() -> float:
        return _sum("cinematrix_requests_total", server.ask("GET", "/metrics")[1].decode())

    before, workers = count(), server.workers()
    with connect_to_each(server) as pair:
        os.kill(workers[0], signal.SIGKILL)
        for _ in range(20):
            assert send_request(pair[1], "GET", "/v1/users/ann/recommendations")[0] == 200
    wait_for(lambda: set(server.workers()) != set(workers) and server.all_ready(2), 30)
    assert len(set(workers) & set(server.workers())) == 1
    assert count() > before
    assert "was ended by signal 9" in server.log.read_text("utf-8")


def test_a_new_model_is_served_by_both_without_a_failed_request(server: ServerProcess, place: Path) -> None:
    """While versions are promoted, all requests to both workers are answered, at last by the new version."""
    old = versions.get_serving_version(place)
    new = next(version.name for version in versions.list_versions(place) if version.name != old)
    seen: set[tuple[int, str]] = set()
    stop = Event()
    with connect_to_each(server) as pair, ThreadPoolExecutor(2) as pool:

        def ask(connection: http.client.HTTPConnection) -> None:
            while not stop.wait(0.01):
                status, body = send_request(connection, "POST", "/v1/recommendations", {"ratings": []})
                seen.add((status, body.get("model_version")))

        asking = [pool.submit(ask, connection) for connection in pair]
        try:
            for name in (new, old, new):
                versions.promote(place, name)
                served = f'cinematrix_model{{version="{name}"}} 2.0'
                wait_for(lambda served=served: served in server.ask("GET", "/metrics")[1].decode(), 30)
        finally:
            stop.set()
        for each in asking:
            each.result()
    assert seen == {(200, old), (200, new)}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_server(place: Path, tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the workers gracefully with status 0; also kill -9 of the main process leaves none."""
    with ServerProcess(place, f"sqlite:///{tmp_path}/store.db", tmp_path / "log", "--workers", "2") as server:
        wait_for(lambda: _is_up(server), 60)
        workers = server.workers()
        assert len(workers) == 2
        server.process.send_signal(how)
        assert server.process.wait(20) == (0 if how != signal.SIGKILL else -9)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert "Traceback" not in server.log.read_text("utf-8")


def test_what_fails_in_the_first_worker_is_the_error_of_the_command(place: Path, tmp_path: Path) -> None:
    """A store that is damaged ends the command with one line and the exit status of bad input, and leaves nothing."""
    (tmp_path / "store.db").write_bytes(b"no database" * 100)
    words = ["serve", str(place), "--db", f"sqlite:///{tmp_path}/store.db", "--port", str(free_port())]
    ended = subprocess.run([*PROGRAM, *words, "--workers", "2"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.startswith("cinematrix: the database")
    assert len(ended.stderr.splitlines()) == 1


def test_each_log_line_is_a_json_object(server: ServerProcess) -> None:
    """Those of all workers, of the process that replaces them, and of the server library too."""
    server.ask("GET", "/v1/model")
    wait_for(lambda: '"/v1/model"' in server.log.read_text("utf-8"), 20)
    lines = [json.loads(line) for line in server.log.read_text("utf-8").splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    assert any(line["logger"].startswith("_granian") for line in lines)
    assert not any("experimental" in line["message"] for line in lines)
    assert any(line["message"].startswith("serving on http") for line in lines)


def test_each_worker_is_measured(server: ServerProcess) -> None:
    """Whichever is asked tells the readings of both, and that both answer."""
    text = server.ask("GET", "/metrics")[1].decode()
    assert _sum("cinematrix_workers", text, '{state="ready"') == 2
    memory = [_sum("cinematrix_process_memory_bytes", text, f'{{worker="{worker}"') for worker in ("1", "2")]
    assert min(memory) > 10_000_000
