"""What is hers on the page: an account that its own token opens and deletes, and what a stranger's browser keeps."""

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


class House:
    """A served page with keys, and what its owner does there."""

    def __init__(self, url: str, key: str, *, public: bool) -> None:
        self.url, self.public = url, public
        self.owner = httpx2.Client(base_url=url, headers={"X-API-Key": key})
        found = self.owner.get("/v1/movies", params={"query": "funny", "n": 8}).json()["items"]
        self.films: list[int] = [film["movie"] for film in found]

    def account(self, user: str, rated: int = 2) -> str:
        """The token of somebody new who has rated some films."""
        token: str = self.owner.post("/v1/tokens", json={"user": user}).json()["token"]
        for film in self.films[:rated]:
            self.owner.put(f"/v1/users/{user}/ratings/{film}", json={"rating": 4})
        return token


@pytest.fixture(scope="module", params=[False, True], ids=["keys", "public"])
def house(
    request: pytest.FixtureRequest, page_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """One for key holders alone, and one for everybody."""
    public: bool = request.param
    db = f"sqlite:///{tmp_path_factory.mktemp('house')}/store.db"
    store = Store.open(db)
    key = create_key(store, "admin")
    store.close()
    with run_service(ServiceSettings(page_model, db, new_users=100, public=public)) as url:
        house = House(url, key, public=public)
        yield house
        house.owner.close()


@pytest.fixture
def visits(browser: Browser, house: House) -> Visits:
    """Makes a visit of a new browser profile."""
    return partial(open_visit, browser, house.url)


def test_she_deletes_her_own_account_and_the_page_goes_on(visits: Visits, house: House) -> None:
    """By her token alone, rated or not: nothing of hers is left, others stay, and the page is a stranger's then."""
    token, other = house.account("ann", rated=2 if house.public else 0), house.account("bob")
    with visits() as stay:
        stay.open(f"/?view=profile#token={token}")
        stay.page.get_by_role("button", name="Delete everything").click()
        stay.page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
        expect(stay.page.get_by_text("Everything of yours is deleted.")).to_be_visible()
        expect(stay.page.get_by_role("heading", name="Nothing is yours yet")).to_be_visible()
        expect(stay.page.locator("#foot")).to_contain_text("What you rate stays in this browser")
        assert house.owner.get("/v1/users/ann/ratings").status_code == 404
        assert len(house.owner.get("/v1/users/bob/ratings").json()["ratings"]) == 2
        foreign = {"Authorization": f"Bearer {other}"}
        assert httpx2.delete(f"{house.url}/v1/users/7", headers=foreign).status_code == 403
        stay.open("/")
        asked = stay.page.get_by_role("heading", name="This server asks for a key")
        expect(stay.page.locator(".feature") if house.public else asked).to_be_visible()
        stay.errors[:] = [error for error in stay.errors if "401" not in error]


def test_she_leaves_her_account_on_a_foreign_computer(visits: Visits, house: House) -> None:
    """What she rated stays on the server, and nothing of it in the browser."""
    with visits() as stay:
        stay.open(f"/?view=profile#token={house.account('cyd')}")
        stay.page.get_by_role("button", name="Leave the account here").click()
        expect(stay.page.get_by_role("heading", name="Nothing is yours yet")).to_be_visible()
        assert stay.page.evaluate("sessionStorage.getItem('cinematrix-token')") == ""
        assert len(house.owner.get("/v1/users/cyd/ratings").json()["ratings"]) == 2
        stay.errors[:] = [error for error in stay.errors if "401" not in error]


def test_a_friend_with_an_account_joins_by_her_own_token(visits: Visits, house: House) -> None:
    """The link that opens her account brings her history for this evening; of the token nothing is kept."""
    token = house.account("dan", rated=3)
    with visits() as stay:
        stay.open(f"/?view=together#token={house.account('eve', rated=0)}")
        field = stay.page.get_by_label("Or an account here")
        for given, said in (("dan", "no link or token"), ("cmt_of_yesterday", "opens no account")):
            field.fill(given)
            stay.page.get_by_role("button", name="Add", exact=True).click()
            expect(stay.page.locator(".add [role=status]").last).to_contain_text(said)
        field.fill(f"{house.url}/#token={token}")
        stay.page.get_by_role("button", name="Add", exact=True).click()
        expect(stay.page.locator(".people-here li").last).to_contain_text("danby 3 films")
        expect(stay.page.locator(".group-film").first).to_contain_text("because of")
        shown = stay.page.locator(".group-film").evaluate_all("all => all.map(film => film.dataset.movie)")
        assert not {str(film) for film in house.films[:3]} & set(shown)
        assert token not in stay.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
        stay.errors[:] = [error for error in stay.errors if "401" not in error]


@pytest.mark.parametrize("address", ["/", "/?view=search&query=funny"])
def test_an_account_that_was_deleted_elsewhere_is_told_and_left(visits: Visits, house: House, address: str) -> None:
    """What she rates then isn't kept, the page says what happened, and goes on as a stranger's; an admin key stays."""
    with visits() as stay:
        page, key = stay.page, house.owner.headers["X-API-Key"]
        stay.context.add_init_script(f"sessionStorage.setItem('cinematrix-key', '{key}')")
        stay.open(f"{address}#token={house.account('fay')}")
        assert house.owner.delete("/v1/users/fay").status_code == 204
        page.locator(".card").last.get_by_role("radio", name="4 of 5", exact=True).click()
        expect(page.locator("#toast")).to_have_text("Not kept: your account can't be opened any more.")
        expect(page.locator("#banner")).to_contain_text("it was deleted, or its link has ended")
        expect(page.locator("#foot")).to_contain_text("What you rate stays in this browser")
        assert stay.kept() == {}
        assert page.evaluate("sessionStorage.getItem('cinematrix-key')") == key
        stay.settle()
        expect(page.locator(".card").first).to_be_visible()
        stay.errors[:] = [error for error in stay.errors if "401" not in error]


def test_a_list_for_a_deleted_account_is_the_strangers(visits: Visits, house: House) -> None:
    """Whoever opens another view is told too, and isn't asked for a key where none is needed."""
    with visits() as stay:
        stay.open(f"/?view=profile#token={house.account('gus')}")
        house.owner.delete("/v1/users/gus")
        stay.page.get_by_role("link", name="For you").click()
        expect(stay.page.locator("#banner")).to_contain_text("it was deleted, or its link has ended")
        asked = stay.page.get_by_role("heading", name="This server asks for a key")
        expect(stay.page.locator(".feature") if house.public else asked).to_be_visible()
        stay.errors[:] = [error for error in stay.errors if "401" not in error]


def test_a_wrong_admin_key_shuts_nothing(visits: Visits, house: House) -> None:
    """It is refused and not kept: the films are there as before, after a reload too."""
    with visits() as stay:
        page = stay.page
        stay.open("/?view=operator")
        page.get_by_label("Key", exact=True).fill("cmx_wrong")
        page.get_by_role("button", name="Open").click()
        expect(page.locator("main")).to_contain_text("The key that you gave isn’t an admin’s. It isn’t kept.")
        page.get_by_role("link", name="For you").click()
        for _ in range(2):
            asked = page.get_by_role("heading", name="This server asks for a key")
            expect(page.locator(".feature") if house.public else asked).to_be_visible()
            page.reload()
        assert "cmx_wrong" not in page.evaluate("JSON.stringify({...sessionStorage})")
        stay.errors[:] = [error for error in stay.errors if "401" not in error]


def test_an_admin_key_stays_beside_an_account(visits: Visits, house: House) -> None:
    """After a reload the operator's view is open with the key, and the account with its token."""
    with visits() as stay:
        page = stay.page
        stay.open(f"/?view=operator#token={house.account('hal')}")
        page.get_by_label("Key", exact=True).fill(house.owner.headers["X-API-Key"])
        page.get_by_role("button", name="Open").click()
        for _ in range(2):
            expect(page.get_by_role("button", name="Import films")).to_be_visible()
            expect(page.locator("#foot")).to_contain_text("in the account “hal”")
            page.reload()
        stay.errors[:] = [error for error in stay.errors if not {"401", "403"} & set(error.split())]
