"""Tests of the people of a household, and of the file of a whole history, on the page."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from chromium import CHROMIUM, MISSING
from page_checks import find_violations
from page_world import PageVisit, open_visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

Film = dict[str, Any]


@pytest.fixture(scope="module")
def films(url: str) -> list[Film]:
    """Comedies and horror movies from a search."""
    found: list[Film] = []
    for query in ("funny", "scary"):
        found += httpx2.get(f"{url}/v1/movies", params={"query": query, "n": 6}).json()["items"]
    return found


def store(page: Page, name: str, value: Any) -> None:
    """Store a value in the browser."""
    page.evaluate("([name, value]) => localStorage.setItem(name, JSON.stringify(value))", [name, value])


def test_a_family_shares_a_browser(browser: Browser, url: str, films: list[Film]) -> None:
    """The first history is the first profile's. Two taps switch; a child's limit holds in every view; each stays apart.

    Together picks from the profiles, keeps everybody's limit, has the filters, and is in the order of the stars shown.
    """
    phone = {"viewport": {"width": 360, "height": 780}, "has_touch": True}
    with open_visit(browser, url, **phone) as visit:
        page = visit.page
        visit.open()
        store(page, "cinematrix-history", {"ratings": [films[6] | {"rating": 5, "time": 1}]})
        visit.open("/?view=profile")
        expect(page.locator(".who")).to_be_hidden()
        page.get_by_label("Name of the new profile").fill("Ben")
        page.get_by_role("button", name="Add a profile").click()
        ben = page.locator("[data-profile='2']")
        ben.locator("summary").click()
        ben.get_by_role("button", name="Horror: with or without").click()
        ben.get_by_role("button", name="Horror: only with it").click()
        expect(ben.locator("summary")).to_contain_text("no Horror")
        assert find_violations(page) == []
        page.locator(".who").click()
        assert find_violations(page) == []
        page.get_by_role("dialog").get_by_role("button", name="Ben").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What will you watch tonight?")
        visit.settle()
        assert page.locator(".card .facts").filter(has_text="Horror").count() == 0
        assert visit.movies()
        stored = page.evaluate("JSON.parse(localStorage['cinematrix-history-2'] ?? '{}')")
        store(
            page, "cinematrix-history-2", stored | {"watchlist": [film | {"time": 1} for film in (films[0], films[6])]}
        )
        visit.open("/?view=watchlist")
        assert visit.movies() == [str(films[0]["movie"])]
        visit.open()
        card = page.locator(".feature")
        mine = card.get_attribute("data-movie")
        card.get_by_role("radio", name="4 of 5", exact=True).click()
        visit.settle()
        for path, words in (
            (f"/?view=film&movie={films[6]['movie']}", "outside the limit"),
            ("/?view=search&query=scary", "No film by that name"),
            ("/?view=map", "No map for this profile"),
        ):
            visit.open(path)
            expect(page.locator("main")).to_contain_text(words)
        history = page.evaluate(
            "Object.entries(localStorage).filter(([name]) => name.startsWith('cinematrix-history'))"
        )
        rated = {name: [str(row["movie"]) for row in json.loads(text)["ratings"]] for name, text in history}
        assert rated == {"cinematrix-history": [str(films[6]["movie"])], "cinematrix-history-2": [mine]}
        visit.open("/?view=together")
        page.get_by_role("button", name="Add Me").click()
        expect(page.locator(".people-here li")).to_have_text(["Ben1 film", "Me1 film"])
        expect(page.locator(".group-film").first).to_be_visible()
        assert page.locator(".group-film .facts").filter(has_text="Horror").count() == 0
        page.get_by_text("Filters").click()
        page.get_by_label("From", exact=True).fill("1990")
        visit.settle()
        expect(page.locator(".group-film").first).to_be_visible()
        shown = page.locator(".group-score .expected-stars").all_inner_texts()
        assert shown == sorted(shown, key=float, reverse=True)
        assert find_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        small = "all => all.filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
        visit.open("/?view=profile")
        assert page.locator(".household :is(button, input, summary), .who, .yours button").evaluate_all(small) == []
        page.get_by_role("button", name="Delete everything").click()
        expect(page.get_by_role("dialog")).to_contain_text("The profile “\u2068Ben\u2069” is deleted")
        page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
        expect(page.locator(".who")).to_be_hidden()
        assert [str(row["movie"]) for row in visit.kept()["ratings"]] == [str(films[6]["movie"])]
        names = page.evaluate("Object.keys(localStorage)")
        assert not [name for name in names if name.endswith("-2")]


def saved_file(visit: PageVisit) -> bytes:
    """Save the history by the button in the profile."""
    visit.open("/?view=profile")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Save my history").click()
    return Path(download.value.path()).read_bytes()


def import_file(visit: PageVisit, content: bytes) -> None:
    """Import a file in the browser. The view shows the result of the import before, which isn't waited for."""
    visit.open("/?view=bring")
    visit.page.evaluate("document.querySelector('.result')?.remove()")
    visit.page.set_input_files("#file", [{"name": "h.json", "mimeType": "application/json", "buffer": content}])
    visit.page.locator(".result").wait_for()


def parts_of(page: Page) -> dict[str, Any]:
    """Return the stored history as sorted rows by part, and the unmatched films."""
    stored: dict[str, Any] = page.evaluate(
        "['history', 'unmatched'].map(name => JSON.parse(localStorage.getItem(`cinematrix-${name}`)))"
    )
    history, unmatched = stored
    fields = ("movie", "title", "year", "genres", "rating", "kind", "time", "undated")
    parts = {
        part: sorted(({name: row.get(name) for name in fields} for row in (history or {}).get(part, [])), key=str)
        for part in ("ratings", "gone", "hidden", "watchlist", "likes")
    }
    return parts | {"unmatched": sorted(unmatched or [], key=str)}


