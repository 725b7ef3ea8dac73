"""The page as people use it, in a real browser: a film lover's evening, by mouse, by keyboard and on a phone."""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import axe_playwright_python
import httpx2
import pytest
from playwright.sync_api import Browser, Locator, expect

from chromium import CHROMIUM, MISSING
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from page_world import HISTORY_KEY, HOSTILE_TITLES, PageVisit, longest_titled_movie, open_visit, run_service
from waiting import wait_for

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

Visits = Callable[..., AbstractContextManager[PageVisit]]

TRIES = 8
"""Times that a page is loaded, at most, until one load wasn't held up by the machine's other work."""

SEEN = [{"movie": longest_titled_movie(), "kind": "seen", "time": 0}]
"""Hides the film with the endless title, which would take the time of the tests that aren't about it."""

AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def visits(browser: Browser, url: str) -> Visits:
    """Makes a visit of a new browser profile."""
    return partial(open_visit, browser, url)


@pytest.fixture(scope="module")
def films(url: str) -> list[dict[str, Any]]:
    """Comedies, as the search finds them."""
    found: list[dict[str, Any]] = httpx2.get(f"{url}/v1/movies", params={"query": "funny", "n": 12}).json()["items"]
    return found


@pytest.fixture
def stranger(visits: Visits) -> Iterator[PageVisit]:
    """Somebody who comes for the first time."""
    with visits() as stay:
        yield stay


@pytest.fixture
def regular(visits: Visits, films: list[dict[str, Any]]) -> Iterator[PageVisit]:
    """Somebody who has rated four comedies in this browser."""
    with visits() as stay:
        remember(stay, films[:4])
        yield stay


def remember(stay: PageVisit, films: list[dict[str, Any]], hidden: Sequence[dict[str, Any]] = ()) -> None:
    """Put ratings into the browser before the page opens for the first time."""
    rated = [film | {"rating": 5 - at / 2, "time": at} for at, film in enumerate(films)]
    kept = {"ratings": rated, "hidden": list(hidden)}
    text = json.dumps(json.dumps(kept))
    stay.context.add_init_script(
        f"localStorage.getItem('{HISTORY_KEY}') ?? localStorage.setItem('{HISTORY_KEY}', {text})"
    )


def addresses(stay: PageVisit, films: list[dict[str, Any]]) -> list[str]:
    """Every view of the page, and those that need a film or a query."""
    stay.open()
    views = stay.page.locator("#views a").evaluate_all("links => links.map(a => a.pathname + a.search)")
    assert len(views) > 3
    return [*views, f"/?view=film&movie={films[6]['movie']}", "/?view=search&query=scary", "/?view=search&query=xqzw"]


def rate(stay: PageVisit, card: Locator, stars: str) -> None:
    """Choose so many stars on a card by mouse."""
    card.get_by_role("radio", name=f"{stars} of 5", exact=True).click()
    stay.settle()


