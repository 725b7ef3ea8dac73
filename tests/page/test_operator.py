"""Tests of the operator's view, with all of its actions, in Chromium."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert

from chromium import CHROMIUM, MISSING
from cinematrix.common.durations import DAY_MS
from cinematrix.data.splits import random
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.lifecycle import versions
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from cinematrix.store.statements import now_ms
from cinematrix.store.tables import FOLLOWED
from page_world import PageVisit, open_visit, run_service
from places import ROOT
from worlds import taste_world

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

NEW = b"movie,title,year,genres\n990001,Brand new thing,2026,Comedy\n"
"""CSV with a film outside the training data."""


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    """A model that is refitted in a second, a version that the gate refused, and an empty store."""
    world = taste_world(np.random.default_rng(5))
    model_folder = tmp_path / "model"
    save(Bias().fit(*world), model_folder)
    versions.save_version(
        model_folder, Popular().fit(*world), {"refit": {"state": "refused", "why": "its lists are <b>worse</b>"}}
    )
    return ServiceSettings(model_folder, f"sqlite:///{tmp_path}/store.db", watch_seconds=0.1)


POLLING = "POLL_INTERVAL = 2000;"
"""Declaration in the view's script of how often it looks at the server while something changes."""


@pytest.fixture
def visit(browser: Browser, settings: ServiceSettings) -> Iterator[PageVisit]:
    """Visit of the operator, whose view looks at the server twenty times as often."""
    script = (ROOT / "src/cinematrix/page/views/operator.js").read_text("utf-8")
    assert POLLING in script
    hasty = script.replace(POLLING, "POLL_INTERVAL = 100;")
    with run_service(settings) as url, open_visit(browser, url) as visit:
        visit.page.route(
            "**/views/operator.js", lambda route: route.fulfill(body=hasty, content_type="text/javascript")
        )
        yield visit


def expect_serving(page: Page, version: str) -> None:
    """Wait until the view shows that a version serves, in its table and in its heading."""
    expect(page.locator(".operator .lead")).to_contain_text(version, timeout=10_000)
    row = page.get_by_role("row", name=version)
    expect(row).to_contain_text("serves", timeout=10_000)
    expect(row.get_by_role("button")).to_have_count(0)


def test_versions_are_refitted_promoted_and_rolled_back(visit: PageVisit, settings: ServiceSettings) -> None:
    """The view is linked in the footer. Each action is shown without a reload, and the focus stays."""
    page, (old, refused) = (
        visit.page,
        (row.name for row in sorted(versions.list_versions(settings.model), key=is_refused)),
    )
    visit.open()
    page.get_by_role("link", name="For the operator").click()
    expect_serving(page, old)
    expect(page.get_by_text("This model has no stored metrics")).to_be_visible()
    expect(page.get_by_role("button", name="Roll back")).to_be_disabled()
    page.get_by_role("button", name="Refit now").click()
    expect(page.get_by_role("button", name="Refit is running…")).to_be_disabled()
    expect(page.get_by_text("Last refit: promoted")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Refit now")).to_be_enabled()
    new = versions.get_serving_version(settings.model)
    assert new not in (old, refused)
    expect_serving(page, new)
    page.get_by_role("button", name="Roll back").click()
    expect_serving(page, old)
    expect(page.get_by_role("button", name="Roll back")).to_be_focused()
    page.get_by_role("button", name=f"Promote {new}").press("Enter")
    expect_serving(page, new)
    page.get_by_role("button", name=f"Promote {refused}").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"The gate refused {refused}: its lists are <b>worse</b>.")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert versions.get_serving_version(settings.model) == new
    page.get_by_role("button", name=f"Promote {refused}").click()
    page.get_by_role("button", name="Promote anyway").click()
    expect_serving(page, refused)
    visit.errors[:] = [error for error in visit.errors if "409" not in error]


