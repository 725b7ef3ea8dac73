"""Tests of accounts on the page: opened and deleted by their token, left, and deleted elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from chromium import CHROMIUM, MISSING
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from page_world import PageVisit, open_visit, run_service

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

Visits = Callable[..., AbstractContextManager[PageVisit]]


class ServiceWithKeys:
    """Served page with keys, and its operator's requests."""

    def __init__(self, url: str, key: str, *, public: bool) -> None:
        self.url, self.public = url, public
        self.operator = httpx2.Client(base_url=url, headers={"X-API-Key": key})
        results = self.operator.get("/v1/movies", params={"query": "funny", "n": 8}).json()["items"]
        self.films: list[int] = [film["movie"] for film in results]

    def account(self, user: str, rated: int = 2) -> str:
        """Create an account with some ratings, and return its token."""
        token: str = self.operator.post("/v1/tokens", json={"user": user}).json()["token"]
        for film in self.films[:rated]:
            self.operator.put(f"/v1/users/{user}/ratings/{film}", json={"rating": 4})
        return token


@pytest.fixture(scope="module", params=[False, True], ids=["keys", "public"])
def service(
    request: pytest.FixtureRequest, page_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServiceWithKeys]:
    """Service for key holders only, and service for everybody."""
    public: bool = request.param
    db = f"sqlite:///{tmp_path_factory.mktemp('house')}/store.db"
    store = Store.open(db)
    key = create_key(store, "admin")
    store.close()
    with run_service(ServiceSettings(page_model, db, new_users=100, public=public)) as url:
        service = ServiceWithKeys(url, key, public=public)
        yield service
        service.operator.close()


@pytest.fixture
def visits(browser: Browser, service: ServiceWithKeys) -> Visits:
    """Factory of visits with a new browser profile."""
    return partial(open_visit, browser, service.url)