def test_an_evening(stranger: PageVisit, films: list[dict[str, Any]], tmp_path: Path) -> None:
    """Upload, list, rate, the list changes, why, undo, filter, a film and those like it."""
    stay, page = stranger, stranger.page
    stay.open()
    expect(page.get_by_role("heading", level=1)).to_have_text("What will you watch tonight?")
    page.get_by_role("link", name="Bring your ratings").click()
    export = tmp_path / "ratings.csv"
    rows = [
        f"2024-01-0{at + 1},{film['title']},{film['year']},https://boxd.it/{at},{5 - at / 2}"
        for at, film in enumerate(films[:4])
    ]
    rows.append("2024-01-09,A film that nobody knows,1931,https://boxd.it/9,4")
    export.write_text("\n".join(["Date,Name,Year,Letterboxd URI,Rating", *rows]) + "\n", "utf-8")
    page.set_input_files("input[type=file]", export)
    expect(page.get_by_role("heading", name="There they are")).to_be_visible()
    counts = dict(
        zip(page.locator(".counts dt").all_inner_texts(), page.locator(".counts dd").all_inner_texts(), strict=True)
    )
    assert counts == {
        "rows read": "5",
        "new": "4",
        "changed": "0",
        "there already": "0",
        "left out": "0",
        "not found": "1",
    }
    expect(page.locator(".unmatched")).to_contain_text("A film that nobody knows")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download this list").click()
    assert "A film that nobody knows" in downloading.value.path().read_text("utf-8")
    page.get_by_role("combobox", name="The film that A film that nobody knows is").fill(films[5]["title"])
    page.locator(".unmatched").get_by_role("option").first.click()
    assert len(stay.kept()["ratings"]) == 5
    page.set_input_files("input[type=file]", export)
    expect(page.get_by_role("heading", name="Nothing new in it")).to_be_visible()

    page.get_by_role("link", name="See your films").click()
    stay.settle()
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")
    first = stay.movies()
    assert len(set(first)) == len(first) > 8
    assert not {str(row["movie"]) for row in stay.kept()["ratings"]} & set(first)
    expect(page.locator(".because").first).to_contain_text("Funny")
    expect(page.locator(".expected").first).to_contain_text("stars, between")

    rate(stay, page.locator(".card").first, "4.5")
    expect(page.locator(f".card[data-movie='{first[0]}']")).to_have_count(0)
    assert stay.kept()["ratings"][-1]["rating"] == 4.5
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f".card[data-movie='{first[0]}']")).to_have_count(1)
    page.locator(".card").nth(1).get_by_role("button", name="Not for me").click()
    expect(page.locator(f".card[data-movie='{first[1]}']")).to_have_count(0)
    assert [row["kind"] for row in stay.kept()["hidden"]] == ["not_interested"]

    page.get_by_text("In the mood for").click()
    page.get_by_role("button", name="Horror: with or without").click()
    expect(page).to_have_url(re.compile("with=Horror"))
    expect(page.locator(".card .facts").filter(has_text="Comedy")).to_have_count(0)
    page.get_by_label("From", exact=True).fill("2000")
    expect(page).to_have_url(re.compile("from=2000"))
    stay.settle()
    page.reload()
    stay.settle()
    years = [int(re.search(r"\d{4}", text)[0]) for text in page.locator(".card .facts").all_inner_texts()]  # type: ignore[index]
    assert years
    assert min(years) >= 2000
    page.get_by_role("button", name="Reset all").click()
    expect(page).not_to_have_url(re.compile("from|with"))

    page.locator(".card h3").first.click()
    expect(page.get_by_role("heading", name="How people rated it")).to_be_visible()
    expect(page.get_by_role("heading", name="Like it")).to_be_visible()
    stay.page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")


def test_back_leads_to_where_she_was(visits: Visits) -> None:
    """As far down as when she left, forward again too, and after a reload; a link leads to the top."""
    with visits(viewport={"width": 1280, "height": 400}) as stay:
        page = stay.page
        stay.open()
        page.evaluate("scrollTo(0, 620)")
        page.locator(".row .card-link").first.evaluate("link => link.click()")
        expect(page.get_by_role("heading", name="How people rated it")).to_be_visible()
        assert page.evaluate("scrollY") == 0
        stay.settle()
        page.evaluate("scrollTo(0, 210)")
        wait_for(lambda: page.evaluate("history.state?.scroll") == 210)
        page.go_back()
        wait_for(lambda: page.evaluate("scrollY") == 620)
        page.reload()
        wait_for(lambda: page.evaluate("scrollY") == 620)
        page.go_forward()
        wait_for(lambda: page.evaluate("scrollY") == 210)
        page.get_by_role("link", name="Search", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Search")
        assert page.evaluate("scrollY") == 0


def test_the_foot_tells_what_there_is_and_no_more(stranger: PageVisit) -> None:
    """The model, where ratings stay and how posters come about; without real ones nothing is said of TMDB."""
    stranger.open()
    foot = stranger.page.locator("#foot")
    assert [line.split()[0] for line in foot.locator("> *").all_inner_texts()] == ["Model", "What", "Posters", "For"]
    expect(foot).to_contain_text("Model trained on 1,423 ratings · deep-mf")
    assert not {"false", "null", "TMDB"} & set(foot.inner_text().split())


def test_questions_lead_to_a_list(stranger: PageVisit) -> None:
    """Three answers and the list is there; a film that wasn't seen is passed over, and none is asked twice."""
    stay, page = stranger, stranger.page
    stay.open("/?view=questions")
    heading, asked = page.locator(".question h2"), []
    for answer in ("4", None, "1.5", "5"):
        expect(page.get_by_role("heading", name="Your list so far")).to_have_count(0)
        asked.append(heading.inner_text())
        if answer is None:
            page.get_by_role("button", name="Haven’t seen it").click()
        else:
            page.get_by_role("radio", name=f"{answer} of 5", exact=True).click()
        expect(heading).not_to_have_text(asked[-1])
    expect(page.get_by_role("heading", name="Your list so far")).to_be_visible()
    assert len(set(asked)) == 4
    before = stay.movies()
    page.get_by_role("radio", name="0.5 of 5", exact=True).click()
    expect(page.locator(".so-far .card")).to_have_count(6)
    stay.settle()
    assert stay.movies() != before or len(stay.kept()["ratings"]) == 4


def test_the_keyboard_is_enough(regular: PageVisit) -> None:
    """Tab reaches everything in sight order; arrows choose stars without rating, Enter rates, focus goes on."""
    stay, page = regular, regular.page
    stay.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the films")).to_be_focused()
    page.keyboard.press("Enter")
    first, ratings = stay.movies()[0], len(stay.kept()["ratings"])
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type === 'radio'"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert len(stay.kept()["ratings"]) == ratings
    page.keyboard.press("Enter")
    expect(page.locator(f".card[data-movie='{first}']")).to_have_count(0)
    assert len(stay.kept()["ratings"]) == ratings + 1
    stay.settle()
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


@pytest.mark.parametrize("width", [360, 1280])
def test_no_view_is_wider_than_the_screen(visits: Visits, films: list[dict[str, Any]], width: int) -> None:
    """On a phone and on a desk, whatever the titles are."""
    with visits(viewport={"width": width, "height": 780}) as stay:
        remember(stay, films[:4], hidden=SEEN)
        for address in addresses(stay, films):
            stay.open(address)
            assert stay.page.evaluate("document.documentElement.scrollWidth") <= width, address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visits: Visits, films: list[dict[str, Any]], scheme: str) -> None:
    """WCAG 2.2 AA and axe's best practices hold in every view, in both colours."""
    script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
    with visits(color_scheme=scheme) as stay:
        remember(stay, films[:4], hidden=SEEN)
        for address in addresses(stay, films):
            stay.open(address)
            for details in stay.page.locator("details:not([open]) > summary").all():
                details.click()
            stay.page.evaluate(script)
            found = stay.page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", AXE)
            told = [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found["violations"]]
            assert told == [], (address, scheme)


