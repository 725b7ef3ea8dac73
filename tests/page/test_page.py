"""Tests of the page in Chromium: a whole visit by mouse, by keyboard and on a phone."""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, expect

from chromium import CHROMIUM, MISSING
from cinematrix.models.item_knn import ItemKNN
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from page_checks import COLOURS, RULES, find_invisible, find_violations
from page_world import (
    HISTORY_KEY,
    HOSTILE_TITLES,
    PageVisit,
    hostile_world,
    longest_titled_movie,
    open_visit,
    run_model_service,
    run_service,
)
from waiting import wait_for

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

Visits = Callable[..., AbstractContextManager[PageVisit]]

MAX_LOADS = 8
"""Maximum loads of the page to measure one that other processes don't delay."""

HIDDEN_FILMS = [{"movie": longest_titled_movie(), "kind": "seen", "time": 0}]
"""Hides the film with the longest title, which slows other tests down."""


@pytest.fixture(scope="module")
def visits(browser: Browser, url: str) -> Visits:
    """Factory of visits with a new browser profile."""
    return partial(open_visit, browser, url)


@pytest.fixture(scope="module")
def films(url: str) -> list[dict[str, Any]]:
    """Comedies from a search."""
    results: list[dict[str, Any]] = httpx2.get(f"{url}/v1/movies", params={"query": "funny", "n": 12}).json()["items"]
    return results


@pytest.fixture
def first_visit(visits: Visits) -> Iterator[PageVisit]:
    """Visit of a new user."""
    with visits() as visit:
        yield visit


@pytest.fixture
def rated_visit(visits: Visits, films: list[dict[str, Any]]) -> Iterator[PageVisit]:
    """Visit of a user with four rated comedies in this browser."""
    with visits() as visit:
        preload_history(visit, films[:4])
        yield visit


def preload_history(visit: PageVisit, films: list[dict[str, Any]], **marked: Sequence[dict[str, Any]]) -> None:
    """Store ratings, and marked films by part, in the browser before the page is first opened."""
    rated = [film | {"rating": 5 - at / 2, "time": at} for at, film in enumerate(films)]
    stored = {"ratings": rated, **marked}
    text = json.dumps(json.dumps(stored))
    visit.context.add_init_script(
        f"localStorage.getItem('{HISTORY_KEY}') ?? localStorage.setItem('{HISTORY_KEY}', {text})"
    )


def view_addresses(visit: PageVisit, films: list[dict[str, Any]]) -> list[str]:
    """Return the address of every view, including those that need a film or a query."""
    visit.open()
    views = visit.page.locator("#views a").evaluate_all("links => links.map(a => a.pathname + a.search)")
    assert len(views) > 3
    return [
        *views,
        f"/?view=film&movie={films[6]['movie']}",
        "/?view=search&query=scary",
        "/?view=search&query=xqzw",
        "/?view=row&of=top",
        "/?view=films",
        "/?view=films&as=diary",
        "/?view=start",
        "/?view=questions",
        "/?view=bring",
        "/?view=operator",
    ]


def rate(visit: PageVisit, card: Locator, stars: str) -> None:
    """Rate a card by mouse."""
    card.get_by_role("radio", name=f"{stars} of 5", exact=True).click()
    visit.settle()


