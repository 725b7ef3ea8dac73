"""Tests of the watchlist: its buttons, its view, its row on "For you", and that of an account."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

from chromium import CHROMIUM, MISSING
from page_world import HISTORY_KEY, PageVisit
from waiting import wait_for

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

Film = dict[str, Any]
ROW = "From your watchlist, for tonight"


@pytest.fixture(scope="module")
def find(url: str) -> Callable[[str], list[Film]]:
    """Search for films."""
    return lambda query: httpx2.get(f"{url}/v1/movies", params={"query": query, "n": 12}).json()["items"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def comedies(find: Callable[[str], list[Film]]) -> list[Film]:
    """Twelve comedies; the tests' user has rated the first four."""
    return find("funny")


def preload_history(visit: PageVisit, comedies: list[Film], wanted: list[Film]) -> None:
    """Store four ratings, and a watchlist as an import stores it, without titles."""
    ratings = [film | {"rating": 5 - at / 2, "time": at} for at, film in enumerate(comedies[:4])]
    watchlist = [{"movie": film["movie"], "time": at} for at, film in enumerate(wanted)]
    text = json.dumps(json.dumps({"ratings": ratings, "watchlist": watchlist}))
    key = json.dumps(HISTORY_KEY)
    visit.context.add_init_script(f"localStorage.getItem({key}) ?? localStorage.setItem({key}, {text})")


def wanted_by(visit: PageVisit) -> list[int]:
    """Return the watchlist in the browser."""
    return [film["movie"] for film in visit.kept().get("watchlist", [])]


def test_a_film_joins_the_watchlist_and_leaves_it_when_it_is_rated(visit: PageVisit, comedies: list[Film]) -> None:
    """The card stays where it was tapped; the next visit has the row. Undo brings the film back everywhere."""
    page = visit.page
    preload_history(visit, comedies, [])
    visit.open()
    before = visit.movies()
    movie = before[2]
    button = page.locator(f".row .card[data-movie='{movie}']").get_by_role("button", name="Watchlist")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#toast")).to_contain_text("on your watchlist")
    visit.settle()
    assert visit.movies() == before
    assert wanted_by(visit) == [int(movie)]

    page.locator("#views").get_by_role("link", name="Watchlist").click()
    card = page.locator(f"main .card[data-movie='{movie}']")
    expect(card.locator(".expected")).to_be_visible()
    card.get_by_role("radio", name="4.5 of 5", exact=True).click()
    expect(page.get_by_role("heading", name="Your watchlist is empty")).to_be_visible()
    assert wanted_by(visit) == []
    page.get_by_role("button", name="Undo").click()
    expect(card).to_be_visible()
    assert (wanted_by(visit), len(visit.kept()["ratings"])) == ([int(movie)], 4)

    visit.open()
    expect(page.locator(".row h2").first).to_have_text(ROW)
    assert page.locator(".row").first.locator(".card").evaluate_all("all => all.map(c => c.dataset.movie)") == [movie]
    assert visit.movies().count(movie) == 1
    expect(page.locator(".row").first.get_by_role("link", name=f"See all: {ROW}")).to_have_attribute(
        "href", "/?view=watchlist"
    )
    page.locator(".row").first.get_by_role("button", name="Watchlist").click()
    expect(page.get_by_role("heading", name=ROW)).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(page.get_by_role("heading", name=ROW)).to_be_visible()


def test_the_watchlist_is_sorted_filtered_and_picked_from(
    visit: PageVisit, comedies: list[Film], find: Callable[[str], list[Film]]
) -> None:
    """Most stars first. Filters stay in the address; a pick matches them, and the next one is another film."""
    page, scary = visit.page, find("scary")[:5]
    wanted = [*scary, *comedies[4:9]]
    preload_history(visit, comedies, wanted)
    visit.open("/?view=watchlist")
    expect(page.locator(".lead")).to_have_text("10 films, best for you first")
    expect(page.locator("main .card .expected")).to_have_count(10)
    stars = [float(text) for text in page.locator(".expected-stars").all_inner_texts()]
    assert stars == sorted(stars, reverse=True)
    assert set(visit.movies()) == {str(film["movie"]) for film in wanted}
    assert {film["title"] for film in visit.kept()["watchlist"]} == {film["title"] for film in wanted}
    page.get_by_text("Filters").click()
    page.get_by_role("button", name="Horror: with or without").click()
    expect(page.locator(".lead")).to_contain_text("5 of 10 films")
    expect(page).to_have_url(re.compile("with=Horror"))
    assert page.get_by_role("slider").count() == 0
    picks = []
    for _ in scary:
        page.get_by_role("button", name="Surprise me").click()
        picks.append(page.locator(".feature").get_attribute("data-movie"))
    assert set(picks) == {str(film["movie"]) for film in scary}
    page.locator(".feature").get_by_role("button", name="Not for me").click()
    expect(page.locator(".feature")).to_have_count(0)
    expect(page.locator(".lead")).to_contain_text("4 of 9 films")
    page.get_by_label("From", exact=True).fill("2099")
    expect(page.get_by_role("heading", name="No film matches")).to_be_visible()
    expect(page.get_by_role("button", name="Surprise me")).to_be_disabled()

    page.route("**/v1/predictions", lambda route: route.abort())
    visit.open("/?view=watchlist")
    expect(page.locator(".lead")).to_contain_text("can’t be reached")
    assert visit.movies() == [str(film["movie"]) for film in reversed(wanted) if str(film["movie"]) != picks[-1]]
    visit.errors[:] = [error for error in visit.errors if "ERR_FAILED" not in error]


def test_an_accounts_watchlist_is_that_of_the_server(visit: PageVisit, comedies: list[Film], url: str) -> None:
    """A rating on the page takes the film off, on the server too; undo puts it back."""
    page = visit.page
    for film in comedies[:3]:
        assert httpx2.put(f"{url}/v1/users/wil/events/watchlist/{film['movie']}").status_code == 204
    token = httpx2.post(f"{url}/v1/tokens", json={"user": "wil"}).json()["token"]

    def stored() -> tuple[set[int], int]:
        events, ratings = (httpx2.get(f"{url}/v1/users/wil/{part}").json() for part in ("events", "ratings"))
        return set(events["events"].get("watchlist", [])), len(ratings["ratings"])

    ids = {film["movie"] for film in comedies[:3]}
    visit.open(f"/?view=watchlist#token={token}")
    card = page.locator(f"main .card[data-movie='{comedies[0]['movie']}']")
    card.get_by_role("radio", name="4 of 5", exact=True).click()
    expect(card).to_have_count(0)
    wait_for(lambda: stored() == (ids - {comedies[0]["movie"]}, 1))
    page.get_by_role("button", name="Undo").click()
    expect(card).to_be_visible()
    wait_for(lambda: stored() == (ids, 0))
    assert visit.kept() == {}