def test_titles_stay_text(visits: Visits, url: str) -> None:
    """Markup isn't run, text that turns around stays in its place, and a megabyte is cut; in every place of a title."""
    hostile = [
        httpx2.get(f"{url}/v1/movies", params={"query": query, "n": 5}).json()["items"]
        for query in ("onerror", "gnp exe")
    ]
    films = [film for items in hostile for film in items if film["title"] in HOSTILE_TITLES]
    assert len(films) == 2
    with visits(viewport={"width": 360, "height": 780}) as stay:
        remember(stay, films)
        for address in (
            "/",
            "/?view=search&query=onerror",
            f"/?view=film&movie={films[0]['movie']}",
            "/?view=search&query=%3Cimg+src%3Dx%3E",
        ):
            stay.open(address)
            assert stay.page.locator("img").count() == 0
            assert stay.page.evaluate("document.documentElement.scrollWidth") <= 360, address
            assert len(stay.page.locator("body").inner_text()) < 60_000
        stay.open(f"/?view=film&movie={films[0]['movie']}")
        expect(stay.page.get_by_role("heading", level=1)).to_have_text(HOSTILE_TITLES[0])


def test_two_browsers_do_not_know_each_other(visits: Visits, films: list[dict[str, Any]]) -> None:
    """At once on one server, each has its own ratings and list; two tabs of one browser share theirs."""
    with visits() as one, visits() as other:
        remember(one, films[:4])
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


def test_without_connection_the_last_list_stays(regular: PageVisit) -> None:
    """It says from when it is, ratings are kept, and all is well once the server is back."""
    stay, page = regular, regular.page
    stay.open()
    before = stay.movies()
    stay.context.set_offline(True)
    expect(page.get_by_text("You are offline")).to_be_visible()
    page.locator(".card").nth(2).get_by_role("button", name="Seen").click()
    expect(page.get_by_text("The server can't be reached. These films are from")).to_be_visible()
    assert stay.movies() == before
    assert len(stay.kept()["hidden"]) == 1
    stay.context.set_offline(False)
    expect(page.locator(f".card[data-movie='{before[2]}']")).to_have_count(0)
    expect(page.get_by_text("These films are from")).to_have_count(0)
    stay.errors[:] = [error for error in stay.errors if "ERR_INTERNET_DISCONNECTED" not in error]


def test_a_browser_without_storage_works_while_it_is_open(visits: Visits) -> None:
    """Private windows and broken entries: the page opens, rates until it is closed, and says so."""
    with visits() as stay:
        stay.context.add_init_script(
            "Storage.prototype.setItem = () => { throw new Error('full'); };"
            "const get = Storage.prototype.getItem; Storage.prototype.getItem = function (key) {"
            f" return key === '{HISTORY_KEY}' ? '{{\"ratings\": [1, null, {{\"movie\": {{}}}}]' : get.call(this, key); }}"
        )
        stay.open()
        first = stay.movies()[0]
        rate(stay, stay.page.locator(".card").first, "4")
        expect(stay.page.locator(f".card[data-movie='{first}']")).to_have_count(0)
        expect(stay.page.get_by_role("heading", level=1)).to_have_text("For you")
        expect(stay.page.get_by_text("Not kept: this browser lends the page no room")).to_be_visible()
        stay.page.get_by_role("link", name="Profile").click()
        expect(stay.page.locator(".yours .note")).to_contain_text("as long as the page is open")


