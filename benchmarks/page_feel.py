"""Measure how the page feels: jumps, the answer to a rating, posters, taps to a list, and what axe and Lighthouse find.

    python benchmarks/page_feel.py MODEL [--lighthouse node_modules/.bin/lighthouse]

MODEL is a model of real movies. Chromium shows its page in the size of a desk and of a phone, to a newcomer and to a
lover of film noir. Lighthouse comes from npm and needs Node. Writes its table into benchmarks/RESULTS.md.
"""

import argparse
import json
import os
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from shutil import which
from statistics import median
from typing import Any

import axe_playwright_python  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright

from results import markdown, put
from servers import serving_model

Film = dict[str, Any]
SIZES = {"desk": (1280, 900), "phone": (390, 780)}
CHROMIUM = which("chromium") or which("chromium-browser")

LOVED = (
    *("Double Indemnity", "The Third Man", "Touch of Evil", "Chinatown", "Vertigo", "Rear Window", "The Big Sleep"),
    *("The Maltese Falcon", "Sunset Blvd.", "Notorious", "Strangers on a Train", "Laura"),
)
"""Titles that the lover of film noir rated with 4.5 stars."""

NOT_LOVED = ("Armageddon", "Titanic", "Pretty Woman", "Independence Day")
"""Titles that they rated with 2 stars."""

VIEWS = {
    "for-you": "/",
    "filters": "/?with=Comedy",
    "start": "/?view=start",
    "questions": "/?view=questions",
    "search": "/?view=search&query=dark",
    "film": "/?view=film&movie=930",
    "row": "/?view=row&of=top",
    "watchlist": "/?view=watchlist",
    "films": "/?view=films",
    "diary": "/?view=films&as=diary",
    "map": "/?view=map",
    "together": "/?view=together",
    "import": "/?view=bring",
    "profile": "/?view=profile",
    "operator": "/?view=operator",
    "not-found": "/nosuch",
}

RATINGS = 9
"""Ratings whose answer is timed."""

SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""

RATE = """async () => {
  const star = document.querySelector(".row .card input:nth-child(8)");
  performance.clearMarks("films");
  const start = performance.now();
  star.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
  star.click();
  while (!performance.getEntriesByName("films").length) await new Promise((done) => setTimeout(done, 1));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""
"""JavaScript that rates a film and returns the milliseconds until the new rows are painted."""

ARTS = """async (films) => {
  const { poster } = await import("/page/parts/posters.js");
  return films.map((film) => poster(film, false).dataset.art);
}"""

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
VIOLATIONS = "axe.run().then(({violations}) => violations.map(({id}) => id))"


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--lighthouse", type=Path)
    options = parser.parse_args()
    with serving_model(options.model) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        history = lover(url)
        rows = [
            ["layout shift, worst of all views and visits", worst_shift(browser, url, history), "≤ 0.05"],
            [
                "a rating until the new rows are painted, 72 cards",
                answer_to_a_rating(browser, url, history),
                "≤ 300 ms",
            ],
            ["neighbours that share their art, rows of film noir", shared_art(browser, url, history), "≤ 4"],
            ["taps from nothing to a list", taps_to_a_list(browser, url), "≤ 6"],
            ["violations that axe finds, all views, light and dark", violations(browser, url, history), "0"],
        ]
        browser.close()
        if options.lighthouse:
            rows.append(
                [
                    "Lighthouse: accessibility, best practices; least of all views",
                    scores(options.lighthouse, url),
                    "100, 100",
                ]
            )
    put(["## How the page feels", markdown(["", "measured", "bar"], rows)])


def lover(url: str) -> dict[str, list[Film]]:
    """Return the history of the lover of film noir as the browser stores it; twelve more films are on the watchlist."""
    stars = dict.fromkeys(LOVED, 4.5) | dict.fromkeys(NOT_LOVED, 2.0)
    rated = [found(url, title) | {"rating": rating, "time": at} for at, (title, rating) in enumerate(stars.items(), 1)]
    known = {film["movie"] for film in rated}
    wanted = [film | {"time": 1} for film in search(url, "night", 30) if film["movie"] not in known]
    return {"ratings": rated, "hidden": [], "watchlist": wanted[:12]}


def found(url: str, title: str) -> Film:
    """Return the first film that a search finds."""
    return search(url, title, 1)[0]


def search(url: str, words: str, n: int) -> list[Film]:
    """Return the films that a search finds."""
    with urllib.request.urlopen(f"{url}/v1/movies?query={urllib.parse.quote(words)}&n={n}") as answer:
        items: list[Film] = json.load(answer)["items"]
    return items


@contextmanager
def visiting(browser: Browser, size: str, history: dict[str, list[Film]], scheme: Any = "light") -> Iterator[Page]:
    """Open a page with a history, before any address."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.add_init_script(SHIFTS)
    if history:
        kept = json.dumps(json.dumps(history))
        context.add_init_script(f"localStorage['cinematrix-history'] ??= {kept}")
    try:
        yield context.new_page()
    finally:
        context.close()


