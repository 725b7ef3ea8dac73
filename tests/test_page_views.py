"""The map, the profile, the evening together and the operator's page, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from chromium import CHROMIUM, MISSING
from cinematrix.service.settings import ServiceSettings
from page_world import HISTORY, Visit, saved_model, serving, visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served."""
    folder = tmp_path_factory.mktemp("views")
    model = saved_model(folder / "model")
    with serving(ServiceSettings(model, f"sqlite:///{folder}/store.db", new_users=100)) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def films(url: str) -> list[dict[str, Any]]:
    """Comedies, as the search finds them."""
    found: list[dict[str, Any]] = httpx2.get(f"{url}/v1/movies", params={"query": "funny", "n": 8}).json()["items"]
    return found


@pytest.fixture
def regular(browser: Browser, url: str, films: list[dict[str, Any]]) -> Iterator[Visit]:
    """Somebody who has rated six comedies in this browser."""
    with visit(browser, url) as stay:
        rated = [film | {"rating": 5 - at / 2, "time": at} for at, film in enumerate(films[:6])]
        text = json.dumps(json.dumps({"ratings": rated, "hidden": []}))
        stay.context.add_init_script(f"localStorage.getItem('{HISTORY}') ?? localStorage.setItem('{HISTORY}', {text})")
        yield stay


def test_the_map_moves_by_keys_and_opens_films_from_its_list(regular: Visit) -> None:
    """Films in view are listed as links; a found film is in the middle, and a click there opens it."""
    page = regular.page
    regular.open("/?view=map")
    expect(page.locator(".map-list a")).to_have_count(20)
    before = page.locator(".map-list").inner_text()
    page.locator("canvas.map").focus()
    for key in ("+", "+", "+", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    expect(page.locator(".map-list")).not_to_have_text(before, use_inner_text=True)
    page.keyboard.press("0")
    expect(page.locator(".map-list")).to_have_text(before, use_inner_text=True)
    page.get_by_role("button", name="Horror").click()
    expect(page.locator(".map-list")).not_to_contain_text("Funny")
    page.get_by_role("button", name="Horror").click()
    page.locator("main").get_by_role("combobox").fill("funny 12")
    page.locator("main").get_by_role("option").first.click()
    expect(page.locator(".map-tip")).to_contain_text("Funny 12")
    page.locator("canvas.map").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Funny 12")


def test_a_profile_is_told_exported_and_deleted(regular: Visit, films: list[dict[str, Any]]) -> None:
    """Her genres, how well she is known, a CSV of her ratings; deleting asks first, and leaves nothing."""
    page = regular.page
    regular.open("/?view=profile")
    expect(page.locator(".lead")).to_contain_text("6 ratings, 3.8 on average")
    expect(page.locator(".loves").first).to_contain_text("Comedy")
    expect(page.locator(".known-figure")).to_contain_text("stars")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export my ratings").click()
    text = Path(saved.value.path()).read_text("utf-8")
    assert all(film["title"] in text for film in films[:6])
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_role("button", name="Keep it").click()
    assert len(regular.kept()["ratings"]) == 6
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("heading", name="Nothing is yours yet")).to_be_visible()
    assert regular.kept() == {}