ROW = st.fixed_dictionaries({"at": st.integers(0, 11), "time": st.integers(1, 2**31), "halves": st.integers(1, 10)})
HISTORY = st.fixed_dictionaries(
    {
        **{
            part: st.lists(ROW, max_size=6, unique_by=lambda row: row["at"])
            for part in ("stars", "hidden", "watchlist")
        },
        "likes": st.lists(ROW, max_size=3, unique_by=lambda row: row["at"]),
        "flags": st.lists(st.booleans(), min_size=12, max_size=12),
    }
)


def test_any_history_survives_the_way_to_another_browser(browser: Browser, url: str, films: list[Film]) -> None:
    """Ratings, deleted ratings, undated ratings, marks and unmatched films come back exactly from the file.

    A newer file is merged by the newest time; a damaged one is refused in one sentence.
    """
    lost = {
        "film": "a" * 24, "kind": "rating", "title": "No Such Film", "year": 1931, "imdb": 77, "tmdb": None,
        "movie": None, "rating": 3.5, "time": None, "source": "letterboxd",
    }  # fmt: skip
    with open_visit(browser, url) as visit:
        page = visit.page
        visit.open("/?view=bring")

        @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
        @given(history=HISTORY)
        def check(history: dict[str, Any]) -> None:
            flags = history["flags"]
            rows = {
                part: [films[row["at"]] | row for row in history[part]]
                for part in ("stars", "hidden", "watchlist", "likes")
            }
            stored = {
                "ratings": [
                    row | {"rating": row["halves"] / 2} | ({"undated": "csv"} if row["halves"] == 3 else {})
                    for row in rows["stars"]
                    if flags[row["at"]]
                ],
                "gone": [row for row in rows["stars"] if not flags[row["at"]]],
                "hidden": [row | {"kind": "seen" if flags[row["at"]] else "not_interested"} for row in rows["hidden"]],
                "watchlist": rows["watchlist"],
                "likes": rows["likes"],
            }
            page.evaluate("localStorage.clear()")
            store(page, "cinematrix-history", stored)
            store(page, "cinematrix-unmatched", [lost])
            content = saved_file(visit)
            before = parts_of(page)
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
            import_file(visit, content)
            after = parts_of(page)
            for row in (*before["unmatched"], *after["unmatched"]):
                row.pop("film")
            assert after == before

        check()
        one, two = films[:2]
        page.evaluate("localStorage.clear()")
        store(
            page, "cinematrix-history", {"ratings": [one | {"rating": 2, "time": 50}, two | {"rating": 2, "time": 50}]}
        )
        file = {"format": "cinematrix-history", "version": 1, "scale": {"low": 0.5, "high": 5, "step": 0.5}}
        older, newer = ({"kind": "rating", "movie": film["movie"], "title": film["title"], "year": film["year"],
                         "rating": 5, "time": time} for film, time in ((one, 40), (two, 60)))  # fmt: skip
        import_file(visit, json.dumps(file | {"films": [older, newer]}).encode())
        assert [row["rating"] for row in visit.kept()["ratings"]] == [2, 5]
        import_file(visit, saved_file(visit))
        expect(page.get_by_role("heading", name="Nothing new")).to_be_visible()
        page.set_input_files(
            "#file", [{"name": "h.json", "mimeType": "text/json", "buffer": json.dumps(file | {"version": 9}).encode()}]
        )
        expect(page.get_by_role("alert")).to_contain_text("has version 9 and this Cinematrix reads 1; upgrade it")
        visit.errors[:] = [error for error in visit.errors if "422" not in error]


def test_films_that_the_catalog_lacked_are_added_when_it_has_them(
    browser: Browser, url: str, films: list[Film]
) -> None:
    """An import keeps them; a model with another version matches them again and says so; one can be forgotten."""
    table = "Date,Name,Year,Letterboxd URI,Rating\n2024-01-05,No Such Film,1931,u,4\n2024-01-05,Nor This,1932,u,2\n"
    with open_visit(browser, url) as visit:
        page = visit.page
        import_file(visit, table.encode())
        kept = page.evaluate("JSON.parse(localStorage.getItem('cinematrix-unmatched'))")
        assert [(film["title"], film["year"], film["rating"]) for film in kept] == [
            ("No Such Film", 1931, 4), ("Nor This", 1932, 2)
        ]  # fmt: skip
        visit.open("/?view=profile")
        page.get_by_text("Not in the catalog yet: 2 films").click()
        page.get_by_role("button", name="Forget: Nor This").click()
        expect(page.get_by_text("Not in the catalog yet: 1 film")).to_be_visible()
        found = {name: films[0][name] for name in ("title", "year")}  # as if the catalog had the film now
        store(page, "cinematrix-unmatched", [kept[0] | found])
        store(page, "cinematrix-matched", "an older version")
        visit.open()
        expect(page.locator("#toast")).to_contain_text("from your imports is in the catalog now")
        assert [(row["movie"], row["rating"], row["time"]) for row in visit.kept()["ratings"]] == [
            (films[0]["movie"], 4, 1704412800)
        ]
        assert page.evaluate("localStorage.getItem('cinematrix-unmatched')") is None
