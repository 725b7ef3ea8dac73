"""The cache of lists and their prefetch: `cinematrix.service.list_cache`, `prefetch` and their route."""

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
from cinematrix.service import making_lists
from cinematrix.service.app import create_app
from cinematrix.service.list_cache import ENTRY_OVERHEAD_BYTES, CachedList, ListCache
from cinematrix.service.list_pool import Foreground
from cinematrix.service.prefetch import Prefetcher
from cinematrix.service.schemas import ListRequest, RecommendationList
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.records import Revision
from waiting import wait_for

NEW = Revision(1, False)
NOTHING, ANY = np.zeros(0, np.int32), ListRequest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, world: tuple[Ratings, Catalog]) -> Path:
    """A model whose lists depend on every rating."""
    path = tmp_path_factory.mktemp("model") / "model"
    save(Ease().fit(*world), path)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, folder: Path, database: Callable[[str], str]) -> ServiceSettings:
    """Settings with an empty store of each kind."""
    return ServiceSettings(folder, database(request.param), hosts=("testserver",), reads=10**6, writes=10**6)


@pytest.fixture
def client(settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of the service."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def users(client: TestClient) -> list[int]:
    """Three users with a history in the model."""
    ids: list[int] = training_data(client).users.ids[:3].tolist()
    return ids


def training_data(client: TestClient) -> Any:
    """Return the served model's training data."""
    return client.app.state.service.served.model.data  # type: ignore[attr-defined]


def count_lists(client: TestClient, how: str) -> int:
    """Return the number of lists `made` on request, `kept` in the cache or made `ahead`."""
    metrics = client.get("/metrics").text
    return int(float(metrics.partition(f'cinematrix_lists_total{{how="{how}"}} ')[2].split("\n")[0] or 0))


def get_uncached(client: TestClient, path: str) -> bytes:
    """Return the response of a service with an empty cache."""
    state = client.app.state.service  # type: ignore[attr-defined]
    before, state.served = state.served, replace(state.served)
    content = client.get(path).content
    state.served = before
    return content


@pytest.mark.fault(41)
def test_a_list_is_made_once_and_sent_again(client: TestClient, users: list[int]) -> None:
    """A cached response has the same bytes and headers, fits its schema and is counted; other options make another
    list."""
    path = f"/v1/users/{users[0]}/recommendations"
    first, again = client.get(path), client.get(path)
    assert first.content == again.content == get_uncached(client, path)
    assert RecommendationList.model_validate_json(again.content).model_dump() == again.json()
    assert {**again.headers, "x-request-id": ""} == {**first.headers, "x-request-id": ""}
    assert (count_lists(client, "made"), count_lists(client, "kept")) == (2, 1)
    assert len(client.get(f"{path}?n=3").json()["items"]) == 3
    assert 'cinematrix_recommended_total{fallback="false"} 4.0' in client.get("/metrics").text


def test_a_cached_list_equals_a_new_one(client: TestClient, users: list[int]) -> None:
    """Cached lists equal new ones after any writes, by this server or by another one on the same store."""
    rng = np.random.default_rng(0)
    movies = training_data(client).movies.ids[:8].tolist()
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
            assert client.get(path).content == get_uncached(client, path)
    assert count_lists(client, "kept") > 20


@pytest.mark.fault(41)
def test_many_who_ask_at_once_have_one_list_made(
    client: TestClient, users: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen clients on a cold cache cause one list; after a write, one more."""
    calls, real, barrier = [], making_lists.recommend_each, Barrier(16)

    def count(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(making_lists, "recommend_each", count)
    path = f"/v1/users/{users[1]}/recommendations"

    def ask(_: int) -> bytes:
        barrier.wait()
        return client.get(path).content

    for turn in (1, 2):
        with ThreadPoolExecutor(16) as pool:
            assert len(set(pool.map(ask, range(16)))) == 1
        assert len(calls) == turn
        client.put(f"/v1/users/{users[1]}/events/seen/{training_data(client).movies.ids[0]}")


def test_a_list_is_prefetched_after_a_write(client: TestClient, users: list[int]) -> None:
    """After writes the user's last list is prefetched, once for each time that it was sent."""
    path, movies = f"/v1/users/{users[0]}/recommendations?n=5", training_data(client).movies.ids.tolist()
    client.put(f"/v1/users/{users[0]}/events/seen/{movies[0]}")  # no list was sent yet
    client.get(path)
    for turn in (1, 2):
        best = client.get(path).json()["items"][0]["movie"]
        client.put(f"/v1/users/{users[0]}/ratings/{best}", json={"rating": 1})
        wait_for_prefetches(client, turn)
        client.put(f"/v1/users/{users[1]}/ratings/{best}", json={"rating": 1})
        assert best not in [line["movie"] for line in client.get(path).json()["items"]]
        assert client.get(path).content == get_uncached(client, path)
        assert count_lists(client, "made") == 1 + turn  # the uncached ones and the first
    for movie in movies[:5]:
        client.put(f"/v1/users/{users[0]}/events/seen/{movie}")
    wait_for_prefetches(client, 3)
    sleep(0.2)
    assert count_lists(client, "ahead") == 3
    assert client.get(path).content == get_uncached(client, path)


def wait_for_prefetches(client: TestClient, n: int) -> None:
    """Wait until `n` lists were prefetched."""
    wait_for(lambda: count_lists(client, "ahead") == n, 5)


def test_a_failing_prefetch_does_not_stop_others(caplog: pytest.LogCaptureFixture) -> None:
    """After a failure, which is logged, the next list is made. Users beyond the queue's limit are dropped."""
    made: list[str] = []

    def make(user: str) -> None:
        made.append(user)
        if user == "broken":
            raise ZeroDivisionError

    prefetcher = Prefetcher(make, 5, Foreground().idle)
    for user in ("broken", *(str(number) for number in range(2 * 5))):
        prefetcher.schedule(user)
    prefetcher.start()
    wait_for(lambda: len(made) == 5, 5)
    prefetcher.schedule("last")
    wait_for(lambda: len(made) == 5 + 1, 5)
    prefetcher.stop()
    assert made == ["broken", *(str(number) for number in range(5 - 1)), "last"]
    assert "couldn't be prefetched" in caplog.text


def test_another_model_has_other_lists(client: TestClient, users: list[int]) -> None:
    """After a model swap no list of the old model is sent."""
    state = client.app.state.service  # type: ignore[attr-defined]
    path = f"/v1/users/{users[0]}/recommendations"
    client.get(path)
    state.served = replace(state.served, version="another")
    assert client.get(path).json()["model_version"] == "another"


def test_cached_lists_count_against_the_rate_limit(settings: ServiceSettings) -> None:
    """With a limit of three reads a minute the fourth request is a 429, although its list is cached."""
    with TestClient(create_app(replace(settings, reads=3))) as client:
        path = f"/v1/users/{training_data(client).users.ids[0]}/recommendations"
        assert [client.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_the_least_recently_used_lists_are_evicted() -> None:
    """Eviction is by bytes and last use, and a replaced list isn't counted twice."""
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
    """More waiting writers than request threads don't delay lists, and all writers are answered in the end."""
    state, movies = client.app.state.service, training_data(client).movies.ids[:8].tolist()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(len(movies)) as writers:
        with state.store.write_transaction() as connection:  # simulates a slow disk: no other write is possible
            state.store.note(connection, str(users[0]), str(movies[0]), "seen")
            urls = [f"/v1/users/{users[0]}/ratings/{movie}" for movie in movies]
            writes = [writers.submit(client.put, url, json={"rating": 4.0}) for url in urls]
            sleep(0.3)  # until they wait
            assert client.get(f"/v1/users/{users[1]}/recommendations").status_code == 200
            assert not any(write.done() for write in writes)
        assert {write.result().status_code for write in writes} <= {200, 201}
