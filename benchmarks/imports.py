"""Measure an upload: a Letterboxd export of 2,000 movies, from its bytes to recommendations, over HTTP.

    python benchmarks/imports.py [--data FOLDER] [--films 2000]

The server runs in its own process, with `deep-mf preset=fast`, on loopback. The archive has ratings, viewings, marks
and likes of the movies, and a watchlist: more than three rows per movie. Without an account the export is read and the
list is computed from the result. For a user it is stored in SQLite and the list is computed from the store, each time
for another user.
"""

import argparse
import io
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from cinematrix.data.catalog import Catalog
from cinematrix.data.movielens import default
from cinematrix.data.readers import read
from cinematrix.models.artifact import save
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from results import markdown, put

TIMES = 9
"""Repetitions of each step."""
HEADER = "Date,Name,Year,Letterboxd URI"


def main() -> None:
    """Train, serve, upload and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--films", type=int, default=2_000)
    options = parser.parse_args()
    dataset = read(options.data or default().path)
    assert dataset.catalog is not None
    content, n_rows = export(dataset.catalog, options.films)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        save(DeepMF(DeepMFSettings(**DeepMFSettings.PRESETS["fast"])).fit(dataset.ratings, dataset.catalog), model)
        taken = measured(model, content)
    rows = [[name, *(f"{1000 * of(seconds):.0f}" for of in (median, max))] for name, seconds in taken.items()]
    put(
        [
            f"## An upload of {options.films:,} films from Letterboxd ({len(content) / 1000:.0f} KB, {n_rows:,} rows)",
            markdown(["what", f"median ms of {TIMES}", "slowest ms"], rows),
        ]
    )


def export(catalog: Catalog, n_films: int) -> tuple[bytes, int]:
    """Return an archive and its number of rows; movies are drawn from the catalog, a fiftieth have other titles."""
    generator = np.random.default_rng(1)
    titled = catalog.frame.filter(catalog.frame["title"].is_not_null() & catalog.frame["year"].is_not_null())
    drawn = titled.select("title", "year").sample(n_films, seed=1).rows()
    plain = (
        title.partition(" (")[0].replace('"', "") + " Untold" * (at % 50 == 0) for at, (title, _) in enumerate(drawn)
    )
    films = [
        f'2023-0{1 + at % 9}-01,"{title}",{year},u{at}'
        for at, (title, (_, year)) in enumerate(zip(plain, drawn, strict=True))
    ]
    stars = [f"{half / 2:g}" for half in generator.integers(1, 11, n_films)]
    files = {
        "ratings.csv": [f"{HEADER},Rating", *(f"{film},{star}" for film, star in zip(films, stars, strict=True))],
        "watched.csv": [HEADER, *films],
        "diary.csv": [
            f"{HEADER},Rating,Rewatch,Tags,Watched Date",
            *(f"{film},{star},,,2023-01-01" for film, star in zip(films, stars, strict=True)),
        ],
        "likes/films.csv": [HEADER, *films[::5]],
        "watchlist.csv": [HEADER, *films[:100]],
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in files.items():
            archive.writestr(name, "\r\n".join(lines) + "\r\n")
    return packed.getvalue(), sum(len(lines) - 1 for lines in files.values())


def measured(model: Path, content: bytes) -> dict[str, list[float]]:
    """Start a server; return the seconds of each step."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        "serve",
        str(model),
        "--port",
        str(port),
        "--db",
        f"sqlite:///{model.parent}/store.db",
        "--new-users",
        "99",
    ]
    program = [sys.executable, "-c", "from cinematrix.cli.main import run; run()"]
    server = subprocess.Popen([*program, *words], stderr=subprocess.DEVNULL)
    try:
        wait(port)
        return timed(f"http://127.0.0.1:{port}/v1", content)
    finally:
        server.terminate()
        server.wait()


def timed(base: str, content: bytes) -> dict[str, list[float]]:
    """Time the steps with and without an account, repeatedly; the first upload builds the index of the titles."""
    taken: dict[str, list[float]] = {}

    def step(name: str, *request: Any) -> Any:
        started = time.perf_counter()
        answer = asked(*request)
        taken.setdefault(name, []).append(time.perf_counter() - started)
        return answer

    step("the first upload after the server's start", f"{base}/imports?name=export.zip", content)
    for at in range(TIMES):
        started = time.perf_counter()
        found = step("an upload without an account, read", f"{base}/imports?name=export.zip", content)
        body = {"ratings": [{"movie": row["movie"], "rating": row["rating"]} for row in found["ratings"]], "n": 50}
        step("the list of 50 from its result", f"{base}/recommendations", json.dumps(body).encode())
        between = time.perf_counter()
        taken.setdefault("from upload to list, without an account", []).append(between - started)
        step("a user's upload, stored", f"{base}/users/new{at}/imports?name=export.zip", content)
        step("the list of 50 from the store", f"{base}/users/new{at}/recommendations?n=50")
        taken.setdefault("from upload to list, a user", []).append(time.perf_counter() - between)
        step("the same upload again", f"{base}/users/new{at}/imports?name=export.zip", content)
    return taken


def asked(url: str, body: bytes | None = None) -> Any:
    """Send a request; return the JSON of the answer."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def wait(port: int) -> None:
    """Wait until the server is ready, at most a minute."""
    for _ in range(600):
        try:
            asked(f"http://127.0.0.1:{port}/readyz")
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server didn't start within a minute")


if __name__ == "__main__":
    main()
