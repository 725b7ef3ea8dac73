"""Signing in on the page: by an invitation, by name and password, in two tabs, and out again."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from cinematrix.service import passwords
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from cinematrix.store.sign_ins import invite, list_sign_ins
from page_checks import find_violations
from page_world import open_visit, run_service

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store of the service."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('sign-in')}/store.db")
    yield store
    store.close()


@pytest.fixture(scope="module")
def key(store: Store) -> str:
    """An admin key."""
    return create_key(store, "admin")


@pytest.fixture(scope="module")
def url(page_model: Path, store: Store, key: str) -> Iterator[str]:
    """Address of a public page, whose server hashes with a thousandth of the costs."""
    settings = ServiceSettings(page_model, f"sqlite:///{store.engine.url.database}", public=True, sign_ins=1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "MEMORY_KIB", 64)
        for cached in (passwords._hasher, passwords._decoy):
            cached.cache_clear()
        with run_service(settings) as url:
            yield url
    for cached in (passwords._hasher, passwords._decoy):
        cached.cache_clear()


def test_a_household_member_signs_in(browser: Browser, url: str, store: Store, key: str) -> None:
    """Nothing of it is drawn before anybody can. The operator invites; films rated before join; two tabs follow."""
    films = httpx2.get(f"{url}/v1/movies", params={"query": "funny", "n": 2}).json()["items"]
    with open_visit(browser, url) as visit:
        page = visit.page
        visit.open()
        expect(page.locator("a.session")).to_be_hidden()
        assert page.evaluate("localStorage.getItem('cinematrix-sign-in')") is None
        page.evaluate(
            "rows => localStorage.setItem('cinematrix-history', JSON.stringify({ratings: rows}))",
            [film | {"rating": 4, "time": 1_700_000_000} for film in films],
        )

        page.evaluate("key => sessionStorage.setItem('cinematrix-key', key)", key)
        visit.open("/?view=operator")
        people = page.locator(".people")
        people.get_by_label("Name").fill("Anna")
        people.get_by_role("button", name="Invite").click()
        link = people.get_by_label("The link of Anna").input_value()
        expect(people.locator("li")).to_contain_text("has no password yet · invited until")
        assert find_violations(page) == []
        page.evaluate("sessionStorage.clear()")

        page.goto("about:blank")
        page.goto(link)
        expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, Anna")
        assert "cmi_" not in page.url
        assert find_violations(page) == []
        page.get_by_label("New password").fill("anna")
        page.get_by_role("button", name="Open my account").click()
        assert page.evaluate("document.querySelector('#account-new-password').validity.tooShort")
        page.get_by_label("New password").fill(PASSWORD)
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("You have 2 films here")
        assert find_violations(page) == []
        dialog.get_by_role("button", name="Add them").click()
        expect(page.locator("#toast")).to_have_text("2 films joined your account.")
        expect(page.locator("#foot")).to_contain_text("in the account “Anna”")
        visit.settle()
        expect(page.get_by_role("link", name="Signed in as Anna")).to_be_visible()
        assert visit.kept() == {}
        assert len(store.person("Anna").ratings) == 2
        assert page.evaluate("document.cookie") == ""

        other = visit.context.new_page()
        other.goto(url)
        expect(other.locator("#foot")).to_contain_text("in the account “Anna”")
        other.locator(".feature").get_by_role("radio", name="4 of 5", exact=True).click()
        expect(other.locator("#toast")).to_contain_text("4 stars")
        other.wait_for_load_state("networkidle")
        page.get_by_role("link", name="Signed in as Anna").click()
        visit.settle()
        assert find_violations(page) == []
        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page.get_by_label("Name", exact=True)).to_be_visible()
        expect(other.locator("#foot")).to_contain_text("Your ratings stay in this browser")
        expect(other.get_by_role("link", name="Sign in")).to_be_visible()
        assert len(store.person("Anna").ratings) == 3
        assert list_sign_ins(store, 1)[0].sessions == 0

        page.goto("about:blank")
        page.goto(link)
        expect(page.get_by_role("main")).to_contain_text("This invitation has expired, was used, or was replaced")
        page.get_by_role("link", name="Sign in").click()
        expect(page.get_by_label("Name", exact=True)).to_be_visible()
        assert find_violations(page) == []
        page.get_by_label("Name", exact=True).fill("ANNA")
        page.get_by_label("Password").fill("wrong horse")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
        expect(page.get_by_label("Password")).to_be_focused()
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("#foot")).to_contain_text("in the account “Anna”")
        expect(other.locator("#foot")).to_contain_text("in the account “Anna”")
        other.close()
        visit.errors[:] = [error for error in visit.errors if not {"401", "404"} & set(error.split())]


def test_a_session_that_ended_is_said(browser: Browser, url: str, store: Store) -> None:
    """The page goes on without it. The password is changed, and the account deleted, with what opens it."""
    secret = invite(store, "ben", 60).secret
    with open_visit(browser, url, viewport={"width": 360, "height": 780}, has_touch=True) as visit:
        page = visit.page
        visit.open(f"/?view=signin#invitation={secret}")
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("Show it").check()
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Open my account").click()
        expect(page.locator("#foot")).to_contain_text("in the account “ben”")
        visit.open("/?view=signin")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_label("Current password").fill("wrong horse")
        page.get_by_label("New password").fill("another horse")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("The current password is wrong.")
        expect(page.get_by_label("Current password")).to_be_focused()
        page.get_by_label("Current password").fill(PASSWORD)
        page.get_by_label("New password").fill("another horse")
        page.get_by_role("button", name="Change it").click()
        expect(page.locator("#toast")).to_have_text("Your password is changed.")

        (cookie,) = visit.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        headers = {"Cookie": f"{cookie['name']}={cookie['value']}", "Origin": url}
        assert httpx2.delete(f"{url}/v1/session?everywhere=true", headers=headers).status_code == 204
        visit.open()
        expect(page.locator("#banner")).to_contain_text("You are signed out: the session has ended")
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("Name", exact=True).fill("ben")
        page.get_by_label("Password").fill("another horse")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#foot")).to_contain_text("in the account “ben”")
        visit.open("/?view=profile")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.get_by_role("button", name="Delete everything").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
        expect(page.get_by_text("All your data is deleted.")).to_be_visible()
        expect(page.locator("#foot")).to_contain_text("Your ratings stay in this browser")
        assert "ben" not in {each.user for each in list_sign_ins(store, 9)}
        assert json.loads(page.evaluate("localStorage.getItem('cinematrix-sign-in')"))["user"] is None
        visit.errors[:] = [error for error in visit.errors if not {"401", "403"} & set(error.split())]
