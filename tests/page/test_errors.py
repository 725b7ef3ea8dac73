"""Tests of error states, and of ways to continue."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.models.item_knn import ItemKNN
from page_checks import find_violations
from page_world import PageVisit, open_visit, run_model_service

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

GENRES = [["Action", "Adventure", "Animation", "Comedy", "Sci-Fi"], ["Comedy"], ["Sci-Fi", "Thriller"], ["Comedy"]]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a page with four films, one of which has more genres than a card has room for."""
    folder, films = tmp_path_factory.mktemp("errors"), range(len(GENRES))
    pairs = [(user, film) for user in range(9) for film in films]
    users, movies = zip(*pairs, strict=True)
    ratings = Ratings.from_arrays(users, movies, [4.0] * len(pairs), scale=Scale(0.5, 5, 0.5))
    catalog = Catalog.of(films, title=[f"Film {film}" for film in films], genres=GENRES)
    with run_model_service(ItemKNN().fit(ratings, catalog), folder) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[PageVisit]:
    """Visit of a new browser profile, in which requests may fail."""
    with open_visit(browser, url) as visit:
        yield visit
        visit.errors[:] = [error for error in visit.errors if "Failed to load resource" not in error]


def test_a_view_that_fails_to_load_is_explained_and_can_be_retried(visit: PageVisit) -> None:
    """The server is unreachable when a view is first opened. Once it is back, "Try again" shows the view."""
    page = visit.page
    visit.open()
    page.route("**/views/together.js", lambda route: route.abort())
    page.get_by_role("link", name="Together", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No connection to the server")
    expect(page.locator("main")).to_contain_text("The server can’t be reached.")
    expect(page.locator("main")).not_to_contain_text("module")
    page.unroute("**/views/together.js")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Together")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/?view=film", "The address names no film"),
        ("/?view=film&movie=", "The address names no film"),
        ("/?view=film&movie=99", "There is no such movie."),
        ("/?view=nowhere", "The page has no such view."),
        ("/nosuch", "This address leads to nothing here."),
    ],
)
def test_a_missing_view_or_film_is_explained_with_a_way_to_continue(visit: PageVisit, address: str, words: str) -> None:
    """A heading of level 1, the default title, and no useless "Try again"."""
    page = visit.page
    visit.open(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page.locator("main")).to_contain_text(words)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    expect(page).to_have_title("Cinematrix")
    assert find_violations(page) == []
    page.get_by_role("link", name="To your films").click()
    expect(page.locator(".card").first).to_be_visible()


def test_unknown_genres_and_invalid_years_are_ignored(visit: PageVisit) -> None:
    """The list and the count of set controls use the valid values only."""
    page = visit.page
    visit.open("/?with=Nope,Comedy&without=Zilch&from=x")
    expect(page.get_by_role("heading", level=1)).to_have_text("What will you watch tonight?")
    expect(page.locator(".dials .count")).to_have_text("1")
    assert sorted(visit.movies()) == ["0", "1", "3"]


def test_films_have_all_selected_genres_and_list_them_first(visit: PageVisit) -> None:
    """With two selected genres, each film has both, and its card lists them first."""
    page = visit.page
    visit.open()
    page.get_by_text("Filters").click()
    for genre in ("Comedy", "Sci-Fi"):
        page.get_by_role("button", name=f"{genre}: with or without").click()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card .facts")).to_have_text("Comedy, Sci-Fi, Action")


def test_a_search_without_the_server_says_so(visit: PageVisit) -> None:
    """The field shows the reason, and finds films again once the server is back."""
    visit.open()
    field = visit.page.locator("#tools input")
    visit.page.route("**/v1/movies?*", lambda route: route.abort())
    field.fill("film")
    expect(visit.page.locator("#tools [role=status]")).to_have_text("The server can’t be reached.")
    expect(visit.page.locator("#tools [role=status]")).to_be_visible()
    visit.page.unroute("**/v1/movies?*")
    field.fill("film 1")
    expect(visit.page.get_by_role("option").first).to_contain_text("Film 1")
    field.fill("xqzw")
    expect(visit.page.locator("#tools [role=status]")).to_have_text("No film found")


def test_a_reload_without_the_server_shows_the_last_films(browser: Browser, url: str) -> None:
    """The page's files are kept; the list has its time, and a view that was never opened is shown."""
    with open_visit(browser, url, service_workers="allow") as visit:
        page = visit.page
        visit.open()
        page.evaluate("navigator.serviceWorker.ready")
        films = visit.movies()
        visit.context.set_offline(True)
        page.reload()
        expect(page.get_by_text("These films are from")).to_be_visible()
        expect(page.get_by_text("You are offline")).to_be_visible()
        assert visit.movies() == films
        page.get_by_role("link", name="Together", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Together")
        visit.context.set_offline(False)
        visit.errors[:] = [error for error in visit.errors if "ERR_INTERNET_DISCONNECTED" not in error]
