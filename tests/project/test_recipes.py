"""The recipes of CONTRIBUTING.md, run as they stand there."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import cinematrix as cx
from chromium import MISSING
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers.columns import COLUMN_ALIASES
from cinematrix.errors import DataError
from cinematrix.importers import read as read_export
from contract import Contract
from places import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from cinematrix.service.settings import ServiceSettings

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def recipe(title: str, language: str = "python", place: int = 0) -> str:
    """A code block below a heading."""
    section = TEXT.split(f"### {title}\n")[1].split("\n### ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)[place]


def run(title: str, place: int = 0, **names: Any) -> dict[str, Any]:
    """The names that a recipe defines."""
    exec(compile(recipe(title, place=place), title, "exec"), names)
    return names


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of registered models of the test's own."""
    monkeypatch.setattr("cinematrix.models.registry._REGISTERED", {})


@pytest.mark.usefixtures("registry")
def test_a_model(world: tuple[Ratings, Catalog]) -> None:
    """It is made known, learns and recommends; its test is a contract."""
    names = run("A model")
    model = cx.model("loved").fit(*world)
    assert len(model.recommend(user=world[0].users.ids[0], n=3)) == 3
    assert issubclass(run("A model", 1, Contract=Contract, **names)["TestLoved"], Contract)


@pytest.fixture
def aliases() -> Iterator[None]:
    """The names of columns, as they were, afterwards."""
    before = dict(COLUMN_ALIASES)
    yield
    COLUMN_ALIASES.update(before)


@pytest.mark.usefixtures("aliases")
def test_a_reader() -> None:
    """A column by the new name is the rating."""
    columns = {"user": [1, 2], "movie": [3, 3], "verdict": [4.0, 2.5]}
    with pytest.raises(DataError, match="the column verdict looks like a rating"):
        cx.ratings(columns)
    run("A reader of rating tables")
    assert cx.ratings(columns).to_frame()["rating"].to_list() == [4.0, 2.5]


def test_an_importer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with its header is read."""
    form = run("An importer of a user's export")["FORM"]
    monkeypatch.setattr("cinematrix.importers.sources.FORMS", (form,))
    found = read_export(b"Film,Points,When\nHeat,90,2024-01-15\nAlien,,\n")
    assert [(entry.title, entry.rating, entry.time) for entry in found.entries] == [("Heat", 90.0, 1_705_276_800)]
    assert found.source == "your-site"


def test_a_metric(world: tuple[Ratings, Catalog]) -> None:
    """It is measured beside the others."""
    metric = run("A metric")["first_hit"]
    train, test = cx.split(cx.ratings(*world), "random")
    found = cx.evaluate(cx.model("popular").fit(train), test, metrics=["ndcg", metric])
    assert 0 <= found["first_hit@10"] <= 1
    assert np.isin(found.per_user["first_hit@10"], [0, 1]).all()


def test_a_route(settings: "ServiceSettings", monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers, and is described."""
    from starlette.testclient import TestClient

    from cinematrix.service import app

    monkeypatch.setattr(app, "ROUTERS", (run("A route")["ROUTER"], *app.ROUTERS))
    with TestClient(app.create_app(settings), client=("127.0.0.1", 50_000)) as client:
        assert client.get("/v1/genres").json() == ["Comedy", "Horror"]
        assert "/v1/genres" in client.get("/openapi.json").json()["paths"]


def test_a_view(tmp_path: "Path", folder: "Path") -> None:
    """It is shown by its address and stands in the navigation."""
    from chromium import CHROMIUM
    from cinematrix.service.settings import ServiceSettings
    from page_world import launch_browser, open_visit, run_service

    if CHROMIUM is None:
        pytest.skip(MISSING)
    (row,) = re.findall(r'`("your-view": \{.*?\} *)`', TEXT)
    store = f"sqlite:///{tmp_path}/store.db"
    with (
        run_service(ServiceSettings(folder, store, new_users=5)) as url,
        launch_browser() as browser,
        open_visit(browser, url) as stay,
    ):
        page = stay.page
        app = page.request.get(f"{url}/page/app.js").text().replace("const VIEWS = {", f"const VIEWS = {{ {row},", 1)
        script = {"content_type": "text/javascript"}
        page.route("**/app.js", lambda route: route.fulfill(body=app, **script))
        page.route("**/views/your-view.js", lambda route: route.fulfill(body=recipe("A view", "js"), **script))
        page.goto(f"{url}/?view=your-view")
        page.get_by_role("heading", name="Hello").wait_for()
        page.get_by_text(re.compile(r"^\d films$")).wait_for()
        assert page.get_by_role("link", name="Hello").count() == 1
