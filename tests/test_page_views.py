"""The map, the profile, the evening together and the operator's page, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import httpx2
import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from page_world import HISTORY, Visit, serving, visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

NEW = b"movie,title,year,genres\n990001,Brand new thing,2026,Comedy\n"
"""A film that the model hasn't learned of."""


@pytest.fixture(scope="module")
def url(page_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served."""
    settings = ServiceSettings(page_model, f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db", new_users=100)
    with serving(settings) as url:
        yield url


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


def test_friends_get_one_list_with_a_reason_each_and_a_veto(
    regular: Visit, films: list[dict[str, Any]], tmp_path: Path
) -> None:
    """A friend comes with a film that she loves, another with a file; a vetoed film is gone until that is undone."""
    page = regular.page
    regular.open("/?view=together")
    expect(page.locator(".together .note")).to_contain_text("Add one friend at least")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".add [role=status]").last).to_contain_text("Choose a film or two")
    page.get_by_label("Name", exact=True).fill("<b>Ada</b>")
    page.locator(".friend-taste").get_by_role("combobox").fill("scary 11")
    page.locator(".friend-taste").get_by_role("option").first.click()
    page.locator(".friend-films").get_by_role("radio", name="4.5 of 5", exact=True).click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".people-here")).to_contain_text("<b>Ada</b>")
    expect(page.locator(".group-film").first).to_be_visible()
    export = tmp_path / "grace.csv"
    export.write_text(f"Date,Name,Year,Letterboxd URI,Rating\n2024-01-01,{films[7]['title']},{films[7]['year']},x,5\n")
    page.get_by_label("Name", exact=True).fill("Grace")
    page.set_input_files("#friend-file", export)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".people-here li")).to_have_count(3)
    first = page.locator(".group-film").first
    expect(first.locator(".opinions dt")).to_have_text(["You", "<b>Ada</b>", "Grace"])
    movie = first.get_attribute("data-movie")
    first.get_by_role("button", name="Veto").click()
    expect(page.locator(f".group-film[data-movie='{movie}']")).to_have_count(0)
    page.get_by_role("button", name="Take back the veto").click()
    expect(page.locator(f".group-film[data-movie='{movie}']")).to_have_count(1)
    page.get_by_role("button", name="Nobody unhappy").click()
    expect(page.get_by_role("button", name="Nobody unhappy")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Take Grace off").click()
    expect(page.locator(".people-here li")).to_have_count(2)


def test_the_operator_sees_what_serves_and_brings_films(regular: Visit, tmp_path: Path) -> None:
    """Version, figures and latency; rolling back without an older version says so; a CSV of films is kept."""
    page = regular.page
    regular.open("/?view=operator")
    version = page.request.get(f"{regular.url}/v1/model").json()["version"]
    expect(page.locator(".operator .lead")).to_contain_text(version)
    expect(page.get_by_role("region", name="Versions that are kept")).to_contain_text("serves")
    page.set_input_files("#films-file", {"name": "new.csv", "mimeType": "text/csv", "buffer": NEW})
    page.get_by_role("button", name="Import films").click()
    expect(page.locator(".operator [role=status]").last).to_contain_text("1")
    found = page.request.get(f"{regular.url}/v1/movies?query=brand new thing").json()["items"]
    assert found[0]["title"] == "Brand new thing"
    page.get_by_role("button", name="Roll back").click()
    expect(page.locator(".operator [role=status]").first).to_contain_text("no version before this one is kept")
    regular.errors.clear()  # the browser's console tells of the refusal, which is meant


def test_the_operators_page_asks_for_the_key(browser: Browser, page_model: Path, tmp_path: Path) -> None:
    """Where the store has keys, it opens with one whose role is admin."""
    settings = ServiceSettings(page_model, f"sqlite:///{tmp_path}/keys.db")
    store = Store.open(settings.db)
    secret = create_key(store, "admin")
    store.close()
    with serving(settings) as guarded, visit(browser, guarded) as stay:
        stay.open("/?view=operator")
        stay.page.get_by_label("Key").fill(secret)
        stay.page.get_by_role("button", name="Open").click()
        expect(stay.page.locator(".operator .lead")).to_contain_text("Version")
        stay.errors.clear()  # the refusals before the key


@pytest.mark.parametrize("view", ["operator", "together"])
def test_axe_finds_nothing_where_friends_and_operators_are(regular: Visit, view: str) -> None:
    """WCAG 2.2 AA and axe's best practices hold there too, and nothing is wider than a phone."""
    friends = json.dumps([{"name": "Ada", "ratings": [], "hidden": [], "user": "7"}])
    regular.context.add_init_script(f"sessionStorage.setItem('cinematrix-friends', {json.dumps(friends)})")
    page = regular.page
    page.set_viewport_size({"width": 360, "height": 780})
    regular.open(f"/?view={view}")
    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", AXE)
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
