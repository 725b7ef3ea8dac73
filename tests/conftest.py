"""Worlds with a known answer, the real data where they are at hand, and a served model.

What is heavy is imported by the fixture that needs it, so that a test pays for its own needs alone.
"""

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import numpy as np
import pytest

from chromium import MISSING
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from places import SHARED
from worlds import taste_world

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from cinematrix.service.settings import ServiceSettings
    from databases import Postgres

hypothesis.settings.register_profile("cinematrix", deadline=None)
hypothesis.settings.load_profile("cinematrix")

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does: waiting threads don't occupy a core

gc.disable()  # until all tests are collected, since nothing that is imported is garbage


def pytest_collection_finish() -> None:
    """Exempt all imported objects from garbage collection, which would visit them again and again."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def unfrozen_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    """No collection and freezing of the heap by an app in this process, whose heap is the tests'.

    A server in a process of its own does it, and the tests of faults measure its memory.
    """
    if watcher := sys.modules.get("cinematrix.service.model_watcher"):
        monkeypatch.setattr(watcher, "freeze_loaded_objects", lambda **_: None)


@pytest.fixture(autouse=True, scope="session")
def loopback_client() -> Iterator[None]:
    """Test clients connect from this machine, as a service without keys demands."""
    with pytest.MonkeyPatch.context() as patch:
        if client := sys.modules.get("starlette.testclient"):
            init = partialmethod(client.TestClient.__init__, client=("127.0.0.1", 50_000))
            patch.setattr(client.TestClient, "__init__", init)
        yield


@pytest.fixture(scope="session")
def world() -> tuple[Ratings, Catalog]:
    """Ratings with planted tastes and a catalog that tells of them."""
    return taste_world(np.random.default_rng(5))


@pytest.fixture(scope="session")
def movielens() -> Path:
    """The folder of MovieLens latest-small; the fall-back set inside a package where it isn't at hand."""
    given = os.environ.get("CINEMATRIX_DATA")
    folder = Path(given) if given else SHARED / "ml-latest-small"
    if folder.is_dir():
        return folder
    from cinematrix.data.movielens import default

    return default().path


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """A function that gives the URL of a new, empty database of a kind; PostgreSQL starts when first asked for."""
    servers: list[Postgres] = []

    def new(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('db')}/store.db"
        from databases import Postgres

        if not servers:
            servers.append(Postgres())
        return servers[0].database()

    yield new
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, world: tuple[Ratings, Catalog]) -> Path:
    """A model that explains, has intervals and vectors, to be served and not to be changed."""
    from cinematrix.models.artifact import save
    from cinematrix.models.deep_mf.model import DeepMF
    from service_world import TINY_SETTINGS

    path = tmp_path_factory.mktemp("model") / "model"
    save(DeepMF(TINY_SETTINGS).fit(*world), path, {"trained": "2026-01-02T03:04:05+00:00"})
    return path


@pytest.fixture(scope="session")
def model(folder: Path) -> Any:
    """The same model, to ask directly."""
    from cinematrix.models.artifact import load

    return load(folder).model


@pytest.fixture
def settings(folder: Path, tmp_path: Path) -> "ServiceSettings":
    """Settings of a service with an empty store."""
    from cinematrix.service.settings import ServiceSettings

    return ServiceSettings(folder, f"sqlite:///{tmp_path}/store.db", hosts=("testserver",))


@pytest.fixture
def client(settings: "ServiceSettings") -> "Iterator[TestClient]":
    """A client of the service."""
    from starlette.testclient import TestClient

    from cinematrix.service.app import create_app

    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(params=["sqlite", "postgresql"])
def either(
    request: pytest.FixtureRequest, settings: "ServiceSettings", database: Callable[[str], str]
) -> "ServiceSettings":
    """Settings of a service with an empty store of each kind."""
    return replace(settings, db=database(request.param))


@pytest.fixture
def user(model: Any) -> int:
    """Somebody with a history in the model."""
    return int(model.data.users.ids[3])


@pytest.fixture
def unseen(model: Any, user: int) -> int:
    """A movie that the user hasn't rated and the model would recommend first."""
    from cinematrix.recommendation.lists import get_history, recommend

    return int(recommend(model, get_history(model, user), 1).items[0].movie)


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
