"""The service by a clock that jumps: a real server, and a C library whose clock the test sets."""

import http.client
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from clock import ShiftedClock
from serving import ServerProcess, send_request
from shims import COMPILER, MISSING
from waiting import wait_for

pytestmark = [pytest.mark.fault(8), pytest.mark.skipif(COMPILER is None, reason=MISSING)]

JUMPS = (3600, -3600, 0, -1, *(-turn / 20 for turn in range(1, 4)), -7200, 7200, 0)
"""Seconds ahead: an hour forth and back, a second twice, one smeared, two hours."""


@pytest.fixture
def clock(tmp_path: Path) -> ShiftedClock:
    """One that goes right, for now."""
    return ShiftedClock(tmp_path)


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The secret of an operator's key to the store."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    secret = create_key(store, "admin")
    store.close()
    return secret


@pytest.fixture
def server(folder: Path, tmp_path: Path, clock: ShiftedClock, key: str) -> Iterator[ServerProcess]:
    """A server that goes by it."""
    db = f"sqlite:///{tmp_path}/store.db"
    with ServerProcess(folder, db, tmp_path / "log", surroundings=clock.surroundings()) as server:
        yield server.ready()


def test_nothing_hangs_on_the_clock(
    server: ServerProcess, clock: ShiftedClock, key: str, user: int, unseen: int
) -> None:
    """At each jump: the last word stands, a repeat is a repeat, a token opens, nobody is locked out, no figure and no
    duration in the log is negative or an hour long."""
    path, keyed = f"/v1/users/{user}/ratings/{unseen}", {"X-API-Key": key}
    token = server.ask("POST", "/v1/tokens", {"user": user, "days": 1}, keyed)[1]["token"]
    hers = {"Authorization": f"Bearer {token}"}
    bulk, once = {"ratings": [{"user": user, "movie": unseen, "rating": 1}]}, keyed | {"Idempotency-Key": "k"}
    first = server.ask("POST", "/v1/ratings", bulk, once)
    assert first == (200, {"created": 1, "updated": 0})
    for turn, jump in enumerate(JUMPS):
        clock.shift_to(jump)
        rating = (1 + turn) / 2
        status, row = server.ask("PUT", path, {"rating": rating}, hers)
        assert status == 200
        assert abs(row["received"] / 1000 - time.time() - clock.ahead) < 60, "the server doesn't go by the clock"
        assert server.ask("POST", "/v1/ratings", bulk, once) == first
        rows = server.ask("GET", f"/v1/users/{user}/ratings", None, hers)[1]["ratings"]
        assert [row["rating"] for row in rows if row["movie"] == unseen] == [rating]
        assert server.ask("GET", f"/v1/users/{user}/recommendations", None, hers)[0] == 200
        assert server.ask("GET", "/readyz")[0] == 200
        figures = server.ask("GET", "/metrics", None, keyed)[1].decode()
        counted = [line for line in figures.splitlines() if line.startswith("cinematrix_")]
        assert counted
        assert [line for line in counted if float(line.rpartition(" ")[2]) < 0] == []
        (spent,) = re.findall(r'cinematrix_request_seconds_sum{route="/v1/ratings"} (\S+)', figures)
        assert float(spent) < 600
    told = [float(ms) for ms in re.findall(r'"ms": ([-\d.]+)', server.log.read_text("utf-8"))]
    assert len(told) > 5 * len(JUMPS)
    assert all(0 <= ms < 600_000 for ms in told)


def test_who_sent_too_much_waits_no_hour(server: ServerProcess, clock: ShiftedClock, key: str, user: int) -> None:
    """The limit fills as fast as it does by the clock on the wall that is put back an hour."""
    token = server.ask("POST", "/v1/tokens", {"user": user}, {"X-API-Key": key})[1]["token"]
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)

    def status() -> int:
        return send_request(kept, "GET", "/v1/me", headers={"Authorization": f"Bearer {token}"})[0]

    assert 429 in (status() for _ in range(10_000))
    clock.shift_to(-3600)
    wait_for(lambda: status() == 200)
    kept.close()
