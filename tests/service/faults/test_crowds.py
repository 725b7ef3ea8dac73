"""Overload by connections and requests: a real server with low limits."""

import asyncio
import http.client
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from serving import ServerProcess
from waiting import wait_for

SLOW = """
import asyncio
answer = cache_middleware.CacheMiddleware.__call__
async def slowly(self, scope, receive, send):
    await asyncio.sleep(0.1 * (scope["type"] == "http" and scope["path"] != "/livez"))
    await answer(self, scope, receive, send)
cache_middleware.CacheMiddleware.__call__ = slowly
"""
CAPACITY = 40
"""Requests a second that the slow server can answer: four at once, each in a tenth of a second."""


@contextmanager
def crowd(server: ServerProcess, size: int) -> Iterator[list[socket.socket]]:
    """Open `size` connections."""
    with ExitStack() as all_:
        yield [
            all_.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20)) for _ in range(size)
        ]


def count_closed(connections: list[socket.socket]) -> int:
    """Return the number of connections that the server has closed."""
    closed = 0
    for connection in connections:
        connection.setblocking(False)
        with suppress(BlockingIOError):
            try:
                while connection.recv(1000):
                    pass
            except ConnectionError:
                pass
            closed += 1
    return closed


@pytest.mark.fault(37)
def test_without_descriptors_it_waits_and_goes_on(folder: Path, tmp_path: Path, user: int) -> None:
    """With more idle connections than it may open files, the server still answers open connections, accepts new ones
    once others close, and keeps running."""
    few = "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))"
    with ServerProcess(folder, f"sqlite:///{tmp_path}/store.db", tmp_path / "log", before=few) as server:
        server.ready()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        path = f"/v1/users/{user}/ratings"
        connection.request("GET", path)
        expected = connection.getresponse().read()
        files = Path(f"/proc/{server.process.pid}/fd")
        with crowd(server, 150):
            wait_for(lambda: len(list(files.iterdir())) >= 99)
            for _ in range(20):
                connection.request("GET", path)
                response = connection.getresponse()
                assert (response.status, response.read()) == (200, expected)
        server.ready()
        wait_for(lambda: len(list(files.iterdir())) < 60)
        connection.close()
        assert server.process.poll() is None


@pytest.mark.fault(37)
def test_silent_and_slow_connections_are_closed(folder: Path, tmp_path: Path) -> None:
    """Silent connections and those with slow headers or bodies, more than the server takes, are closed at their
    timeout, and other requests are answered then."""
    low = ("--connections", "20", "--header-seconds", "0.5", "--read-seconds", "0.5")
    db = f"sqlite:///{tmp_path}/store.db"
    with ServerProcess(folder, db, tmp_path / "log", *low) as server, crowd(server.ready(), 60) as rude:
        for turn in range(6):
            for each in rude[20:40]:
                with suppress(OSError):
                    each.sendall(b"X-Slow: 1\r\n" if turn else b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
            for each in rude[40:]:
                with suppress(OSError):
                    each.sendall(
                        b" "
                        if turn
                        else b"POST /v1/ratings HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                        b"application/json\r\nContent-Length: 1000\r\n\r\n{"
                    )
            time.sleep(0.1)
        assert server.ask("GET", "/readyz")[0] == 200
        wait_for(lambda: count_closed(rude) == len(rude), 30)


async def send_at(port: int, path: str, at: float) -> tuple[int, float, bool]:
    """Send a request at a time; return its status, its seconds, and whether it has a Retry-After header."""
    await asyncio.sleep(at - time.monotonic())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1]), time.monotonic() - at, b"retry-after: 1\r\n" in answer.lower()


async def burst(port: int, rate: int, seconds: float) -> dict[str, list[tuple[int, float, bool]]]:
    """Send `rate` requests and ten of /livez a second, without waiting for responses."""
    start = time.monotonic() + 0.1
    paths = {"/readyz": rate, "/livez": 10}
    sent = [(path, turn / each) for path, each in paths.items() for turn in range(int(seconds * each))]
    answers = await asyncio.gather(*(send_at(port, path, start + after) for path, after in sent))
    return {path: [answer for (to, _), answer in zip(sent, answers, strict=True) if to == path] for path in paths}


@pytest.mark.fault(39)
def test_four_times_too_much_is_answered_in_part_and_sent_away_in_part(folder: Path, tmp_path: Path) -> None:
    """Under four times its capacity the server answers what it can, refuses the rest at once with Retry-After, stays
    alive, and recovers. The bounds are wide: benchmarks/load.py measures."""
    db = f"sqlite:///{tmp_path}/store.db"
    with ServerProcess(folder, db, tmp_path / "log", "--in-flight", "4", before=SLOW) as server:
        responses = asyncio.run(burst(server.ready().port, 4 * CAPACITY, 3))
        for _ in range(5):
            assert server.ask("GET", "/readyz")[0] == 200
    answers = responses["/readyz"]
    served = [seconds for status, seconds, _ in answers if status == 200]
    refused = [(seconds, retry_after) for status, seconds, retry_after in answers if status == 503]
    assert len(served) + len(refused) == len(answers), "each request gets a 200 or a 503"
    assert len(served) > 0.5 * 3 * CAPACITY
    assert len(refused) > 0.5 * len(answers)
    assert all(retry_after for _, retry_after in refused)
    assert statistics.median(seconds for seconds, _ in refused) < statistics.median(served)
    assert {status for status, _, _ in responses["/livez"]} == {200}
    assert statistics.median(seconds for _, seconds, _ in responses["/livez"]) < 0.1
