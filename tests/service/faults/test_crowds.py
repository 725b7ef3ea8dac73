"""More connections and requests than there is room for: a real server whose limits are low."""

import asyncio
import http.client
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from serving import ServerProcess, run_with_overrides
from waiting import wait_for

SLOW = """
lower(in_flight=4)
answer = cache_middleware.CacheMiddleware.__call__
async def slowly(self, scope, receive, send):
    await asyncio.sleep(0.1 * (scope["type"] == "http" and scope["path"] != "/livez"))
    await answer(self, scope, receive, send)
cache_middleware.CacheMiddleware.__call__ = slowly
"""
CAPACITY = 40
"""Requests a second that the slow one may answer: four at once, each of which takes a tenth of one."""


@contextmanager
def crowd(server: ServerProcess, size: int) -> Iterator[list[socket.socket]]:
    """So many connections."""
    with ExitStack() as all_:
        yield [
            all_.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20)) for _ in range(size)
        ]


def closed(connections: list[socket.socket]) -> int:
    """How many of them the server has closed."""
    gone = 0
    for each in connections:
        each.setblocking(False)
        with suppress(BlockingIOError):
            try:
                while each.recv(1000):
                    pass
            except ConnectionError:
                pass
            gone += 1
    return gone


@pytest.mark.fault(37)
def test_without_descriptors_it_waits_and_goes_on(folder: Path, tmp_path: Path, user: int) -> None:
    """More idle connections than it may open files: who is connected is answered still, from the model and the store;
    the others come in once those have gone; and the process lives."""
    few = "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))"
    with run_with_overrides(folder, tmp_path, few) as server:
        kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        path = f"/v1/users/{user}/ratings"
        kept.request("GET", path)
        expected = kept.getresponse().read()
        files = Path(f"/proc/{server.process.pid}/fd")
        with crowd(server, 150):
            wait_for(lambda: len(list(files.iterdir())) >= 99)
            for _ in range(20):
                kept.request("GET", path)
                answer = kept.getresponse()
                assert (answer.status, answer.read()) == (200, expected)
        server.ready()
        wait_for(lambda: len(list(files.iterdir())) < 60)
        kept.close()
        assert server.process.poll() is None


@pytest.mark.fault(37)
def test_who_says_nothing_or_little_makes_room(folder: Path, tmp_path: Path) -> None:
    """More connections than it takes, silent ones, ones whose headers or bodies trickle: each is closed when its time
    is over, and everybody else's request is answered then."""
    low = "server.MAX_CONNECTIONS, server.HEADER_TIMEOUT_MS = 20, 1500\nlower(read_seconds=1.5)"
    with run_with_overrides(folder, tmp_path, low) as server, crowd(server, 60) as rude:
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
        wait_for(lambda: closed(rude) == len(rude), 30)


async def asked(port: int, path: str, at: float) -> tuple[int, float, bool]:
    """The status of one request that is sent at its time, the seconds it took, and whether it says when to come."""
    await asyncio.sleep(at - time.monotonic())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1]), time.monotonic() - at, b"retry-after: 1\r\n" in answer.lower()


async def burst(port: int, rate: int, seconds: float) -> dict[str, list[tuple[int, float, bool]]]:
    """So many requests a second, whether or not those before have been answered, and ten of /livez."""
    start = time.monotonic() + 0.1
    paths = {"/readyz": rate, "/livez": 10}
    sent = [(path, turn / each) for path, each in paths.items() for turn in range(int(seconds * each))]
    answers = await asyncio.gather(*(asked(port, path, start + after) for path, after in sent))
    return {path: [answer for (to, _), answer in zip(sent, answers, strict=True) if to == path] for path in paths}


@pytest.mark.fault(39)
def test_four_times_too_much_is_answered_in_part_and_sent_away_in_part(folder: Path, tmp_path: Path) -> None:
    """It answers what it can, sends the others away at once with a time to come again, says that it lives meanwhile,
    and answers all again once it is over. The bounds are wide: benchmarks/load.py measures."""
    with run_with_overrides(folder, tmp_path, SLOW) as server:
        found = asyncio.run(burst(server.port, 4 * CAPACITY, 3))
        for _ in range(5):
            assert server.ask("GET", "/readyz")[0] == 200
    answers = found["/readyz"]
    good = [seconds for status, seconds, _ in answers if status == 200]
    away = [(seconds, again) for status, seconds, again in answers if status == 503]
    assert len(good) + len(away) == len(answers), "all are answered, with one of both"
    assert len(good) > 0.5 * 3 * CAPACITY
    assert len(away) > 0.5 * len(answers)
    assert all(again for _, again in away)
    assert statistics.median(seconds for seconds, _ in away) < statistics.median(good)
    assert {status for status, _, _ in found["/livez"]} == {200}
    assert statistics.median(seconds for _, seconds, _ in found["/livez"]) < 0.1
