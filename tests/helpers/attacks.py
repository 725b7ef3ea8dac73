"""Attacks on a service of one's own, on loopback only. `make attack` runs them for minutes, tests in small."""

import argparse
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from serving import ServerProcess

LISTS_PATH = "/v1/recommendations"
MAX_BYTES = 500_000
"""Maximum bytes of a body."""


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


ATTACKS = (attack_bodies, attack_uploads, attack_methods, attack_half_bodies, attack_connections)


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


def run(folder: Path, seconds: float) -> None:
    """Run each attack for some seconds; print how long others wait for a kept list, and the server's memory."""
    with tempfile.TemporaryDirectory() as place:
        db = f"sqlite:///{place}/store.db"
        store = Store.open(db)
        key = {"X-API-Key": create_key(store, "write")}
        store.close()
        with ServerProcess(folder, db, Path(place) / "log") as server, ThreadPoolExecutor(1) as pool:
            server.ready()
            for attack in (None, *ATTACKS):
                until = time.monotonic() + seconds
                running = pool.submit(attack, server, key, until) if attack else None
                taken = measure_others(server, key, until)
                if running:
                    running.result()
                p50, p99 = taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 99 // 100)]
                name = attack.__name__ if attack else "no attack"
                print(f"{name:20} p50 {p50:6.0f} ms   p99 {p99:6.0f} ms   peak {peak_bytes(server) / 1e6:5.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("model", type=Path, help="folder of a model")
    parser.add_argument("--seconds", type=float, default=20, help="seconds of each attack")
    given = parser.parse_args()
    run(given.model, given.seconds)
