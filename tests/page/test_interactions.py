"""Tests of the page with a model without stars and without a map."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
from playwright.sync_api import expect

from chromium import CHROMIUM, MISSING
from cinematrix.models.ease import Ease
from page_world import PageVisit, run_model_service
from waiting import wait_for
from worlds import as_interactions, taste_world

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the page."""
    folder = tmp_path_factory.mktemp("plain")
    ratings, catalog = taste_world(np.random.default_rng(5))
    with run_model_service(Ease().fit(as_interactions(ratings), catalog), folder, new_users=9) as url:
        yield url


def fetch_events(url: str, user: str) -> dict[str, list[int]]:
    """Return the events that the server stores for a user."""
    events: dict[str, list[int]] = httpx2.get(f"{url}/v1/users/{user}/events").json()["events"]
    return events


def like_first(visit: PageVisit) -> str:
    """Like the first film on the page by its only star, and return the film."""
    movie = visit.movies()[0]
    visit.page.locator(".card").first.get_by_role("radio", name="liked it").click()
    expect(visit.page.locator(f".card[data-movie='{movie}']")).to_have_count(0)
    return movie


def test_likes_seen_films_and_uploads_make_the_history_without_an_account(visit: PageVisit, tmp_path: Path) -> None:
    """No stars are expected anywhere, and every view works."""
    visit.open()
    first = like_first(visit)
    visit.page.get_by_role("button", name="Show my films").click()
    expect(visit.page.get_by_text("Based on one film you watched")).to_be_visible()
    expect(visit.page.get_by_text("liked", exact=False).last).to_be_visible()
    visit.page.locator(".card").first.get_by_role("button", name="Seen").click()
    expect(visit.page.get_by_text("Based on 2 films you watched")).to_be_visible()
    expect(visit.page.locator(".expected")).to_have_count(0)
    file = tmp_path / "mine.csv"
    file.write_text("title,year,rating\nFunny 12,1992,4\nFunny 14,1994,3\n", "utf-8")
    visit.open("/?view=bring")
    visit.page.set_input_files("#file", file)
    visit.page.get_by_role("link", name="See your films").click()
    expect(visit.page.get_by_text("Based on 4 films you watched")).to_be_visible()
    for address in ("/?view=questions", "/?view=profile", f"/?view=film&movie={first}"):
        visit.open(address)
        assert visit.page.locator("main .state[role=alert]").count() == 0, address
        assert "★" not in visit.page.locator("main").inner_text()
    expect(visit.page.get_by_role("heading", name="Who watched it")).to_be_visible()
    visit.open("/?view=profile")
    expect(visit.page.locator(".profile .lead")).to_have_text("4 films that you liked or have seen.")
    expect(visit.page.locator(".loves").first).to_contain_text("Comedy")
    with visit.page.expect_download() as saved:
        visit.page.get_by_role("button", name="Export my ratings").click()
    assert len(Path(saved.value.path()).read_text("utf-8").splitlines()) == 5


def test_what_the_model_cannot_do_is_not_offered(visit: PageVisit) -> None:
    """No map in the navigation, and an explanation at its address. It can be refitted."""
    visit.open()
    expect(visit.page.get_by_role("link", name="You", exact=True)).to_be_visible()
    expect(visit.page.get_by_role("link", name="Map", exact=True)).to_have_count(0)
    visit.open("/?view=map")
    expect(visit.page.get_by_role("heading", name="This model has no map")).to_be_visible()
    expect(visit.page.locator("[role=alert]")).to_have_count(0)
    visit.open("/?view=operator")
    expect(visit.page.get_by_role("button", name="Refit now")).to_be_enabled()


def test_an_account_stores_likes_instead_of_ratings(visit: PageVisit, url: str) -> None:
    """They count in the list, are there in another view, and can be undone."""
    token = httpx2.post(f"{url}/v1/tokens", json={"user": "ann"}).json()["token"]
    visit.open(f"/#token={token}")
    movie = like_first(visit)
    visit.page.get_by_role("button", name="Show my films").click()
    expect(visit.page.get_by_text("Based on one film you watched")).to_be_visible()
    wait_for(lambda: fetch_events(url, "ann") == {"like": [int(movie)]})
    visit.open(f"/?view=film&movie={movie}")
    expect(visit.page.get_by_role("radio", name="liked it").first).to_be_checked()
    visit.page.get_by_role("radio", name="liked it").first.click()
    expect(visit.page.get_by_text("is deleted.")).to_be_visible()
    wait_for(lambda: fetch_events(url, "ann") == {})
    visit.page.get_by_role("button", name="Undo").click()
    wait_for(lambda: fetch_events(url, "ann") == {"like": [int(movie)]})
    assert httpx2.get(f"{url}/v1/users/ann/ratings").json()["ratings"][0]["movie"] == int(movie)


def test_friends_get_one_list_without_stars(visit: PageVisit) -> None:
    """With a reason for each friend."""
    visit.open()
    like_first(visit)
    visit.open("/?view=together")
    visit.page.locator(".friend-taste").get_by_role("combobox").fill("scary 11")
    visit.page.locator(".friend-taste").get_by_role("option").first.click()
    visit.page.get_by_role("button", name="Add", exact=True).click()
    expect(visit.page.locator(".group")).to_contain_text("watched Scary 11: horror")
    expect(visit.page.locator(".group .expected-stars")).to_have_count(0)
