"""A database that stands still: requests get a 503 within seconds, and nobody has to restart anything."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attacks import slowest_locked_write
from databases import Postgres
from serving import ServerProcess
from waiting import wait_for

SECONDS = 4.0
"""Seconds within which a request is answered: three, and one for a machine that others use too."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of its own."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture
def server(postgres: Postgres, folder: Path, tmp_path: Path) -> Iterator[tuple[ServerProcess, str]]:
    """A server on an empty database, and the database's URL."""
    db = postgres.database()
    with ServerProcess(folder, db, tmp_path / "log") as server:
        yield server.ready(), db


def statuses(server: ServerProcess, method: str, path: str, body: object, n: int) -> list[int]:
    """Send requests at once; return their statuses, each of which came in time."""

    def ask(_: int) -> int:
        began = time.monotonic()
        status, _ = server.ask(method, path, body)
        assert time.monotonic() - began < SECONDS
        return status

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(ask, range(n)))


@pytest.mark.fault(35)
def test_a_stopped_database_is_a_503_within_seconds(
    server: tuple[ServerProcess, str], postgres: Postgres, user: int, unseen: int
) -> None:
    """Reads, writes and /readyz of many callers; once the database goes on, so does the service."""
    running, _ = server
    rating, ratings = f"/v1/users/{user}/ratings/{unseen}", f"/v1/users/{user}/ratings"
    assert running.ask("PUT", rating, {"rating": 3})[0] == 201
    with postgres.standing_still():
        for method, path, body in (("GET", ratings, None), ("PUT", rating, {"rating": 4}), ("GET", "/readyz", None)):
            assert statuses(running, method, path, body, 12) == [503] * 12
        assert running.ask("GET", "/livez")[0] == 200
    wait_for(lambda: running.ask("PUT", rating, {"rating": 4})[0] == 200)
    wait_for(lambda: running.ask("GET", "/readyz")[0] == 200)


@pytest.mark.fault(34)
def test_a_locked_table_is_a_503_within_seconds(server: tuple[ServerProcess, str], user: int, unseen: int) -> None:
    """Whoever holds the lock, and however many writes wait, none waits longer. Then writes go on."""
    running, db = server
    statuses, seconds = slowest_locked_write(running, db, f"/v1/users/{user}/ratings/{unseen}", 20)
    assert statuses == {503}
    assert seconds < SECONDS
    wait_for(lambda: running.ask("PUT", f"/v1/users/{user}/ratings/{unseen}", {"rating": 4})[0] == 201)
