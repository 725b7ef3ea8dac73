"""The page of a model that learned who watched what: no stars, and here no map either."""

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
    """Where the page is served."""
    folder = tmp_path_factory.mktemp("plain")
    ratings, catalog = taste_world(np.random.default_rng(5))
    with run_model_service(Ease().fit(as_interactions(ratings), catalog), folder, new_users=9) as url:
        yield url


def events_of(url: str, user: str) -> dict[str, list[int]]:
    """What the server keeps of somebody."""
    events: dict[str, list[int]] = httpx2.get(f"{url}/v1/users/{user}/events").json()["events"]
    return events


def like(stay: PageVisit) -> str:
    """Like the first film on the page, by its only star; the film."""
    movie = stay.movies()[0]
    stay.page.locator(".card").first.get_by_role("radio", name="liked it").click()
    expect(stay.page.locator(f".card[data-movie='{movie}']")).to_have_count(0)
    return movie


def test_a_stranger_says_what_she_watched(stay: PageVisit, tmp_path: Path) -> None:
    """What she liked, has seen, or brings in a file counts; no stars are expected anywhere, and every view works."""
    stay.open()
    first = like(stay)
    expect(stay.page.get_by_text("By the one film you watched so far")).to_be_visible()
    expect(stay.page.get_by_text("liked", exact=False).last).to_be_visible()
    stay.page.locator(".card").first.get_by_role("button", name="Seen").click()
    expect(stay.page.get_by_text("By the 2 films you watched")).to_be_visible()
    expect(stay.page.locator(".expected")).to_have_count(0)
    file = tmp_path / "mine.csv"
    file.write_text("title,year,rating\nFunny 12,1992,4\nFunny 14,1994,3\n", "utf-8")
    stay.open("/?view=bring")
    stay.page.set_input_files("#file", file)
    stay.page.get_by_role("link", name="See your films").click()
    expect(stay.page.get_by_text("By the 4 films you watched")).to_be_visible()
    for address in ("/?view=questions", "/?view=profile", f"/?view=film&movie={first}"):
        stay.open(address)
        assert stay.page.locator("main .state[role=alert]").count() == 0, address
        assert "★" not in stay.page.locator("main").inner_text()
    expect(stay.page.get_by_role("heading", name="Who watched it")).to_be_visible()
    stay.open("/?view=profile")
    expect(stay.page.locator(".profile .lead")).to_have_text("4 films that you liked or have seen.")
    expect(stay.page.locator(".loves").first).to_contain_text("Comedy")
    with stay.page.expect_download() as saved:
        stay.page.get_by_role("button", name="Export my ratings").click()
    assert len(Path(saved.value.path()).read_text("utf-8").splitlines()) == 5


def test_what_the_model_cannot_do_is_not_offered(stay: PageVisit) -> None:
    """No map in the navigation, kind words at its address; the operator isn't offered a refit."""
    stay.open()
    expect(stay.page.get_by_role("link", name="Profile")).to_be_visible()
    expect(stay.page.get_by_role("link", name="Map", exact=True)).to_have_count(0)
    stay.open("/?view=map")
    expect(stay.page.get_by_role("heading", name="This model draws no map")).to_be_visible()
    expect(stay.page.locator("[role=alert]")).to_have_count(0)
    stay.open("/?view=operator")
    expect(stay.page.get_by_role("button", name="Refit now")).to_be_disabled()


def test_an_account_keeps_likes_instead_of_ratings(stay: PageVisit, url: str) -> None:
    """They count in her list, are there in another visit, and are taken back by undoing."""
    token = httpx2.post(f"{url}/v1/tokens", json={"user": "ann"}).json()["token"]
    stay.open(f"/#token={token}")
    movie = like(stay)
    expect(stay.page.get_by_text("By the one film you watched so far")).to_be_visible()
    wait_for(lambda: events_of(url, "ann") == {"like": [int(movie)]})
    stay.open(f"/?view=film&movie={movie}")
    expect(stay.page.get_by_role("radio", name="liked it").first).to_be_checked()
    stay.page.get_by_role("radio", name="liked it").first.click()
    expect(stay.page.get_by_text("is gone.")).to_be_visible()
    wait_for(lambda: events_of(url, "ann") == {})
    stay.page.get_by_role("button", name="Undo").click()
    wait_for(lambda: events_of(url, "ann") == {"like": [int(movie)]})
    assert httpx2.get(f"{url}/v1/users/ann/ratings").json()["ratings"][0]["movie"] == int(movie)


def test_friends_get_one_list_without_stars(stay: PageVisit) -> None:
    """With a reason for each."""
    stay.open()
    like(stay)
    stay.open("/?view=together")
    stay.page.locator(".friend-taste").get_by_role("combobox").fill("scary 11")
    stay.page.locator(".friend-taste").get_by_role("option").first.click()
    stay.page.get_by_role("button", name="Add", exact=True).click()
    expect(stay.page.locator(".group-film").first).to_contain_text("because of")
    expect(stay.page.locator(".group .expected-stars")).to_have_count(0)
