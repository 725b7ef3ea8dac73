"""What a stranger's browser keeps of her: what she brings and says, how she sees it again, and that it goes."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from cinematrix.service.settings import ServiceSettings
from journal_files import packed
from page_world import HISTORY, Visit, serving, visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

Film = dict[str, Any]


@pytest.fixture(scope="module")
def url(page_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served."""
    settings = ServiceSettings(page_model, f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db", new_users=100)
    with serving(settings) as url:
        yield url


@pytest.fixture(scope="module")
def films(url: str) -> list[Film]:
    """Comedies, as the search finds them."""
    found: list[Film] = httpx2.get(f"{url}/v1/movies", params={"query": "funny", "n": 12}).json()["items"]
    return found


@pytest.fixture
def stay(browser: Browser, url: str) -> Iterator[Visit]:
    """Somebody who comes for the first time."""
    with visit(browser, url) as stay:
        yield stay


def remember(stay: Visit, films: Sequence[Film], **more: list[Film]) -> None:
    """Put ratings of four stars, rated long ago, into the browser before the page opens for the first time."""
    kept = {"ratings": [film | {"rating": 4, "time": at} for at, film in enumerate(films)], **more}
    text = json.dumps(json.dumps(kept))
    stay.context.add_init_script(f"localStorage.getItem('{HISTORY}') ?? localStorage.setItem('{HISTORY}', {text})")


def test_deleting_everything_leaves_nothing_in_the_tab(stay: Visit, films: list[Film]) -> None:
    """Neither her last list, which would come back without connection, nor her friends."""
    remember(stay, films[:3])
    stay.open()
    friend = json.dumps([{"name": "Ada", "ratings": [], "hidden": []}])
    stay.page.evaluate(f"sessionStorage.setItem('cinematrix-friends', '{friend}')")
    assert stay.page.evaluate("Object.keys(sessionStorage).length") == 2
    stay.open("/?view=profile")
    stay.page.get_by_role("button", name="Delete everything").click()
    stay.page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
    expect(stay.page.get_by_role("heading", name="Nothing is yours yet")).to_be_visible()
    assert stay.page.evaluate("Object.keys(sessionStorage)") == []


LETTERBOXD = "Date,Name,Year,Letterboxd URI"
COUNTS = ("rows read", "new", "changed", "there already", "left out", "not found")


def letterboxd(films: Sequence[Film], day: str, rating: str = "") -> str:
    """A file of Letterboxd's, with ratings or without."""
    head, tail = (f"{LETTERBOXD},Rating", f",{rating}") if rating else (LETTERBOXD, "")
    rows = (f"{day},{film['title']},{film['year']},https://boxd.it/x{tail}\n" for film in films)
    return f"{head}\n{''.join(rows)}"


def bring(stay: Visit, name: str, content: str | bytes) -> dict[str, int]:
    """Upload a file; what the page says came of its rows."""
    stay.page.evaluate("document.querySelector('.result')?.remove()")
    buffer = content if isinstance(content, bytes) else content.encode()
    stay.page.set_input_files("#file", [{"name": name, "mimeType": "text/csv", "buffer": buffer}])
    stay.page.locator(".result").wait_for()
    counts = stay.page.locator(".counts dd").all_inner_texts()
    return dict(zip(COUNTS, map(int, counts), strict=True))


def test_an_upload_is_counted_and_comes_in_once(stay: Visit, films: list[Film]) -> None:
    """Ratings, films seen, watchlist and likes are kept, and the same again changes nothing: as an account has it."""
    export = packed(
        {
            "ratings.csv": letterboxd(films[:2], "2024-01-05", "4.5"),
            "watched.csv": letterboxd(films[:3], "2024-01-05"),
            "watchlist.csv": letterboxd(films[3:5], "2024-01-05"),
            "likes/films.csv": letterboxd(films[:1], "2024-01-05"),
        }
    )
    stay.open("/?view=bring")
    assert bring(stay, "mine.zip", export) == dict(zip(COUNTS, (8, 6, 0, 2, 0, 0), strict=True))
    expect(stay.page.get_by_role("heading", name="There they are")).to_be_visible()
    kept = stay.kept()
    named = {part: [row["movie"] for row in kept[part]] for part in ("ratings", "hidden", "watchlist", "likes")}
    ids = [film["movie"] for film in films]
    assert named == {"ratings": ids[:2], "hidden": ids[2:3], "watchlist": ids[3:5], "likes": ids[:1]}
    stay.page.reload()
    assert bring(stay, "mine.zip", export) == dict(zip(COUNTS, (8, 0, 0, 8, 0, 0), strict=True))
    accounts = [httpx2.post(f"{stay.url}/v1/users/ann/imports", content=export).json() for _ in range(2)]
    assert [[row[name] for name in ("imported", "updated", "duplicates")] for row in accounts] == [[6, 0, 2], [0, 0, 8]]
    expect(stay.page.get_by_role("heading", name="Nothing new in it")).to_be_visible()
    assert stay.kept() == kept


def test_the_newest_rating_wins_in_the_browser_too(stay: Visit, films: list[Film]) -> None:
    """An older or undated upload replaces neither what she rated since nor what she took back; a newer one does."""
    remember(stay, films[:1])
    stay.open("/?view=bring")
    movie = films[0]["movie"]
    rating = f"JSON.parse(localStorage.getItem('{HISTORY}')).ratings.find(row => row.movie === {movie})?.rating"
    assert bring(stay, "ratings.csv", letterboxd(films[:2], "2024-01-05", "3"))["changed"] == 1
    assert stay.page.evaluate(rating) == 3
    assert bring(stay, "ratings.csv", letterboxd(films[:2], "2023-01-05", "1.5"))["there already"] == 2
    undated = f"title,year,rating\n{films[0]['title']},{films[0]['year']},2\n"
    assert bring(stay, "mine.csv", undated)["there already"] == 1
    assert stay.page.evaluate(rating) == 3
    stay.open(f"/?view=film&movie={films[0]['movie']}")
    stay.page.get_by_role("radio", name="3 of 5", exact=True).first.click()
    assert stay.page.evaluate(rating) is None
    stay.open("/?view=bring")
    assert bring(stay, "ratings.csv", letterboxd(films[:2], "2024-01-05", "3"))["there already"] == 2
    assert stay.page.evaluate(rating) is None