def test_a_user_deletes_their_own_account_and_the_page_still_works(visits: Visits, service: ServiceWithKeys) -> None:
    """Deletion by token, with and without ratings. Other accounts stay; the page then has no account."""
    token, other = service.account("ann", rated=2 if service.public else 0), service.account("bob")
    with visits() as visit:
        visit.open(f"/?view=profile#token={token}")
        visit.page.get_by_role("button", name="Delete everything").click()
        visit.page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
        expect(visit.page.get_by_text("All your data is deleted.")).to_be_visible()
        expect(visit.page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
        expect(visit.page.locator("#foot")).to_contain_text("Your ratings stay in this browser")
        assert service.operator.get("/v1/users/ann/ratings").status_code == 404
        assert len(service.operator.get("/v1/users/bob/ratings").json()["ratings"]) == 2
        other_headers = {"Authorization": f"Bearer {other}"}
        assert httpx2.delete(f"{service.url}/v1/users/7", headers=other_headers).status_code == 403
        visit.open("/")
        key_heading = visit.page.get_by_role("heading", name="This server requires a key")
        expect(visit.page.locator(".feature") if service.public else key_heading).to_be_visible()
        visit.errors[:] = [error for error in visit.errors if "401" not in error]


def test_a_user_leaves_their_account_on_a_shared_computer(visits: Visits, service: ServiceWithKeys) -> None:
    """The ratings stay on the server; the browser stores nothing."""
    with visits() as visit:
        visit.open(f"/?view=profile#token={service.account('cyd')}")
        visit.page.get_by_role("button", name="Leave the account here").click()
        expect(visit.page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
        assert visit.page.evaluate("sessionStorage.getItem('cinematrix-token')") == ""
        assert len(service.operator.get("/v1/users/cyd/ratings").json()["ratings"]) == 2
        visit.errors[:] = [error for error in visit.errors if "401" not in error]


def test_a_friend_with_an_account_joins_by_their_own_token(visits: Visits, service: ServiceWithKeys) -> None:
    """The link of an account adds its history to the group. The token is not stored."""
    token = service.account("dan", rated=3)
    with visits() as visit:
        visit.open(f"/?view=together#token={service.account('eve', rated=0)}")
        field = visit.page.get_by_label("Or an account here")
        for given, message in (("dan", "no link or token"), ("cmt_of_yesterday", "opens no account")):
            field.fill(given)
            visit.page.get_by_role("button", name="Add", exact=True).click()
            expect(visit.page.locator(".add [role=status]").last).to_contain_text(message)
        field.fill(f"{service.url}/#token={token}")
        visit.page.get_by_role("button", name="Add", exact=True).click()
        expect(visit.page.locator(".people-here li").last).to_contain_text("dan3 films")
        expect(visit.page.locator(".group")).to_contain_text("gave")
        shown = visit.page.locator(".group-film").evaluate_all("all => all.map(film => film.dataset.movie)")
        assert not {str(film) for film in service.films[:3]} & set(shown)
        assert token not in visit.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
        visit.errors[:] = [error for error in visit.errors if "401" not in error]


@pytest.mark.parametrize("address", ["/", "/?view=search&query=funny"])
def test_an_account_deleted_elsewhere_is_reported_and_left(
    visits: Visits, service: ServiceWithKeys, address: str
) -> None:
    """The rating is not saved, and the page explains it and continues without an account. An admin key stays."""
    with visits() as visit:
        page, key = visit.page, service.operator.headers["X-API-Key"]
        visit.context.add_init_script(f"sessionStorage.setItem('cinematrix-key', '{key}')")
        visit.open(f"{address}#token={service.account('fay')}")
        assert service.operator.delete("/v1/users/fay").status_code == 204
        page.locator(".card").last.get_by_role("radio", name="4 of 5", exact=True).click()
        expect(page.locator("#toast")).to_have_text("Not saved: your account can’t be opened.")
        expect(page.locator("#banner")).to_contain_text("it was deleted, or its link has expired")
        expect(page.locator("#foot")).to_contain_text("Your ratings stay in this browser")
        assert visit.kept() == {}
        assert page.evaluate("sessionStorage.getItem('cinematrix-key')") == key
        visit.settle()
        expect(page.locator(".card").first).to_be_visible()
        visit.errors[:] = [error for error in visit.errors if "401" not in error]


def test_a_deleted_account_is_left_when_another_view_is_opened(visits: Visits, service: ServiceWithKeys) -> None:
    """The page explains it, and asks for a key only if the service requires one."""
    with visits() as visit:
        visit.open(f"/?view=profile#token={service.account('gus')}")
        service.operator.delete("/v1/users/gus")
        visit.page.get_by_role("link", name="For you").click()
        expect(visit.page.locator("#banner")).to_contain_text("it was deleted, or its link has expired")
        key_heading = visit.page.get_by_role("heading", name="This server requires a key")
        expect(visit.page.locator(".feature") if service.public else key_heading).to_be_visible()
        visit.errors[:] = [error for error in visit.errors if "401" not in error]


def test_a_wrong_admin_key_does_not_block_the_page(visits: Visits, service: ServiceWithKeys) -> None:
    """The key is refused and not stored. The films are shown as before, also after a reload."""
    with visits() as visit:
        page = visit.page
        visit.open("/?view=operator")
        page.get_by_label("Key", exact=True).fill("cmx_wrong")
        page.get_by_role("button", name="Open").click()
        expect(page.locator("main")).to_contain_text("This is not an admin key. It was not stored.")
        page.get_by_role("link", name="For you").click()
        for _ in range(2):
            key_heading = page.get_by_role("heading", name="This server requires a key")
            expect(page.locator(".feature") if service.public else key_heading).to_be_visible()
            page.reload()
        assert "cmx_wrong" not in page.evaluate("JSON.stringify({...sessionStorage})")
        visit.errors[:] = [error for error in visit.errors if "401" not in error]


def test_an_admin_key_stays_beside_an_account(visits: Visits, service: ServiceWithKeys) -> None:
    """After a reload the operator's view is open with the key, and the account with its token; the link shows."""
    with visits() as visit:
        page = visit.page
        visit.open(f"/?view=operator#token={service.account('hal')}")
        expect(page.get_by_role("link", name="For the operator")).to_have_count(0)
        page.get_by_label("Key", exact=True).fill(service.operator.headers["X-API-Key"])
        page.get_by_role("button", name="Open").click()
        for _ in range(2):
            expect(page.get_by_role("button", name="Import films")).to_be_visible()
            expect(page.locator("#foot")).to_contain_text("in the account “hal”")
            expect(page.get_by_role("link", name="For the operator")).to_be_visible()
            page.reload()
        visit.errors[:] = [error for error in visit.errors if not {"401", "403"} & set(error.split())]


def test_a_link_of_somebody_else_asks_first(visits: Visits, service: ServiceWithKeys) -> None:
    """With ratings in the browser or another account in the tab. A new link of the same account opens at once."""
    mine, renewed = service.account("ida"), service.account("ida", rated=0)
    with visits() as visit:
        page = visit.page
        row = {"movie": service.films[0], "title": "x", "rating": 4, "time": 1}
        history = {"ratings": [row], "gone": [], "hidden": [], "watchlist": [], "likes": []}
        visit.open("/?view=profile")
        page.evaluate("history => localStorage.setItem('cinematrix-history', JSON.stringify(history))", history)
        dialog, foot = page.get_by_role("dialog"), page.locator("#foot")

        def follow(token: str, answer: str) -> None:
            page.goto("about:blank")
            page.goto(f"{service.url}/?view=profile#token={token}")
            if answer:
                dialog.get_by_role("button", name=answer).click()
            expect(dialog).to_have_count(0)

        follow(mine, "Keep my ratings")
        expect(foot).to_contain_text("Your ratings stay in this browser")
        follow(mine, "Continue as ida")
        expect(page.get_by_role("button", name="Leave the account here")).to_be_visible()
        assert len(visit.kept()["ratings"]) == 1
        follow(service.account("mallory"), "Stay ida")
        follow("cmt_of_yesterday", "")
        expect(page.get_by_text("This link opens no account")).to_be_visible()
        follow(renewed, "")
        page.get_by_role("button", name="Leave the account here").click()
        assert len(service.operator.get("/v1/users/ida/ratings").json()["ratings"]) == 2
        visit.errors[:] = [error for error in visit.errors if "401" not in error]
