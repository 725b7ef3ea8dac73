"""Take screenshots of the page's views for docs/screens: `python docs/screenshots.py MODEL [VIEW …]`.

MODEL is a model of real movies. The screenshots are taken in Chromium, in the size of a phone and of a desk, in light
and dark, and reduced to 128 colours. Install the font Inter (Debian: fonts-inter), which the page prefers.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, sync_playwright

SCREENS = Path(__file__).parent / "screens"
PROGRAM = [sys.executable, "-c", "from cinematrix.cli.main import run; run()"]
SIZES = {"desk": (1280, 900), "phone": (360, 780)}
COLOURS = 128

LIKED = {
    "Pulp Fiction": 5,
    "Fargo": 4.5,
    "2001: A Space Odyssey": 5,
    "Forrest Gump": 2,
    "Blade Runner": 4.5,
    "Amelie": 4,
}
"""The user's ratings in the screenshots, by title."""

WANTED = (
    *("Vertigo", "Chinatown", "The Big Lebowski", "Spirited Away", "Rear Window", "Memento", "Lost in Translation"),
    *("No Country for Old Men", "Brazil", "City of God", "Heat", "The Third Man"),
)
"""Titles of the user's watchlist."""

SEEN = ("Titanic", "Gladiator")
"""Titles that the user has seen and not rated."""

FIRST_EVENING, DAYS = 1_790_000_000, 86_400 * 4
"""Time of the user's first rating in epoch seconds, and the time between two."""

VIEWS = {
    "for-you": "/",
    "watchlist": "/?view=watchlist",
    "films": "/?view=films",
    "diary": "/?view=films&as=diary",
    "dials": "/?with=Comedy&without=Animation&from=1990",
    "film": "/?view=film&movie=593",
    "search": "/?view=search&query=godfater",
    "questions": "/?view=questions",
    "bring": "/?view=bring",
    "imported": "/?view=bring",
    "offline": "/",
    "newcomer": "/",
    "map": "/?view=map",
    "profile": "/?view=profile",
    "together": "/?view=together",
    "row": "/?view=row&of=top",
    "nothing-here": "/nosuch",
    "no-watchlist": "/?view=watchlist",
    "shared": "",
    "for-you-german": "/",
    "film-german": "/?view=film&movie=593",
    "operator": "/?view=operator",
    "signin": "/?view=signin",
    "invitation": "",
}


NO_HISTORY = ("imported", "newcomer", "no-watchlist", "shared")
"""Views that are shown to somebody without a history."""

EXPORT = """Date,Name,Year,Letterboxd URI,Rating
2024-01-05,Fargo,1996,https://boxd.it/1,4.5
2024-01-12,Pulp Fiction,1994,https://boxd.it/2,5
2024-02-02,Blade Runner,1982,https://boxd.it/3,4.5
2024-02-09,Vertigo,1958,https://boxd.it/4,4
2024-03-01,The Third Man,1949,https://boxd.it/5,4.5
2024-03-08,Aftersun,2022,https://boxd.it/6,5
2024-03-15,Crash,,https://boxd.it/7,3
2024-03-22,The Holdovers,2023,https://boxd.it/8,4
2024-03-29,Spirited Away,2001,https://boxd.it/9,
"""
"""A Letterboxd export with what an import meets: newer films, a film without a year, one without a rating."""


def main(model: Path, views: list[str]) -> None:
    """Take the screenshots of some views; of all if none is named."""
    SCREENS.mkdir(exist_ok=True)
    with served(model) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        history = made_history(url)
        for view, path in ((view, VIEWS[view]) for view in views or VIEWS):
            if view in ("signin", "invitation"):  # the last ones, because it changes the header of all views
                link = invited(url)
                path = path or link
            if view == "shared":
                path = shared(url, [film["movie"] for film in history["watchlist"]])
            for size, scheme in (("desk", "light"), ("desk", "dark"), ("phone", "light"), ("phone", "dark")):
                mine = {} if view in NO_HISTORY else history
                picture = taken(browser, url + path, view, size, scheme, mine)
                (SCREENS / f"{view}-{size}-{scheme}.png").write_bytes(picture)
        browser.close()
    total = sum(path.stat().st_size for path in SCREENS.glob("*.png"))
    print(f"{len(list(SCREENS.glob('*.png')))} pictures, {total / 1e6:.2f} MB")


def shared(url: str, movies: list[Any]) -> str:
    """Share a list of movies, and return the path of its link."""
    body = {"movies": movies, "name": "Twelve for the winter", "note": "One a week, until the crocuses are out."}
    return f"/?view=shared&list={posted(f'{url}/v1/shared', body)['share']}"


def invited(url: str) -> str:
    """Invite a user, and return the path of the link."""
    return posted(f"{url}/v1/admin/users/Anna/invitation", {})["link"]


def posted(url: str, body: dict[str, Any]) -> dict[str, str]:
    """Send a body and return the answer."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        content: dict[str, str] = json.load(answer)
    return content


def made_history(url: str) -> dict[str, list[dict[str, Any]]]:
    """Return the user's history as the browser stores it."""
    times = (FIRST_EVENING + DAYS * at for at in count())
    rated = [found(url, title) | {"rating": stars, "time": next(times)} for title, stars in LIKED.items()]
    seen = [found(url, title) | {"kind": "seen", "time": next(times)} for title in SEEN]
    return {"ratings": rated, "hidden": seen, "watchlist": [found(url, title) | {"time": 1} for title in WANTED]}


def taken(
    browser: Browser, url: str, view: str, size: str, scheme: Any, history: dict[str, list[dict[str, Any]]]
) -> bytes:
    """Take one screenshot of a view at an address and return it as PNG."""
    width, height = SIZES[size]
    locale = "de-DE" if "german" in view else "en-US"
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", locale=locale
    )
    kept = json.dumps(json.dumps(history))
    context.add_init_script(f"localStorage.setItem('cinematrix-history', {kept})")
    page: Page = context.new_page()
    page.goto(url)
    settle(page)
    if view in STEPS:
        STEPS[view](page)
        settle(page)
    png = page.screenshot()
    context.close()
    small = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    return small.getvalue()


def settle(page: Page) -> None:
    """Wait until the page has all that it asked for."""
    page.wait_for_load_state("networkidle")
    page.locator("main:not(:has(.loading))").wait_for()


def import_export(page: Page) -> None:
    """Import the export, and look at the result."""
    page.set_input_files("#file", FilePayload(name="ratings.csv", mimeType="text/csv", buffer=EXPORT.encode()))
    page.locator(".result").scroll_into_view_if_needed()


def go_offline(page: Page) -> None:
    """Take the network away once the service worker has kept the page, and open it again."""
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("caches.match('/').then(Boolean)")
    page.reload()
    settle(page)
    page.context.set_offline(True)
    page.reload()


STEPS = {"imported": import_export, "offline": go_offline}
"""What the user does in a view before its picture is taken."""


def found(url: str, title: str) -> dict[str, Any]:
    """Return the first search result for a title."""
    query = urllib.parse.quote(title)
    with urllib.request.urlopen(f"{url}/v1/movies?query={query}&n=1") as answer:
        movie: dict[str, Any] = json.load(answer)["items"][0]
    return movie


@contextmanager
def served(model: Path) -> Iterator[str]:
    """Serve the model on a free port; the value is its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        words = ["serve", str(model), "--port", str(port), "--db", f"sqlite:///{folder}/store.db"]
        server = subprocess.Popen([*PROGRAM, *words], stderr=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/livez").close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
