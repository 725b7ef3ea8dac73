"""Movies added by API and command line, on SQLite and PostgreSQL."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.lifecycle.retrain import RetrainingPlan, retrain_model
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.records import Store
from cinematrix.store.refits import request_refit
from service_world import check_problem
from waiting import wait_for

PROGRAM = [sys.executable, "-c", "from cinematrix.cli.main import run; run()"]
NEW = {"title": "Funny Tomorrow", "year": 2027, "genres": ["Comedy"]}


@pytest.fixture(params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, world: tuple[Ratings, Catalog], database: Callable[[str], str]
) -> ServiceSettings:
    """Settings of a bias model with an empty store of each kind."""
    save(Bias().fit(*world), tmp_path / "model")
    url = database(request.param)
    return ServiceSettings(tmp_path / "model", url, hosts=("testserver",), watch_seconds=0.05)


@pytest.fixture
def pair(served: ServiceSettings) -> Iterator[list[TestClient]]:
    """Clients of two servers on one store."""
    with ExitStack() as stack:
        clients = [stack.enter_context(TestClient(create_app(served))) for _ in range(2)]
        for client in clients:  # FastAPI builds routes at the first request, and two apps collide
            client.get("/livez")
        yield clients


def recommended(client: TestClient, where: str = "year>=2027") -> list[Any]:
    """Return the movies of a list for user 1."""
    answer = client.get("/v1/users/1/recommendations", params={"where": where})
    return [item["movie"] for item in answer.json()["items"]]


def test_a_new_movie_is_known_at_once_and_to_others_within_seconds(
    pair: list[TestClient], served: ServiceSettings, world: tuple[Ratings, Catalog]
) -> None:
    """An added movie is found, recommended and rated, also on the other server, after a restart, after a swap and in
    the next retraining."""
    one, other = pair
    user = int(world[0].users.ids[3])
    before = one.get("/v1/users/1/recommendations").json()["model_version"]
    assert one.put("/v1/movies/90001", json=NEW).status_code == 201
    assert one.get("/v1/movies", params={"query": "funny tomorrow"}).json()["items"][0]["movie"] == 90001
    assert recommended(one) == [90001]
    version = one.get("/v1/users/1/recommendations").json()["model_version"]
    assert version.startswith(f"{before}.")
    wait_for(lambda: recommended(other) == [90001])
    assert other.get("/v1/users/1/recommendations").json()["model_version"] == version
    assert other.put(f"/v1/users/{user}/ratings/90001", json={"rating": 4.5}).status_code == 201
    rows = one.get(f"/v1/users/{user}/ratings").json()["ratings"]
    assert [row["rating"] for row in rows if row["movie"] == 90001] == [4.5]
    with TestClient(create_app(served)) as restarted:
        assert recommended(restarted) == [90001]
    store = Store.open(served.db)
    outcome = retrain_model(served.model, store, request_refit(store, "test"), RetrainingPlan())
    wait_for(lambda: one.get("/v1/users/1/recommendations").json()["model_version"].startswith(outcome.version))
    assert recommended(one) == [90001]
    assert user in [int(id_) for id_ in one.app.state.service.served.model.base.data.users.ids]  # type: ignore[attr-defined]
    assert 90001 in one.app.state.service.served.model.base.data.movies.ids  # type: ignore[attr-defined]
    assert store.audit()[0] == "described 1 movies, such as 90001"
    store.close()


def test_a_movie_is_updated_and_deleted(pair: list[TestClient]) -> None:
    """The last update counts on both servers; a deleted movie is nowhere, and deleting it again is a 404."""
    one, other = pair
    one.put("/v1/movies/90001", json=NEW)
    assert one.put("/v1/movies/90001", json=NEW | {"title": "Funny Again"}).status_code == 200
    wait_for(lambda: other.get("/v1/movies", params={"query": "funny again"}).json()["items"][:1] != [])
    assert one.delete("/v1/movies/90001").status_code == 204
    check_problem(one.delete("/v1/movies/90001"), 404)
    assert recommended(one) == []
    wait_for(lambda: recommended(other) == [])


def test_many_come_as_json_or_csv(pair: list[TestClient]) -> None:
    """Bulks are stored whole or not at all and name the wrong row; a CSV has MovieLens' columns."""
    one, _ = pair
    rows: list[dict[str, Any]] = [NEW | {"movie": 90001}, NEW | {"movie": 90002}]
    assert one.post("/v1/movies", json={"movies": rows}).json() == {"created": 2, "updated": 0}
    assert one.post("/v1/movies", json={"movies": rows[:1]}).json() == {"created": 0, "updated": 1}
    assert check_problem(one.post("/v1/movies", json={"movies": [rows[0], NEW | {"movie": "tt1"}]}), 422)["index"] == 1
    for bad in ({"title": ""}, {"year": "1999"}, {"genres": ["a|b"]}, {"extra": 1}, {"title": "a\x00"}):
        check_problem(one.post("/v1/movies", json={"movies": [rows[0] | bad]}), 422)
    check_problem(one.post("/v1/movies", content=b"{", headers={"content-type": "application/json"}), 400)
    text = "movieId,title,genres\n90003,Scary Night (2027),Horror\n90001,Funny Morning (2027),Comedy\n"
    answer = one.post("/v1/movies", content=text, headers={"content-type": "text/csv; charset=utf-8"})
    assert answer.json() == {"created": 1, "updated": 1}
    assert sorted(recommended(one)) == [90001, 90002, 90003]
    broken = one.post("/v1/movies", content="a,b\n1,2\n", headers={"content-type": "text/csv"})
    assert "/" not in check_problem(broken, 422)["detail"].split(" ")[0]


def test_the_command_adds_movies(pair: list[TestClient], served: ServiceSettings, tmp_path: Path) -> None:
    """A running server serves movies added by the command within seconds."""
    file = tmp_path / "movies.csv"
    file.write_text("movieId,title,genres\n90001,Funny Dawn (2027),Comedy\n")
    done = subprocess.run([*PROGRAM, "movies", "add", str(file), "--db", served.db], capture_output=True, text=True)
    assert "1 movies added" in done.stdout, done.stderr
    wait_for(lambda: recommended(pair[0]) == [90001])
