"""Open-loop load generator: requests are sent when they are due, whether or not earlier ones were answered.

    python benchmarks/open_loop.py < plan.json

Arrivals are Poisson. A latency counts from the moment when the request was due, so a stall of the server, or of
this program, counts for every request that it delays. Connections are kept alive; another one is opened if none is
free. The input is a `Plan`. Prints, for each stream, an `Outcome` for each of its requests.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import TypedDict

MOST = 1000
"""Maximum open connections."""

Outcome = tuple[float, float, int, bool]
"""Due time of a request, seconds to its answer, its status (0: no answer), and whether it had Retry-After."""


class Stream(TypedDict):
    """Requests `[method, path, body]`, sent in turn, with their rate per second."""

    name: str
    rate: float
    requests: list[list[str]]


class Plan(TypedDict):
    """Streams that run at the same time. An answer after more than `timeout` seconds counts as none."""

    port: int
    seconds: float
    timeout: float
    streams: list[Stream]


class Connection(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection, with one request at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answer: asyncio.Future[tuple[int, bool]] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bool]]":
        """Send a request; the future is the status of the answer and whether it has Retry-After."""
        assert self.transport is not None
        self.buffer, self.answer = b"", asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        """Complete the answer once its Content-Length has arrived."""
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end or self.answer is None or self.answer.done():
            return
        lowered = head.lower()
        length = lowered.partition(b"content-length:")[2].partition(b"\r")[0]
        if len(body) >= int(length or 0):
            self.answer.set_result((int(head[9:12]), b"\r\nretry-after:" in lowered))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the pending request."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionError("closed"))


@dataclass
class Client:
    """Connections to one server."""

    port: int
    timeout: float
    free: list[Connection] = field(default_factory=list)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST))

    async def send(self, request: bytes, due: float, start: float, into: list[Outcome]) -> None:
        """Send one request and append its outcome."""
        status, retry, connection = 0, False, None
        try:
            async with asyncio.timeout(self.timeout), self.room:
                connection = self._kept() or await self._opened()
                status, retry = await connection.ask(request)
                self.free.append(connection)
        except (OSError, TimeoutError):
            if connection is not None and connection.transport is not None:
                connection.transport.abort()
        into.append((due, time.perf_counter() - start - due, status, retry))

    def _kept(self) -> Connection | None:
        """Return a free connection that the server hasn't closed as idle; None if there is none."""
        while self.free:
            connection = self.free.pop()
            if connection.transport is not None and not connection.transport.is_closing():
                return connection
        return None

    async def _opened(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", self.port)
        return connection


def raw(method: str, path: str, body: str) -> bytes:
    """Return the bytes of an HTTP/1.1 request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n{body}".encode()


def arrivals(rate: float, seconds: float, seed: int) -> Iterator[float]:
    """Yield the due times of requests in seconds, from 0."""
    rng, at = random.Random(seed), 0.0
    while (at := at + rng.expovariate(rate)) < seconds:
        yield at


async def run(plan: Plan) -> dict[str, list[Outcome]]:
    """Run all streams at the same time; return their outcomes."""
    client, start = Client(plan["port"], plan["timeout"]), time.perf_counter()
    found: dict[str, list[Outcome]] = {stream["name"]: [] for stream in plan["streams"]}
    async with asyncio.TaskGroup() as group:
        for seed, stream in enumerate(plan["streams"]):
            dues = arrivals(stream["rate"], plan["seconds"], seed)
            group.create_task(_stream(client, stream, dues, start, found[stream["name"]]))
    return found


async def _stream(client: Client, stream: Stream, dues: Iterator[float], start: float, into: list[Outcome]) -> None:
    requests = cycle([raw(*request) for request in stream["requests"]])
    async with asyncio.TaskGroup() as group:
        for due in dues:
            wait = start + due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            group.create_task(client.send(next(requests), due, start, into))


if __name__ == "__main__":
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)
