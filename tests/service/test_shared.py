"""Tests of shared lists: `store.shares` and `routes.shared`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from cinematrix.store.tables import SHARES
from service_world import check_problem
from worlds import taste_world


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> ServiceSettings:
    """Settings of a public service with an admin's key `admin`, few lists and short ones."""
    folder: Path = tmp_path_factory.mktemp("shared")
    save(Bias().fit(*taste_world(np.random.default_rng(5))), folder / "model")
    return ServiceSettings(
        folder / "model", f"sqlite:///{folder}/store.db", new_users=100, hosts=("testserver",), public=True,
        shares=6, user_shares=2, share_films=4, share_days=7, share_rate=30,
    )  # fmt: skip


@pytest.fixture(scope="module")
def admin(service: ServiceSettings) -> dict[str, str]:
    """Headers of an admin."""
    store = Store.open(service.db)
    key = create_key(store, "admin")
    store.close()
    return {"X-API-Key": key if isinstance(key, str) else key[1]}


@pytest.fixture
def client(service: ServiceSettings, admin: dict[str, str]) -> Iterator[TestClient]:
    """Client of a visitor; the store has no shared lists."""
    with TestClient(create_app(service), client=("192.0.2.1", 5)) as client:
        store = client.app.state.service.store  # type: ignore[attr-defined]
        with store.write_transaction() as connection:
            connection.execute(SHARES.delete())
        yield client


@pytest.fixture
def films(client: TestClient) -> list[dict[str, Any]]:
    """Five comedies."""
    found: list[dict[str, Any]] = client.get("/v1/movies", params={"query": "funny", "n": 5}).json()["items"]
    return found


def shared(client: TestClient, movies: list[Any], headers: dict[str, str] | None = None, **more: Any) -> Any:
    """Share films and return the response."""
    return client.post("/v1/shared", json={"movies": movies, **more}, headers=headers or {})


def user_headers(client: TestClient, admin: dict[str, str], user: str) -> dict[str, str]:
    """Return the headers of a user with a token."""
    token = client.post("/v1/tokens", json={"user": user}, headers=admin).json()["token"]
    return {"Authorization": f"Bearer {token}"}


def test_a_visitors_list_is_opened_by_anybody_and_revoked_by_its_secret(
    client: TestClient, films: list[dict[str, Any]]
) -> None:
    """The films come from the catalog in their order, once each; unknown ones are named. Only the secret revokes it."""
    ids = [film["movie"] for film in films]
    made = shared(client, [ids[2], ids[0], 987_654, ids[2]], name=" For Ann ", note="<b>See</b>\nthese")
    assert made.status_code == 201
    body = made.json()
    assert (body["unknown"], len(body["share"])) == ([987_654], 22)
    answer = client.get(f"/v1/shared/{body['share']}")
    assert answer.status_code == 200
    found = answer.json()
    assert found["films"] == [{name: films[at][name] for name in ("movie", "title", "year", "genres")} for at in (2, 0)]
    assert (found["name"], found["note"]) == ("For Ann", "<b>See</b>\nthese")
    assert found["expires"] - found["created"] == 7 * 86_400 == body["expires"] - found["created"]
    assert body["secret"] not in answer.text
    path = f"/v1/shared/{body['share']}"
    for headers in ({}, {"X-Share-Secret": "wrong"}, {"X-Share-Secret": body["share"]}):
        check_problem(client.delete(path, headers=headers), 404)
    assert client.get(path).status_code == 200
    assert client.delete(path, headers={"X-Share-Secret": body["secret"]}).status_code == 204
    check_problem(client.get(path), 404)
    check_problem(client.delete(path, headers={"X-Share-Secret": body["secret"]}), 404)


def test_a_users_list_names_nobody_and_goes_with_the_user(
    client: TestClient, films: list[dict[str, Any]], admin: dict[str, str]
) -> None:
    """It is listed for its user only, who revokes it with the token; another user can't. Deletion takes it away."""
    ann, bob = (user_headers(client, admin, name) for name in ("ann-4711", "bob"))
    movies = [films[0]["movie"]]
    first, second = (shared(client, movies, ann, name=name).json()["share"] for name in ("one", "two"))
    check_problem(shared(client, movies, ann), 409)
    answer = client.get(f"/v1/shared/{first}")
    assert "ann-4711" not in answer.text + first
    own = client.get("/v1/users/ann-4711/shared", headers=ann).json()["lists"]
    assert {(each["share"], each["name"], each["films"]) for each in own} == {(first, "one", 1), (second, "two", 1)}
    check_problem(client.get("/v1/users/ann-4711/shared", headers=bob), 403)
    check_problem(client.delete(f"/v1/shared/{first}", headers=bob), 404)
    assert client.delete(f"/v1/shared/{first}", headers=ann).status_code == 204
    third = shared(client, movies, bob).json()["share"]
    assert client.delete("/v1/users/ann-4711", headers=ann).status_code == 204
    check_problem(client.get(f"/v1/shared/{second}"), 404)
    assert client.delete(f"/v1/shared/{third}", headers=admin).status_code == 204


def test_lists_are_bounded_and_expire(
    client: TestClient, films: list[dict[str, Any]], service: ServiceSettings
) -> None:
    """In films, letters, days and number; an expired list isn't shown, and makes room. The store lacks the secret."""
    ids = [film["movie"] for film in films]
    check_problem(shared(client, ids), 422)
    for wrong in ({"movies": []}, {"name": "x" * 81}, {"note": "x" * 501}, {"days": 0}, {"user": "ann"}):
        check_problem(client.post("/v1/shared", json={"movies": ids[:1]} | wrong), 422)
    check_problem(shared(client, [987_654]), 422)
    check_problem(client.get("/v1/shared/short"), 422)
    made = [shared(client, ids[:2], days=days).json() for days in (1, 2, 7, 8, 99, 1)]
    expiries = [each["expires"] for each in made]
    days = [round((each - expiries[0]) / 86_400) + 1 for each in expiries]
    assert days == [1, 2, 7, 7, 7, 1]
    check_problem(shared(client, ids[:2]), 409)
    store = client.app.state.service.store  # type: ignore[attr-defined]
    with store.write_transaction() as connection:
        row = connection.execute(select(SHARES).filter_by(share=made[0]["share"])).one()
        assert made[0]["secret"] not in json.dumps([str(value) for value in row])
        connection.execute(update(SHARES).filter_by(share=made[0]["share"]).values(expires=1))
    check_problem(client.get(f"/v1/shared/{made[0]['share']}"), 404)
    assert shared(client, ids[:2]).status_code == 201
    with store.engine.connect() as connection:
        assert connection.scalar(select(SHARES.c.share).filter_by(share=made[0]["share"])) is None


def test_sharing_is_rate_limited_and_open_links_need_no_key(
    client: TestClient, films: list[dict[str, Any]], service: ServiceSettings
) -> None:
    """Above the limit a visitor gets a 429. A private server lets anybody open a link, and no stranger make one."""
    share = shared(client, [films[0]["movie"]]).json()["share"]
    answers = [shared(client, [987_654]).status_code for _ in range(service.share_rate)]
    assert answers[0] == 422
    assert answers[-1] == 429
    private = ServiceSettings(service.model, service.db, hosts=("testserver",))
    with TestClient(create_app(private), client=("192.0.2.1", 5)) as other:
        assert other.get(f"/v1/shared/{share}").status_code == 200
        check_problem(shared(other, [films[0]["movie"]]), 401)
