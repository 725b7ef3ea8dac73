"""Memory of a real server after model swaps."""

import http.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from cinematrix.data.ratings import Ratings
from cinematrix.lifecycle import versions
from cinematrix.models.artifact import ARRAYS, save
from cinematrix.models.popular import Popular
from serving import ServerProcess, resident_bytes, send_request
from waiting import wait_for

SWAPS = 10


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A model of several megabytes, with another stored version."""
    rng, place = np.random.default_rng(3), tmp_path / "model"
    cells = np.unique(rng.integers(0, 20_000 * 500, 1_000_000))
    ratings = Ratings.from_arrays(cells // 500, cells % 500, rng.integers(1, 6, len(cells)))
    model = Popular().fit(ratings)
    save(model, place)
    versions.save_version(place, model, {"turn": "other"})
    return place


@pytest.mark.fault(26)
def test_swaps_leave_one_model_in_memory(place: Path, tmp_path: Path) -> None:
    """During swaps no request fails and each is answered by one of both versions; ten swaps add less memory than five
    models. (Free memory that isn't returned varies by three models.)"""
    size = (place / ARRAYS).stat().st_size
    assert size > 6_000_000
    names = sorted(
        {version.name for version in versions.list_versions(place)}, key=versions.get_serving_version(place).__eq__
    )
    seen: set[tuple[int, str]] = set()
    stop = Event()
    words = (place, f"sqlite:///{tmp_path}/store.db", tmp_path / "log", "--watch-seconds", "0.02")
    with ServerProcess(*words) as server, ThreadPoolExecutor(1) as pool:
        server.ready()

        def ask() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            with closing(connection):
                while not stop.wait(0.01):
                    status, body = send_request(connection, "POST", "/v1/recommendations", {"ratings": []})
                    seen.add((status, body["model_version"]))

        def swap(turn: int) -> None:
            versions.promote(place, names[turn % 2])
            wait_for(lambda: version_served(server) == names[turn % 2], 30)

        asking = pool.submit(ask)
        try:
            for turn in range(2):
                swap(turn)
            before = resident_bytes(server.process.pid)
            for turn in range(SWAPS):
                swap(turn)
        finally:
            stop.set()
        asking.result()
        wait_for(lambda: resident_bytes(server.process.pid) - before < SWAPS / 2 * size)
        wait_for(lambda: len(mapped_models(server)) == 1)
    assert seen == {(200, name) for name in names}


def mapped_models(server: ServerProcess) -> set[str]:
    """Return the inodes of the models' files that the server maps."""
    lines = Path(f"/proc/{server.process.pid}/maps").read_text().splitlines()
    return {line.split()[4] for line in lines if ARRAYS in line}


def version_served(server: ServerProcess) -> str:
    """Return the version that the server serves."""
    return str(server.ask("POST", "/v1/recommendations", {"ratings": []})[1]["model_version"])