def test_metrics_and_outcomes_are_shown(browser: Browser, tmp_path: Path) -> None:
    """With their test data, and with three decimals. What followed on lists is told in words."""
    ratings, catalog = taste_world(np.random.default_rng(5))
    cut = random(ratings)
    model = Bias().fit(cut.train, catalog)
    metrics = evaluate(model, cut.test, split="a fifth, at random")
    save(model, tmp_path / "model", {"metrics": metrics.as_dict()})
    save(Popular().fit(cut.train, catalog), tmp_path / "other")
    store = Store.open(f"sqlite:///{tmp_path}/s.db")
    with store.write_transaction() as connection:
        counts = {"shown": 200, "high": 5, "low": 1, "vetoed": 2, "seen": 0, "watchlisted": 9}
        key = {"day": now_ms() // DAY_MS - 20, "kind": "main", "version": "v1", "against": ""}
        connection.execute(insert(FOLLOWED).values(key | counts))
    store.close()
    with (
        run_service(
            ServiceSettings(tmp_path / "model", db=f"sqlite:///{tmp_path}/s.db", candidate=tmp_path / "other")
        ) as url,
        open_visit(browser, url) as visit,
    ):
        visit.open("/?view=operator")
        shown = visit.page.locator("section").filter(has=visit.page.get_by_role("heading", name="Metrics"))
        expect(shown).to_contain_text(f"On {len(cut.test)} ratings that it hasn't learned from (a fifth, at random)")
        expect(visit.page.get_by_role("row", name="Main list")).to_contain_text(
            "Of 100 films shown, 3.0 were rated within two weeks, 83% of these at or above the user’s mean; "
            "1.0 were refused, 0.0 marked as seen, 4.5 put on the watchlist."
        )
        expect(visit.page.get_by_text("The candidate makes the lists of 10% of the users.")).to_be_visible()
        expect(visit.page.get_by_text("There is too little to compare on yet")).to_be_visible()
        expect(shown.locator("div").filter(has_text="rmse")).to_contain_text(f"{metrics['rmse']:.3f}")


def is_refused(version: versions.Version) -> bool:
    """Return whether the gate refused a version."""
    return (version.about.get("refit") or {}).get("state") == "refused"


def test_films_are_imported_from_a_csv(visit: PageVisit) -> None:
    """An invalid file is explained and changes nothing. A new film is found at once; importing it again updates it."""
    page = visit.page
    visit.open("/?view=operator")
    status = page.locator(".operator [role=status]").last
    page.get_by_role("button", name="Import films").click()
    expect(status).to_have_text("Choose a file first.")
    for content, expected in (
        (b"name\nHeat\n", "Not imported: "),
        (NEW, "1 new, 0 updated."),
        (NEW, "0 new, 1 updated."),
    ):
        page.set_input_files(
            "#films-file", {"name": "new.csv", "mimeType": "application/vnd.ms-excel", "buffer": content}
        )
        page.get_by_role("button", name="Import films").click()
        expect(status).to_contain_text(expected)
    page.get_by_role("combobox", name="Search films").fill("brand new thing")
    page.get_by_role("option").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Brand new thing")
    visit.errors[:] = [error for error in visit.errors if "422" not in error]


def test_a_catalog_larger_than_a_request_is_imported_in_parts(visit: PageVisit) -> None:
    """With one total at the end. Line breaks in quotes split no film, and the last line needs none."""
    page, requests = visit.page, []
    page.on("request", lambda request: requests.append(request) if request.method == "POST" else None)
    visit.open("/?view=operator")
    rows = [f'{1_000_000 + at},"Film {at},\nand more",2001,Comedy' for at in range(10_001)]
    rows.append("999,Ő (2002),,Drama")
    content = "\n".join(["movie,title,year,genres", *rows]).encode()
    page.set_input_files("#films-file", {"name": "all.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Import films").click()
    status = page.locator(".operator [role=status]").last
    expect(status).to_have_text("Importing 5,000 of 10,002…")
    expect(page.get_by_role("button", name="Import films")).to_be_disabled()
    expect(status).to_have_text("10,002 new, 0 updated.", timeout=60_000)
    assert [request.url.rpartition("/")[2] for request in requests] == ["movies"] * 3
    broken = content + b"\nno number,X,2001,Drama"
    page.set_input_files("#films-file", {"name": "all.csv", "mimeType": "text/csv", "buffer": broken})
    page.get_by_role("button", name="Import films").click()
    expect(status).to_contain_text("Imported in part: 0 new, 10,000 updated. Then: ", timeout=60_000)
    visit.errors[:] = [error for error in visit.errors if "422" not in error]


def test_a_service_with_keys_requires_an_admin_key(browser: Browser, settings: ServiceSettings) -> None:
    """A reader's key is refused and shows nothing; an admin's key stays after a reload."""
    store = Store.open(settings.db)
    reader, admin = (create_key(store, role) for role in ("read", "admin"))
    store.close()
    with run_service(settings) as url, open_visit(browser, url) as visit:
        visit.open("/?view=operator")
        for key, expected in ((reader, "This is not an admin key."), (admin, "Version")):
            expect(visit.page.get_by_role("button", name="Import films")).to_be_hidden()
            visit.page.get_by_label("Key", exact=True).fill(key)
            visit.page.get_by_role("button", name="Open").click()
            expect(visit.page.locator("main")).to_contain_text(expected)
        visit.page.reload()
        expect(visit.page.get_by_role("button", name="Import films")).to_be_visible()
        visit.errors[:] = [error for error in visit.errors if not {"401", "403"} & set(error.split())]
