"""Attacks on a service of one's own, on loopback only. `make attack` runs them for minutes, tests in small."""

import argparse
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from itertools import count
from pathlib import Path

from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from databases import Postgres
from serving import ServerProcess, resident_bytes

LISTS_PATH = "/v1/recommendations"
MAX_BYTES = 500_000
"""Maximum bytes of a body."""

MEMORY_LIMIT = 500_000_000
"""Documented memory in bytes on top of the model's, under any mix of requests."""

LOCK_SECONDS = 3.0
"""Seconds within which a write is answered while its table is locked."""


def _fill(piece: bytes, around: bytes = b"[%s0]") -> bytes:
    return around % (piece * ((MAX_BYTES - 100) // len(piece)))


HOSTILE_BODIES: dict[str, bytes] = {
    "a short list of wrong items": b'{"ratings":[],"hidden":[%s[]]}' % (b"[]," * 5_000),
    "a list of wrong items": b'{"ratings":[],"hidden":[%s[]]}' % (b"[]," * 19_999),
    "a list of wrong items, too long": b'{"ratings":[],"hidden":[%s[]]}' % (b"[]," * 160_000),
    "a list of right items, too long": json.dumps({"ratings": [], "hidden": list(range(30_000))}).encode(),
    "rows of wrong values": json.dumps({"ratings": [{"movie": [], "rating": "x"}] * 5_000}).encode(),
    "rows of unknown members": json.dumps({"ratings": [{str(n): n for n in range(90)}] * 400}).encode(),
    "unknown members": json.dumps({str(n): n for n in range(39_000)}).encode(),
    "as many unknown members as are parsed": json.dumps({str(n): n for n in range(15_900)}).encode(),
    "lists": _fill(b"[],"),
    "objects": _fill(b"{},"),
    "objects with a member": _fill(b'{"a":1},'),
    "integers": _fill(b"1,"),
    "fractions": _fill(b"1.5,"),
    "long integers": _fill(b"9" * 4_000 + b","),
    "integers of 600 digits": _fill(b"9" * 600 + b","),
    "escapes": _fill(b'\\u00e9\\n', b'["%s"]'),
    "depth": b"[" * MAX_BYTES,
    "depth, small": b"[" * 900 + b"]" * 900,
    "spaces": b" " * (MAX_BYTES - 10) + b"x",
    "no text": b"\xff" * MAX_BYTES,
}  # fmt: skip
"""Bodies of a JSON request that a service has to refuse, by their kind."""


def peak_bytes(server: ServerProcess) -> int:
    """Return the most memory that a server has had in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def send_half(port: int, headers: Mapping[str, str]) -> socket.socket:
    """Open a connection and send a request with half a body."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = "POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(f"{head}{''.join(lines)}Content-Length: 1000\r\n\r\n{{".encode())
    return connection


def processor_seconds(server: ServerProcess) -> float:
    """Return the processor time that a server has used."""
    ticks = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def costs_of_refusal(server: ServerProcess, times: int) -> Iterator[tuple[str, int, int, float]]:
    """Send each hostile body; yield its kind, status, bytes of the answer and ms of processor time.

    It is sent three times `times` times. The least time counts, since other processes slow the server down.
    """
    for kind, body in HOSTILE_BODIES.items():
        costs = []
        for _ in range(3):
            before = processor_seconds(server)
            for _ in range(times):
                status, answer = server.send("POST", LISTS_PATH, body)
            costs.append(1000 * (processor_seconds(server) - before) / times)
        yield kind, status, len(answer), min(costs)


def attack_bodies(server: ServerProcess, key: Mapping[str, str], until: float) -> None:
    """Send hostile bodies, one after the other."""
    while time.monotonic() < until:
        for body in HOSTILE_BODIES.values():
            _send(server, LISTS_PATH, body, key)


def attack_uploads(server: ServerProcess, key: Mapping[str, str], until: float) -> None:
    """Send sixty files of 19 MB at once, again and again."""
    with ThreadPoolExecutor(60) as pool:
        while time.monotonic() < until:
            list(pool.map(lambda _: _send(server, "/v1/imports", b"0" * 19_000_000, key), range(60)))


def attack_methods(server: ServerProcess, _: Mapping[str, str], until: float) -> None:
    """Send requests with made-up methods."""
    for turn in count():
        if time.monotonic() > until:
            return
        with suppress(OSError):
            server.send(f"MADEUP{turn}", "/v1/model", b"")


def attack_half_bodies(server: ServerProcess, _: Mapping[str, str], until: float) -> None:
    """Keep 500 requests open whose body doesn't come, without a key."""
    while time.monotonic() < until:
        with ExitStack() as stack:
            for _turn in range(500):
                with suppress(OSError):
                    stack.enter_context(send_half(server.port, {}))
            time.sleep(3)


def attack_connections(server: ServerProcess, _: Mapping[str, str], until: float) -> None:
    """Keep 2,000 connections open without a request."""
    while time.monotonic() < until:
        with ExitStack() as stack:
            for _turn in range(2_000):
                with suppress(OSError):
                    stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            time.sleep(3)


def attack_headers(server: ServerProcess, _: Mapping[str, str], until: float) -> None:
    """Keep connections open whose headers are as large as may be and don't end."""
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 24_300
    while time.monotonic() < until:
        with ExitStack() as stack:
            for _turn in range(4_000):
                with suppress(OSError):
                    connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
                    connection.sendall(head)
                if time.monotonic() > until:
                    break
            time.sleep(1)


def attack_callers(server: ServerProcess, _: Mapping[str, str], until: float) -> None:
    """Send requests of ever new visitors through the proxy, and headers of proxies that can't be read."""
    for turn in count():
        if time.monotonic() > until:
            return
        forwarded = {"X-Forwarded-For": f"2001:db8:{turn >> 16 & 0xFFFF:x}:{turn & 0xFFFF:x}::1"}
        junk = {"Forwarded": 'for="' * 400} if turn % 10 == 0 else {}
        with suppress(OSError):
            server.ask("GET", "/v1/me", headers=forwarded | junk)


def attack_lists(server: ServerProcess, key: Mapping[str, str], until: float) -> None:
    """Ask for lists of which none was made before, so that caches fill."""
    for turn in count():
        if time.monotonic() > until:
            return
        options = f"n=200&novelty={turn % 9973 / 9973}&where=year>={1900 + turn % 120}"
        with suppress(OSError):
            server.ask("GET", f"/v1/users/{turn % 500}/recommendations?{options}", headers=key)


SINGLE_ATTACKS = (
    *(attack_bodies, attack_uploads, attack_methods, attack_half_bodies, attack_connections),
    *(attack_headers, attack_callers, attack_lists),
)


def attack_by_all(server: ServerProcess, key: Mapping[str, str], until: float) -> None:
    """Run all attacks at once."""
    with ThreadPoolExecutor(len(SINGLE_ATTACKS)) as pool:
        list(pool.map(lambda attack: attack(server, key, until), SINGLE_ATTACKS))


ATTACKS = (*SINGLE_ATTACKS, attack_by_all)


def slowest_locked_write(server: ServerProcess, db: str, path: str, n: int) -> tuple[set[int], float]:
    """Send `n` writes at once while their table is locked; return their statuses and the seconds of the slowest."""
    from sqlalchemy import text

    from cinematrix.store.engine import open_engine

    def write(_: int) -> tuple[int, float]:
        began = time.monotonic()
        return server.ask("PUT", path, {"rating": 4})[0], time.monotonic() - began

    engine = open_engine(db)
    with closing(engine.connect()) as connection, ThreadPoolExecutor(n) as pool:
        connection.execute(text("lock table ratings"))
        answers = list(pool.map(write, range(n)))
    engine.dispose()
    return {status for status, _ in answers}, max(seconds for _, seconds in answers)


def _send(server: ServerProcess, path: str, body: bytes, key: Mapping[str, str]) -> None:
    with suppress(OSError):  # the server may refuse a body before it was sent whole
        server.send("POST", path, body, key)


def measure_others(server: ServerProcess, key: Mapping[str, str], until: float) -> list[float]:
    """Request a kept list ten times a second; return the ms of each, infinity for a refusal."""
    taken = []
    while (began := time.monotonic()) < until:
        status, _ = server.ask("GET", "/v1/users/1/recommendations", headers=key)
        taken.append(1000 * (time.monotonic() - began) if status == 200 else float("inf"))
        time.sleep(max(0.0, 0.1 - (time.monotonic() - began)))
    return sorted(taken)


def run(folder: Path, seconds: float) -> bool:
    """Run each attack for some seconds; print how long others wait for a kept list, and the server's memory.

    Return whether the memory stayed within its limit.
    """
    with tempfile.TemporaryDirectory() as place:
        db = f"sqlite:///{place}/store.db"
        store = Store.open(db)
        key = {"X-API-Key": create_key(store, "write")}
        store.close()
        words = ("--proxy", "127.0.0.1", "--public")
        with ServerProcess(folder, db, Path(place) / "log", *words) as server, ThreadPoolExecutor(1) as pool:
            before = resident_bytes(server.ready())
            for attack in (None, *ATTACKS):
                until = time.monotonic() + seconds
                running = pool.submit(attack, server, key, until) if attack else None
                taken = measure_others(server, key, until)
                if running:
                    running.result()
                p50, p99 = taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 99 // 100)]
                name = attack.__name__ if attack else "no attack"
                print(f"{name:20} p50 {p50:6.0f} ms   p99 {p99:6.0f} ms   peak {peak_bytes(server) / 1e6:5.0f} MB")
            more = peak_bytes(server) - before
            print(f"memory on top of the model: {more / 1e6:.0f} MB of {MEMORY_LIMIT / 1e6:.0f} MB")
            return more <= MEMORY_LIMIT


def run_locked(folder: Path) -> bool:
    """Write to a locked table of PostgreSQL by ever more writers; print and return whether all are refused in time."""
    postgres, fine = Postgres(), True
    try:
        with tempfile.TemporaryDirectory() as place:
            db = postgres.database()
            with ServerProcess(folder, db, Path(place) / "log", "--new-users", "9") as server:
                movie = server.ready().ask("GET", "/v1/users/none/recommendations?n=1")[1]["items"][0]["movie"]
                for n in (4, 20, 60):
                    statuses, seconds = slowest_locked_write(server, db, f"/v1/users/1/ratings/{movie}", n)
                    print(f"locked table, {n:2} writes: {statuses} within {seconds:.1f} s")
                    fine = fine and statuses == {503} and seconds < LOCK_SECONDS
    finally:
        postgres.stop()
    return fine


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("model", type=Path, help="folder of a model")
    parser.add_argument("--seconds", type=float, default=20, help="seconds of each attack")
    given = parser.parse_args()
    sys.exit(not (run(given.model, given.seconds) and run_locked(given.model)))