def test_a_whole_visit(first_visit: PageVisit, films: list[dict[str, Any]], tmp_path: Path) -> None:
    """Upload, list, rate, changed list, reasons, undo, filter, a film and similar films."""
    visit, page = first_visit, first_visit.page
    visit.open()
    expect(page.get_by_role("heading", level=1)).to_have_text("What will you watch tonight?")
    page.get_by_role("link", name="Import your films").click()
    export = tmp_path / "ratings.csv"
    rows = [
        f"2024-01-0{at + 1},{film['title']},{film['year']},https://boxd.it/{at},{5 - at / 2}"
        for at, film in enumerate(films[:4])
    ]
    rows.append("2024-01-09,A film that nobody knows,1931,https://boxd.it/9,4")
    export.write_text("\n".join(["Date,Name,Year,Letterboxd URI,Rating", *rows]) + "\n", "utf-8")
    page.set_input_files("input[type=file]", export)
    expect(page.get_by_role("heading", name="Films imported")).to_be_visible()
    counts = dict(
        zip(page.locator(".counts dt").all_inner_texts(), page.locator(".counts dd").all_inner_texts(), strict=True)
    )
    assert counts == {"entries in the file": "5", "new": "4", "not found": "1"}
    expect(page.locator(".unmatched")).to_contain_text("A film that nobody knows")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download this list").click()
    assert "A film that nobody knows" in downloading.value.path().read_text("utf-8")
    page.get_by_role("combobox", name="Film for A film that nobody knows").fill(films[5]["title"])
    page.locator(".unmatched").get_by_role("option").first.click()
    assert len(visit.kept()["ratings"]) == 5
    page.set_input_files("input[type=file]", export)
    expect(page.get_by_role("heading", name="Nothing new")).to_be_visible()

    page.get_by_role("link", name="See your films").click()
    visit.settle()
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")
    first = visit.movies()
    assert len(set(first)) == len(first) > 8
    assert not {str(row["movie"]) for row in visit.kept()["ratings"]} & set(first)
    expect(page.locator(".because").first).to_contain_text("Because you gave Funny")
    expect(page.locator(".expected").first).to_contain_text(re.compile(r"Expected \d\.\d stars"))

    rate(visit, page.locator(".card").first, "4.5")
    expect(page.locator(f".card[data-movie='{first[0]}']")).to_have_count(0)
    assert visit.kept()["ratings"][-1]["rating"] == 4.5
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f".card[data-movie='{first[0]}']")).to_have_count(1)
    page.locator(".card").nth(1).get_by_role("button", name="Not for me").click()
    expect(page.locator(f".card[data-movie='{first[1]}']")).to_have_count(0)
    assert [row["kind"] for row in visit.kept()["hidden"]] == ["not_interested"]

    page.get_by_text("Filters").click()
    page.get_by_role("button", name="Horror: with or without").click()
    expect(page).to_have_url(re.compile("with=Horror"))
    expect(page.locator(".card .facts").filter(has_text="Comedy")).to_have_count(0)
    page.get_by_label("From", exact=True).fill("2000")
    expect(page).to_have_url(re.compile("from=2000"))
    visit.settle()
    page.reload()
    visit.settle()
    years = [int(text) for text in page.locator(".poster-year").all_inner_texts()]
    assert years
    assert min(years) >= 2000
    page.get_by_role("button", name="Reset all").click()
    expect(page).not_to_have_url(re.compile("from|with"))

    page.locator(".row .card-link").first.click()
    expect(page.get_by_role("heading", name="How people rated it")).to_be_visible()
    expect(page.get_by_role("heading", name="Similar films")).to_be_visible()
    visit.page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")


