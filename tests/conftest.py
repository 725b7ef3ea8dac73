"""Worlds with a known answer, and the real data where they are at hand."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from chromium import MISSING
from cinematrix.artifact import load, save
from cinematrix.catalog import Catalog
from cinematrix.models.deep_mf import DeepMF
from cinematrix.ratings import Ratings, Scale
from cinematrix.recommendations import history_of, recommend
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from databases import Postgres
from service_world import TINY
from worlds import taste_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from page_world import Visit

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def world() -> tuple[Ratings, Catalog]:
    """Ratings with planted tastes and a catalog that tells of them."""
    return taste_world(np.random.default_rng(5))


@pytest.fixture(scope="session")
def small_scale() -> Scale:
    """Half stars from 0.5 to 5."""
    return Scale(0.5, 5, 0.5)


@pytest.fixture(scope="session")
def movielens() -> Path:
    """The folder of MovieLens latest-small; the fall-back set inside a package where it isn't at hand."""
    given = os.environ.get("CINEMATRIX_DATA")
    folder = Path(given) if given else SHARED / "ml-latest-small"
    if folder.is_dir():
        return folder
    from cinematrix.datasets import default

    return default().path


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """A function that gives the URL of a new, empty database of a kind; PostgreSQL starts when first asked for."""
    servers: list[Postgres] = []

    def new(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('db')}/store.db"
        if not servers:
            servers.append(Postgres())
        return servers[0].database()

    yield new
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, world: tuple[Ratings, Catalog]) -> Path:
    """A model that explains, has intervals and vectors, to be served and not to be changed."""
    path = tmp_path_factory.mktemp("model") / "model"
    save(DeepMF(TINY).fit(*world), path, {"trained": "2026-01-02T03:04:05+00:00"})
    return path


@pytest.fixture(scope="session")
def model(folder: Path) -> Any:
    """The same model, to ask directly."""
    return load(folder).model


@pytest.fixture
def settings(folder: Path, tmp_path: Path) -> ServiceSettings:
    """Of a service with an empty store."""
    return ServiceSettings(folder, f"sqlite:///{tmp_path}/store.db", hosts=("testserver",))


@pytest.fixture
def client(settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of the service."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(params=["sqlite", "postgresql"])
def either(
    request: pytest.FixtureRequest, settings: ServiceSettings, database: Callable[[str], str]
) -> ServiceSettings:
    """Of a service with an empty store of each kind."""
    return replace(settings, db=database(request.param))


@pytest.fixture
def user(model: Any) -> int:
    """Somebody with a history in the model."""
    return int(model.known.users.ids[3])


@pytest.fixture
def unseen(model: Any, user: int) -> int:
    """A movie that she hasn't rated and the model would recommend first."""
    return int(recommend(model, history_of(model, user), 1).items[0].movie)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly which tests weren't run because something isn't installed here."""
    skipped = [report for report in terminalreporter.getreports("skipped") if isinstance(report.longrepr, tuple)]
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in skipped]
    shouted = [reason for reason in reasons if reason == MISSING or " ISN'T TESTED HERE: " in reason]
    if shouted:
        terminalreporter.section("NOT RUN", sep="!", red=True, bold=True)
    for reason, missing in Counter(shouted).items():
        what = "tests of the web page" if reason == MISSING else "tests"
        terminalreporter.line(f"{missing} {what} weren't run: {reason}", red=True, bold=True)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium without a window."""
    from page_world import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def page_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of films with hostile titles, to be served and not to be changed."""
    from page_world import saved_model

    return saved_model(tmp_path_factory.mktemp("page") / "model")


@pytest.fixture(scope="module")
def url(page_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served with that model; modules that serve another one have a fixture of this name."""
    from cinematrix.service.settings import ServiceSettings
    from page_world import serving

    store = f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"
    with serving(ServiceSettings(page_model, store, new_users=100)) as url:
        yield url


@pytest.fixture
def stay(browser: "Browser", url: str) -> Iterator["Visit"]:
    """Somebody who comes to the page for the first time."""
    from page_world import visit

    with visit(browser, url) as stay:
        yield stay
