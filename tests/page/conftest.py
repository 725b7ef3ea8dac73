"""Fixtures: Chromium, a served page and a visit."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from page_world import PageVisit


@pytest.fixture(scope="package")
def browser() -> Iterator["Browser"]:
    """Headless Chromium, until the worker leaves the tests of the page: Playwright holds the thread's event loop."""
    from page_world import launch_browser

    with launch_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def page_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a served model of films with hostile titles; read-only."""
    from page_world import save_hostile_model

    return save_hostile_model(tmp_path_factory.mktemp("page") / "model")


@pytest.fixture(scope="module")
def url(page_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the page with that model. Modules that serve another model override this fixture."""
    from cinematrix.service.settings import ServiceSettings
    from page_world import run_service

    store = f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"
    with run_service(ServiceSettings(page_model, store, new_users=100)) as url:
        yield url


@pytest.fixture
def visit(browser: "Browser", url: str) -> Iterator["PageVisit"]:
    """Visit of a new browser profile."""
    from page_world import open_visit

    with open_visit(browser, url) as visit:
        yield visit