def show(page: Page, address: str) -> None:
    """Open an address and wait until nothing more is asked."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.locator("main:not(:has(.loading))").wait_for()


def worst_shift(browser: Browser, url: str, history: dict[str, list[Film]]) -> str:
    """Return the largest layout shift, with its view."""
    shifts: dict[str, float] = {}
    for size in SIZES:
        for who, mine in (("newcomer", {}), ("lover", history)):
            with visiting(browser, size, mine) as page:
                for view, path in VIEWS.items():
                    show(page, url + path)
                    shifts[f"{view}, {size}, {who}"] = page.evaluate("window.shifted")
    worst = max(shifts, key=lambda view: shifts[view])
    return f"{shifts[worst]:.3f} ({worst})"


def answer_to_a_rating(browser: Browser, url: str, history: dict[str, list[Film]]) -> str:
    """Return the time of the answer: the median and the longest."""
    with visiting(browser, "desk", history) as page:
        show(page, url)
        cards = page.locator(".row li:not(.all)").count() + page.locator(".feature").count()
        times = []
        for _ in range(RATINGS):
            times.append(page.evaluate(RATE))
            page.wait_for_load_state("networkidle")
    return f"{median(times):.0f} ms, at most {max(times):.0f} ({cards} cards)"


def shared_art(browser: Browser, url: str, history: dict[str, list[Film]]) -> str:
    """Return how many neighbours in the lover's rows share the motif and composition of their posters."""
    ratings = [{name: film[name] for name in ("movie", "rating")} for film in history["ratings"]]
    body = json.dumps({"ratings": ratings, "hidden": [], "n": 12}).encode()
    request = urllib.request.Request(f"{url}/v1/rows", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        rows = [row["items"] for row in json.load(answer)["rows"]]
    with visiting(browser, "desk", {}) as page:
        show(page, url)
        arts = [page.evaluate(ARTS, row) for row in rows]
    shared = sum(art == other for row in arts for art, other in pairwise(row))
    return f"{shared} of {sum(map(len, arts))} cards"


def taps_to_a_list(browser: Browser, url: str) -> str:
    """Tap films until the page says that the list is ready, then the button; return the number of taps."""
    with visiting(browser, "phone", {}) as page:
        show(page, url)
        taps = 0
        while not page.get_by_text("your list is ready").count():
            page.locator(".tile-tap").nth(taps).click()
            taps += 1
        page.get_by_role("button", name="Show my films").click()
        page.get_by_text(f"Based on {taps} ratings").wait_for()
    return str(taps + 1)


def violations(browser: Browser, url: str, history: dict[str, list[Film]]) -> str:
    """Return the number of violations of WCAG and best practices, with their names."""
    names: list[str] = []
    for scheme in ("light", "dark"):
        with visiting(browser, "desk", history, scheme) as page:
            for view, path in VIEWS.items():
                show(page, url + path)
                page.evaluate(AXE)
                names += [f"{name} in {view}" for name in page.evaluate(VIOLATIONS)]
    return ", ".join([str(len(names)), *names])


def scores(lighthouse: Path, url: str) -> str:
    """Return Lighthouse's least scores of accessibility and best practices."""
    least = {"accessibility": 100, "best-practices": 100}
    flags = [
        "--quiet",
        "--output=json",
        "--only-categories=" + ",".join(least),
        "--chrome-flags=--headless=new --no-sandbox",
    ]
    for path in (path for view, path in VIEWS.items() if view != "not-found"):  # Lighthouse judges no 404
        ran = subprocess.run(
            [lighthouse, url + path, *flags],
            capture_output=True,
            check=True,
            env={**os.environ, "CHROME_PATH": str(CHROMIUM)},
        )
        categories = json.loads(ran.stdout)["categories"]
        least = {name: min(score, round(100 * categories[name]["score"])) for name, score in least.items()}
    return ", ".join(map(str, least.values()))


if __name__ == "__main__":
    main()
