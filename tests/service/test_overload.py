"""More lists than can be computed, beside ratings: `cinematrix.service.list_pool`, `group_commit`."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from anyio import CapacityLimiter
from sqlalchemy import Connection, event
from starlette.testclient import TestClient

from cinematrix.data.histories import Histories, join_histories
from cinematrix.errors import SettingError
from cinematrix.recommendation.lists import Filters, recommend, recommend_each
from cinematrix.service import list_pool, making_lists
from cinematrix.service.app import create_app
from cinematrix.service.group_commit import GroupCommit
from cinematrix.service.list_pool import Foreground, ListPool
from cinematrix.service.middleware import find_kind
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.records import Rating, Store
from service_world import check_problem
from waiting import wait_for

IN_FLIGHT = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def client(request: pytest.FixtureRequest, folder: Any, database: Callable[[str], str]) -> Iterator[TestClient]:
    """A client of a service that takes few lists at a time, on each kind of store."""
    settings = ServiceSettings(
        folder, database(request.param), hosts=("testserver",), reads=10**6, writes=10**6, lists_waiting=IN_FLIGHT
    )
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def path_of(user: int) -> str:
    """Return the path of a user's list."""
    return f"/v1/users/{user}/recommendations"


def test_ratings_are_kept_while_lists_are_refused_or_stale(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """While lists take long, a cached one is sent, an outdated one is marked, a new one is refused, and each rating is
    stored. Prefetches wait. Afterwards all lists are current."""
    state = client.app.state.service  # type: ignore[attr-defined]
    known, go = state.served.model.data, Event()
    (rater, gone, *others), movies = known.users.ids[:8].tolist(), known.movies.ids[:24].tolist()
    history = {"ratings": [{"movie": movies[0], "rating": 4}]}
    before, _ = client.get(path_of(rater)).json(), client.get(path_of(gone))
    assert before["stale"] is False
    real = making_lists.recommend_each

    def slowly(*args: Any, **kwargs: Any) -> Any:
        assert go.wait(30)
        return real(*args, **kwargs)

    monkeypatch.setattr(making_lists, "recommend_each", slowly)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(client.get, path_of(user)) for user in others[:IN_FLIGHT]]
        wait_for(lambda: state.lists.in_flight == IN_FLIGHT)
        assert client.get(path_of(rater)).json() == before
        urls = [f"/v1/users/{rater}/ratings/{movie}" for movie in movies]
        kept = list(pool.map(lambda url: client.put(url, json={"rating": 1}).status_code, urls[:12]))
        kept += [client.put(url, json={"rating": 1}).status_code for url in urls[12:]]
        assert set(kept) == {201}
        assert client.get(path_of(rater)).json() == before | {"stale": True}
        for refused in (
            client.get(path_of(others[-1])),
            client.post("/v1/recommendations", json=history),
            client.post("/v1/rows", json=history),
        ):
            check_problem(refused, 503)
            assert int(refused.headers["retry-after"]) >= 1
        assert client.delete(f"/v1/users/{gone}").status_code == 204
        deleted = pool.submit(client.get, path_of(gone))
        assert client.get("/readyz").status_code == 200
        assert 'how="ahead"' not in client.get("/metrics").text
        go.set()
        assert {each.result().status_code for each in waiting} == {200}
        assert (deleted.result().json()["stale"], deleted.result().json()["fallback"]) == (False, True)
    after = client.get(path_of(rater)).json()
    assert after["stale"] is False
    assert not {line["movie"] for line in after["items"]} & set(movies)
    metrics = client.get("/metrics").text
    assert 'cinematrix_lists_total{how="stale"} 1.0' in metrics
    assert 'cinematrix_lists_total{how="refused"} 3.0' in metrics


def test_a_list_is_refused_by_its_expected_wait() -> None:
    """Two lists are computed at once; with a mean of two seconds each, the third would wait one second, the fourth
    two."""
    pool = ListPool(ServiceSettings(Path(), list_threads=2), Foreground(), seconds=2.0)
    outcomes = []
    for pool.in_flight in range(4):
        outcomes.append((pool.wait, pool.is_full))
    assert outcomes == [(0, False), (0, False), (1, False), (2, True)]
    pool.in_flight = 9
    assert pool.refusal().headers == {"Retry-After": "8"}
    pool.seconds = 0.0
    assert (pool.is_full, pool.refusal().headers) == (False, {"Retry-After": "1"})


