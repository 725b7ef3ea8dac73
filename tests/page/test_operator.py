"""The operator's view, whose every handle is pulled in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from chromium import CHROMIUM, MISSING
from cinematrix.data.splits import random
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.lifecycle import versions
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from page_world import PageVisit, open_visit, run_service
from worlds import taste_world

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

NEW = b"movie,title,year,genres\n990001,Brand new thing,2026,Comedy\n"
"""A film that the model hasn't learned of."""


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    """A model that is refitted in a second, one that the gate refused, and an empty store."""
    world = taste_world(np.random.default_rng(5))
    place = tmp_path / "model"
    save(Bias().fit(*world), place)
    versions.save_version(
        place, Popular().fit(*world), {"refit": {"state": "refused", "why": "its lists are <b>worse</b>"}}
    )
    return ServiceSettings(place, f"sqlite:///{tmp_path}/store.db", watch_seconds=0.1)


@pytest.fixture
def stay(browser: Browser, settings: ServiceSettings) -> Iterator[PageVisit]:
    """The operator's visit."""
    with run_service(settings) as url, open_visit(browser, url) as stay:
        yield stay


def serves(page: Page, version: str) -> None:
    """Wait until the view tells that a version serves, in its table and at its head."""
    expect(page.locator(".operator .lead")).to_contain_text(version, timeout=10_000)
    row = page.get_by_role("row", name=version)
    expect(row).to_contain_text("serves", timeout=10_000)
    expect(row.get_by_role("button")).to_have_count(0)


def test_versions_are_refitted_promoted_and_rolled_back(stay: PageVisit, settings: ServiceSettings) -> None:
    """Found from the foot of the page; what each handle does is seen without a reload, and the focus stays."""
    page, (old, refused) = (
        stay.page,
        (row.name for row in sorted(versions.list_versions(settings.model), key=is_refused)),
    )
    stay.open()
    page.get_by_role("link", name="For the operator").click()
    serves(page, old)
    expect(page.get_by_text("No figures were kept with this model")).to_be_visible()
    expect(page.get_by_role("button", name="Roll back")).to_be_disabled()
    page.get_by_role("button", name="Refit now").click()
    expect(page.get_by_role("button", name="Refit runs…")).to_be_disabled()
    expect(page.get_by_text("Last refit: promoted")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Refit now")).to_be_enabled()
    new = versions.get_serving_version(settings.model)
    assert new not in (old, refused)
    serves(page, new)
    page.get_by_role("button", name="Roll back").click()
    serves(page, old)
    expect(page.get_by_role("button", name="Roll back")).to_be_focused()
    page.get_by_role("button", name=f"Promote {new}").press("Enter")
    serves(page, new)
    page.get_by_role("button", name=f"Promote {refused}").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"The gate refused {refused}: its lists are <b>worse</b>.")
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert versions.get_serving_version(settings.model) == new
    page.get_by_role("button", name=f"Promote {refused}").click()
    page.get_by_role("button", name="Promote it all the same").click()
    serves(page, refused)
    stay.errors[:] = [error for error in stay.errors if "409" not in error]


def test_what_was_measured_is_shown(browser: Browser, tmp_path: Path) -> None:
    """With what it was measured on, and to three places."""
    ratings, catalog = taste_world(np.random.default_rng(5))
    cut = random(ratings)
    model = Bias().fit(cut.train, catalog)
    found = evaluate(model, cut.test, split="a fifth, at random")
    save(model, tmp_path / "model", {"metrics": found.as_dict()})
    with (
        run_service(ServiceSettings(tmp_path / "model", f"sqlite:///{tmp_path}/s.db")) as url,
        open_visit(browser, url) as stay,
    ):
        stay.open("/?view=operator")
        shown = stay.page.locator("section").filter(has=stay.page.get_by_role("heading", name="Measured"))
        expect(shown).to_contain_text(f"On {len(cut.test)} ratings that it hasn't learned from (a fifth, at random)")
        expect(shown.locator("div").filter(has_text="rmse")).to_contain_text(f"{found['rmse']:.3f}")


def is_refused(version: versions.Version) -> bool:
    """Whether the gate refused it."""
    return (version.about.get("refit") or {}).get("state") == "refused"


def test_films_are_imported_from_a_csv(stay: PageVisit) -> None:
    """A file that isn't one is told so and keeps nothing; a good one is found at once, and again it is no news."""
    page = stay.page
    stay.open("/?view=operator")
    said = page.locator(".operator [role=status]").last
    page.get_by_role("button", name="Import films").click()
    expect(said).to_have_text("Choose a file first.")
    for content, told in (
        (b"name\nHeat\n", "Not imported: "),
        (NEW, "1 new, 0 described anew."),
        (NEW, "0 new, 1 described anew."),
    ):
        page.set_input_files(
            "#films-file", {"name": "new.csv", "mimeType": "application/vnd.ms-excel", "buffer": content}
        )
        page.get_by_role("button", name="Import films").click()
        expect(said).to_contain_text(told)
    page.get_by_role("combobox", name="Search films").fill("brand new thing")
    page.get_by_role("option").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Brand new thing")
    stay.errors[:] = [error for error in stay.errors if "422" not in error]


def test_a_catalog_larger_than_a_request_is_imported_in_pieces(stay: PageVisit) -> None:
    """With one sum at the end; a line's end between quotes cuts no film in two, nor does the last one lack its own."""
    page, sent = stay.page, []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    stay.open("/?view=operator")
    rows = [f'{1_000_000 + at},"Film {at},\nand more",2001,Comedy' for at in range(10_001)]
    rows.append("999,Ő (2002),,Drama")
    content = "\n".join(["movie,title,year,genres", *rows]).encode()
    page.set_input_files("#films-file", {"name": "all.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Import films").click()
    said = page.locator(".operator [role=status]").last
    expect(said).to_have_text("Importing 5,000 of 10,002…")
    expect(page.get_by_role("button", name="Import films")).to_be_disabled()
    expect(said).to_have_text("10,002 new, 0 described anew.", timeout=60_000)
    assert [request.url.rpartition("/")[2] for request in sent] == ["movies"] * 3
    broken = content + b"\nno number,X,2001,Drama"
    page.set_input_files("#films-file", {"name": "all.csv", "mimeType": "text/csv", "buffer": broken})
    page.get_by_role("button", name="Import films").click()
    expect(said).to_contain_text("Imported in part: 0 new, 10,000 described anew. Then: ", timeout=60_000)
    stay.errors[:] = [error for error in stay.errors if "422" not in error]


def test_where_there_are_keys_it_opens_with_an_admins(browser: Browser, settings: ServiceSettings) -> None:
    """A reader's key is asked for another one, and sees nothing of it; an admin's stays through a reload."""
    store = Store.open(settings.db)
    reader, admin = (create_key(store, role) for role in ("read", "admin"))
    store.close()
    with run_service(settings) as url, open_visit(browser, url) as stay:
        stay.open("/?view=operator")
        for key, told in ((reader, "The key that you gave isn’t an admin’s."), (admin, "Version")):
            expect(stay.page.get_by_role("button", name="Import films")).to_be_hidden()
            stay.page.get_by_label("Key", exact=True).fill(key)
            stay.page.get_by_role("button", name="Open").click()
            expect(stay.page.locator("main")).to_contain_text(told)
        stay.page.reload()
        expect(stay.page.get_by_role("button", name="Import films")).to_be_visible()
        stay.errors[:] = [error for error in stay.errors if not {"401", "403"} & set(error.split())]
