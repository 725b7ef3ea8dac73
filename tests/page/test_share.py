"""Tests of shared lists on the page: link, picture, text, the view of a shared list, and print."""

import json
import struct
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from page_checks import find_violations
from page_world import HISTORY_KEY, PageVisit, open_visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture(scope="module")
def films(url: str) -> list[dict[str, Any]]:
    """Eight comedies."""
    found: list[dict[str, Any]] = httpx2.get(f"{url}/v1/movies", params={"query": "funny", "n": 8}).json()["items"]
    return found


def store_watchlist(visit: PageVisit, films: list[dict[str, Any]]) -> None:
    """Put films on the browser's watchlist, the first one newest."""
    history = {"watchlist": [film | {"time": 100 - at} for at, film in enumerate(films)]}
    text = json.dumps(json.dumps(history))
    visit.context.add_init_script(
        f"localStorage.getItem('{HISTORY_KEY}') ?? localStorage.setItem('{HISTORY_KEY}', {text})"
    )


def test_a_watchlist_is_shared_opened_and_revoked(
    browser: Browser, url: str, films: list[dict[str, Any]], tmp_path: Path
) -> None:
    """A selection becomes a link, a picture of 1200 x 630 and text. A friend opens the link and adds the films."""
    with (
        open_visit(browser, url, permissions=["clipboard-read", "clipboard-write"]) as maker,
        open_visit(browser, url, viewport={"width": 390, "height": 844}) as friend,
    ):
        page = maker.page
        store_watchlist(maker, films)
        maker.open("/?view=watchlist")
        shown = maker.movies()
        page.get_by_role("button", name="Share").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("For Ann")
        dialog.get_by_label("Note").fill("<img src=x onerror=window.hacked=1>")
        dialog.get_by_text("8 films").click()
        dialog.get_by_role("checkbox").nth(1).uncheck()
        expect(dialog.locator("summary")).to_contain_text("7 of 8 films")
        assert find_violations(page) == []
        with page.expect_download() as download:
            dialog.get_by_role("button", name="Picture").click()
        assert download.value.suggested_filename == "For-Ann.png"
        download.value.save_as(tmp_path / "list.png")
        assert struct.unpack(">II", (tmp_path / "list.png").read_bytes()[16:24]) == (1200, 630)
        dialog.get_by_role("button", name="Make a link").click()
        link = dialog.get_by_label("Link").input_value()
        assert link.startswith(f"{url}/?view=shared&list=")
        expect(dialog.locator(".share-link")).to_contain_text("doesn’t say who you are")
        dialog.get_by_role("button", name="Copy as text").click()
        expect(dialog.get_by_role("status")).to_have_text("Copied.")
        text = page.evaluate("navigator.clipboard.readText()")
        assert text.startswith("For Ann\n<img")
        assert "\n7. " in text
        assert text.endswith(link)
        dialog.get_by_role("button", name="Close").click()

        friend.open(link.removeprefix(url))
        expect(friend.page.get_by_role("heading", level=1)).to_have_text("For Ann")
        expect(friend.page.locator(".shared-note")).to_have_text("<img src=x onerror=window.hacked=1>")
        wanted = [shown[0], *shown[2:]]
        assert friend.movies() == wanted
        assert find_violations(friend.page) == []
        assert friend.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        add = friend.page.get_by_role("button", name="Add to my watchlist")
        add.click()
        expect(add).to_be_disabled()
        assert {str(film["movie"]) for film in friend.kept()["watchlist"]} == set(wanted)
        friend.page.get_by_role("button", name="Undo").click()
        expect(add).to_be_enabled()
        assert friend.kept().get("watchlist", []) == []

        maker.open("/?view=profile")
        assert find_violations(page) == []
        expect(page.get_by_role("heading", name="Shared lists")).to_be_visible()
        page.get_by_role("button", name="Revoke the link: For Ann").click()
        expect(page.get_by_role("heading", name="Shared lists")).to_be_hidden()
        friend.open(link.removeprefix(url))
        expect(friend.page.locator("main")).to_contain_text("has revoked it")
        friend.errors[:] = [error for error in friend.errors if "404" not in error]


def test_an_accounts_list_and_a_row_on_paper(browser: Browser, url: str, films: list[dict[str, Any]]) -> None:
    """A row is shared from "See all". An account keeps no secret in the browser. Print shows all films of all rows."""
    with open_visit(browser, url) as visit:
        page = visit.page
        assert httpx2.put(f"{url}/v1/users/una/ratings/{films[0]['movie']}", json={"rating": 5}).status_code < 300
        token = httpx2.post(f"{url}/v1/tokens", json={"user": "una"}).json()["token"]
        visit.open(f"/#token={token}")
        places = page.locator(".row li:not(.all)").count()
        assert page.locator(".row .card").count() < places
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator(".row .card").count() == places
        page.emulate_media(media="print")
        strip = page.locator(".strip-of-cards").first
        assert strip.evaluate("list => list.scrollWidth <= list.clientWidth + 1")
        expect(page.locator(".see-all").first).to_be_hidden()
        page.emulate_media(media="screen")
        page.locator(".row .see-all").first.evaluate("link => link.click()")
        visit.settle()
        title = page.get_by_role("heading", level=1).inner_text()
        page.get_by_role("button", name="Share").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Name")).to_have_value(title)
        dialog.get_by_role("button", name="Make a link").click()
        link = dialog.get_by_label("Link").input_value()
        assert page.evaluate("Object.keys(localStorage).filter(name => name.includes('shared'))") == []
        lists = httpx2.get(f"{url}/v1/users/una/shared").json()["lists"]
        assert [each["share"] for each in lists] == [link.partition("list=")[2]]
        dialog.get_by_role("button", name="Revoke").click()
        expect(dialog.get_by_role("status")).to_have_text("The link is revoked.")
        assert httpx2.get(f"{url}/v1/users/una/shared").json()["lists"] == []
