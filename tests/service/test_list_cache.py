"""Lists that are sent again: `cinematrix.service.list_cache`, and the route that keeps them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from time import sleep
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.models.artifact import save
from cinematrix.models.ease import Ease
from cinematrix.service.app import create_app
from cinematrix.service.list_cache import ENTRY_OVERHEAD_BYTES, CachedList, ListCache
from cinematrix.service.prefetch import MAX_WAITING_USERS, Prefetcher
from cinematrix.service.routes import recommendations
from cinematrix.service.schemas import ListRequest, RecommendationList
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.records import Revision
from waiting import wait_for

NEW = Revision(1, False)
NOTHING, ANY = np.zeros(0, np.int32), ListRequest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, world: tuple[Ratings, Catalog]) -> Path:
    """A model for which every rating matters."""
    path = tmp_path_factory.mktemp("model") / "model"
    save(Ease().fit(*world), path)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, folder: Path, database: Callable[[str], str]) -> ServiceSettings:
    """With an empty store of each kind."""
    return ServiceSettings(folder, database(request.param), hosts=("testserver",), reads=10**6, writes=10**6)


@pytest.fixture
def client(settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of the service."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def users(client: TestClient) -> list[int]:
    """Some who have a history in the model."""
    found: list[int] = known(client).users.ids[:3].tolist()
    return found


def known(client: TestClient) -> Any:
    """What the served model knows."""
    return client.app.state.service.served.model.data  # type: ignore[attr-defined]


def sent(client: TestClient, how: str) -> int:
    """How many lists were `made` or `kept`."""
    metrics = client.get("/metrics").text
    return int(float(metrics.partition(f'cinematrix_lists_total{{how="{how}"}} ')[2].split("\n")[0] or 0))


def afresh(client: TestClient, path: str) -> bytes:
    """The answer of a service that has kept nothing."""
    state = client.app.state.service  # type: ignore[attr-defined]
    before, state.served = state.served, replace(state.served)
    answer = client.get(path).content
    state.served = before
    return answer


@pytest.mark.fault(41)
def test_a_list_is_made_once_and_sent_again(client: TestClient, users: list[int]) -> None:
    """Byte for byte, as described, counted, and with the headers of any answer; other dials are another list."""
    path = f"/v1/users/{users[0]}/recommendations"
    first, again = client.get(path), client.get(path)
    assert first.content == again.content == afresh(client, path)
    assert RecommendationList.model_validate_json(again.content).model_dump() == again.json()
    assert {**again.headers, "x-request-id": ""} == {**first.headers, "x-request-id": ""}
    assert (sent(client, "made"), sent(client, "kept")) == (2, 1)
    assert len(client.get(f"{path}?n=3").json()["items"]) == 3
    assert 'cinematrix_recommended_total{fallback="false"} 4.0' in client.get("/metrics").text


def test_a_kept_list_is_always_what_a_new_one_would_be(client: TestClient, users: list[int]) -> None:
    """Whatever is written in between, in any order, by this server or by another one on the same store."""
    rng = np.random.default_rng(0)
    movies = known(client).movies.ids[:8].tolist()
    with TestClient(create_app(client.app.state.service.settings)) as other:  # type: ignore[attr-defined]

        def write() -> None:
            server, user, movie = (client, other)[rng.integers(2)], int(rng.choice(users)), int(rng.choice(movies))
            match rng.integers(7):
                case 0 | 1:
                    server.put(f"/v1/users/{user}/ratings/{movie}", json={"rating": int(rng.integers(1, 11)) / 2})
                case 2:
                    server.delete(f"/v1/users/{user}/ratings/{movie}")
                case 3:
                    server.put(f"/v1/users/{user}/events/seen/{movie}")
                case 4:
                    server.delete(f"/v1/users/{user}/events/seen/{movie}")
                case 5:
                    server.post("/v1/ratings", json={"ratings": [{"user": user, "movie": movie, "rating": 1}]})
                case 6 if rng.random() < 0.2:
                    server.delete(f"/v1/users/{user}")

        for _ in range(120):
            write()
            path = f"/v1/users/{rng.choice(users)}/recommendations"
            assert client.get(path).content == afresh(client, path)
    assert sent(client, "kept") > 20


@pytest.mark.fault(41)
def test_many_who_ask_at_once_have_one_list_made(
    client: TestClient, users: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen clients on a cold cache; after a write, one more."""
    made, real, barrier = [], recommendations.recommend, Barrier(16)

    def counted(*given: Any, **named: Any) -> Any:
        made.append(1)
        return real(*given, **named)

    monkeypatch.setattr(recommendations, "recommend", counted)
    path = f"/v1/users/{users[1]}/recommendations"

    def ask(_: int) -> bytes:
        barrier.wait()
        return client.get(path).content

    for turn in (1, 2):
        with ThreadPoolExecutor(16) as pool:
            assert len(set(pool.map(ask, range(16)))) == 1
        assert len(made) == turn
        client.put(f"/v1/users/{users[1]}/events/seen/{known(client).movies.ids[0]}")


