"""The service from a client's view: `cinematrix.service`, in this process and behind a real socket."""

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import numpy as np
import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.recommendation.lists import Filters, find_similar, get_history, recommend
from cinematrix.service import server
from cinematrix.service.app import create_app
from cinematrix.service.auth import RequestCredentials
from cinematrix.service.problems import Problem
from cinematrix.service.rate_limits import take
from cinematrix.service.served_model import ServedModel
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.records import Store
from places import ROOT
from service_world import PROBLEM_TYPE, check_problem
from serving import free_port
from waiting import wait_for

PROGRAM = [sys.executable, "-c", "from cinematrix.cli.main import run; run()"]


def test_a_list_equals_the_librarys(client: TestClient, model: Any, user: int) -> None:
    """A list has titles, stars, intervals, reasons and the version, and follows `n`, `by` and `where`."""
    answer = client.get(f"/v1/users/{user}/recommendations", params={"n": 4, "by": "stars", "where": "genre=Comedy"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["user"], body["fallback"], len(body["items"])) == (user, False, 4)
    comedies = Filters("genre=Comedy")
    expected = [
        line.as_dict() for line in recommend(model, get_history(model, user), 4, by="stars", filters=comedies).items
    ]
    assert body["items"] == json.loads(json.dumps(expected))
    assert all(item["low"] <= item["stars"] <= item["high"] for item in body["items"])


def test_a_rating_counts_in_the_next_list(client: TestClient, model: Any, user: int, unseen: int) -> None:
    """After a rating the list is that of the history with the rating, without the rated movie."""
    path = f"/v1/users/{user}/ratings/{unseen}"
    answer = client.put(path, json={"rating": 0.5, "time": 1_700_000_000})
    assert answer.status_code == 201
    assert answer.json() == {
        "user": user, "movie": unseen, "rating": 0.5, "received": answer.json()["received"], "time": 1_700_000_000,
    }  # fmt: skip
    history = get_history(model, user)
    data = model.data
    rated = dict(zip(data.movies.ids[history.items].tolist(), history.values.tolist(), strict=True)) | {unseen: 0.5}
    (changed,), _ = [data.histories([rated])], None
    expected = recommend(model, replace(changed[0], owners=history.owners), 5).items
    items = client.get(f"/v1/users/{user}/recommendations", params={"n": 5}).json()["items"]
    assert [item["movie"] for item in items] == [line.movie for line in expected]
    np.testing.assert_allclose([item["stars"] for item in items], [line.stars for line in expected], rtol=1e-6)
    assert client.put(path, json={"rating": 4}).status_code == 200
    rows = {row["movie"]: row for row in client.get(f"/v1/users/{user}/ratings").json()["ratings"]}
    assert rows[unseen]["rating"] == 4.0
    movie = client.get(f"/v1/movies/{unseen}").json()
    assert {name: rows[unseen][name] for name in ("title", "year", "genres")} == {
        name: movie[name] for name in ("title", "year", "genres")
    }
    assert len(rows) == len(rated)


def test_a_deleted_rating_no_longer_counts(client: TestClient, model: Any, user: int, unseen: int) -> None:
    """Ratings in the store and in the training data can be deleted; an unrated movie is a 404."""
    before = client.get(f"/v1/users/{user}/recommendations").json()
    client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 1})
    assert client.delete(f"/v1/users/{user}/ratings/{unseen}").status_code == 204
    after = client.get(f"/v1/users/{user}/recommendations").json()
    assert [item["movie"] for item in after["items"]] == [item["movie"] for item in before["items"]]
    check_problem(client.delete(f"/v1/users/{user}/ratings/{unseen}"), 404)
    old = int(model.data.movies.ids[get_history(model, user).items[0]])
    assert client.delete(f"/v1/users/{user}/ratings/{old}").status_code == 204
    assert old not in [row["movie"] for row in client.get(f"/v1/users/{user}/ratings").json()["ratings"]]


