"""Helpers of the page's tests: a browser, a served model with hostile movie titles, and a visit to the page."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, sync_playwright

from chromium import CHROMIUM, OPTIONS
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.models.artifact import save
from cinematrix.models.base import Recommender
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from waiting import wait_for
from worlds import taste_world

HOSTILE_TITLES = (
    "<img src=x onerror=window.hacked=1>",
    "\u202egnp.exe \u2066\u2067",
    "A" * 10_000,
    "&amp;<b>\"'`${7*7}",
)
"""Titles that try to run scripts, reverse the text direction or fill the screen."""

HISTORY_KEY = "cinematrix-history"

MARK_ASKING = """{
  const later = setTimeout.bind(window); // a test may replace the page's clock
  let asking = 0;
  const count = (by) => document.documentElement.toggleAttribute("data-asking", (asking += by) > 0);
  const watch = (owner, name) => {
    const original = owner[name];
    owner[name] = function (...args) {
      count(1);
      const answer = original.apply(this, args);
      const end = () => later(count, 0, -1); // after what the page does with the answer
      answer.then(end, end);
      return answer;
    };
  };
  watch(window, "fetch");
  for (const name of ["json", "text", "blob"]) watch(Response.prototype, name);
  window.untilMatched = (selector, quiet, limit) => new Promise((done) => {
    const matches = () => document.querySelector(selector) !== null;
    const observer = new MutationObserver(() => look());
    const end = (matched) => (observer.disconnect(), done(matched));
    let waiting = false;
    const look = () => {
      if (waiting || !matches()) return;
      waiting = true;
      later(() => (waiting = false, matches() && end(true)), quiet);
    };
    observer.observe(document, { attributes: true, childList: true, subtree: true });
    later(end, limit, false);
    look();
  });
}"""
"""Script that marks the document as asking while a request of the page is open, or its answer is read.

Its function waits until a selector matches, and still does some milliseconds later.
"""

SETTLED = "html:not([data-asking]) main[data-view]:not([aria-busy='true'], :has(.loading, [aria-busy='true']))"
"""Selector of the view once it is shown and nothing is asked."""


def hostile_world(times_longer: int = 1) -> tuple[Ratings, Catalog]:
    """Make ratings of comedies and horror movies whose first movies have hostile titles, one so many times longer."""
    ratings, catalog = taste_world(np.random.default_rng(5))
    titles = [*HOSTILE_TITLES, *catalog.frame["title"].to_list()[len(HOSTILE_TITLES) :]]
    titles[2] *= times_longer
    columns = {name: catalog.frame[name].to_list() for name in ("year", "genres")}
    return ratings, Catalog.of(catalog.movies, title=titles, **columns)


def save_hostile_model(folder: Path) -> Path:
    """Save a small model of that world."""
    save(DeepMF(DeepMFSettings(factors=8, members=1, epochs=4, ranking_epochs=2)).fit(*hostile_world()), folder)
    return folder


def longest_titled_movie() -> int:
    """Return the movie with the longest title. Tests that measure time mark it as seen."""
    return int(taste_world(np.random.default_rng(5))[1].movies.ids[2])


@contextlib.contextmanager
def launch_browser() -> Iterator[Browser]:
    """Run a headless Chromium for the duration of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@contextlib.contextmanager
def run_service(settings: ServiceSettings, port: int = 0) -> Iterator[str]:
    """Run the service on a local port (0: any) for the duration of the block, and yield its address."""
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    server = Server(create_app(settings), "127.0.0.1", port, interface=Interfaces.ASGI, websockets=False)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()

    thread = Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    wait_for(lambda: _is_listening(port), 60)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loops[0].call_soon_threadsafe(server.stop)  # called from here, it would wait for the loop's next timer
        thread.join(10)


def _is_listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@contextlib.contextmanager
def run_model_service(model: Recommender, folder: Path, **settings: Any) -> Iterator[str]:
    """Save a model, run its service with a new store for the duration of the block, and yield its address."""
    save(model, folder / "model")
    with run_service(ServiceSettings(folder / "model", f"sqlite:///{folder}/store.db", **settings)) as url:
        yield url


@dataclass
class PageVisit:
    """Visit of one browser.

    Attributes:
        strayed: requests to other origins.
        errors: errors of the page and its console.
    """

    page: Page
    context: BrowserContext
    url: str
    strayed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> None:
        """Open a path and wait until the view is shown."""
        self.page.goto(self.url + path)
        self.settle()

    def settle(self) -> None:
        """Wait until the page is loaded, nothing is asked, and its view shows what belongs to the present history."""
        self.page.wait_for_load_state()
        with contextlib.suppress(Error):  # of a navigation
            if self.page.evaluate("selector => untilMatched(selector, 20, 2000)", SETTLED):
                return
        self.page.locator(SETTLED).wait_for()

    def movies(self) -> list[str]:
        """Return the movie IDs of the cards, in order."""
        ids: list[str] = self.page.locator(".card[data-movie]").evaluate_all("all => all.map(c => c.dataset.movie)")
        return ids

    def kept(self) -> dict[str, Any]:
        """Return the history in the browser's local storage."""
        history: dict[str, Any] = self.page.evaluate(f"JSON.parse(localStorage.getItem('{HISTORY_KEY}') ?? '{{}}')")
        return history


@contextlib.contextmanager
def open_visit(browser: Browser, url: str, **options: Any) -> Iterator[PageVisit]:
    """Open the page in a new browser profile. At the end, check for requests to other origins and for errors."""
    defaults = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", "service_workers": "block"}
    context = browser.new_context(**defaults | options)
    context.add_init_script(MARK_ASKING)
    page = context.new_page()
    visit = PageVisit(page, context, url)

    def record(request: Request) -> None:
        if not request.url.startswith((f"{url}/", "data:", "blob:")):
            visit.strayed.append(request.url)

    context.on("request", record)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("console", lambda message: visit.errors.append(message.text) if message.type == "error" else None)
    yield visit
    assert visit.strayed == []
    assert visit.errors == []
    assert page.evaluate("window.hacked") is None
    context.close()
