"""Downloads from a server on this machine that misbehaves on request: `cinematrix.data.download`."""

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
    """Serves `body` and its checksum; `cut` bodies break off, `silent` ones stall, `plain` ignores ranges."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.md5 = BODY, hashlib.md5(BODY).hexdigest()
        self.checksum: bytes | None = None
        self.cut: int | None = None
        self.plain = self.silent = False
        self.asked: list[tuple[str, str | None]] = []
        self.over = Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/x.zip"


class Handler(BaseHTTPRequestHandler):
    """Answers as the server is told."""

    server: Server

    def do_GET(self) -> None:
        server = self.server
        if self.path.endswith(".md5"):
            text = server.checksum if server.checksum is not None else f"MD5 (x.zip) = {server.md5}\n".encode()
            return self._answer(200 if text else 404, text, len(text))
        asked = self.headers["Range"]
        server.asked.append((self.path, asked))
        start = 0 if server.plain or not asked else int(asked.removeprefix("bytes=").removesuffix("-"))
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
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server."""
    running = Server()
    thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield running
    running.over.set()
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_file_arrives_verified_and_nothing_is_left_beside_it(server: Server, tmp_path: Path) -> None:
    """One request for the checksum, one for the file; the part has become the file."""
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]
    assert server.asked == [("/x.zip", None)]


def test_a_part_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    """Only what is missing is asked for."""
    (tmp_path / "x.zip.part").write_bytes(BODY[:1000])
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert server.asked == [("/x.zip", "bytes=1000-")]


def test_a_server_without_ranges_begins_anew(server: Server, tmp_path: Path) -> None:
    """A whole answer to a request for a range replaces the part."""
    server.plain = True
    (tmp_path / "x.zip.part").write_bytes(BODY[:1000])
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert len(server.asked) == 1


@pytest.mark.parametrize("part", [b"another version", BODY + b"more"])
def test_a_part_of_another_version_is_thrown_away(server: Server, tmp_path: Path, part: bytes) -> None:
    """If the resumed file has the wrong checksum, all of it is fetched once more."""
    (tmp_path / "x.zip.part").write_bytes(part)
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert [asked for _, asked in server.asked] == [f"bytes={len(part)}-", None]


def test_a_body_cut_short_is_resumed_in_the_same_call(server: Server, tmp_path: Path) -> None:
    """Each attempt goes on where the last one ended."""
    server.cut = len(BODY) // 2
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY
    assert server.asked[1][1] == f"bytes={len(BODY) // 2}-"


def test_what_arrived_before_it_broke_off_stays(server: Server, tmp_path: Path) -> None:
    """After some attempts it is an error that says how far it came, and the next call goes on from there."""
    server.cut = 1000
    with pytest.raises(DownloadError, match=r"broke off after 0.0 MB \(the connection broke off\); run it again"):
        download(server.address, tmp_path / "x.zip", 2, None)
    assert (tmp_path / "x.zip.part").read_bytes() == BODY[:3000]
    server.cut = None
    assert download(server.address, tmp_path / "x.zip", 2, None).read_bytes() == BODY


def test_a_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    """A file that isn't the one published is no file at all."""
    server.md5 = "0" * 32
    with pytest.raises(DownloadError, match=r"arrived with MD5 .* and 0000.* is published"):
        download(server.address, tmp_path / "x.zip", 2, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("checksum", "message"),
    [(b"<html>Log in</html>", "holds b'<html>Log in</html>' and no checksum"), (b"", "the server answers 404")],
)
def test_without_a_checksum_nothing_is_fetched(server: Server, tmp_path: Path, checksum: bytes, message: str) -> None:
    """A login page or an error in place of the checksum is told before anything large is asked for."""
    server.checksum = checksum
    with pytest.raises(DownloadError, match=message):
        download(server.address, tmp_path / "x.zip", 2, None)
    assert server.asked == []


def test_a_silent_server_is_given_up(server: Server, tmp_path: Path) -> None:
    """A server that stalls in the middle costs a few time-outs, and the part stays."""
    server.silent, server.cut = True, 5000
    start = time.monotonic()
    with pytest.raises(DownloadError, match="time-out"):
        download(server.address, tmp_path / "x.zip", 0.1, None)
    assert time.monotonic() - start < 5
    assert (tmp_path / "x.zip.part").stat().st_size >= 5000


def test_a_host_that_never_answers_is_given_up_within_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the look-up of the name hangs, which heeds no time-out of its own."""
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
    """The bar's total is the length announced, and its steps add up to it."""
    heard: list[int] = []

    class Bar:
        def start(self, what: str, total: int) -> None:
            heard.append(-total)

        def advance(self, steps: int = 1, note: str = "") -> None:
            heard.append(steps)

        def stop(self) -> None:
            heard.append(0)

    download(server.address, tmp_path / "x.zip", 2, Bar())
    assert sum(heard) == 0
    assert (heard[0], heard[-1]) == (-len(BODY), 0)
