"""Tests of short messages and of their "Undo"."""

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
    """Address of a page with titles that could break a message."""
    folder = tmp_path_factory.mktemp("toast")
    films = list(range(len(TITLES)))
    ratings = Ratings.from_arrays([7] * len(films), films, [4.0] * len(films), scale=Scale(0.5, 5, 0.5))
    with run_model_service(ItemKNN().fit(ratings, Catalog.of(films, title=TITLES)), folder) as url:
        yield url


def stored_ratings(visit: PageVisit) -> dict[int, float]:
    """Return the ratings in this browser, by film."""
    return {row["movie"]: row["rating"] for row in visit.kept().get("ratings", [])}


def rate(visit: PageVisit, film: int, stars: str = "4") -> None:
    """Rate a film in its view."""
    visit.open(f"/?view=film&movie={film}")
    visit.page.locator(".film").get_by_role("radio", name=f"{stars} of 5", exact=True).click()


def message_text(page: Page) -> str:
    """Return the visible message without invisible characters."""
    return page.locator("#toast > span").inner_text().replace("\u2068", "").replace("\u2069", "")


def test_undo_reverts_the_change_that_the_message_names(visit: PageVisit) -> None:
    """Ctrl+Z, which the message names, undoes the last rating and says so. An outdated "Undo" disappears."""
    page = visit.page
    visit.open("/?view=search&query=e")
    visit.open("/?view=search&query=heat")
    card = page.locator(".card").first
    card.get_by_role("radio", name="4 of 5", exact=True).click()
    card.get_by_role("radio", name="2 of 5", exact=True).click()
    assert message_text(page) == "Heat: 2 stars."
    expect(page.locator("#toast kbd")).to_have_text("Ctrl+Z")
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert message_text(page) == "Undone: Heat: 2 stars."
    assert stored_ratings(visit) == {0: 4}
    page.keyboard.press("Control+z")
    assert message_text(page) == "Undone: Heat: 4 stars."
    assert stored_ratings(visit) == {}


def test_ctrl_z_does_not_undo_an_import(visit: PageVisit, tmp_path: Path) -> None:
    """Ctrl+Z changes nothing and says why; the message of the rating before is hidden."""
    page, file = visit.page, tmp_path / "mine.csv"
    file.write_text("title,rating\nHeat,4\nAlien,5\n", "utf-8")
    visit.open("/?view=bring")
    page.set_input_files("input[type=file]", file)
    expect(page.get_by_role("heading", name="Films imported")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.locator("#toast")).to_contain_text("The last change was neither")
    assert stored_ratings(visit) == {0: 4, 1: 5}


def test_a_message_stays_under_pointer_and_focus(visit: PageVisit) -> None:
    """It disappears ten seconds after it is left."""
    page = visit.page
    page.clock.install()
    rate(visit, 0)
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    page.clock.run_for(30_000)
    expect(undo).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    page.clock.run_for(11_000)
    expect(undo).to_have_count(0)


@pytest.mark.fault(21)
def test_titles_do_not_break_messages(browser: Browser, url: str) -> None:
    """Neither the message nor the tab title; right-to-left text stays in its own element."""
    with open_visit(browser, url, viewport={"width": 360, "height": 780}) as visit:
        page = visit.page
        rate(visit, 2, "4")
        assert page.locator("#toast > span").inner_text() == "\u2068gnp.exe\u2069: 4 stars."
        expect(page).to_have_title("gnp.exe · Cinematrix")
        rate(visit, 4, "4")
        assert page.locator("#toast > span").inner_text() == "\u2068שלום\u2069: 4 stars."
        rate(visit, 3, "4")
        box: Any = page.get_by_role("button", name="Undo").bounding_box()
        assert box["x"] + box["width"] <= 360 - 16
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_service_returns_titles_unchanged(url: str) -> None:
    """Invisible characters are removed by the page only."""
    assert httpx2.get(f"{url}/v1/movies/2").json()["title"] == TITLES[2]
