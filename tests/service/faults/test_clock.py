"""The service under a wall clock that jumps: a real server with a preloaded fake clock."""

import http.client
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from clock import ShiftedClock
from serving import PROGRAM, ServerProcess, send_request
from shims import COMPILER, MISSING
from waiting import wait_for

pytestmark = [pytest.mark.fault(8), pytest.mark.skipif(COMPILER is None, reason=MISSING)]

JUMPS = (3600, -3600, 0, -1, *(-turn / 20 for turn in range(1, 4)), -7200, 7200, 0)
"""Clock offsets in seconds: an hour forward and back, a repeated second, a smeared one, two hours."""


@pytest.fixture
def clock(tmp_path: Path) -> ShiftedClock:
    """A fake clock without an offset."""
    return ShiftedClock(tmp_path)


@pytest.fixture
def key(tmp_path: Path) -> str:
    """Secret of an admin key."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    secret = create_key(store, "admin")
    store.close()
    return secret


@pytest.fixture
def server(folder: Path, tmp_path: Path, clock: ShiftedClock, key: str) -> Iterator[ServerProcess]:
    """A server that uses the fake clock."""
    db = f"sqlite:///{tmp_path}/store.db"
    log, surroundings = tmp_path / "log", clock.surroundings()
    with ServerProcess(folder, db, log, program=PROGRAM, surroundings=surroundings) as server:
        yield server.ready()


def test_nothing_hangs_on_the_clock(
    server: ServerProcess, clock: ShiftedClock, key: str, user: int, unseen: int
) -> None:
    """After each jump the last rating counts, a repeated request is recognized, tokens are valid and no rate limit
    blocks; no metric and no duration in the log is negative or an hour long."""
    path, keyed = f"/v1/users/{user}/ratings/{unseen}", {"X-API-Key": key}
    token = server.ask("POST", "/v1/tokens", {"user": user, "days": 1}, keyed)[1]["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    bulk, once = {"ratings": [{"user": user, "movie": unseen, "rating": 1}]}, keyed | {"Idempotency-Key": "k"}
    first = server.ask("POST", "/v1/ratings", bulk, once)
    assert first == (200, {"created": 1, "updated": 0})
    for turn, jump in enumerate(JUMPS):
        clock.shift_to(jump)
        rating = (1 + turn) / 2
        status, row = server.ask("PUT", path, {"rating": rating}, bearer)
        assert status == 200
        assert abs(row["received"] / 1000 - time.time() - clock.ahead) < 60, "the server doesn't go by the clock"
        assert server.ask("POST", "/v1/ratings", bulk, once) == first
        rows = server.ask("GET", f"/v1/users/{user}/ratings", None, bearer)[1]["ratings"]
        assert [row["rating"] for row in rows if row["movie"] == unseen] == [rating]
        assert server.ask("GET", f"/v1/users/{user}/recommendations", None, bearer)[0] == 200
        assert server.ask("GET", "/readyz")[0] == 200
        metrics = server.ask("GET", "/metrics", None, keyed)[1].decode()
        samples = [line for line in metrics.splitlines() if line.startswith("cinematrix_")]
        assert samples
        assert [line for line in samples if float(line.rpartition(" ")[2]) < 0] == []
        (spent,) = re.findall(r'cinematrix_request_seconds_sum{route="/v1/ratings"} (\S+)', metrics)
        assert float(spent) < 600
    durations = [float(ms) for ms in re.findall(r'"ms": ([-\d.]+)', server.log.read_text("utf-8"))]
    assert len(durations) > 5 * len(JUMPS)
    assert all(0 <= ms < 600_000 for ms in durations)


def test_rate_limits_ignore_the_wall_clock(server: ServerProcess, clock: ShiftedClock, key: str, user: int) -> None:
    """A rate limit refills at its usual speed after the wall clock is set back an hour."""
    token = server.ask("POST", "/v1/tokens", {"user": user}, {"X-API-Key": key})[1]["token"]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)

    def status() -> int:
        return send_request(connection, "GET", "/v1/me", headers={"Authorization": f"Bearer {token}"})[0]

    assert 429 in (status() for _ in range(10_000))
    clock.shift_to(-3600)
    wait_for(lambda: status() == 200)
    connection.close()
