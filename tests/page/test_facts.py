"""Filters by running time, language and streaming service, and people in the search, with facts from a fake TMDB."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.service.settings import PosterSettings, ServiceSettings
from page_checks import find_invisible, find_violations
from page_world import HISTORY_KEY, PageVisit, open_visit, run_service
from places import ROOT
from tmdb_world import KEY, fake_tmdb, save_numbered_model
from waiting import wait_for

sys.path.insert(0, str(ROOT / "benchmarks"))
from page_feel import SHIFTS

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture
def known_visit(browser: Browser, tmp_path: Path, world: tuple[Ratings, Catalog]) -> Iterator[PageVisit]:
    """Visit with two ratings of a service that knows facts of 35 of 41 films: nine are short, French, and at MUBI.

    In Germany these nine are for children from six, and the next 21 from sixteen.
    """
    model, store = save_numbered_model(tmp_path / "model", *world), f"sqlite:///{tmp_path}/store.db"
    with fake_tmdb() as tmdb:
        for number in range(1, 36):
            short, stream = number < 10, {"flatrate": [{"provider_name": "MUBI" if number < 10 else "Netflix"}]}
            age = {"iso_3166_1": "DE", "release_dates": [{"type": 3, "certification": "6" if number < 10 else "16"}]}
            director = {"job": "Director", "name": "Agnès Varda" if short else "Somebody Else"}
            tmdb.details(
                str(number), runtime=85 if short else 150, original_language="fr" if short else "ru",
                original_title="七人の侍" if number == 20 else None, credits={"crew": [director], "cast": []},
                release_dates={"results": [age] if number < 31 else []},
                **{"watch/providers": {"results": {"DE": stream}}},
            )  # fmt: skip
        posters = PosterSettings(KEY, tmp_path / "tmdb", api=tmdb.url, images=tmdb.url, facts_rate=2400)
        with run_service(ServiceSettings(model, store, posters=posters)) as url:
            wait_for(lambda: httpx2.get(f"{url}/v1/facts").json()["runtime"] == 35)
            with open_visit(browser, url, locale="en-DE") as visit:
                movies = world[1].movies.ids.tolist()
                rated = [
                    {"movie": movies[at], "title": "Seen", "genres": [], "rating": 4, "time": 1} for at in (36, 37)
                ]
                stored = json.dumps(json.dumps({"ratings": rated, "hidden": []}))
                key = json.dumps(HISTORY_KEY)
                visit.context.add_init_script(f"localStorage.getItem({key}) ?? localStorage.setItem({key}, {stored})")
                yield visit
                visit.errors[:] = [error for error in visit.errors if "404" not in error]


def test_lists_are_filtered_by_facts_and_people_are_found(
    known_visit: PageVisit, world: tuple[Ratings, Catalog]
) -> None:
    """Filters say what they leave out, stay in the address, and hold for the watchlist; people have their films."""
    visit, page, movies = known_visit, known_visit.page, list(map(str, world[1].movies.ids.tolist()))
    visit.context.add_init_script(SHIFTS)
    visit.open()
    page.get_by_text("Filters").click()
    dials = page.locator(".dials")
    expect(dials.get_by_label("Running time")).to_contain_text("any length")
    expect(dials.get_by_label("Language")).to_contain_text("Russian (26)")
    expect(dials).to_contain_text("Leaves out 6 films without data.")
    expect(dials.get_by_role("link", name="JustWatch")).to_be_visible()
    dials.get_by_label("Streaming service", exact=True).select_option("MUBI")
    dials.get_by_label("Running time").select_option("90")
    expect(page).to_have_url(re.compile(r"runtime=90.*service=DE\+MUBI|service=DE\+MUBI.*runtime=90"))
    wait_for(lambda: (shown := {*visit.movies()}) and shown <= {*movies[:9]})
    assert find_violations(page) == []
    assert find_invisible(page) == []
    page.reload()
    visit.settle()
    expect(dials.get_by_label("Streaming service", exact=True)).to_have_value("MUBI")
    expect(dials.locator(".count")).to_have_text("2")
    assert {*visit.movies()} <= {*movies[:9]}
    assert page.evaluate("window.shifted") <= 0.05
    dials.get_by_label("Running time").select_option("80")
    expect(page.get_by_role("heading", name="No film matches")).to_be_visible()
    check_people(visit, movies)
    check_watchlist(visit, movies)
    check_limit(visit, movies)
    check_offer(visit, movies)


def check_watchlist(visit: PageVisit, movies: list[str]) -> None:
    """Check the filters on a watchlist of a short film and of one whose running time isn't known."""
    films = [{"movie": int(movies[at]), "title": f"Film {at}", "genres": [], "time": 1} for at in (0, 38)]
    stored = json.dumps({"ratings": [], "hidden": [], "watchlist": films})
    visit.page.evaluate(f"text => localStorage.setItem('{HISTORY_KEY}', text)", stored)
    visit.open("/?view=watchlist&runtime=90")
    expect(visit.page.locator(".watchlist .card")).to_have_count(1)
    assert visit.movies() == movies[:1]
    visit.page.get_by_label("Running time").select_option("")
    expect(visit.page.locator(".watchlist .card")).to_have_count(2)


def follow(visit: PageVisit, path: str) -> None:
    """Follow a link inside the page, which doesn't load anew."""
    visit.page.evaluate(
        "path => { const a = document.createElement('a'); a.href = path; document.body.append(a); a.click(); }", path
    )
    visit.settle()


