"""Bodies that are large, slow or never end: memory stays within its limit, and nobody else waits."""

import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from attacks import HOSTILE_BODIES, MEMORY_LIMIT, attack_callers, attack_headers, peak_bytes, send_half, turns
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from serving import ServerProcess, resident_bytes
from waiting import wait_for


@contextmanager
def serving(folder: Path, tmp_path: Path, *words: str) -> Iterator[tuple[ServerProcess, dict[str, str]]]:
    """Run a server with a key, and yield it with the header of the key."""
    db = f"sqlite:///{tmp_path}/store.db"
    store = Store.open(db)
    key = {"X-API-Key": create_key(store, "write")}
    store.close()
    with ServerProcess(folder, db, tmp_path / "log", *words) as server:
        yield server.ready(), key


@pytest.mark.fault(38)
def test_memory_stays_within_its_limit(folder: Path, tmp_path: Path) -> None:
    """Fifteen uploads of 19 MB and fifteen large bodies at once: those without a place are told so at once. Meanwhile
    headers don't end and new visitors come."""
    with serving(folder, tmp_path, "--proxy", "127.0.0.1") as (server, key), ThreadPoolExecutor(2) as others:
        before = resident_bytes(server.process.pid)
        more = [others.submit(attack, server, key, turns(3)) for attack in (attack_headers, attack_callers)]
        bodies = [b"0" * 19_000_000, HOSTILE_BODIES["rows of wrong values"]] * 15
        paths = ["/v1/users/1/imports", "/v1/recommendations"] * 15

        def send(path: str, body: bytes) -> int:
            try:
                return server.send("POST", path, body, key)[0]
            except OSError:  # the server refused the body before it was sent whole
                return 503

        with ThreadPoolExecutor(30) as pool:
            statuses = list(pool.map(send, paths, bodies))
        assert set(statuses) <= {413, 422, 503}
        assert 422 in statuses
        assert [each.result() for each in more] == [None, None]
        assert peak_bytes(server) - before < MEMORY_LIMIT
        assert server.ask("GET", "/v1/users/1/recommendations", headers=key)[0] == 200


@pytest.mark.fault(37)
@pytest.mark.parametrize("with_key", [False, True])
def test_half_a_body_keeps_nobody_out(folder: Path, tmp_path: Path, user: int, unseen: int, with_key: bool) -> None:
    """A hundred requests whose body doesn't come delay nobody; without a key they get a 401 at once."""
    with serving(folder, tmp_path, "--read-seconds", "2.5") as (server, key), ExitStack() as open_:
        rude = [open_.enter_context(send_half(server.port, key if with_key else {})) for _ in range(100)]
        for path, body in (("recommendations", None), (f"ratings/{unseen}", {"rating": 4})):
            method, target = "PUT" if body else "GET", f"/v1/users/{user}/{path}"
            wait_for(partial(lambda *sent: server.ask(*sent, key)[0] in (200, 201), method, target, body), 2)
        answers = []
        for each in rude[:1] if with_key else rude:
            each.settimeout(10)
            answers.append(each.recv(100).split()[1])
        assert set(answers) == {b"408" if with_key else b"401"}


@pytest.mark.fault(37)
def test_two_thousand_idle_connections_cost_nobody_else(folder: Path, tmp_path: Path, user: int) -> None:
    """Others are answered within 100 ms."""
    with serving(folder, tmp_path) as (server, key), ExitStack() as open_:
        for _ in range(2_000):
            open_.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
        server.ask("GET", f"/v1/users/{user}/recommendations", headers=key)
        seconds = []
        for _ in range(30):
            began = time.monotonic()
            assert server.ask("GET", f"/v1/users/{user}/recommendations", headers=key)[0] == 200
            seconds.append(time.monotonic() - began)
        assert statistics.median(seconds) < 0.1
        wait_for(lambda: server.ask("GET", "/livez")[0] == 200)
