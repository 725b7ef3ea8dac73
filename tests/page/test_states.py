"""States of the page that no address shows: axe finds nothing in them, and a contrast theme hides no control."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from chromium import CHROMIUM, MISSING
from page_checks import find_invisible, find_violations
from page_world import PageVisit, open_visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

PHONE = {"width": 390, "height": 780}


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[PageVisit]:
    """Visit in which requests may fail."""
    with open_visit(browser, url) as visit:
        yield visit
        visit.errors[:] = [error for error in visit.errors if "Failed to load resource" not in error]


def check(page: Page, state: str) -> None:
    """Check a state of the page in the usual colours, and its picture in a contrast theme."""
    page.emulate_media(forced_colors="none")
    assert find_violations(page) == [], state
    assert find_invisible(page) == [], state
    page.emulate_media(forced_colors="none")


def test_states_pass_axe_and_show_in_a_contrast_theme(visit: PageVisit, tmp_path: Path) -> None:
    """Tapped films, large stars, search results, an import, dialogs, a friend's form, and trouble."""
    page = visit.page
    visit.open()
    for at in range(5):
        page.locator(".tile-tap").nth(at).click()
    expect(page.get_by_role("button", name="Show my films")).to_be_enabled()
    check(page, "tapped films")
    page.locator("#tools").get_by_role("combobox").fill("scary")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    check(page, "search results")
    check_import(visit, tmp_path)
    visit.open("/?view=profile")
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, "a deletion's question")
    visit.open("/?view=together")
    page.get_by_text("Add a friend").click()
    check(page, "a friend's form")
    page.set_viewport_size(PHONE)
    visit.open()
    page.get_by_role("button", name="Rate: ").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, "large stars")
    check_trouble(visit)


def check_import(visit: PageVisit, folder: Path) -> None:
    """Check the result of an import with an unknown film."""
    (film,) = httpx2.get(f"{visit.url}/v1/movies", params={"query": "scary 11", "n": 1}).json()["items"]
    rows = [f"2024-01-01,{film['title']},{film['year']},https://boxd.it/1,4", "2024-01-02,Nobody knows it,1931,x,4"]
    (folder / "ratings.csv").write_text("\n".join(["Date,Name,Year,Letterboxd URI,Rating", *rows]) + "\n", "utf-8")
    visit.open("/?view=bring")
    visit.page.set_input_files("input[type=file]", folder / "ratings.csv")
    expect(visit.page.locator(".unmatched")).to_be_visible()
    check(visit.page, "an import")


def check_trouble(visit: PageVisit) -> None:
    """Check the views of a server that can't be reached, and of one that asks for a key."""
    page = visit.page
    lost: Any = lambda route: route.abort()  # noqa: E731
    page.route("**/v1/**", lost)
    visit.open("/?view=search&query=funny")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    check(page, "no server")
    page.unroute("**/v1/**", lost)
    page.route("**/v1/**", lambda route: route.fulfill(status=401, json={"detail": "a key is missing"}))
    visit.open("/?view=film&movie=1")
    expect(page.get_by_label("Key")).to_be_visible()
    check(page, "a key is asked for")