def test_the_switch_of_colours_lasts(stranger: PageVisit) -> None:
    """The other scheme, from before the first paint on, whatever the system says."""
    stay = stranger
    stay.open()
    stay.page.get_by_role("button", name="Dark colours").click()
    stay.page.reload()
    assert stay.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    expect(stay.page.get_by_role("button", name="Light colours")).to_be_visible()


def test_the_first_paint_is_quick(visits: Visits, films: list[dict[str, Any]]) -> None:
    """The films of "For you" are there 300 ms after the request, at the best of a few tries; all files weigh 150 KB.

    Only where more processes want to run than the machine has cores is the limit theirs to share, and 900 ms at most.
    """
    limit = 300 * min(3, max(1, os.getloadavg()[0] / (os.cpu_count() or 1)))
    best = 1e9
    with visits() as stay:
        remember(stay, films[:4], hidden=SEEN)
        for _ in range(TRIES):
            stay.page.goto(f"{stay.url}/")
            stay.page.locator(".feature").wait_for()
            stay.settle()
            entries = "[...performance.getEntriesByName('films'), ...performance.getEntriesByType('paint')]"
            best = min(best, stay.page.evaluate(f"Math.max(...{entries}.map(e => e.startTime))"))
            if best <= limit:
                break
        weight = stay.page.evaluate(
            "performance.getEntriesByType('resource').filter(e => e.name.includes('/page/'))"
            ".reduce((sum, e) => sum + e.encodedBodySize, 0)"
        )
    assert best <= limit
    assert weight <= 150_000


def test_an_account_keeps_what_is_rated(visits: Visits, url: str, films: list[dict[str, Any]]) -> None:
    """A link with a token opens it; the token leaves the address; ratings are on the server, and in another browser."""
    httpx2.put(f"{url}/v1/users/ann/ratings/{films[0]['movie']}", json={"rating": 5})
    token = httpx2.post(f"{url}/v1/tokens", json={"user": "ann"}).json()["token"]
    with visits() as stay, visits() as elsewhere:
        stay.open(f"/#token={token}")
        expect(stay.page).to_have_url(f"{url}/")
        expect(stay.page.get_by_text("By the one film you rated")).to_be_visible()
        movie = stay.movies()[0]
        rate(stay, stay.page.locator(".card").first, "3.5")
        expect(stay.page.locator(f".card[data-movie='{movie}']")).to_have_count(0)
        kept = {str(row["movie"]): row["rating"] for row in httpx2.get(f"{url}/v1/users/ann/ratings").json()["ratings"]}
        assert kept == {str(films[0]["movie"]): 5.0, movie: 3.5}
        assert stay.kept() == {}
        elsewhere.open(f"/?view=film&movie={movie}#token={token}")
        expect(elsewhere.page.get_by_role("radio", name="3.5 of 5", exact=True).first).to_be_checked()
        stay.page.get_by_role("button", name="Undo").click()
        expect(stay.page.locator(f".card[data-movie='{movie}']")).to_have_count(1)
        stay.settle()
        assert len(httpx2.get(f"{url}/v1/users/ann/ratings").json()["ratings"]) == 1


def test_an_upload_goes_into_the_account(visits: Visits, url: str, films: list[dict[str, Any]]) -> None:
    """Dropped on the page, it is on the server, not in the browser, and in the list by the films that it names."""
    with visits() as stay:
        stay.open(f"/?view=bring#token={token_of(url, 'eve', films[0])}")
        rows = "\n".join(f"{film['title']},{film['year']},4" for film in films[:4])
        handed = stay.page.evaluate_handle(
            "text => { const all = new DataTransfer(); all.items.add(new File([text], 'mine.csv')); return all; }",
            f"title,year,rating\n{rows}\n",
        )
        stay.page.dispatch_event(".drop", "dragover", {"dataTransfer": handed})
        expect(stay.page.locator(".drop.over")).to_be_visible()
        stay.page.dispatch_event(".drop", "drop", {"dataTransfer": handed})
        expect(stay.page.get_by_role("heading", name="There they are")).to_be_visible()
        expect(stay.page.locator(".drop.over, .drop.busy")).to_have_count(0)
        assert len(httpx2.get(f"{url}/v1/users/eve/ratings").json()["ratings"]) == 4
        stay.page.get_by_role("link", name="See your films").click()
        expect(stay.page.get_by_text("By the 4 films you rated")).to_be_visible()
        assert stay.kept() == {}