def test_the_mean_duration_follows_the_lists() -> None:
    """Lists of 50 ms raise the mean, a failed one doesn't count, and the foreground is idle again."""
    foreground = Foreground()
    pool = ListPool(ServiceSettings(Path()), foreground)

    def wait(seconds: float) -> str:
        Event().wait(seconds)
        return "made"

    async def compute() -> list[str]:
        names = list(
            await asyncio.gather(*(pool.run(lambda items: [wait(item) for item in items], 0.05) for _ in range(6)))
        )
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda items: [1 // item for item in items], 0)
        return names

    assert asyncio.run(compute()) == ["made"] * 6
    assert 0.02 < pool.seconds < 1
    assert (pool.in_flight, foreground.idle.is_set()) == (0, True)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/v1/users/7/recommendations", "list"),
        ("POST", "/v1/groups/recommendations", "list"),
        ("POST", "/v1/rows", "list"),
        ("PUT", "/v1/users/7/ratings/3", "write"),
        ("POST", "/v1/ratings", "write"),
        ("GET", "/v1/users/7/ratings", "other"),
        ("GET", "/v1/users/7/recommendations/", "other"),
        ("PUT", "/v1/users/recommendations/ratings/rows", "write"),
    ],
)
def test_kinds_of_requests(method: str, path: str, kind: str) -> None:
    """Lists and writes have places of their own."""
    assert find_kind(method, path) == kind


def test_every_route_of_lists_has_their_threads(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The routes whose paths are those of lists compute in their threads."""
    calls: list[int] = []
    run = ListPool.run

    async def count(self: ListPool, compute: Callable[[Any], Any], item: Any) -> Any:
        calls.append(1)
        return await run(self, compute, item)

    monkeypatch.setattr(ListPool, "run", count)
    body: dict[str, Any] = {"ratings": []}
    people = {"members": [{"name": "A"} | body, {"name": "B"} | body]}
    with TestClient(create_app(settings)) as client:
        paths = [path for path in client.get("/openapi.json").json()["paths"] if list_pool.LIST_PATH.fullmatch(path)]
        answers = [client.get(path_of(1)), client.post("/v1/recommendations", json=body)]
        answers += [client.post("/v1/rows", json=body), client.post("/v1/groups/recommendations", json=people)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(paths) == len(calls) == 4


def test_writes_that_wait_share_a_transaction(tmp_path: Any) -> None:
    """One of three writes that wait for a first is refused; the others are stored by one commit."""
    store, commits, begun, go = Store.open(f"sqlite:///{tmp_path}/store.db"), [], Event(), Event()
    event.listen(store.engine, "commit", lambda _: commits.append(1))

    def rate(movie: str) -> Callable[[Connection], str]:
        def write(connection: Connection) -> str:
            store.rate(connection, [Rating("7", movie, 8)])
            if movie == "first":
                begun.set()
                assert go.wait(30)
            if movie == "wrong":
                raise SettingError("no such movie")
            return movie

        return write

    async def scenario() -> list[Any]:
        writes = GroupCommit(store, 30.0, CapacityLimiter(1), Foreground())
        first = asyncio.create_task(writes.run(rate("first")))
        await asyncio.to_thread(begun.wait, 30)
        others = [asyncio.create_task(writes.run(rate(movie))) for movie in ("a", "wrong", "b")]
        await asyncio.sleep(0)
        go.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    first, a, wrong, b = asyncio.run(scenario())
    assert (first, a, b) == ("first", "a", "b")
    assert isinstance(wrong, SettingError)
    assert {row.movie for row in store.person("7").ratings} == {"first", "a", "b"}
    assert len(commits) == 2
    store.close()


def test_lists_made_together_equal_those_made_alone(model: Any) -> None:
    """Users with filters of their own get the same movies and reasons, and numbers equal to rounding, in one batch."""
    histories = [model.data.history.take(np.array([user])) for user in range(5)] + [Histories.empty(1)]
    filters = [Filters(exclude=tuple(model.data.movies.ids[at : 2 * at].tolist())) for at in range(6)]
    together = recommend_each(model, join_histories(histories), 12, by=None, filters=filters, dials=None)
    for history, own, batched in zip(histories, filters, together, strict=True):
        alone = recommend(model, history, 12, filters=own)
        assert [(line.movie, line.reason) for line in batched] == [(line.movie, line.reason) for line in alone]
        for name in ("score", "stars", "low", "high"):
            values = [[getattr(line, name) for line in each] for each in (batched, alone)]
            np.testing.assert_allclose(*values, rtol=1e-4, atol=1e-4)
        assert batched.shortfall == alone.shortfall