def test_seen_movies_are_never_recommended(client: TestClient, model: Any, user: int) -> None:
    """Rated, seen, liked and refused movies aren't in the longest list; watchlisted ones may be."""
    first, second, third, fourth = [line.movie for line in recommend(model, get_history(model, user), 4).items]
    for kind, movie in (("seen", first), ("not_interested", second), ("watchlist", third), ("like", fourth)):
        assert client.put(f"/v1/users/{user}/events/{kind}/{movie}").status_code == 204
    assert client.get(f"/v1/users/{user}/events").json()["events"] == {
        "seen": [first], "not_interested": [second], "watchlist": [third], "like": [fourth],
    }  # fmt: skip
    items = client.get(f"/v1/users/{user}/recommendations", params={"n": 200}).json()["items"]
    movies = {item["movie"] for item in items}
    assert third in movies
    rated = set(model.data.movies.ids[get_history(model, user).items].tolist())
    assert not movies & {first, second, fourth, *rated}
    assert len(movies) == len(model.data.movies) - len(rated) - 3
    assert client.delete(f"/v1/users/{user}/events/seen/{first}").status_code == 204
    assert client.get(f"/v1/users/{user}/recommendations").json()["items"][0]["movie"] == first


def test_a_history_in_the_request_is_not_stored(client: TestClient, model: Any, settings: ServiceSettings) -> None:
    """The list is that of the history in the body; unknown movies are returned; an empty history gives the fallback."""
    movie = int(model.data.movies.ids[0])
    body = {"ratings": [{"movie": movie, "rating": 4.5}, {"movie": -5, "rating": 1}], "n": 3}
    answer = client.post("/v1/recommendations", json=body).json()
    (history, _) = model.data.histories([{movie: 4.5}])
    assert [item["movie"] for item in answer["items"]] == [line.movie for line in recommend(model, history, 3).items]
    assert (answer["user"], answer["unknown"], answer["fallback"]) == (None, [-5], False)
    seen = {"hidden": [answer["items"][0]["movie"], "no such movie"]}
    left = client.post("/v1/recommendations", json=body | seen).json()["items"]
    assert [item["movie"] for item in left[:2]] == [item["movie"] for item in answer["items"][1:]]
    assert client.post("/v1/recommendations", json={"ratings": []}).json()["fallback"]
    assert Store.open(settings.db).n_users() == 0


@pytest.mark.fault(3)
def test_an_unknown_user_reads_popular_movies_and_writes_nothing(client: TestClient, unseen: int) -> None:
    """An unknown user gets a fallback list and a 404 for ratings and writes."""
    assert client.get("/v1/users/nobody/recommendations").json()["fallback"] is True
    for answer in (
        client.get("/v1/users/nobody/ratings"), client.get("/v1/users/nobody/export"),
        client.delete("/v1/users/nobody"),
    ):  # fmt: skip
        assert check_problem(answer, 404)["detail"] == "there is no such user"
    for answer in (
        client.put(f"/v1/users/nobody/ratings/{unseen}", json={"rating": 3}),
        client.put(f"/v1/users/nobody/events/seen/{unseen}"),
    ):
        assert "takes no new ones (--new-users)" in check_problem(answer, 404)["detail"]


@pytest.mark.fault(3)
def test_new_users_are_made_up_to_the_cap(settings: ServiceSettings, unseen: int) -> None:
    """With a limit of two new users the third is refused; existing users can still rate."""
    with TestClient(create_app(replace(settings, new_users=2))) as client:
        codes = [
            client.put(f"/v1/users/{name}/ratings/{unseen}", json={"rating": 3}).status_code
            for name in ("a", "b", "c", "a")
        ]
        assert codes == [201, 201, 404, 200]
        assert client.get("/v1/users/a/recommendations").json()["fallback"] is False


def test_similar_movies_and_search(client: TestClient, model: Any) -> None:
    """Similar movies and search results equal the library's."""
    movie = int(model.data.movies.ids[0])
    answer = client.get(f"/v1/movies/{movie}/similar", params={"n": 3}).json()
    assert [item["movie"] for item in answer["items"]] == [line.movie for line in find_similar(model, movie, 3)]
    best = client.get("/v1/movies", params={"query": "funy 12"}).json()["items"][0]
    assert (best["title"], best["year"], best["genres"]) == ("Funny 12", 1992, ["Comedy"])
    check_problem(client.get("/v1/movies/999999/similar"), 404)


