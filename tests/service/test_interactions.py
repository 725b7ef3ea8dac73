"""The service with a model trained on plain interactions, where events take the place of ratings."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.models.artifact import save
from cinematrix.models.ease import Ease
from cinematrix.models.ials import IALS
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.tables import EVENTS
from service_world import check_problem
from worlds import as_interactions


@pytest.fixture
def client(tmp_path: Path, world: tuple[Ratings, Catalog]) -> Iterator[TestClient]:
    """A client of a service whose model has no stars."""
    save(Ease().fit(as_interactions(world[0]), world[1]), tmp_path / "model")
    settings = ServiceSettings(tmp_path / "model", f"sqlite:///{tmp_path}/store.db", hosts=("testserver",), new_users=9)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def watched(client: TestClient, user: Any) -> set[int]:
    """Return the movies that count as watched by a user."""
    return {row["movie"] for row in client.get(f"/v1/users/{user}/ratings").json()["ratings"]}


def listed(client: TestClient, user: Any) -> list[int]:
    """Return the movies recommended to a user."""
    return [item["movie"] for item in client.get(f"/v1/users/{user}/recommendations").json()["items"]]


def test_liked_and_seen_movies_count_as_watched(client: TestClient) -> None:
    """A new user's list changes with each event, to the list of a history with these movies; a rating is refused."""
    one, other = [movie["movie"] for movie in client.get("/v1/movies?query=funny&n=2").json()["items"]]
    check_problem(client.put(f"/v1/users/new/ratings/{one}", json={"rating": 1}), 422)
    lists = [listed(client, "new")]
    for kind, movie in (("like", one), ("seen", other)):
        assert client.put(f"/v1/users/new/events/{kind}/{movie}").status_code == 204
        lists.append(listed(client, "new"))
    assert watched(client, "new") == {one, other}
    assert len({tuple(each) for each in lists}) == 3
    assert not {one, other} & set(lists[-1])
    body = {"ratings": [{"movie": one, "rating": 1}, {"movie": other, "rating": 1}]}
    expected = client.post("/v1/recommendations", json=body).json()["items"]
    assert lists[-1] == [item["movie"] for item in expected]
    assert client.put(f"/v1/users/new/events/watchlist/{lists[-1][0]}").status_code == 204
    assert listed(client, "new") == lists[-1]


def test_watched_movies_can_be_deleted(client: TestClient, world: tuple[Ratings, Catalog]) -> None:
    """Watched movies from events and from training data are deleted alike; a second deletion is a 404; a new like
    counts again."""
    user = int(world[0].users.ids[0])
    before = watched(client, user)
    new = next(movie for movie in listed(client, user))
    client.put(f"/v1/users/{user}/events/like/{new}")
    client.put(f"/v1/users/{user}/events/seen/{new}")
    old = min(before)
    for movie in (new, old):
        assert client.delete(f"/v1/users/{user}/ratings/{movie}").status_code == 204
        check_problem(client.delete(f"/v1/users/{user}/ratings/{movie}"), 404)
    assert watched(client, user) == before - {old}
    client.put(f"/v1/users/{user}/events/like/{old}")
    assert watched(client, user) == before


def test_films_are_exported_without_stars(client: TestClient, world: tuple[Ratings, Catalog]) -> None:
    """Exports of a user and of a history in the request contain watched movies without ratings."""
    user = int(world[0].users.ids[0])
    movies = sorted(watched(client, user))
    exported = client.get(f"/v1/users/{user}/export", params={"format": "letterboxd"}).text
    expected = client.post("/v1/exports", json={"ratings": [{"movie": movie, "rating": 1} for movie in movies]}).text
    assert exported == expected
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert len(rows) == len(movies)
    assert {row["Rating"] for row in rows} == {""}


def test_the_model_says_whether_it_can_draw_a_map(
    client: TestClient, tmp_path: Path, world: tuple[Ratings, Catalog]
) -> None:
    """A model without movie vectors refuses the taste map; one with vectors draws it."""
    assert client.get("/v1/model").json()["map"] is False
    check_problem(client.get("/v1/map"), 422)
    save(IALS().fit(as_interactions(world[0]), world[1]), tmp_path / "ials")
    settings = ServiceSettings(tmp_path / "ials", f"sqlite:///{tmp_path}/ials.db", hosts=("testserver",))
    with TestClient(create_app(settings)) as drawing:
        assert drawing.get("/v1/model").json()["map"] is True
        assert drawing.get("/v1/map").status_code == 200


def test_plays_are_stored_with_their_number(client: TestClient, world: tuple[Ratings, Catalog]) -> None:
    """They count as watched, add up, and a repeated request adds nothing; a wrong row is named, and nothing stored."""
    user, movies = int(world[0].users.ids[0]), listed(client, int(world[0].users.ids[0]))
    client.put(f"/v1/users/{user}/events/watchlist/{movies[0]}")
    rows = [{"user": user, "movie": movies[0], "count": 3, "time": 1_700_000_000}, {"user": user, "movie": movies[0]}]
    for _ in range(2):
        sent = client.post("/v1/plays", json={"plays": rows}, headers={"Idempotency-Key": "night"})
        assert sent.json() == {"stored": 4}
    client.post("/v1/plays", json={"plays": [rows[1]]})
    assert movies[0] in watched(client, user)
    assert movies[0] not in listed(client, user)
    wrong = {"plays": [{"user": user, "movie": movies[1]}, {"user": user, "movie": -1}]}
    assert check_problem(client.post("/v1/plays", json=wrong), 422)["index"] == 1
    check_problem(client.post("/v1/plays", json={"plays": [rows[0] | {"count": 0}]}), 422)
    events = client.get(f"/v1/users/{user}/events").json()
    assert events["events"] == {"seen": [movies[0]]}
    assert events["event_times"] == {"seen": {str(movies[0]): 1_700_000_000}}
    with client.app.state.service.store.engine.connect() as connection:  # type: ignore[attr-defined]
        assert list(connection.scalars(select(EVENTS.c.plays))) == [5]
