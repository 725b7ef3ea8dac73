"""What the page says where something can't be shown, and the way on."""

from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.models.item_knn import ItemKNN
from page_world import PageVisit, open_visit, run_model_service

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

GENRES = [["Action", "Adventure", "Animation", "Comedy", "Sci-Fi"], ["Comedy"], ["Sci-Fi", "Thriller"], ["Comedy"]]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Four films, one of which has more genres than a card has room for."""
    folder, films = tmp_path_factory.mktemp("errors"), range(len(GENRES))
    pairs = [(user, film) for user in range(9) for film in films]
    users, movies = zip(*pairs, strict=True)
    ratings = Ratings.from_arrays(users, movies, [4.0] * len(pairs), scale=Scale(0.5, 5, 0.5))
    catalog = Catalog.of(films, title=[f"Film {film}" for film in films], genres=GENRES)
    with run_model_service(ItemKNN().fit(ratings, catalog), folder) as url:
        yield url


@pytest.fixture
def stay(browser: Browser, url: str) -> Iterator[PageVisit]:
    """A stranger's visit, in which answers may fail."""
    with open_visit(browser, url) as stay:
        yield stay
        stay.errors[:] = [error for error in stay.errors if "Failed to load resource" not in error]


def test_a_view_that_does_not_come_is_told_in_words_and_tried_again(stay: PageVisit) -> None:
    """The server is away while a view is opened for the first time; once it is back, "Try again" shows it."""
    page = stay.page
    stay.open()
    page.route("**/page/views/search.js", lambda route: route.abort())
    page.get_by_role("link", name="Search", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No connection to the server")
    expect(page.locator("main")).to_contain_text("The server can't be reached.")
    expect(page.locator("main")).not_to_contain_text("module")
    page.unroute("**/page/views/search.js")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Search")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/?view=film", "The address names no film"),
        ("/?view=film&movie=", "The address names no film"),
        ("/?view=film&movie=99", "There is no such movie."),
        ("/?view=nowhere", "The page has no such view."),
    ],
)
def test_what_is_not_there_is_told_with_a_way_on(stay: PageVisit, address: str, words: str) -> None:
    """With a heading of the first level, under the page's own name, and nothing to try in vain."""
    page = stay.page
    stay.open(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such thing here")
    expect(page.locator("main")).to_contain_text(words)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    expect(page).to_have_title("Cinematrix")
    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8"))
    assert page.evaluate("axe.run().then(({violations}) => violations.map(({id}) => id))") == []
    page.get_by_role("link", name="To your films").click()
    expect(page.locator(".card").first).to_be_visible()


def test_genres_that_no_film_has_are_forgotten(stay: PageVisit) -> None:
    """As a year that is none is: the list is by the rest, and so is the count of dials that are set."""
    page = stay.page
    stay.open("/?with=Nope,Comedy&without=Zilch&from=x")
    expect(page.get_by_role("heading", level=1)).to_have_text("What will you watch tonight?")
    expect(page.locator(".dials .count")).to_have_text("1")
    assert sorted(stay.movies()) == ["0", "1", "3"]


def test_films_have_all_genres_asked_for_and_say_so(stay: PageVisit) -> None:
    """Two chosen genres leave films of both, whose card names these before others that it has room for."""
    page = stay.page
    stay.open()
    page.get_by_text("In the mood for").click()
    for genre in ("Comedy", "Sci-Fi"):
        page.get_by_role("button", name=f"{genre}: with or without").click()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card .facts")).to_have_text("Comedy, Sci-Fi, Action")
