"""Tests of a newcomer's start: films to tap, and questions by region of taste."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from chromium import CHROMIUM, MISSING
from page_world import PageVisit, open_visit
from waiting import wait_for

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


def ratings(visit: PageVisit) -> list[float]:
    """Return the ratings in the browser, in the order in which they were given."""
    return [row["rating"] for row in visit.kept().get("ratings", [])]


def titles(page: Page) -> list[str]:
    """Return the titles of the films asked about."""
    return page.locator(".question .card h3").all_inner_texts()


def test_six_taps_lead_to_a_list(visit: PageVisit) -> None:
    """Five films and "Show my films". A tap gives 4 of 5 stars, a second one 5, a third one none; or exact stars."""
    visit.open()
    page, taps = visit.page, visit.page.locator(".tile-tap")
    expect(taps).to_have_count(24)
    ready = page.get_by_role("button", name="Show my films")
    expect(ready).to_be_disabled()
    for at in range(5):
        taps.nth(at).click()
        expect(taps.nth(at)).to_have_attribute("aria-pressed", "true")
    assert ratings(visit) == [4] * 5
    expect(page.locator(".start-words")).to_have_text("5 films: your list is ready")
    expect(taps.nth(0)).to_have_accessible_name(re.compile(": Liked$"))
    taps.nth(0).click()
    expect(taps.nth(0)).to_have_accessible_name(re.compile(": Loved$"))
    assert sorted(ratings(visit)) == [4, 4, 4, 4, 5]
    taps.nth(0).click()
    expect(taps.nth(0)).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".start-words")).to_have_text("4 of 5")
    page.get_by_role("button", name=re.compile("^Rate more exactly")).first.click()
    page.get_by_role("dialog").get_by_role("radio", name="1.5 of 5", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(taps.nth(1)).to_have_accessible_name(re.compile(": 1.5 stars$"))
    ready.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")
    visit.settle()
    expect(page.locator(".lead").first).to_have_text("Based on 4 ratings")
    assert not {str(row["movie"]) for row in visit.kept()["ratings"]} & set(visit.movies())
    page.get_by_role("link", name="Tap more films").click()
    expect(page.locator(".tile-tap[aria-pressed=true]")).to_have_count(4)


def test_others_are_appended_and_the_keyboard_is_enough(browser: Browser, url: str) -> None:
    """The grid is one tab stop on a phone too; its targets have 44 px; "Show others" focuses the first new film."""
    with open_visit(browser, url, viewport={"width": 360, "height": 780}, has_touch=True) as visit:
        page, taps = visit.page, visit.page.locator(".tile-tap")
        visit.open("/?view=start")
        expect(taps).to_have_count(24)
        taps.nth(0).focus()
        page.keyboard.press("ArrowRight")
        expect(taps.nth(1)).to_be_focused()
        page.keyboard.press("Enter")
        assert ratings(visit) == [4]
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("button", name=re.compile("^Rate more exactly"))).to_be_focused()
        page.keyboard.press("Tab")
        others = page.get_by_role("button", name="Show others")
        expect(others).to_be_focused()
        small = "all => all.filter(b => b.offsetParent && Math.min(b.offsetWidth, b.offsetHeight) < 44).map(b => b.id)"
        assert page.locator("main button, main a").evaluate_all(small) == []
        page.keyboard.press("Enter")
        expect(taps).to_have_count(41)
        expect(taps.nth(24)).to_be_focused()
        movies = page.locator(".tile").evaluate_all("all => all.map(tile => tile.dataset.movie)")
        assert len(set(movies)) == 41
        expect(others).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_questions_lead_to_a_list(visit: PageVisit) -> None:
    """The list is shown after three ratings. Films left count as not seen, no film comes twice; it can be undone."""
    page, heading = visit.page, visit.page.locator(".question h2")
    visit.open("/?view=questions")
    expect(page.locator(".question .card")).to_have_count(6)
    first = titles(page)
    expect(heading).to_contain_text(re.compile("comedy|horror", re.IGNORECASE))
    page.get_by_role("button", name="None of these").click()
    expect(page.locator("#toast")).to_contain_text("6 films not seen.")
    wait_for(lambda: not set(titles(page)) & set(first))
    second = titles(page)
    page.reload()
    visit.settle()
    assert titles(page) == second, "films not seen aren't asked about after a reload"
    for at, stars in enumerate(("4", "1.5", "5")):
        expect(page.get_by_role("heading", name="Your list so far")).to_have_count(0)
        page.locator(".question .card").nth(at).get_by_role("radio", name=f"{stars} of 5", exact=True).click()
    expect(page.get_by_role("heading", name="Your list so far")).to_be_visible()
    expect(page.locator(".so-far .card")).to_have_count(6)
    page.get_by_role("button", name="Next films").click()
    expect(page.locator("#toast")).to_contain_text("3 films not seen.")
    wait_for(lambda: not set(titles(page)) & {*first, *second})
    with page.expect_request("**/v1/questions") as asked:
        page.get_by_role("button", name="None of these").click()
    assert len(asked.value.post_data_json["unseen"]) == 6 + 3 + 6
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Films before").click()
    wait_for(lambda: titles(page) == second)
    with page.expect_request("**/v1/questions") as asked:
        page.get_by_role("button", name="Next films").click()
    assert len(asked.value.post_data_json["unseen"]) == 6 + 3


def test_a_late_question_does_not_replace_a_newer_one(visit: PageVisit) -> None:
    """The response to the last request stays, in whatever order they arrive."""
    page, pending = visit.page, list[Route]()
    visit.open("/?view=questions")
    first = titles(page)
    page.route("**/v1/questions", lambda route: pending.append(route), times=1)
    page.get_by_role("button", name="None of these").click()
    wait_for(lambda: bool(pending))
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="None of these").click()
    wait_for(lambda: not set(titles(page)) & set(first))
    after = titles(page)
    pending[0].fulfill(json={"items": [], "region": "", "years": None, "asked": 0, "model_version": ""})
    visit.settle()
    assert titles(page) == after