def test_a_list_is_made_ahead_of_who_asks_after_a_write(client: TestClient, users: list[int]) -> None:
    """As it would be made for her; once for each time that she was sent it, however much she writes."""
    path, movies = f"/v1/users/{users[0]}/recommendations?n=5", known(client).movies.ids.tolist()
    client.put(f"/v1/users/{users[0]}/events/seen/{movies[0]}")  # she hasn't asked for a list
    client.get(path)
    for turn in (1, 2):
        best = client.get(path).json()["items"][0]["movie"]
        client.put(f"/v1/users/{users[0]}/ratings/{best}", json={"rating": 1})
        made_ahead(client, turn)
        client.put(f"/v1/users/{users[1]}/ratings/{best}", json={"rating": 1})
        assert best not in [line["movie"] for line in client.get(path).json()["items"]]
        assert client.get(path).content == afresh(client, path)
        assert sent(client, "made") == 1 + turn  # those made afresh, and the first
    for movie in movies[:5]:
        client.put(f"/v1/users/{users[0]}/events/seen/{movie}")
    made_ahead(client, 3)
    sleep(0.2)
    assert sent(client, "ahead") == 3
    assert client.get(path).content == afresh(client, path)


def made_ahead(client: TestClient, n: int) -> None:
    """Wait until so many lists have been."""
    wait_for(lambda: sent(client, "ahead") == n, 5)


def test_a_list_that_cannot_be_made_ahead_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    """The next one is made; the log tells of it. Beyond those who may wait, nobody is kept."""
    made: list[str] = []

    def make(user: str) -> None:
        made.append(user)
        if user == "broken":
            raise ZeroDivisionError

    ahead = Prefetcher(make)
    for user in ("broken", *(str(number) for number in range(2 * MAX_WAITING_USERS))):
        ahead.schedule(user)
    ahead.start()
    wait_for(lambda: len(made) == MAX_WAITING_USERS, 5)
    ahead.schedule("last")
    wait_for(lambda: len(made) == MAX_WAITING_USERS + 1, 5)
    ahead.stop()
    assert made == ["broken", *(str(number) for number in range(MAX_WAITING_USERS - 1)), "last"]
    assert "couldn't be made ahead" in caplog.text


def test_another_model_has_other_lists(client: TestClient, users: list[int]) -> None:
    """A swap leaves every list behind."""
    state = client.app.state.service  # type: ignore[attr-defined]
    path = f"/v1/users/{users[0]}/recommendations"
    client.get(path)
    state.served = replace(state.served, version="another")
    assert client.get(path).json()["model_version"] == "another"


def test_a_kept_list_needs_a_key_too(settings: ServiceSettings) -> None:
    """And counts among the requests of a minute."""
    with TestClient(create_app(replace(settings, reads=3))) as client:
        path = f"/v1/users/{known(client).users.ids[0]}/recommendations"
        assert [client.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_lists_are_let_go_of_the_oldest_first() -> None:
    """By their bytes; one that was asked for is young again, and one in place of another isn't counted twice."""
    lists = ListCache(3 * (ENTRY_OVERHEAD_BYTES + 10))
    for name in "abc":
        lists.keep((name, b""), CachedList(name, NEW, {}, False, b"0123456789", NOTHING, ANY))
    assert lists.find(("a", b"")) is not None
    lists.keep(("a", b""), CachedList("a", NEW, {}, False, b"9876543210", NOTHING, ANY))
    lists.keep(("d", b""), CachedList("d", NEW, {}, False, b"0123456789", NOTHING, ANY))
    assert [name for name in "abcd" if lists.find((name, b""))] == ["a", "c", "d"]
    assert len(lists) == 3
    lists.keep(("e", b""), CachedList("e", NEW, {}, False, b"x" * 10_000, NOTHING, ANY))
    assert len(lists) == 0


def test_lists_are_made_while_writers_wait_for_the_disk(client: TestClient, users: list[int]) -> None:
    """More writers than there are threads for lists hold none of them up, and all are answered in the end."""
    state, movies = client.app.state.service, known(client).movies.ids[:8].tolist()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(len(movies)) as writers:
        with state.store.write_transaction() as connection:  # as a slow disk: nobody else can write
            state.store.note(connection, str(users[0]), str(movies[0]), "seen")
            urls = [f"/v1/users/{users[0]}/ratings/{movie}" for movie in movies]
            rated = [writers.submit(client.put, url, json={"rating": 4.0}) for url in urls]
            sleep(0.3)  # until they wait
            assert client.get(f"/v1/users/{users[1]}/recommendations").status_code == 200
            assert not any(each.done() for each in rated)
        assert {each.result().status_code for each in rated} <= {200, 201}