@pytest.mark.fault(10)
def test_a_bulk_is_stored_whole_or_not_at_all(client: TestClient, model: Any, user: int) -> None:
    """A problem has the index of the wrong row, and the rows before it aren't stored."""
    ids = model.data.movies.ids[:4].tolist()
    rows: list[dict[str, Any]] = [{"user": user, "movie": movie, "rating": 2.5} for movie in ids]
    before = client.get(f"/v1/users/{user}/ratings").json()
    for bad in ({"movie": -7}, {"rating": 4.25}, {"rating": "4"}, {"user": "nobody"}, {"extra": 1}):
        answer = client.post("/v1/ratings", json={"ratings": [*rows[:2], rows[2] | bad, rows[3]]})
        assert check_problem(answer, 422)["index"] == 2
    assert client.get(f"/v1/users/{user}/ratings").json() == before
    assert client.post("/v1/ratings", json={"ratings": rows}).json() == {"created": 4, "updated": 0}
    assert client.post("/v1/ratings", json={"ratings": rows}).json() == {"created": 0, "updated": 4}
    assert 'cinematrix_ratings_total{how="updated"} 4.0' in client.get("/metrics").text


@pytest.mark.fault(5)
def test_sixteen_clients_of_two_servers_share_a_store(either: ServiceSettings, user: int, unseen: int) -> None:
    """Concurrent ratings of one movie are all acknowledged, one is stored, and both servers return the same one."""
    with TestClient(create_app(either)) as one, TestClient(create_app(either)) as other:
        for client in (one, other):  # FastAPI builds routes at the first request, and two apps collide
            assert client.get("/livez").status_code == 200

        def put(turn: int) -> int:
            body = {"rating": 0.5 + turn % 10 / 2}
            return (one, other)[turn % 2].put(f"/v1/users/{user}/ratings/{unseen}", json=body).status_code

        with ThreadPoolExecutor(16) as pool:
            codes = sorted(pool.map(put, range(48)))
        assert codes == [200] * 47 + [201]
        first, second = (client.get(f"/v1/users/{user}/ratings").json()["ratings"] for client in (one, other))
        assert first == second
        assert len([row for row in first if row["movie"] == unseen]) == 1


@pytest.mark.fault(6)
def test_a_repeated_request_is_applied_once(client: TestClient, user: int, unseen: int) -> None:
    """The same key and body get the first response, even if the rating has changed since; another body is a 409."""
    body = {"ratings": [{"user": user, "movie": unseen, "rating": 2}]}
    headers = {"Idempotency-Key": "k1"}
    first = client.post("/v1/ratings", json=body, headers=headers)
    client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 5})
    again = client.post("/v1/ratings", json=body, headers=headers)
    assert first.json() == again.json() == {"created": 1, "updated": 0}
    rows = client.get(f"/v1/users/{user}/ratings").json()["ratings"]
    assert [row["rating"] for row in rows if row["movie"] == unseen] == [5.0]
    body["ratings"][0]["rating"] = 3
    check_problem(client.post("/v1/ratings", json=body, headers=headers), 409)


def test_a_deleted_user_is_forgotten(client: TestClient, user: int, unseen: int, settings: ServiceSettings) -> None:
    """A deleted user is gone from the store, their training data isn't used, and the audit log has a line."""
    client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 2})
    client.put(f"/v1/users/{user}/events/like/{unseen}")
    exported = client.get(f"/v1/users/{user}/export").json()
    assert exported["events"] == {"like": [unseen]}
    assert unseen in [row["movie"] for row in exported["ratings"]]
    assert client.delete(f"/v1/users/{user}").status_code == 204
    check_problem(client.get(f"/v1/users/{user}/export"), 404)
    assert client.get(f"/v1/users/{user}/recommendations").json()["fallback"] is True
    store = Store.open(settings.db)
    assert store.audit() == [f"deleted user {store.pseudonym(str(user))}"]
    store.close()