REFUSED = """(target) => ["dragover", "drop"].map((kind) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["title\\nHeat"], "mine.csv"));
    const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
    document.querySelector(target).dispatchEvent(event);
    return event.defaultPrevented;
})"""
"""Whether the browser is kept from opening a file that is dropped somewhere, as it would by leaving the page."""


def test_a_file_dropped_beside_the_zone_is_refused(stranger: PageVisit) -> None:
    """In every view the browser stays on the page; a field for files still takes them as browsers do."""
    for view, target in (("profile", "h1"), ("bring", ".sources"), ("together", ".top")):
        stranger.open(f"/?view={view}")
        assert stranger.page.evaluate(REFUSED, target) == [True, True], view
    assert stranger.page.evaluate(REFUSED, "#friend-file") == [False, False]


def test_what_an_account_cannot_keep_is_taken_back_and_told(
    visits: Visits, url: str, films: list[dict[str, Any]]
) -> None:
    """The film is in the list again, the page says why, and the next rating is kept."""
    with visits() as stay:
        stay.open(f"/#token={token_of(url, 'kim', films[0])}")
        movie, card = stay.movies()[0], stay.page.locator(".card").first
        problem = json.dumps({"detail": "the store's disk is full"})
        stay.page.route(
            "**/v1/users/*/ratings/*",
            lambda route: route.fulfill(status=503, body=problem, content_type="application/problem+json"),
        )
        rate(stay, card, "4")
        expect(stay.page.get_by_text("Not kept: the store's disk is full")).to_be_visible()
        expect(stay.page.locator(f".card[data-movie='{movie}']")).to_have_count(1)
        expect(stay.page.get_by_role("button", name="Undo")).to_have_count(0)
        assert len(httpx2.get(f"{url}/v1/users/kim/ratings").json()["ratings"]) == 1
        stay.page.unroute("**/v1/users/*/ratings/*")
        rate(stay, card, "4")
        expect(stay.page.locator(f".card[data-movie='{movie}']")).to_have_count(0)
        assert len(httpx2.get(f"{url}/v1/users/kim/ratings").json()["ratings"]) == 2
        stay.errors[:] = [error for error in stay.errors if "503" not in error]


def test_a_token_that_has_ended_leaves_a_stranger(visits: Visits, url: str, films: list[dict[str, Any]]) -> None:
    """The page says that the account can't be opened, and works."""
    token = token_of(url, "joe", films[0])
    httpx2.delete(f"{url}/v1/users/joe/tokens")
    with visits() as stay:
        stay.open(f"/#token={token}")
        expect(stay.page.get_by_text("Your account can't be opened")).to_be_visible()
        rate(stay, stay.page.locator(".card").first, "4")
        expect(stay.page.get_by_text("By the one film you rated")).to_be_visible()
        assert len(stay.kept()["ratings"]) == 1
        stay.errors[:] = [error for error in stay.errors if "401" not in error]


def test_a_server_with_keys_asks_for_one(browser: Browser, page_model: Path, tmp_path: Path) -> None:
    """A wrong key is told so; with a good one the films are there, and the dials know the genres."""
    db = f"sqlite:///{tmp_path}/keys.db"
    store = Store.open(db)
    key = create_key(store, "read")
    store.close()
    with run_service(ServiceSettings(page_model, db)) as url, open_visit(browser, url) as stay:
        stay.open()
        expect(stay.page.get_by_role("heading", name="This server asks for a key")).to_be_visible()
        for given in ("cmx_wrong", key):
            stay.page.get_by_label("Key", exact=True).fill(given)
            stay.page.get_by_role("button", name="Open").click()
            if given != key:
                expect(stay.page.get_by_text("It doesn't know the key that you gave.")).to_be_visible()
        expect(stay.page.locator(".feature")).to_be_visible()
        stay.page.get_by_text("In the mood for").click()
        expect(stay.page.get_by_role("button", name="Horror: with or without")).to_be_visible()
        stay.errors[:] = [error for error in stay.errors if "401" not in error]


def token_of(url: str, user: str, film: dict[str, Any]) -> str:
    """A token for somebody who has rated one film."""
    httpx2.put(f"{url}/v1/users/{user}/ratings/{film['movie']}", json={"rating": 5})
    token: str = httpx2.post(f"{url}/v1/tokens", json={"user": user}).json()["token"]
    return token
