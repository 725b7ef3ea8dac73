"""Chromium and a served page."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from page_world import PageVisit


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium without a window."""
    from page_world import launch_browser

    with launch_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def page_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of films with hostile titles, to be served and not to be changed."""
    from page_world import save_hostile_model

    return save_hostile_model(tmp_path_factory.mktemp("page") / "model")


@pytest.fixture(scope="module")
def url(page_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served with that model; modules that serve another one have a fixture of this name."""
    from cinematrix.service.settings import ServiceSettings
    from page_world import run_service

    store = f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"
    with run_service(ServiceSettings(page_model, store, new_users=100)) as url:
        yield url


@pytest.fixture
def stay(browser: "Browser", url: str) -> Iterator["PageVisit"]:
    """Somebody who comes to the page for the first time."""
    from page_world import open_visit

    with open_visit(browser, url) as stay:
        yield stay