BAD = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-0.0",
    "0",
    "5.5",
    "4.25",
    '"4"',
    "true",
    "null",
    "[4]",
    "1" + "0" * 5000,
]


@pytest.mark.fault(1)
@pytest.mark.parametrize("value", BAD, ids=[value[:9] for value in BAD])
def test_a_bad_rating_is_refused_without_an_echo(client: TestClient, user: int, unseen: int, value: str) -> None:
    """A bad rating is a 4xx that repeats nothing, and the store is unchanged."""
    headers = {"content-type": "application/json"}
    answer = client.put(f"/v1/users/{user}/ratings/{unseen}", content=f'{{"rating": {value}}}', headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == PROBLEM_TYPE
    assert "input" not in answer.text
    assert unseen not in [row["movie"] for row in client.get(f"/v1/users/{user}/ratings").json()["ratings"]]


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"", {422}), (b"\xff\xfe", {400, 422}), (b"[" * 200_000, {400, 413, 422}),
        (b'{"rating": 4, "rating": 5}', {400}),
        (b'{"rating": 4, "admin": true}', {422}), (b'{"rating": 4, "\\ud800": 1}', {400, 422}),
        (b'{"rating": 4, "time": -1}', {422}), (b'{"rating": 4, "time": 99999999999999}', {422}),
        (b" " * 1_000_001, {413}),
    ],
    ids=lambda each: repr(each)[:24],
)  # fmt: skip
def test_bad_bodies_are_problems(client: TestClient, user: int, unseen: int, body: bytes, statuses: set[int]) -> None:
    """Bodies that are empty, not UTF-8, deeply nested or too long, or that have duplicate or unknown names, surrogates
    or invalid times, are problems."""
    headers = {"content-type": "application/json"}
    answer = client.put(f"/v1/users/{user}/ratings/{unseen}", content=body, headers=headers)
    assert answer.status_code in statuses
    check_problem(answer, answer.status_code, "admin")


@pytest.mark.fault(9)
def test_a_body_without_a_length_is_counted(client: TestClient) -> None:
    """A chunked body beyond the limit is a 413."""
    parts = (b" " * 100_000 for _ in range(30))
    check_problem(client.post("/v1/ratings", content=parts, headers={"content-type": "application/json"}), 413)


@pytest.mark.fault(2)
@pytest.mark.parametrize("id_", ["0", "-1", str(2**31), str(2**63), "9" * 30, "1e3", "١٢", "a b", "x" * 200])
def test_well_formed_unknown_ids_are_404(client: TestClient, user: int, id_: str) -> None:
    """Unknown IDs of any valid form are a 404."""
    check_problem(client.put(f"/v1/users/{user}/ratings/{id_}", json={"rating": 3}), 404)
    check_problem(client.get(f"/v1/users/{id_}/ratings"), 404)


@pytest.mark.fault(2)
@pytest.mark.parametrize("id_", ["%00", "9" * 5000, "x" * 201, "%0a", "%7f", "%ff", "Zo%eb"])
def test_ids_that_cannot_be_are_422(client: TestClient, user: int, id_: str) -> None:
    """IDs with control characters and too long ones are a 422."""
    check_problem(client.put(f"/v1/users/{user}/ratings/{id_}", json={"rating": 3}), 422, id_)


@pytest.mark.fault(38)
def test_parameters_out_of_bounds_are_422(client: TestClient, user: int) -> None:
    """Invalid lengths, orders and filters are a 422."""
    for params in (
        {"n": 0},
        {"n": 10**9},
        {"n": "x"},
        {"by": "luck"},
        {"where": "genre=Nonsense"},
        {"where": "x" * 501},
    ):
        check_problem(client.get(f"/v1/users/{user}/recommendations", params=params), 422)
    check_problem(client.get("/nowhere"), 404)
    check_problem(client.post(f"/v1/users/{user}/recommendations"), 405)


