"""Downloads from a local server with simulated faults: `cinematrix.data.download`."""

import hashlib
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from cinematrix.data.download import download
from cinematrix.errors import DownloadError

BODY = bytes(range(256)) * 1000


class Server(ThreadingHTTPServer):
    """Server of `body` and its checksum: `cut` truncates the body, `silent` stalls, `plain` ignores ranges."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.md5 = BODY, hashlib.md5(BODY).hexdigest()
        self.checksum: bytes | None = None
        self.cut: int | None = None
        self.plain = self.silent = False
        self.requests: list[tuple[str, str | None]] = []
        self.over = Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/x.zip"


class Handler(BaseHTTPRequestHandler):
    """Request handler that follows the server's settings."""

    server: Server

    def do_GET(self) -> None:
        server = self.server
        if self.path.endswith(".md5"):
            text = server.checksum if server.checksum is not None else f"MD5 (x.zip) = {server.md5}\n".encode()
            return self._answer(200 if text else 404, text, len(text))
        byte_range = self.headers["Range"]
        server.requests.append((self.path, byte_range))
        start = 0 if server.plain or not byte_range else int(byte_range.removeprefix("bytes=").removesuffix("-"))
        if start >= len(server.body):
            return self._answer(416, b"", 0)
        rest = server.body[start:]
        self._answer(206 if start else 200, rest[: server.cut], len(rest))
        if server.silent:
            server.over.wait(20)

    def _answer(self, status: int, content: bytes, announced: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Start a server, and stop it after the test."""
    running = Server()
    thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield running
    running.over.set()
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_file_arrives_verified_and_nothing_is_left_beside_it(server: Server, tmp_path: Path) -> None:
    """The file is requested once, and the part is renamed to the file."""
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]
    assert server.requests == [("/x.zip", None)]


def test_a_part_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    """Only the missing bytes are requested."""
    (tmp_path / "x.zip.part").write_bytes(BODY[:1000])
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert server.requests == [("/x.zip", "bytes=1000-")]


def test_a_server_without_ranges_begins_anew(server: Server, tmp_path: Path) -> None:
    """A complete response to a range request replaces the part."""
    server.plain = True
    (tmp_path / "x.zip.part").write_bytes(BODY[:1000])
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert len(server.requests) == 1


@pytest.mark.parametrize("part", [b"another version", BODY + b"more"])
def test_a_part_of_another_version_is_thrown_away(server: Server, tmp_path: Path, part: bytes) -> None:
    """If the resumed file has a wrong checksum, the whole file is downloaded again."""
    (tmp_path / "x.zip.part").write_bytes(part)
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert [byte_range for _, byte_range in server.requests] == [f"bytes={len(part)}-", None]


def test_a_body_cut_short_is_resumed_in_the_same_call(server: Server, tmp_path: Path) -> None:
    """Each attempt resumes where the last one ended."""
    server.cut = len(BODY) // 2
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert server.requests[1][1] == f"bytes={len(BODY) // 2}-"


def test_what_arrived_before_it_broke_off_stays(server: Server, tmp_path: Path) -> None:
    """After `ATTEMPTS` interruptions the error states the received size, and the next call resumes the download."""
    server.cut = 1000
    with pytest.raises(DownloadError, match=r"interrupted after 0.0 MB \(the connection was lost\); run it again"):
        download(server.address, tmp_path / "x.zip", 2, None)
    assert (tmp_path / "x.zip.part").read_bytes() == BODY[:3000]
    server.cut = None
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY


def test_a_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    """A file with a wrong checksum is deleted."""
    server.md5 = "0" * 32
    with pytest.raises(DownloadError, match=r"arrived with MD5 .* and 0000.* is published"):
        download(server.address, tmp_path / "x.zip", 2, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("checksum", "message"),
    [(b"<html>Log in</html>", "holds b'<html>Log in</html>' and no checksum"), (b"", "the server answers 404")],
)
def test_without_a_checksum_nothing_is_fetched(server: Server, tmp_path: Path, checksum: bytes, message: str) -> None:
    """A login page or an error in place of the checksum is an error before the file is requested."""
    server.checksum = checksum
    with pytest.raises(DownloadError, match=message):
        download(server.address, tmp_path / "x.zip", 2, None)
    assert server.requests == []


def test_a_silent_server_is_given_up(server: Server, tmp_path: Path) -> None:
    """A server that stalls ends in an error after a few time-outs, and the part stays."""
    server.silent, server.cut = True, 5000
    start = time.monotonic()
    with pytest.raises(DownloadError, match="time-out"):
        download(server.address, tmp_path / "x.zip", 0.1, None)
    assert time.monotonic() - start < 5
    assert (tmp_path / "x.zip.part").stat().st_size >= 5000


def test_a_host_that_never_answers_is_given_up_within_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out also limits a DNS look-up that hangs, which has no time-out of its own."""
    release = Event()

    def hangs(*_: object) -> None:
        release.wait(20)
        raise OSError("no answer")  # as the look-up does in the end; its thread outlives the test

    monkeypatch.setattr("cinematrix.data.download._open", hangs)
    start = time.monotonic()
    with pytest.raises(DownloadError, match="time-out"):
        download("http://127.0.0.1:9/x.zip", tmp_path / "x.zip", -0.9, None)
    assert time.monotonic() - start < 2
    release.set()


def test_progress_hears_of_every_byte(server: Server, tmp_path: Path) -> None:
    """The total is the announced length, and the steps add up to it."""
    reported: list[int] = []

    class Bar:
        def start(self, what: str, total: int) -> None:
            reported.append(-total)

        def advance(self, steps: int = 1, note: str = "") -> None:
            reported.append(steps)

        def stop(self) -> None:
            reported.append(0)

    download(server.address, tmp_path / "x.zip", 2, Bar())
    assert sum(reported) == 0
    assert (reported[0], reported[-1]) == (-len(BODY), 0)
