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
    stay.page.evaluate("""sessionStorage.setItem("cinematrix-friends", '[{"name": "Ada", "ratings": [], "hidden": []}]')""")
    assert stay.page.evaluate("Object.keys(sessionStorage).length") == 2
    stay.open("/?view=profile")
    stay.page.get_by_role("button", name="Delete everything").click()
    stay.page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
    expect(stay.page.get_by_role("heading", name="Nothing is yours yet")).to_be_visible()
    assert stay.page.evaluate("Object.keys(sessionStorage)") == []
