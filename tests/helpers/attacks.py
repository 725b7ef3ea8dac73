"""Attacks on a service of one's own, on loopback only. `make attack` runs them for minutes, tests in small."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

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
