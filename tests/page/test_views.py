"""Tests of the map, the profile, posters and groups."""

import json
import math
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from chromium import CHROMIUM, MISSING
from page_checks import find_violations
from page_world import HISTORY_KEY, PageVisit, open_visit
from waiting import wait_for

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture(scope="module")
def films(url: str) -> list[dict[str, Any]]:
    """Comedies from a search."""
    response: list[dict[str, Any]] = httpx2.get(f"{url}/v1/movies", params={"query": "funny", "n": 8}).json()["items"]
    return response


@pytest.fixture
def rated_visit(browser: Browser, url: str, films: list[dict[str, Any]]) -> Iterator[PageVisit]:
    """Visit of a user with six rated comedies in this browser."""
    with open_visit(browser, url) as visit:
        rated = [film | {"rating": 5 - at / 2, "time": at} for at, film in enumerate(films[:6])]
        text = json.dumps(json.dumps({"ratings": rated, "hidden": []}))
        visit.context.add_init_script(
            f"localStorage.getItem('{HISTORY_KEY}') ?? localStorage.setItem('{HISTORY_KEY}', {text})"
        )
        yield visit


def test_the_map_moves_by_keys_and_opens_films_from_its_list(rated_visit: PageVisit) -> None:
    """Visible films are listed as links. A searched film is in the centre, and a click there opens it."""
    page = rated_visit.page
    rated_visit.open("/?view=map")
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


