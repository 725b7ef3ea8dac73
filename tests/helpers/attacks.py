"""Attacks on a service of one's own, on loopback only. `make attack` runs them for minutes, tests in small."""

import json
import math
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from threading import BoundedSemaphore
from typing import NamedTuple

from serving import ServerProcess

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
    "as many in rows": json.dumps({"ratings": [{str(n): n for n in range(90)}] * 176}).encode(),
    "as many beside brackets in a text": json.dumps({"a": "{" * 200} | {str(n): n for n in range(15_900)}).encode(),
    "rows that are right but for the last": json.dumps({
        "ratings": [{"movie": n, "rating": 2.5} for n in range(4_999)] + [{"movie": [], "rating": 3}]
    }).encode(),
    "as much as is taken, but for a member": json.dumps({
        "ratings": [{"movie": n, "rating": 2.5} for n in range(5_000)], "hidden": [*range(20_000)], "a": 1
    }).encode(),
    "fractions that are slow to read": b'{"ratings":[],"hidden":[%s0]}' % (b"1.2345678901234567e-300," * 19_000),
    "shorter fractions": b'{"ratings":[],"hidden":[%s0]}' % (b"1.234567890123e-300," * 19_000),
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


Attack = Callable[[ServerProcess, Mapping[str, str], Iterable[int]], None]
"""A kind of attack on a server: the header of a key, and the turns in each of which it does something hostile."""


def turns(seconds: float, rate: float = math.inf) -> Iterator[int]:
    """Yield 0, 1, 2 …, `rate` a second for some seconds; what is late comes at once."""
    began = time.monotonic()
    for turn in count():
        due = began + turn / rate
        if max(due, time.monotonic()) >= began + seconds:
            return
        time.sleep(max(0.0, due - time.monotonic()))
        yield turn


def attack_bodies(server: ServerProcess, key: Mapping[str, str], turns: Iterable[int]) -> None:
    """Send hostile bodies, one after the other."""
    bodies = list(HOSTILE_BODIES.values())
    for turn in turns:
        _send(server, LISTS_PATH, bodies[turn % len(bodies)], key)


def attack_uploads(server: ServerProcess, key: Mapping[str, str], turns: Iterable[int]) -> None:
    """Send files of 19 MB, sixty at a time at most."""
    free = BoundedSemaphore(60)

    def send() -> None:
        _send(server, "/v1/imports", b"0" * 19_000_000, key)
        free.release()

    with ThreadPoolExecutor(60) as pool:
        for _ in turns:
            free.acquire()
            pool.submit(send)


def attack_methods(server: ServerProcess, _: Mapping[str, str], turns: Iterable[int]) -> None:
    """Send requests with made-up methods."""
    for turn in turns:
        with suppress(OSError):
            server.send(f"MADEUP{turn}", "/v1/model", b"")


def attack_half_bodies(server: ServerProcess, _: Mapping[str, str], turns: Iterable[int]) -> None:
    """Keep 500 requests open whose body doesn't come, without a key."""
    _keep_open(lambda: send_half(server.port, {}), 500, turns)


def attack_connections(server: ServerProcess, _: Mapping[str, str], turns: Iterable[int]) -> None:
    """Keep 2,000 connections open without a request."""
    _keep_open(lambda: socket.create_connection(("127.0.0.1", server.port), timeout=5), 2_000, turns)


def attack_headers(server: ServerProcess, _: Mapping[str, str], turns: Iterable[int]) -> None:
    """Keep 4,000 connections open whose headers are as large as may be and don't end."""

    def send() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 24_300)
        return connection

    _keep_open(send, 4_000, turns)


def _keep_open(connect: Callable[[], socket.socket], most: int, turns: Iterable[int]) -> None:
    """Open a connection at each turn; keep the last `most` open."""
    connections: deque[socket.socket] = deque()
    for _ in turns:
        with suppress(OSError):
            connections.append(connect())
        if len(connections) > most:
            connections.popleft().close()
    for connection in connections:
        connection.close()


def attack_callers(server: ServerProcess, _: Mapping[str, str], turns: Iterable[int]) -> None:
    """Send requests of ever new visitors through the proxy, and headers of proxies that can't be read."""
    for turn in turns:
        forwarded = {"X-Forwarded-For": f"2001:db8:{turn >> 16 & 0xFFFF:x}:{turn & 0xFFFF:x}::1"}
        junk = {"Forwarded": 'for="' * 400} if turn % 10 == 0 else {}
        with suppress(OSError):
            server.ask("GET", "/v1/me", headers=forwarded | junk)


def attack_lists(server: ServerProcess, key: Mapping[str, str], turns: Iterable[int]) -> None:
    """Ask for lists of which none was made before, so that caches fill."""
    for turn in turns:
        options = f"n=200&novelty={turn % 9973 / 9973}&where=year%3E%3D{1900 + turn % 120}"
        with suppress(OSError):
            server.ask("GET", f"/v1/users/{turn % 500}/recommendations?{options}", headers=key)


class Kind(NamedTuple):
    """A kind of attack.

    Attributes:
        name: the kind in words.
        attack: the attack itself.
        opened: turns to take at once before any that have a pace, since they open connections that stay open.
    """

    name: str
    attack: Attack
    opened: int = 0


KINDS = (
    Kind("hostile bodies", attack_bodies),
    Kind("files of 19 MB", attack_uploads),
    Kind("made-up methods", attack_methods),
    Kind("half bodies, 500 open", attack_half_bodies, 500),
    Kind("idle connections, 2,000 open", attack_connections, 2_000),
    Kind("endless headers, 3,000 open", attack_headers, 3_000),
    Kind("ever new callers", attack_callers),
    Kind("lists that nobody had", attack_lists),
)


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
