"""A TMDB of our own on this machine, which answers as it is told to and remembers what it was asked."""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.models.artifact import save
from cinematrix.models.item_knn import ItemKNN

KEY = "0123456789abcdef0123456789abcdef"

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""One point."""


def save_numbered_model(folder: Path, ratings: Ratings, catalog: Catalog) -> Path:
    """A model whose films have their places in the catalog, from 1, as numbers at TMDB, but for the last."""
    known = {name: catalog.frame[name].to_list() for name in ("title", "year", "genres")}
    numbers = [*map(str, range(1, len(catalog))), None]
    save(ItemKNN().fit(ratings, Catalog.of(catalog.movies, **known, tmdb=numbers)), folder)
    return folder


@dataclass
class FakeAnswer:
    """What is sent, after so many seconds once `let` is set; `length` is announced where it isn't the body's."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    length: int | None = None
    let: threading.Event | None = None


@dataclass
class FakeTmdb:
    """Answers by path; 404 to all others. `asked` has paths without their queries, `keys` what they came with."""

    url: str = ""
    answers: dict[str, FakeAnswer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def film(self, number: str, picture: FakeAnswer | None = None, path: Any = "/poster.jpg") -> None:
        """Let it know a film, and a picture at its path."""
        self.answers[f"/3/movie/{number}"] = FakeAnswer(json.dumps({"id": 1, "poster_path": path}).encode())
        if picture is not None:
            self.answers[f"/t/p/w342{path}"] = picture


@contextlib.contextmanager
def fake_tmdb() -> Iterator[FakeTmdb]:
    """TMDB's two hosts, for as long as the block lasts."""
    tmdb = FakeTmdb()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            tmdb.asked.append(path)
            tmdb.keys.append(query)
            answer = tmdb.answers.get(path, FakeAnswer(status=404))
            time.sleep(answer.seconds)
            if answer.let:
                answer.let.wait(20)
            with contextlib.suppress(OSError):
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tmdb.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield tmdb
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