class Map:
    """The map's canvas, centred on one film."""

    def __init__(self, visit: PageVisit, film: str) -> None:
        self.page, self.film = visit.page, film
        visit.open("/?view=map")
        self.page.locator("main").get_by_role("combobox").fill(film)
        self.page.locator("main").get_by_role("option").first.click()
        self.page.locator("canvas.map").scroll_into_view_if_needed()
        box = self.page.locator("canvas.map").bounding_box()
        assert box is not None
        self.x, self.y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.session = visit.context.new_cdp_session(self.page)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return a position in the window, relative to the centre of the map."""
        return self.x + x, self.y + y

    def expect_film_at(self, x: float, y: float) -> None:
        """Check that the film is under the pointer there, and nothing far below it."""
        tip = self.page.locator(".map-tip:not([hidden])").filter(has_text=self.film)
        for down, shown in ((40, 0), (0, 1)):
            self.page.mouse.move(*self.at(x, y + down))
            expect(tip).to_have_count(shown)

    def use_fingers(self, *moves: list[tuple[float, float]]) -> None:
        """Put fingers down at the first positions, move them through the others, and lift them one by one."""
        for kind, points in (("touchStart", moves[0]), *(("touchMove", points) for points in moves[1:])):
            self._send(kind, points)
        for left in range(len(moves[-1]) - 1, -1, -1):
            self._send("touchEnd", moves[-1][:left])

    def _send(self, kind: str, points: list[tuple[float, float]]) -> None:
        places = [dict(zip("xy", self.at(*point), strict=True)) | {"id": at} for at, point in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def test_one_is_written_in_the_singular(rated_visit: PageVisit) -> None:
    """One film found; one rating of a film on the map."""
    page, solo = rated_visit.page, {"movie": 1, "title": "Solo", "year": 2018, "genres": []}
    response: dict[str, Any] = {"items": [solo], "people": []}
    page.route("**/v1/movies?*", lambda route: route.fulfill(json=response))
    points = {
        "movies": [1],
        "titles": ["Solo"],
        "years": [2018],
        "x": [0.5],
        "y": [0.5],
        "genre": [0],
        "genres": ["Drama"],
    }
    page.route("**/v1/map", lambda route: route.fulfill(json=points | {"ratings": [1]}))
    rated_visit.open("/?view=map")
    box = page.locator("canvas.map").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".map-tip")).to_contain_text("2018 · Drama · 1 rating")
    expect(page.locator(".map-tip")).not_to_contain_text("ratings")
    page.locator("#tools input").fill("solo")
    expect(page.locator("#tools [role=status]")).to_have_text("1 film found")


def test_a_poster_cuts_a_title_after_three_lines(rated_visit: PageVisit) -> None:
    """Three lines are shown, with only the background below."""
    page, title = rated_visit.page, "Hhhhhhhhhh hhhhhhhhhh Hhhhhhhhhh hhhhhhhhhh"
    response = {"items": [{"movie": 1, "title": title, "year": 2018, "genres": []}], "people": []}
    page.route("**/v1/movies/search", lambda route: route.fulfill(json=response))
    rated_visit.open("/?view=search&query=h")
    shown = page.locator(".poster-title")
    lines = shown.evaluate("(shown) => shown.scrollHeight / parseFloat(getComputedStyle(shown).lineHeight)")
    assert lines > 3.5
    picture = np.asarray(Image.open(BytesIO(shown.screenshot())).convert("L"), float)
    assert np.ptp(picture[: len(picture) // 3]) > 50
    assert np.ptp(picture[-int(0.05 * len(picture)) - 1 :]) < 10


def test_a_reason_says_what_two_films_share(rated_visit: PageVisit, films: list[dict[str, Any]]) -> None:
    """One sentence without percentages; other titles are left out, and a film of the same title has its year."""
    page = rated_visit.page
    facts = {"genres": ["Film-Noir", "Drama"], "tags": ["Film noir", "twist"], "decade": 1960}
    psycho = {"movie": 7, "title": "Psycho", "year": 1960, "rating": 4.5, "shared": facts}
    nothing = {"genres": [], "tags": [], "decade": None}
    seven = {"movie": 8, "title": "Seven (a.k.a. Se7en)", "year": 1995, "rating": 4, "shared": nothing}
    items = [
        films[at] | {"title": "Psycho", "year": 1998, "score": 1, "stars": 3, "low": 2, "high": 4, "because": because}
        for at, because in enumerate(([psycho], [seven], [seven | {"rating": None}], []))
    ]
    rows = {"model_version": "", "fallback": False, "rows": [{"kind": "top", "title": "Top", "items": items}]}
    page.route("**/v1/rows", lambda route: route.fulfill(json=rows))
    rated_visit.open("/")
    expect(page.locator(".because")).to_have_text(
        [
            "Because you gave Psycho (1960) 4.5 ★: film noir, twist, 1960s",
            "Because you gave Seven 4 ★",
            "Because you watched Seven",
        ]
    )


def shown_stars(page: Page, part: str) -> list[float]:
    """Return the expected stars that a part of the page shows, in order."""
    return [float(text) for text in page.locator(f"{part} .expected-stars").all_inner_texts()]


def test_results_similar_films_and_the_map_are_ordered_by_expected_stars(rated_visit: PageVisit) -> None:
    """The order of a search is kept in the address; films that the user rated come last, without expected stars."""
    visit, page = rated_visit, rated_visit.page
    visit.open("/?view=search&query=funny")
    first = visit.movies()
    page.get_by_role("button", name="Expected stars").click()
    expect(page).to_have_url(re.compile("order=stars"))
    wait_for(lambda: (stars := shown_stars(page, ".grid-of-cards")) == sorted(stars, reverse=True) and len(stars) > 3)
    assert sorted(visit.movies()) == sorted(first)
    rated = {str(row["movie"]) for row in visit.kept()["ratings"]}
    assert set(visit.movies()[-len(rated) :]) == rated
    page.reload()
    visit.settle()
    expect(page.get_by_role("button", name="Expected stars")).to_have_attribute("aria-pressed", "true")

    visit.open(f"/?view=film&movie={first[-1]}")
    page.get_by_role("button", name="Expected stars").click()
    wait_for(lambda: (stars := shown_stars(page, ".alike")) == sorted(stars, reverse=True) and len(stars) > 3)

    visit.open("/?view=map")
    page.get_by_role("button", name="Expected stars").click()
    expect(page.get_by_role("heading", name="Best for you here")).to_be_visible()
    wait_for(lambda: (stars := shown_stars(page, ".map-list")) == sorted(stars, reverse=True) and len(stars) > 3)


def test_the_map_is_dragged_and_zoomed_by_the_mouse(rated_visit: PageVisit) -> None:
    """The wheel zooms around the pointer; a drag moves the film and opens none, and stays within the map."""
    chart, mouse = Map(rated_visit, "Funny 12"), rated_visit.page.mouse
    chart.expect_film_at(0, 0)
    mouse.move(*chart.at(80, 0))
    mouse.wheel(0, -200)
    chart.expect_film_at(80 - 80 * math.exp(0.4), 0)
    mouse.move(*chart.at(80, 0))
    mouse.wheel(0, 200)
    chart.expect_film_at(0, 0)
    mouse.move(*chart.at(0, 50))
    mouse.down()
    mouse.move(*chart.at(100, 30), steps=5)
    mouse.up()
    chart.expect_film_at(100, -20)
    rated_visit.page.locator("canvas.map").press("0")
    expect(rated_visit.page.locator(".map-list a")).to_have_count(20)
    before = rated_visit.page.locator(".map-list").inner_text()
    for _ in range(30):
        rated_visit.page.keyboard.press("ArrowRight")
    expect(rated_visit.page.locator(".map-list")).not_to_have_text(before, use_inner_text=True)
    expect(rated_visit.page.locator(".map-list a")).not_to_have_count(0)
    expect(rated_visit.page).to_have_url(f"{rated_visit.url}/?view=map")


def test_fingers_drag_pinch_and_name_films_on_the_map(browser: Browser, url: str) -> None:
    """A pinch zooms around its centre and opens nothing. The first tap names a film, the second one opens it."""
    with open_visit(browser, url, has_touch=True, viewport={"width": 360, "height": 780}) as visit:
        chart = Map(visit, "Funny 12")
        tip = visit.page.locator(".map-tip:not([hidden])")
        chart.use_fingers([(60, 80)])
        expect(tip).to_have_count(0)
        chart.use_fingers([(0, 80)], [(20, 80)], [(40, 80)])
        chart.use_fingers(
            [(40 + 50 - 20, 0), (40 + 50 + 20, 0)], [(40 + 20, 0), (40 + 80, 0)], [(40 + 10, 0), (40 + 90, 0)]
        )
        expect(visit.page).to_have_url(f"{url}/?view=map")
        chart.use_fingers([(40 - 50, 0)])
        expect(tip).to_contain_text("Funny 12")
        chart.use_fingers([(40 - 50, 0)])
        expect(visit.page.get_by_role("heading", level=1)).to_have_text("Funny 12")


def test_a_profile_is_shown_exported_and_deleted(rated_visit: PageVisit, films: list[dict[str, Any]]) -> None:
    """Genres, the model's error, and a CSV of the ratings. Deletion asks for confirmation and leaves nothing."""
    page = rated_visit.page
    rated_visit.open("/?view=profile")
    expect(page.locator(".lead")).to_contain_text("6 ratings, 3.8 on average")
    expect(page.locator(".loves").first).to_contain_text("Comedy")
    expect(page.locator(".known-figure")).to_contain_text("stars")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export my ratings").click()
    text = Path(saved.value.path()).read_text("utf-8")
    assert all(film["title"] in text for film in films[:6])
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_role("button", name="Keep it").click()
    assert len(rated_visit.kept()["ratings"]) == 6
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    assert rated_visit.kept() == {}