@pytest.mark.fault(40)
def test_an_error_of_ours_is_a_500_without_details(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is a 500 without details, and the server keeps running."""

    def broken(*_: object) -> None:
        raise RuntimeError("secret plans")

    monkeypatch.setattr(Store, "people", broken)
    answer = client.get("/v1/users/1/recommendations")
    check_problem(answer, 500, "secret plans", "RuntimeError")
    assert len(answer.headers["x-request-id"]) == 32
    assert client.get("/livez").json() == {"status": "alive"}


@pytest.mark.fault(33)
def test_a_full_store_refuses_writes_and_answers_reads(client: TestClient, user: int, model: Any) -> None:
    """In a full SQLite file a write is a 503 with Retry-After and acknowledged data is readable; with space writes
    succeed again."""
    engine = client.app.state.service.store.engine  # type: ignore[attr-defined]

    def cap(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA max_page_count=1")  # SQLite takes the minimum: the existing pages

    event.listen(engine, "connect", cap)
    engine.dispose()
    stored: dict[str, list[int]] = {}
    for kind in ("seen", "not_interested", "like", "watchlist"):
        for movie in model.data.movies.ids.tolist():
            answer = client.put(f"/v1/users/{user}/events/{kind}/{movie}")
            if answer.status_code == 204:
                stored.setdefault(kind, []).append(movie)
    check_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"
    events = client.get(f"/v1/users/{user}/events").json()["events"]
    assert {name: sorted(movies) for name, movies in events.items()} == {n: sorted(m) for n, m in stored.items()}
    event.remove(engine, "connect", cap)
    engine.dispose()
    assert client.put(f"/v1/users/{user}/events/{kind}/{movie}").status_code == 204


@pytest.mark.fault(45)
def test_answers_carry_security_headers_and_hosts_are_known(client: TestClient) -> None:
    """Responses forbid sniffing and frames and have no CORS headers; an unknown Host is refused."""
    answer = client.get("/readyz", headers={"Origin": "https://elsewhere.example"})
    assert answer.json() == {"status": "ready"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers
    check_problem(client.get("/readyz", headers={"Host": "elsewhere.example"}), 400)


def test_every_route_is_in_the_documents(client: TestClient) -> None:
    """Every route is in docs/service.md and describes its problems."""
    described = client.get("/openapi.json").json()
    page = (ROOT / "docs" / "service.md").read_text("utf-8")
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert f"`{method.upper()} {path}`" in page
            assert (method.upper() == "GET" and path == "/livez") or PROBLEM_TYPE in route["responses"]["default"][
                "content"
            ]
    assert "ProblemBody" in described["components"]["schemas"]
    assert "HTTPValidationError" not in described["components"]["schemas"]
    assert not [name for name in described["components"]["schemas"] if "__" in name]  # of two classes with one name


@pytest.mark.fault(43)
def test_too_many_requests_wait(settings: ServiceSettings) -> None:
    """With a limit of three writes a minute the fourth is a 429 with Retry-After; reads succeed."""
    with TestClient(create_app(replace(settings, writes=3))) as client:
        answers = [client.put("/v1/users/1/events/like/1") for _ in range(4)]
        check_problem(answers[-1], 429)
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 21
        assert client.get("/v1/movies?query=x").status_code == 200


def test_many_callers_give_nobody_a_new_start(settings: ServiceSettings) -> None:
    """One IPv6 network is one caller; a flood of callers makes the service forget those that are silent longest."""
    app = create_app(replace(settings, public=True, visits=3, callers=8))
    authenticator = app.state.authenticator

    def ask(address: str) -> bool:
        try:
            authenticator.authorize(RequestCredentials(None, None, None), address, "page", None)
        except Problem:
            return False
        return True

    assert [ask(f"2001:db8:0:7::{number:x}") for number in range(5)] == [True] * 3 + [False] * 2
    assert [ask("192.0.2.1"), ask("::ffff:192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.1")] == [True] * 3 + [False]
    for number in range(200):
        ask(f"2001:db8:1:{number:x}::1")
        assert not ask("2001:db8:0:7::ffff")


def test_a_bucket_fills_with_time() -> None:
    """With two requests a minute the third waits half a minute; after an hour the bucket holds two and no more."""
    left, waits = 2.0, []
    for seconds in (0, 0, 0, 3600, 0, 15):
        left, wait = take(left, seconds, 2)
        waits.append(wait)
    assert waits == [0, 0, 30, 0, 0, 15]


@pytest.mark.fault(39)
def test_a_busy_server_refuses_requests(settings: ServiceSettings) -> None:
    """Beyond its capacity the server sends a 503 with Retry-After, while /livez answers."""
    with TestClient(create_app(replace(settings, in_flight=0))) as client:
        answer = client.get("/readyz")
        check_problem(answer, 503)
        assert answer.headers["retry-after"] == "1"
        assert client.get("/livez").status_code == 200


def test_another_scale_is_refused(settings: ServiceSettings, tmp_path: Path) -> None:
    """A store of half-star ratings doesn't serve a model of whole stars."""
    create_app(settings)
    whole = Ratings.from_arrays([1, 2], [1, 2], [3, 5])
    save(Bias().fit(whole), tmp_path / "whole")
    with pytest.raises(Exception, match="in steps of"):
        create_app(replace(settings, model=tmp_path / "whole"))


@pytest.mark.fault(26)
def test_models_are_swapped_under_load(
    settings: ServiceSettings, world: tuple[Ratings, Catalog], tmp_path: Path
) -> None:
    """During fifty swaps between two models no request of four clients fails, and each response is that of the version
    that it names."""
    ratings, catalog = world
    assert ratings.rating is not None
    upside_down = replace(ratings, rating=np.float32(5.5) - ratings.rating)
    place, models = tmp_path / "model", [Bias().fit(ratings, catalog), Bias().fit(upside_down, catalog)]
    expected: dict[str, list[Any]] = {}
    for model in models:
        save(model, place, force=True)
        served = ServedModel.load(place, 10**6)
        expected[served.version] = [line.movie for line in recommend(model, Histories.empty(1), 10).items]
    assert len(set(map(tuple, expected.values()))) == 2
    answers: list[tuple[int, Any]] = []
    stop = Event()
    with TestClient(create_app(replace(settings, model=place, watch_seconds=0.01))) as client:

        def ask() -> None:
            while not stop.is_set():
                answer = client.post("/v1/recommendations", json={"ratings": []})
                answers.append((answer.status_code, answer.json()))
                time.sleep(0.01)  # so that the swaps get a turn, too

        with ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(ask) for _ in range(4)]
            for turn in range(50):
                save(models[turn % 2], place, force=True)
                version = list(expected)[turn % 2]
                wait_for(lambda version=version: client.app.state.service.served.version == version)  # type: ignore
            stop.set()
            assert [each.exception() for each in clients] == [None] * 4
    assert {answer["model_version"] for _, answer in answers} == set(expected)
    for status, answer in answers:
        assert status == 200
        assert [item["movie"] for item in answer["items"]] == expected[answer["model_version"]]


