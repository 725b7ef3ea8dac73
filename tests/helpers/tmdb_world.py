"""Fake TMDB server with configurable responses, which records its requests."""

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
"""PNG of one pixel."""


def save_numbered_model(folder: Path, ratings: Ratings, catalog: Catalog) -> Path:
    """Save a model whose movies have TMDB IDs 1, 2, … in catalog order, except the last one, which has none."""
    columns = {name: catalog.frame[name].to_list() for name in ("title", "year", "genres")}
    tmdb_ids = [*map(str, range(1, len(catalog))), None]
    save(ItemKNN().fit(ratings, Catalog.of(catalog.movies, **columns, tmdb=tmdb_ids)), folder)
    return folder


DETAILS = {
    "overview": "A clockmaker’s daughter finds the hour that was lost.",
    "original_title": "Потерянный час",
    "original_language": "ru",
    "runtime": 107,
    "spoken_languages": [{"english_name": "Russian", "name": "Русский"}, {"english_name": "French"}],
    "credits": {
        "crew": [{"job": "Director", "name": "Larisa S."}, {"job": "Writer", "name": "Somebody Else"}],
        "cast": [{"name": f"Actor {at}"} for at in range(12)],
    },
    "videos": {
        "results": [
            {"site": "Vimeo", "type": "Trailer", "key": "vimeo"},
            {"site": "YouTube", "type": "Clip", "key": "clip"},
            {"site": "YouTube", "type": "Trailer", "key": "unofficial"},
            {"site": "YouTube", "type": "Trailer", "key": "dQw4-w9_", "official": True},
        ]
    },
    "watch/providers": {
        "results": {
            "US": {
                "link": "https://www.themoviedb.org/movie/1/watch?locale=US",
                "flatrate": [{"provider_name": "Criterion Channel"}],
                "rent": [{"provider_name": "Apple TV"}],
            },
            "DE": {"link": "javascript:alert(1)", "buy": [{"provider_name": "Amazon Video"}]},
        }
    },
    "release_dates": {
        "results": [
            {"iso_3166_1": "DE", "release_dates": [{"type": 3, "certification": "12"}]},
            {
                "iso_3166_1": "US",
                "release_dates": [{"type": 5, "certification": "R"}, {"type": 2, "certification": "PG"}],
            },
        ]
    },
    "translations": {
        "translations": [
            {"iso_639_1": "fr", "data": {"title": "L’Heure perdue"}},
            {"iso_639_1": "de", "iso_3166_1": "AT", "data": {"title": "", "overview": ""}},
            {"iso_639_1": "de", "iso_3166_1": "DE", "data": {"title": "Die verlorene Stunde", "overview": "Eine Uhr."}},
        ]
    },
}
"""TMDB's answer about a movie, with credits, videos, offers, certifications and translations."""


@dataclass
class FakeAnswer:
    """A response of the fake server.

    Attributes:
        seconds: delay before it is sent.
        length: Content-Length header, if it isn't the body's length.
        let: event to wait for before it is sent.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    length: int | None = None
    let: threading.Event | None = None


@dataclass
class FakeTmdb:
    """Fake TMDB: responses by path, else 404.

    Attributes:
        asked: paths of the requests.
        keys: query strings of the requests.
    """

    url: str = ""
    answers: dict[str, FakeAnswer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def film(self, number: str, picture: FakeAnswer | None = None, path: Any = "/poster.jpg") -> None:
        """Add a movie, and optionally a picture at its path."""
        self.answers[f"/3/movie/{number}"] = FakeAnswer(json.dumps({"id": 1, "poster_path": path}).encode())
        if picture is not None:
            self.answers[f"/t/p/w342{path}"] = picture

    def details(self, number: str, **members: Any) -> None:
        """Add a movie with `DETAILS`, of which `members` replace some."""
        self.answers[f"/3/movie/{number}"] = FakeAnswer(json.dumps({"id": 1, **DETAILS, **members}).encode())


@contextlib.contextmanager
def fake_tmdb() -> Iterator[FakeTmdb]:
    """Run a fake of TMDB's two hosts for the duration of the block."""
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
            """Log nothing."""

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
