"""Messages of the page, and taking back the act that one of them names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from chromium import CHROMIUM, MISSING
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.models.item_knn import ItemKNN
from page_world import PageVisit, open_visit, run_model_service

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

TITLES = ["Heat", "Alien", "\u202egnp.exe", "W" * 80, "שלום"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Films whose titles have all that a message may stumble over."""
    folder = tmp_path_factory.mktemp("toast")
    films = list(range(len(TITLES)))
    ratings = Ratings.from_arrays([7] * len(films), films, [4.0] * len(films), scale=Scale(0.5, 5, 0.5))
    with run_model_service(ItemKNN().fit(ratings, Catalog.of(films, title=TITLES)), folder) as url:
        yield url


def rated(stay: PageVisit) -> dict[int, float]:
    """What this browser keeps, by film."""
    return {row["movie"]: row["rating"] for row in stay.kept().get("ratings", [])}


def rate(stay: PageVisit, film: int, stars: str = "4") -> None:
    """On the film's page."""
    stay.open(f"/?view=film&movie={film}")
    stay.page.locator(".film").get_by_role("radio", name=f"{stars} of 5", exact=True).click()


def said(page: Page) -> str:
    """The message in sight, without signs that can't be seen."""
    return page.locator("#toast > span").inner_text().replace("\u2068", "").replace("\u2069", "")


def test_each_undo_takes_back_what_its_message_names(stay: PageVisit) -> None:
    """Ctrl+Z, which the message names, takes the last rating back and says so; no Undo of it stays to take another."""
    page = stay.page
    stay.open("/?view=search&query=e")
    stay.open("/?view=search&query=heat")
    card = page.locator(".card").first
    card.get_by_role("radio", name="4 of 5", exact=True).click()
    card.get_by_role("radio", name="2 of 5", exact=True).click()
    assert said(page) == "Heat: 2 stars."
    expect(page.locator("#toast kbd")).to_have_text("Ctrl+Z")
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert said(page) == "Taken back: Heat: 2 stars."
    assert rated(stay) == {0: 4}
    page.keyboard.press("Control+z")
    assert said(page) == "Taken back: Heat: 4 stars."
    assert rated(stay) == {}


def test_an_import_is_not_taken_back_unseen(stay: PageVisit, tmp_path: Path) -> None:
    """Ctrl+Z after it leaves all as it is, and says so; the message of a rating before it is gone."""
    page, mine = stay.page, tmp_path / "mine.csv"
    mine.write_text("title,rating\nHeat,4\nAlien,5\n", "utf-8")
    stay.open("/?view=bring")
    page.set_input_files("input[type=file]", mine)
    expect(page.get_by_role("heading", name="There they are")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.locator("#toast")).to_contain_text("the last change was more than that")
    assert rated(stay) == {0: 4, 1: 5}


def test_a_message_stays_under_pointer_and_focus(stay: PageVisit) -> None:
    """It goes ten seconds after they left it."""
    page = stay.page
    page.clock.install()
    rate(stay, 0)
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    page.clock.run_for(30_000)
    expect(undo).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    page.clock.run_for(11_000)
    expect(undo).to_have_count(0)


@pytest.mark.fault(21)
def test_titles_turn_no_message_around_and_push_nothing_out(browser: Browser, url: str) -> None:
    """Neither of the page nor of the tab; what is written from the right stays a piece of its own."""
    with open_visit(browser, url, viewport={"width": 360, "height": 780}) as stay:
        page = stay.page
        rate(stay, 2, "4")
        assert page.locator("#toast > span").inner_text() == "\u2068gnp.exe\u2069: 4 stars."
        expect(page).to_have_title("gnp.exe · Cinematrix")
        rate(stay, 4, "4")
        assert page.locator("#toast > span").inner_text() == "\u2068שלום\u2069: 4 stars."
        rate(stay, 3, "4")
        box: Any = page.get_by_role("button", name="Undo").bounding_box()
        assert box["x"] + box["width"] <= 360 - 16
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_service_has_the_titles_as_they_are(url: str) -> None:
    """What is left out of sight is left out by the page."""
    assert httpx2.get(f"{url}/v1/movies/2").json()["title"] == TITLES[2]