def test_back_restores_the_scroll_position(visits: Visits) -> None:
    """Also forward, and after a reload. A link starts at the top."""
    with visits(viewport={"width": 1280, "height": 400}) as visit:
        page = visit.page
        visit.open()
        page.evaluate("scrollTo(0, 620)")
        page.locator(".row .card-link").first.evaluate("link => link.click()")
        expect(page.get_by_role("heading", name="How people rated it")).to_be_visible()
        assert page.evaluate("scrollY") == 0
        visit.settle()
        page.evaluate("scrollTo(0, 210)")
        wait_for(lambda: page.evaluate("history.state?.scroll") == 210)
        page.go_back()
        wait_for(lambda: page.evaluate("scrollY") == 620)
        page.reload()
        wait_for(lambda: page.evaluate("scrollY") == 620)
        page.go_forward()
        wait_for(lambda: page.evaluate("scrollY") == 210)
        page.get_by_role("link", name="Together", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Together")
        assert page.evaluate("scrollY") == 0


def test_the_footer_has_only_the_lines_that_apply(first_visit: PageVisit) -> None:
    """The model, where ratings are stored, and how posters are drawn. Without real posters TMDB is not mentioned."""
    first_visit.open()
    foot = first_visit.page.locator("#foot")
    lines = [line.split()[0] for line in foot.locator("> *").all_inner_texts()]
    assert lines == ["Model", "Your", "Posters", "For", "English"]
    expect(foot).to_contain_text("Model trained on 1,423 ratings · deep-mf")
    assert not {"false", "null", "TMDB"} & set(foot.inner_text().split())


def test_the_keyboard_is_enough(rated_visit: PageVisit) -> None:
    """Tab reaches everything in visual order; arrows select stars, Enter rates, and the focus moves on."""
    visit, page = rated_visit, rated_visit.page
    visit.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the films")).to_be_focused()
    page.keyboard.press("Enter")
    first, ratings = visit.movies()[0], len(visit.kept()["ratings"])
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type === 'radio'"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert len(visit.kept()["ratings"]) == ratings
    page.keyboard.press("Enter")
    expect(page.locator(f".card[data-movie='{first}']")).to_have_count(0)
    assert len(visit.kept()["ratings"]) == ratings + 1
    visit.settle()
    assert page.evaluate("Boolean(document.activeElement.closest('.card'))")
    page.keyboard.press("Control+z")
    expect(page.locator(f".card[data-movie='{first}']")).to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.type("scarry 13")
    expect(page.get_by_role("option").first).to_contain_text("Scary 13")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Scary 13")
    expect(page).to_have_title("Scary 13 · Cinematrix")


def test_axe_finds_nothing(visits: Visits, films: list[dict[str, Any]]) -> None:
    """WCAG 2.2 AA and axe's best practices hold in every view in light and dark; a contrast theme hides nothing."""
    with visits() as visit:
        preload_history(visit, films[:4], hidden=HIDDEN_FILMS, watchlist=films[8:11])
        for address in view_addresses(visit, films):
            visit.page.emulate_media(forced_colors="none")
            visit.open(address)
            closed = visit.page.locator("details:not([open]) > summary:visible")
            while closed.count():
                closed.first.click()
            for scheme, rules in (("light", RULES), ("dark", COLOURS)):
                visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                assert find_violations(visit.page, rules) == [], (address, scheme)
            assert find_invisible(visit.page) == [], address


@pytest.fixture
def megabyte_url(tmp_path: Path) -> Iterator[str]:
    """Address of a page with a title of a megabyte."""
    with run_model_service(ItemKNN().fit(*hostile_world(times_longer=100)), tmp_path) as url:
        yield url


def test_titles_stay_text(browser: Browser, megabyte_url: str) -> None:
    """Markup is not run, bidirectional text stays in its element, and a megabyte is shortened."""
    hostile = [
        httpx2.get(f"{megabyte_url}/v1/movies", params={"query": query, "n": 5}).json()["items"]
        for query in ("onerror", "gnp exe")
    ]
    films = [film for items in hostile for film in items if film["title"] in HOSTILE_TITLES]
    assert len(films) == 2
    with open_visit(browser, megabyte_url, viewport={"width": 360, "height": 780}) as visit:
        preload_history(visit, films)
        for address in (
            "/",
            "/?view=search&query=onerror",
            f"/?view=film&movie={films[0]['movie']}",
            f"/?view=film&movie={longest_titled_movie()}",
            "/?view=search&query=%3Cimg+src%3Dx%3E",
        ):
            visit.open(address)
            assert visit.page.locator("img").count() == 0
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360, address
            assert len(visit.page.locator("body").inner_text()) < 60_000
        visit.open(f"/?view=film&movie={films[0]['movie']}")
        expect(visit.page.get_by_role("heading", level=1)).to_have_text(HOSTILE_TITLES[0])


def test_two_browsers_have_separate_histories(visits: Visits, films: list[dict[str, Any]]) -> None:
    """Two browsers at once have their own ratings and lists; two tabs of one browser share theirs."""
    with visits() as one, visits() as other:
        preload_history(one, films[:4])
        one.open()
        other.open()
        expect(other.page.get_by_role("heading", level=1)).to_have_text("What will you watch tonight?")
        rate(other, other.page.locator(".card").first, "1")
        tab = one.context.new_page()
        tab.goto(one.url)
        first = tab.locator(".card").first
        movie = first.get_attribute("data-movie")
        first.get_by_role("button", name="Seen").click()
        expect(one.page.locator(f".card[data-movie='{movie}']")).to_have_count(0)
        assert (len(one.kept()["ratings"]), len(other.kept()["ratings"])) == (4, 1)


def test_without_connection_the_last_list_stays(rated_visit: PageVisit) -> None:
    """The page shows its time, ratings are stored, and everything is updated once the server is back."""
    visit, page = rated_visit, rated_visit.page
    visit.open()
    before = visit.movies()
    visit.context.set_offline(True)
    expect(page.get_by_text("You are offline")).to_be_visible()
    page.locator(".card").nth(2).get_by_role("button", name="Seen").click()
    expect(page.get_by_text("These films are from")).to_be_visible()
    assert visit.movies() == before
    assert len(visit.kept()["hidden"]) == 1
    visit.context.set_offline(False)
    expect(page.locator(f".card[data-movie='{before[2]}']")).to_have_count(0)
    expect(page.get_by_text("These films are from")).to_have_count(0)
    visit.errors[:] = [error for error in visit.errors if "ERR_INTERNET_DISCONNECTED" not in error]


def test_a_browser_without_storage_works_while_the_page_is_open(visits: Visits) -> None:
    """Private windows and corrupt entries: the page opens, keeps ratings until it is closed, and says so."""
    with visits() as visit:
        visit.context.add_init_script(
            "Storage.prototype.setItem = () => { throw new Error('full'); };"
            "const get = Storage.prototype.getItem; Storage.prototype.getItem = function (key) {"
            f" return key === '{HISTORY_KEY}' ? '{{\"ratings\": [1, null, {{\"movie\": {{}}}}]'"
            " : get.call(this, key); }"
        )
        visit.open()
        first = visit.movies()[0]
        rate(visit, visit.page.locator(".card").first, "4")
        expect(visit.page.locator(f".card[data-movie='{first}']")).to_have_count(0)
        visit.page.get_by_role("button", name="Show my films").click()
        expect(visit.page.get_by_role("heading", level=1)).to_have_text("For you")
        expect(visit.page.get_by_text("Not saved: this browser allows no storage")).to_be_visible()
        visit.page.get_by_role("link", name="You", exact=True).click()
        expect(visit.page.locator(".yours .note")).to_contain_text("as long as the page is open")


def test_the_selected_theme_persists(first_visit: PageVisit) -> None:
    """The selected scheme applies from the first paint, whatever the system setting."""
    visit = first_visit
    visit.open()
    visit.page.get_by_role("button", name="Dark colours").click()
    visit.page.reload()
    assert visit.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    expect(visit.page.get_by_role("button", name="Light colours")).to_be_visible()


def test_the_first_paint_is_quick(visits: Visits, films: list[dict[str, Any]]) -> None:
    """The films of "For you" are shown within 300 ms in the best of a few loads; all files have at most 150 KB.

    On an overloaded machine the limit grows with the load per core, up to 900 ms.
    """
    limit = 300 * min(3, max(1, os.getloadavg()[0] / (os.cpu_count() or 1)))
    best = 1e9
    with visits() as visit:
        preload_history(visit, films[:4], hidden=HIDDEN_FILMS)
        for _ in range(MAX_LOADS):
            visit.page.goto(f"{visit.url}/")
            visit.page.locator(".feature").wait_for()
            visit.settle()
            entries = "[...performance.getEntriesByName('films'), ...performance.getEntriesByType('paint')]"
            best = min(best, visit.page.evaluate(f"Math.max(...{entries}.map(e => e.startTime))"))
            if best <= limit:
                break
        weight = visit.page.evaluate(
            "performance.getEntriesByType('resource').filter(e => e.name.includes('/page/'))"
            ".reduce((sum, e) => sum + e.encodedBodySize, 0)"
        )
    assert best <= limit
    assert weight <= 150_000


def test_an_account_stores_ratings(visits: Visits, url: str, films: list[dict[str, Any]]) -> None:
    """A link with a token opens it, and the token leaves the address. Another browser shows the ratings."""
    httpx2.put(f"{url}/v1/users/ann/ratings/{films[0]['movie']}", json={"rating": 5})
    token = httpx2.post(f"{url}/v1/tokens", json={"user": "ann"}).json()["token"]
    with visits() as visit, visits() as other_visit:
        visit.open(f"/#token={token}")
        expect(visit.page).to_have_url(f"{url}/")
        expect(visit.page.get_by_text("Based on one rating")).to_be_visible()
        movie = visit.movies()[0]
        rate(visit, visit.page.locator(".card").first, "3.5")
        expect(visit.page.locator(f".card[data-movie='{movie}']")).to_have_count(0)
        stored = {
            str(row["movie"]): row["rating"] for row in httpx2.get(f"{url}/v1/users/ann/ratings").json()["ratings"]
        }
        assert stored == {str(films[0]["movie"]): 5.0, movie: 3.5}
        assert visit.kept() == {}
        other_visit.open(f"/?view=film&movie={movie}#token={token}")
        expect(other_visit.page.get_by_role("radio", name="3.5 of 5", exact=True).first).to_be_checked()
        visit.page.get_by_role("button", name="Undo").click()
        expect(visit.page.locator(f".card[data-movie='{movie}']")).to_have_count(1)
        visit.settle()
        assert len(httpx2.get(f"{url}/v1/users/ann/ratings").json()["ratings"]) == 1


def test_a_second_tab_follows_an_account(visits: Visits, url: str, films: list[dict[str, Any]]) -> None:
    """A rating in one tab is in the other tab's list at once, and so is its deletion."""
    with visits() as visit:
        visit.open(f"/#token={create_token(url, 'zoe', films[0])}")
        tab = visit.context.new_page()
        tab.goto(f"{url}/#token={create_token(url, 'zoe', films[0])}")
        expect(tab.get_by_text("Based on one rating")).to_be_visible()
        movie = visit.movies()[0]
        rate(visit, visit.page.locator(".card").first, "3.5")
        expect(tab.get_by_text("Based on 2 ratings")).to_be_visible()
        expect(tab.locator(f".card[data-movie='{movie}']")).to_have_count(0)
        visit.page.get_by_role("button", name="Undo").click()
        expect(tab.get_by_text("Based on one rating")).to_be_visible()


def test_an_upload_goes_into_the_account(visits: Visits, url: str, films: list[dict[str, Any]]) -> None:
    """A dropped file is stored on the server, not in the browser, and changes the list."""
    with visits() as visit:
        visit.open(f"/?view=bring#token={create_token(url, 'eve', films[0])}")
        rows = "\n".join(f"{film['title']},{film['year']},4" for film in films[:4])
        data_transfer = visit.page.evaluate_handle(
            "text => { const all = new DataTransfer(); all.items.add(new File([text], 'mine.csv')); return all; }",
            f"title,year,rating\n{rows}\n",
        )
        visit.page.dispatch_event(".drop", "dragover", {"dataTransfer": data_transfer})
        expect(visit.page.locator(".drop.over")).to_be_visible()
        visit.page.dispatch_event(".drop", "drop", {"dataTransfer": data_transfer})
        expect(visit.page.get_by_role("heading", name="Films imported")).to_be_visible()
        expect(visit.page.locator(".drop.over, .drop.busy")).to_have_count(0)
        assert len(httpx2.get(f"{url}/v1/users/eve/ratings").json()["ratings"]) == 4
        visit.page.get_by_role("link", name="See your films").click()
        expect(visit.page.get_by_text("Based on 4 ratings")).to_be_visible()
        assert visit.kept() == {}


DROP_FILE_JS = """(target) => ["dragover", "drop"].map((kind) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["title\\nHeat"], "mine.csv"));
    const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
    document.querySelector(target).dispatchEvent(event);
    return event.defaultPrevented;
})"""
"""Script that drops a file on an element, and returns whether the page prevents the browser from opening it."""


def test_a_file_dropped_outside_the_zone_is_refused(first_visit: PageVisit) -> None:
    """In every view the browser stays on the page; a file field still accepts files."""
    for view, target in (("profile", "h1"), ("bring", ".sources"), ("together", ".top")):
        first_visit.open(f"/?view={view}")
        assert first_visit.page.evaluate(DROP_FILE_JS, target) == [True, True], view
    assert first_visit.page.evaluate(DROP_FILE_JS, "#friend-file") == [False, False]


def test_a_failed_write_to_an_account_is_reverted_and_explained(
    visits: Visits, url: str, films: list[dict[str, Any]]
) -> None:
    """The film returns to the list, the page shows the reason, and the next rating is stored."""
    with visits() as visit:
        visit.open(f"/#token={create_token(url, 'kim', films[0])}")
        movie, card = visit.movies()[0], visit.page.locator(".card").first
        problem = json.dumps({"detail": "the store's disk is full"})
        visit.page.route(
            "**/v1/users/*/changes",
            lambda route: route.fulfill(status=503, body=problem, content_type="application/problem+json"),
        )
        rate(visit, card, "4")
        expect(visit.page.get_by_text("Not saved: the store's disk is full")).to_be_visible()
        expect(visit.page.locator(f".card[data-movie='{movie}']")).to_have_count(1)
        expect(visit.page.get_by_role("button", name="Undo")).to_have_count(0)
        assert len(httpx2.get(f"{url}/v1/users/kim/ratings").json()["ratings"]) == 1
        visit.page.unroute("**/v1/users/*/changes")
        rate(visit, card, "4")
        expect(visit.page.locator(f".card[data-movie='{movie}']")).to_have_count(0)
        assert len(httpx2.get(f"{url}/v1/users/kim/ratings").json()["ratings"]) == 2
        visit.errors[:] = [error for error in visit.errors if "503" not in error]


def test_an_expired_token_leaves_a_page_without_an_account(
    visits: Visits, url: str, films: list[dict[str, Any]]
) -> None:
    """The page says that the account can’t be opened, and works."""
    token = create_token(url, "joe", films[0])
    httpx2.delete(f"{url}/v1/users/joe/tokens")
    with visits() as visit:
        visit.open(f"/#token={token}")
        expect(visit.page.get_by_text("Your account can’t be opened")).to_be_visible()
        rate(visit, visit.page.locator(".card").first, "4")
        visit.page.get_by_role("button", name="Show my films").click()
        expect(visit.page.get_by_text("Based on one rating")).to_be_visible()
        assert len(visit.kept()["ratings"]) == 1
        visit.errors[:] = [error for error in visit.errors if "401" not in error]


def test_a_server_with_keys_requires_one(browser: Browser, page_model: Path, tmp_path: Path) -> None:
    """A wrong key is refused. With a valid one the films are shown, and the controls have the genres."""
    db = f"sqlite:///{tmp_path}/keys.db"
    store = Store.open(db)
    key = create_key(store, "read")
    store.close()
    with run_service(ServiceSettings(page_model, db)) as url, open_visit(browser, url) as visit:
        visit.open()
        expect(visit.page.get_by_role("heading", name="This server requires a key")).to_be_visible()
        for entered in ("cmx_wrong", key):
            visit.page.get_by_label("Key", exact=True).fill(entered)
            visit.page.get_by_role("button", name="Open").click()
            if entered != key:
                expect(visit.page.get_by_text("This key is not valid.")).to_be_visible()
        expect(visit.page.locator(".feature")).to_be_visible()
        visit.page.get_by_text("Filters").click()
        expect(visit.page.get_by_role("button", name="Horror: with or without")).to_be_visible()
        visit.errors[:] = [error for error in visit.errors if "401" not in error]


def create_token(url: str, user: str, film: dict[str, Any]) -> str:
    """Return a token of a user with one rating."""
    httpx2.put(f"{url}/v1/users/{user}/ratings/{film['movie']}", json={"rating": 5})
    token: str = httpx2.post(f"{url}/v1/tokens", json={"user": user}).json()["token"]
    return token
