"""The evening in Firefox ESR: from the first tap to the page without its server."""

import re
from pathlib import Path

import httpx2
import pytest

from cinematrix.service.settings import ServiceSettings
from firefox import FIREFOX, MISSING, Firefox, launch_firefox
from page_world import HISTORY_KEY, run_service

pytestmark = pytest.mark.skipif(FIREFOX is None, reason=MISSING)

SETTLED = """return !document.querySelector(
  "main[aria-busy=true], main [aria-busy=true], main .loading") && document.querySelector("main h1")"""
"""Script that says whether the view is shown."""

KEPT = """return Promise.all([navigator.serviceWorker.getRegistration(), caches.match("/")]).then(
  ([worker, page]) => worker?.active?.state === "activated" && Boolean(page))"""
"""Script that says whether the service worker has kept the page."""


def test_an_evening_in_firefox(page_model: Path, tmp_path: Path) -> None:
    """Tap films, read the rows, open a film, rate it, keep one for later, import, switch profiles, lose the server."""
    with launch_firefox(tmp_path) as firefox:
        settings = ServiceSettings(page_model, f"sqlite:///{tmp_path}/store.db", new_users=100)
        with run_service(settings) as url:
            tap_films(firefox, url)
            rate_a_film(firefox)
            keep_a_film(firefox, url)
            import_ratings(firefox, url, tmp_path)
            switch_profiles(firefox, url)
            firefox.open(url)
            firefox.wait(KEPT)
        firefox.open(url)
        firefox.find(".note", "The server can’t be reached")
        firefox.find(".row, .feature")
        firefox.open(f"{url}/?view=watchlist")
        firefox.find(".lead", "no expected stars now")


def count_ratings(firefox: Firefox, name: str = HISTORY_KEY) -> int:
    """Return the number of ratings in the browser."""
    return int(firefox.run("return JSON.parse(localStorage[arguments[0]] ?? '{}').ratings?.length ?? 0", name))


def tap_films(firefox: Firefox, url: str) -> None:
    """Tap five films and ask for the list; nothing is wider than the window."""
    firefox.open(url)
    firefox.find(".tile-tap")
    for at in range(1, 6):
        firefox.click(f".tiles > :nth-child({at}) .tile-tap")
    assert count_ratings(firefox) == 5
    firefox.click("button", "Show my films")
    firefox.find("h1", "For you")
    firefox.wait(SETTLED)
    firefox.find(".lead", "Based on 5 ratings")
    firefox.find(".row .card .because", "Because you gave")
    assert firefox.run("return document.documentElement.scrollWidth <= innerWidth")


def rate_a_film(firefox: Firefox) -> None:
    """Open the first film, read its expected stars, and rate it."""
    firefox.click(".feature a.card-link, .feature a")
    firefox.find(".guess", "Expected for you")
    firefox.find("h2", "How people rated it")
    firefox.click(".film .stars label, .film .stars input", "4.5")
    firefox.wait("return JSON.parse(localStorage[arguments[0]]).ratings.length === 6", HISTORY_KEY)


def keep_a_film(firefox: Firefox, url: str) -> None:
    """Put the first film of a row on the watchlist, and see it there."""
    firefox.open(url)
    firefox.wait(SETTLED)
    firefox.click(".row .card .bookmark")
    firefox.open(f"{url}/?view=watchlist")
    firefox.find(".watchlist .card .expected-stars")
    firefox.click("button", "Surprise me")
    firefox.find(".pick", "Your surprise")


def import_ratings(firefox: Firefox, url: str, folder: Path) -> None:
    """Import the ratings of three films from Letterboxd."""
    found = httpx2.get(f"{url}/v1/movies", params={"query": "scary", "n": 9}).json()["items"]
    kept = firefox.run("return JSON.parse(localStorage[arguments[0]])", HISTORY_KEY)
    known = {film["movie"] for film in kept["ratings"] + kept["watchlist"]}
    films = [film for film in found if film["movie"] not in known and re.match(r"Scary \d+$", film["title"])][:3]
    rows = [f"2024-01-01,{film['title']},{film['year']},https://boxd.it/{at},3.5" for at, film in enumerate(films)]
    (folder / "ratings.csv").write_text("\n".join(["Date,Name,Year,Letterboxd URI,Rating", *rows]) + "\n", "utf-8")
    firefox.open(f"{url}/?view=bring")
    firefox.type("input[type=file]", str(folder / "ratings.csv"))
    firefox.find("h1, h2", "imported")
    assert count_ratings(firefox) == 9


def switch_profiles(firefox: Firefox, url: str) -> None:
    """Add a profile, switch to it and back in two taps each."""
    firefox.open(f"{url}/?view=profile")
    firefox.type(".household form input", "Ben")
    firefox.click("button", "Add a profile")
    for name, heading in (("Ben", "What will you watch tonight?"), ("Me", "For you")):
        firefox.click(".who")
        firefox.click("dialog button", name)
        firefox.find("h1", heading)