def check_people(visit: PageVisit, movies: list[str]) -> None:
    """Check that a person is found in the search field and as a link, with their films; and an original title."""
    page = visit.page
    field = page.locator("#tools").get_by_role("combobox")
    field.fill("films by agnes varda")
    page.get_by_role("option", name="Agnès Varda").click()
    expect(page.get_by_role("heading", level=2, name="Films by or with Agnès Varda")).to_be_visible()
    expect(page.locator(".card[data-movie]")).to_have_count(9)
    assert {*visit.movies()} == {*movies[:9]}
    assert find_violations(page) == []
    follow(visit, "/?view=search&query=varda")
    page.locator(".people-found").get_by_role("link", name="Agnès Varda directed 9 films").click()
    expect(page.locator(".card[data-movie]")).to_have_count(9)
    follow(visit, "/?view=search&query=七人の侍")
    expect(page.locator(".card[data-movie]").first).to_have_attribute("data-movie", movies[19])
    follow(visit, f"/?view=film&movie={movies[0]}")
    page.locator(".about").get_by_role("link", name="Agnès Varda").click()
    expect(page.locator(".card[data-movie]")).to_have_count(9)
    follow(visit, "/?view=search&person=Nobody")
    expect(page.get_by_role("heading", name="No films are known")).to_be_visible()


def check_limit(visit: PageVisit, movies: list[str]) -> None:
    """Check that a child's profile sees no film above its age, and none whose certification isn't known, anywhere."""
    page = visit.page
    films = [{"movie": int(movies[at]), "title": f"Film {at}", "genres": [], "time": 1} for at in (0, 12, 38)]
    page.evaluate(
        "text => localStorage.setItem('cinematrix-history-2', text)", json.dumps({"ratings": [], "watchlist": films})
    )
    visit.open("/?view=profile")
    page.get_by_label("Name of the new profile").fill("Ben")
    page.get_by_role("button", name="Add a profile").click()
    ben = page.locator("[data-profile='2']")
    visit.settle()
    ben.locator("summary").click()
    ben.get_by_label("Up to age").select_option("12")
    expect(ben.locator("summary")).to_contain_text("up to age 12")
    visit.open("/?view=profile")
    ben.locator("summary").click()
    expect(ben.get_by_label("Up to age")).to_have_value("12")
    expect(ben).to_contain_text("11 films without a known certification are hidden then.")
    assert find_violations(page) == []
    ben.get_by_role("button", name="Switch to Ben").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What will you watch tonight?")
    visit.settle()
    allowed, shown = {*movies[:9]}, "all => all.map(each => each.dataset.movie)"
    expect(page.locator(".tile[data-movie]").first).to_be_visible()
    for cards in (".tile[data-movie]", ".card[data-movie]"):
        ids = page.locator(cards).evaluate_all(shown)
        assert ids
        assert {*ids} <= allowed
    page.locator("#tools").get_by_role("combobox").fill("七人の侍")
    expect(page.locator("#tools").get_by_text("No film found")).to_be_visible()
    shared = {"name": "", "note": "", "expires": 1, "films": films}
    model = httpx2.get(f"{visit.url}/v1/model").json() | {"map": True}
    page.route("**/v1/model", lambda route: route.fulfill(json=model))
    visit.open("/?view=map")
    expect(page.locator("main")).to_contain_text("No map for this profile")
    page.route("**/v1/shared/*", lambda route: route.fulfill(json=shared))
    for path, ids in (("?view=watchlist", movies[:1]), ("?view=shared&list=a", movies[:1]), ("?view=questions", None)):
        follow(visit, f"/{path}")
        expect(page.locator("main .card[data-movie]").first).to_be_visible()
        assert visit.movies() == ids if ids else {*visit.movies()} <= allowed
    for path, words in (
        (f"?view=film&movie={movies[12]}", "outside the limit"),
        (f"?view=film&movie={movies[38]}", "The certification of this film isn’t known"),
        ("?view=search&query=七人の侍", "No film by that name"),
        ("?view=search&person=Somebody Else", "No films are known"),
    ):
        follow(visit, f"/{path}")
        expect(page.locator("main")).to_contain_text(words)
    follow(visit, f"/?view=film&movie={movies[0]}")
    expect(page.locator(".about")).to_contain_text("6 (Germany)")
    follow(visit, "/?view=together")
    page.get_by_role("button", name="Add Me").click()
    expect(page.locator(".group-film").first).to_be_visible()
    assert {*page.locator(".group-film").evaluate_all(shown)} <= allowed
    follow(visit, "/")
    other = visit.context.new_page()  # the parent changes the limit in another tab
    other.goto(f"{visit.url}/?view=profile")
    bens = other.locator("[data-profile='2']")
    bens.locator("summary").click()
    bens.get_by_label("Up to age").select_option("0")
    expect(page.get_by_role("heading", name="No film matches")).to_be_visible()
    bens.get_by_label("Up to age").select_option("")
    expect(page.locator(".card[data-movie]").first).to_be_visible()
    visit.settle()
    assert not {*visit.movies()} <= allowed
    other.locator("[data-profile='1']").get_by_role("button", name="Switch to Me").click()
    other.close()


def check_offer(visit: PageVisit, movies: list[str]) -> None:
    """Check that a filter isn't drawn with the fact of less than half of the films; one in the address is dropped."""
    page = visit.page
    known = {"movies": 41, "runtime": 21, "language": 20, "services": 0, "certification": 20}
    blank: dict[str, Any] = {"languages": [], "countries": [], "streaming": [], "attribution": None}
    page.route("**/v1/facts*", lambda route: route.fulfill(json=known | blank))
    visit.open("/?language=fr")
    page.get_by_text("Filters").click()
    expect(page.get_by_label("Running time")).to_be_visible()
    expect(page.locator(".fact-filters > *")).to_have_count(1)
    expect(page.locator(".dials .count")).to_have_text("")
    assert not {*visit.movies()} <= {*movies[:9]}