@pytest.mark.fault(24)
def test_a_damaged_model_is_not_swapped_in(settings: ServiceSettings, folder: Path, tmp_path: Path) -> None:
    """The current version keeps serving and is ready, and the failure is counted once."""
    place = tmp_path / "model"
    shutil.copytree(folder, place)
    with TestClient(create_app(replace(settings, model=place, watch_seconds=0.01))) as client:
        version = client.get("/v1/users/1/recommendations").json()["model_version"]
        arrays = bytearray((place / "arrays.safetensors").read_bytes())
        arrays[-1] ^= 1
        (place / "copy").write_bytes(arrays)
        (place / "copy").rename(place / "arrays.safetensors")  # the served file is mapped, and never written to
        (place / "model.json").touch()
        failed = "cinematrix_model_load_failures_total 1.0"
        wait_for(lambda: failed in client.get("/metrics").text)
        time.sleep(0.1)
        assert failed in client.get("/metrics").text
        assert client.get("/readyz").status_code == 200
        assert client.get("/v1/users/1/recommendations").json()["model_version"] == version


@pytest.mark.fault(32, 34, 43)
def test_the_command_serves_keeps_and_stops(folder: Path, tmp_path: Path, user: int, unseen: int) -> None:
    """A rating survives kill -9 and a restart; a second server is refused; SIGTERM ends with status 0; no training
    package is loaded; the secret of a key isn't in the log."""
    db, port = f"sqlite:///{tmp_path}/store.db", free_port()
    words = ["serve", str(folder), "--db", db, "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    first = subprocess.Popen([*PROGRAM, *words], stderr=subprocess.PIPE, text=True)
    wait_until_ready(url)
    assert httpx2.put(f"{url}/v1/users/{user}/ratings/{unseen}", json={"rating": 1.5}).status_code == 201
    maps = Path(f"/proc/{first.pid}/maps").read_text()
    assert "torch" not in maps
    assert "llvmlite" not in maps
    second = subprocess.run([*PROGRAM, *words], capture_output=True, text=True)
    assert second.returncode == 2
    assert f"process id {first.pid}" in second.stderr
    first.kill()
    assert "nobody else" in first.communicate()[1]
    created = subprocess.run([*PROGRAM, "key", "create", "--role", "read", "--db", db], capture_output=True, text=True)
    secret = created.stdout.strip()
    third = subprocess.Popen([*PROGRAM, *words], stderr=subprocess.PIPE, text=True)
    wait_until_ready(url)
    assert httpx2.get(f"{url}/v1/users/{user}/ratings").status_code == 401
    rows = httpx2.get(f"{url}/v1/users/{user}/ratings", headers={"X-API-Key": secret}).json()["ratings"]
    assert [row["rating"] for row in rows if row["movie"] == unseen] == [1.5]
    third.send_signal(signal.SIGTERM)
    log = third.communicate(timeout=10)[1]
    assert third.returncode == 0, log
    assert secret not in log
    assert '"status": 401' in log


def wait_until_ready(url: str) -> None:
    """Wait until a server is ready."""
    for _ in range(200):
        try:
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    pytest.fail("the server isn't ready after ten seconds")


def test_an_open_address_needs_a_key(folder: Path, tmp_path: Path) -> None:
    """An open address without a key is refused before the server listens, and the message says what to do."""
    words = ["serve", str(folder), "--db", f"sqlite:///{tmp_path}/s.db", "--address", "0.0.0.0"]
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert "cinematrix key create" in done.stderr


@pytest.mark.parametrize(
    ("address", "hosts", "urls"),
    [
        ("127.0.0.1", (), ("http://127.0.0.1:8000", "http://127.0.0.1:8000")),
        ("::1", ("nas.local",), ("http://[::1]:8000", "http://[::1]:8000")),
        ("192.168.1.20", ("nas.local",), ("http://192.168.1.20:8000", "http://192.168.1.20:8000")),
        ("0.0.0.0", ("nas.local", "films.local"), ("http://127.0.0.1:8000", "http://nas.local:8000")),
        ("::", (), ("http://127.0.0.1:8000", "http://127.0.0.1:8000")),
    ],
)
def test_the_page_is_named_by_a_host_that_answers(
    address: str, hosts: tuple[str, ...], urls: tuple[str, str], settings: ServiceSettings
) -> None:
    """On this machine by loopback, for others by the first host name given; 0.0.0.0 is no place to ask."""
    known = (*server.LOOPBACK_HOSTS, *hosts)
    assert server._list_page_urls(replace(settings, address=address, hosts=known, port=8000)) == urls


def test_the_browser_opens_once_the_server_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser opens only once the server listens, and not at all after the timeout."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(server, "BROWSER_TIMEOUT_SECONDS", 0.2)

    async def check() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
            await server.open_browser_when_ready(url)
            assert opened == []
            opening = asyncio.create_task(server.open_browser_when_ready(url))
            await asyncio.sleep(0.05)
            free.listen()
            await opening
            assert opened == [url]

    asyncio.run(check())