def test_friends_get_one_list_with_a_reason_each_and_a_veto(
    rated_visit: PageVisit, films: list[dict[str, Any]], tmp_path: Path
) -> None:
    """One friend comes with a film, another one with a file. A vetoed film is gone until the veto is undone."""
    page = rated_visit.page
    rated_visit.open("/?view=together")
    expect(page.locator(".together .note")).to_contain_text("Add at least one friend")
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
    page.get_by_text("Add a friend").press("Enter")
    page.get_by_label("Name", exact=True).fill("Grace")
    page.set_input_files("#friend-file", export)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".people-here li")).to_have_count(3)
    first = page.locator(".group-film").first
    expect(first.locator(".opinions dt")).to_have_text(["You", "<b>Ada</b>", "Grace"])
    movie = first.get_attribute("data-movie")
    first.get_by_role("button", name="Veto").click()
    expect(page.locator(f".group-film[data-movie='{movie}']")).to_have_count(0)
    page.get_by_role("button", name="Undo the veto").click()
    expect(page.locator(f".group-film[data-movie='{movie}']")).to_have_count(1)
    page.get_by_role("button", name="Nobody unhappy").click()
    expect(page.get_by_role("button", name="Nobody unhappy")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Remove Grace").click()
    expect(page.locator(".people-here li")).to_have_count(2)


def test_a_phone_shows_several_results_and_each_friend_in_one_line(rated_visit: PageVisit) -> None:
    """Two films are abreast on a screen of 360 × 780 px, four fit on it, and a friend's long name is shortened."""
    page, friends = rated_visit.page, json.dumps([{"name": "Grace Brewster Hopper " * 2, "ratings": [], "hidden": []}])
    rated_visit.context.add_init_script(f"sessionStorage.setItem('cinematrix-friends', {json.dumps(friends)})")
    page.set_viewport_size({"width": 360, "height": 780})
    rated_visit.open("/?view=search&query=funny")
    tops = page.locator(".grid-of-cards .card").evaluate_all("all => all.map(card => card.getBoundingClientRect().top)")
    assert tops[0] == tops[1] < tops[2]
    assert 2 * (tops[2] - tops[0]) < 780
    rated_visit.open("/?view=together")
    names = page.locator(".opinions dt").evaluate_all("all => all.map(name => name.offsetHeight)")
    assert names
    assert max(names) < 30


def test_axe_finds_nothing_in_a_group_on_a_phone(rated_visit: PageVisit) -> None:
    """WCAG 2.2 AA and axe's best practices hold with a friend, and nothing is wider than a phone."""
    friends = json.dumps([{"name": "Ada", "ratings": [], "hidden": [], "user": "7"}])
    rated_visit.context.add_init_script(f"sessionStorage.setItem('cinematrix-friends', {json.dumps(friends)})")
    page = rated_visit.page
    page.set_viewport_size({"width": 360, "height": 780})
    rated_visit.open("/?view=together")
    assert find_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
