"""Tests of the page without its server: it opens, keeps what the user does, and brings it to the server once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from cinematrix.service.routes import page as page_routes
from cinematrix.service.settings import ServiceSettings
from page_world import PageVisit, open_visit, run_service
from waiting import wait_for

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

Film = dict[str, Any]

ASSETS = page_routes.read_files()


class Server:
    """A service that can be stopped and started again at the same address."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._running: Any = None
        self.url = ""
        self.start()

    def start(self) -> None:
        """Start the service, at the same port as before."""
        port = int(self.url.rpartition(":")[2] or 0)
        self._running = run_service(self._settings, port)
        self.url = self._running.__enter__()

    def stop(self) -> None:
        """Stop the service."""
        self._running.__exit__(None, None, None)


@pytest.fixture(scope="module")
def server(page_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Service with its own store."""
    store = f"sqlite:///{tmp_path_factory.mktemp('offline')}/store.db"
    server = Server(ServiceSettings(page_model, store, new_users=100))
    yield server
    server.stop()


@contextmanager
def open_installed(browser: Browser, server: Server) -> Iterator[PageVisit]:
    """Open a visit whose page has a service worker, and in which requests may fail."""
    with open_visit(browser, server.url, service_workers="allow") as visit:
        yield visit
        lost = ("ERR_CONNECTION_REFUSED", "ERR_INTERNET_DISCONNECTED", "Failed to load resource", "ERR_FAILED")
        visit.errors[:] = [error for error in visit.errors if not any(each in error for each in lost)]


def wait_for_worker(visit: PageVisit) -> None:
    """Wait until the service worker has kept the page."""
    visit.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    wait_for(lambda: visit.page.evaluate("caches.match('/').then(Boolean)"))


def listed_films(visit: PageVisit) -> set[str]:
    """Return the films of all rows, also those whose cards are built when they come near."""
    places = visit.page.locator(".feature, .strip-of-cards li[data-key]:not(.all)")
    films: list[str] = places.evaluate_all("all => all.map(each => each.dataset.movie ?? each.dataset.key)")
    return set(films)


def comedies(server: Server) -> list[Film]:
    """Return comedies of a search."""
    items: list[Film] = httpx2.get(f"{server.url}/v1/movies", params={"query": "funny", "n": 8}).json()["items"]
    return items


def test_what_is_rated_without_the_server_reaches_the_account_once_and_in_order(
    browser: Browser, server: Server
) -> None:
    """Rated with the server gone, also after a reload; then the store has exactly these ratings, in their order.

    A change whose answer was lost isn't applied twice, and one that the server refuses is named.
    """
    films = comedies(server)
    httpx2.put(f"{server.url}/v1/users/ann/ratings/{films[0]['movie']}", json={"rating": 5})
    token = httpx2.post(f"{server.url}/v1/tokens", json={"user": "ann"}).json()["token"]
    with open_installed(browser, server) as visit:
        page = visit.page
        visit.open(f"/#token={token}")
        wait_for_worker(visit)
        shown = [movie for movie in visit.movies() if len(movie) < 10][:3]
        server.stop()
        for movie in shown[:2]:
            page.locator(f".card[data-movie='{movie}']").first.get_by_role("radio", name="4 of 5", exact=True).click()
            expect(page.locator("#toast")).to_contain_text("4 stars")
        expect(page.locator("#banner")).to_contain_text("2 changes of yours are kept in this browser")
        page.reload()
        expect(page.locator("#banner")).to_contain_text("2 changes of yours are kept in this browser")
        expect(page.get_by_text("The server can’t be reached. These films are from")).to_be_visible()
        expect(page.locator("#foot")).to_contain_text("in the account “ann”")
        page.locator(f".card[data-movie='{shown[2]}']").first.get_by_role("radio", name="2 of 5", exact=True).click()
        expect(page.locator("#banner")).to_contain_text("3 changes of yours")
        # as if the first change had arrived and only its answer were lost, and as if a film had left the catalog
        sent: list[Any] = page.evaluate("JSON.parse(localStorage.getItem('cinematrix-outbox'))")
        gone = {"id": "f" * 32, "user": "ann", "title": "Gone", "changes": [{"movie": -5, "kind": "seen", "time": 1}]}
        page.evaluate("all => localStorage.setItem('cinematrix-outbox', JSON.stringify(all))", [*sent, gone])
        server.start()
        first = httpx2.post(
            f"{server.url}/v1/users/ann/changes",
            json={"changes": sent[0]["changes"]},
            headers={"Idempotency-Key": sent[0]["id"], "Authorization": f"Bearer {token}"},
        )
        assert first.json() == {"applied": 1}
        httpx2.put(f"{server.url}/v1/users/ann/ratings/{shown[0]}", json={"rating": 1})  # on another device
        page.evaluate("dispatchEvent(new Event('online'))")
        wait_for(lambda: page.evaluate("localStorage.getItem('cinematrix-outbox')") is None, 20)
        expect(page.locator("#banner")).to_be_hidden()
        expect(page.locator("#toast")).to_contain_text("Not saved")
        rows = httpx2.get(f"{server.url}/v1/users/ann/ratings").json()["ratings"]
        rows.sort(key=lambda row: row["received"])
        assert [(str(row["movie"]), row["rating"]) for row in rows] == [
            (str(films[0]["movie"]), 5), (shown[0], 1), (shown[1], 4), (shown[2], 2)
        ]  # fmt: skip
        assert visit.kept() == {}


def test_a_new_version_of_the_page_does_not_mix_with_the_old(
    browser: Browser, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open page keeps its files, also views not opened before; the next visit has the new ones, also offline."""
    with open_installed(browser, server) as visit:
        page = visit.page
        visit.open()
        wait_for_worker(visit)
        old_title, new_title = b"title = words.views.together", b'title = "Together, new"'
        new = {path: body.replace(old_title, new_title) for path, body in ASSETS.items()}
        old_version = page_routes.served_version()
        with monkeypatch.context() as patch:
            patch.setattr(page_routes, "read_files", lambda: new)
            page_routes.load_assets.cache_clear()
            page_routes.served_version.cache_clear()
            assert page_routes.served_version() != old_version
            page.get_by_role("link", name="Together", exact=True).click()
            expect(page).to_have_title("Together · Cinematrix")
            visit.open("/?view=together")
            expect(page).to_have_title("Together, new · Cinematrix")
            wait_for(lambda: page.evaluate("caches.keys().then(names => names.length)") == 2)
            kept = f"caches.open('cinematrix-page-{page_routes.served_version()}').then(cache => cache.match('/'))"
            wait_for(lambda: page.evaluate(f"{kept}.then(Boolean)"))
            visit.context.set_offline(True)
            page.reload()
            expect(page).to_have_title("Together, new · Cinematrix")
            loaded = page.evaluate(
                "performance.getEntriesByType('resource').map(e => e.name).filter(n => n.includes('/page/'))"
            )
            assert loaded
            assert {name.split("/page/")[1].split("/")[0] for name in loaded} <= {
                page_routes.served_version(),
                "worker.js",
            }
            visit.context.set_offline(False)
        page_routes.load_assets.cache_clear()
        page_routes.served_version.cache_clear()


def test_the_page_installs_and_opens_offline_with_lists_and_watchlist(browser: Browser, server: Server) -> None:
    """The manifest and its icons are valid; a closed and newly opened page shows the last films, and keeps ratings."""
    films = comedies(server)
    with open_installed(browser, server) as visit:
        page = visit.page
        visit.open()
        wait_for_worker(visit)
        session = visit.context.new_cdp_session(page)
        manifest = session.send("Page.getAppManifest")
        assert manifest["errors"] == []
        problems = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert {problem["errorId"] for problem in problems} <= {"in-incognito"}  # as every browser of a test is
        history = {"ratings": [films[0] | {"rating": 5, "time": 1}], "watchlist": [films[1] | {"time": 2}]}
        page.evaluate("text => localStorage.setItem('cinematrix-history', JSON.stringify(text))", history)
        visit.open()
        shown = listed_films(visit)
        visit.context.set_offline(True)
        visit.page = page = visit.context.new_page()
        page.goto(server.url)
        expect(page.get_by_text("These films are from")).to_be_visible()
        expect(page.get_by_role("heading", name="On your watchlist")).to_be_visible()
        assert shown <= listed_films(visit)
        rated = page.locator(".feature").get_attribute("data-movie")
        page.locator(".feature").get_by_role("radio", name="3 of 5", exact=True).click()
        assert [str(row["movie"]) for row in visit.kept()["ratings"]] == [str(films[0]["movie"]), rated]
        visit.context.set_offline(False)
        expect(page.get_by_text("These films are from")).to_be_hidden()
