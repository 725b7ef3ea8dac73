"""Tests of whole histories and of changes: `service.history_export`, `routes.unmatched` and `routes.changes`."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from worlds import taste_world


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Client of a service on this machine, where every caller is an admin."""
    folder: Path = tmp_path_factory.mktemp("histories")
    save(Bias().fit(*taste_world(np.random.default_rng(5))), folder / "model")
    settings = ServiceSettings(
        folder / "model", f"sqlite:///{folder}/store.db", new_users=10_000, hosts=("testserver",)
    )
    with TestClient(create_app(settings), client=("127.0.0.1", 5)) as client:
        yield client


@pytest.fixture(scope="module")
def movies(client: TestClient) -> list[int]:
    """IDs of comedies."""
    found = client.get("/v1/movies", params={"query": "funny", "n": 8}).json()["items"]
    return [movie["movie"] for movie in found]


def change(client: TestClient, user: str, *changes: dict[str, Any], key: str | None = None) -> Any:
    """Apply changes, and return the response."""
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/v1/users/{user}/changes", json={"changes": changes}, headers=headers)


def exported(client: TestClient, user: str) -> dict[str, Any]:
    """Return the file of a user's history."""
    file: dict[str, Any] = client.get(f"/v1/users/{user}/export", params={"format": "history"}).json()
    return file


CHANGES = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 7),
            "kind": st.sampled_from(["rating", "deleted", "seen", "not_interested", "like", "watchlist"]),
            "halves": st.integers(1, 10),
            "time": st.integers(0, 1_700_000_000),
        }
    ),
    max_size=12,
)
NUMBERS = itertools.count()
LOST = st.lists(st.tuples(st.sampled_from(["No Such Film", "None Such", "映画"]), st.integers(1, 10)), max_size=3)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, lost=LOST)
def test_a_history_survives_the_way_to_another_account(
    client: TestClient, movies: list[int], changes: list[dict[str, Any]], lost: list[tuple[str, int]]
) -> None:
    """Every history → its file → an empty account → the same file; a second import changes nothing."""
    one, other = f"user{next(NUMBERS)}", f"user{next(NUMBERS)}"
    client.put(f"/v1/users/{one}/events/seen/{movies[0]}")
    rows = []
    for row in changes:
        fields = {"movie": movies[row["at"]], "kind": row["kind"], "time": row["time"]}
        rating = {"rating": row["halves"] / 2} if row["kind"] == "rating" else {}
        gone = {"kind": "rating", "gone": True} if row["kind"] == "deleted" else {}
        rows.append(fields | rating | gone)
    assert not rows or change(client, one, *rows).json() == {"applied": len(rows)}
    table = "".join(f"{title},{1931 + at},{halves / 2}\n" for at, (title, halves) in enumerate(lost))
    if lost:
        client.post(f"/v1/users/{one}/imports", content=f"title,year,rating\n{table}".encode(), params={"highest": 5})
    file = exported(client, one)
    assert len(client.get(f"/v1/users/{one}/unmatched").json()["films"]) == len(lost)
    client.post(f"/v1/users/{other}/imports", content=json.dumps(file).encode())
    assert exported(client, other) == file
    again = client.post(f"/v1/users/{other}/imports", content=json.dumps(file).encode()).json()
    assert (again["imported"], again["updated"]) == (0, 0)


def test_a_file_is_merged_into_a_history_by_the_newest_time(client: TestClient, movies: list[int]) -> None:
    """Newer ratings and deletions of the file replace those stored, older ones don't; marks are added."""
    old, new = 1_600_000_000, 1_700_000_000
    for user, ours, theirs in (("here", new, old), ("there", old, new)):
        change(client, user, {"movie": movies[0], "kind": "rating", "rating": 3 if user == "here" else 5, "time": ours})
        change(
            client, user, {"movie": movies[1], "kind": "rating", "rating": 1 if user == "here" else 2, "time": theirs}
        )
    change(client, "here", {"movie": movies[2], "kind": "rating", "rating": 4, "time": old})
    change(client, "there", {"movie": movies[2], "kind": "rating", "gone": True, "time": new})
    change(client, "there", {"movie": movies[3], "kind": "not_interested", "time": old})
    client.post("/v1/users/here/imports", content=json.dumps(exported(client, "there")).encode())
    ratings = client.get("/v1/users/here/ratings").json()["ratings"]
    assert {row["movie"]: row["rating"] for row in ratings} == {movies[0]: 3, movies[1]: 2}
    assert client.get("/v1/users/here/events").json()["events"] == {"not_interested": [movies[3]]}


def test_unmatched_films_are_kept_until_they_are_matched_or_forgotten(client: TestClient, movies: list[int]) -> None:
    """A film that is imported with its right title leaves them; one is deleted by its ID; all go with the user."""
    table = b"title,year,rating\nFunny 24,1901,8\nNo Such Film,1931,6\nFunny 1234,2090,9\n"
    client.post("/v1/users/eve/imports", content=table)
    films = client.get("/v1/users/eve/unmatched").json()["films"]
    assert [(film["title"], film["year"], film["rating"]) for film in films] == [
        ("Funny 1234", 2090, 4.5), ("Funny 24", 1901, 4.0), ("No Such Film", 1931, 3.0)
    ]  # fmt: skip
    assert client.delete(f"/v1/users/eve/unmatched/{films[2]['film']}").status_code == 204
    assert client.delete(f"/v1/users/eve/unmatched/{films[2]['film']}").status_code == 404
    client.post("/v1/users/eve/imports", content=table.replace(b",2090", b",2090").replace(b"No Such", b"Nope Such"))
    assert len(client.get("/v1/users/eve/unmatched").json()["films"]) == 3
    client.delete("/v1/users/eve")
    assert client.get("/v1/users/eve/unmatched").status_code == 404
    client.put(f"/v1/users/eve/events/seen/{movies[0]}")
    assert client.get("/v1/users/eve/unmatched").json()["films"] == []


def test_changes_are_applied_in_order_together_and_once(client: TestClient, movies: list[int]) -> None:
    """All or none; a repeated request gets its answer, and another under its key is refused."""
    set_two = [{"movie": movies[0], "kind": "rating", "rating": stars} for stars in (2, 4.5)]
    mark = {"movie": movies[1], "kind": "watchlist", "time": 1_700_000_000}
    first = change(client, "kim", *set_two, mark, key="k1")
    assert first.json() == {"applied": 3}
    client.put(f"/v1/users/kim/ratings/{movies[0]}", json={"rating": 1})
    assert change(client, "kim", *set_two, mark, key="k1").json() == {"applied": 3}
    assert change(client, "kim", mark, key="k1").status_code == 409
    assert [row["rating"] for row in client.get("/v1/users/kim/ratings").json()["ratings"]] == [1]
    assert client.get("/v1/users/kim/events").json()["event_times"] == {"watchlist": {str(movies[1]): 1_700_000_000}}
    for wrong in ({"movie": -1, "kind": "seen"}, {"movie": movies[0], "kind": "rating", "rating": 4.7}):
        refused = change(client, "kim", {"movie": movies[1], "kind": "watchlist", "gone": True}, wrong)
        assert (refused.status_code, refused.json()["index"]) == (422, 1)
    for wrong in ({"movie": 1, "kind": "rating"}, {"movie": 1, "kind": "seen", "rating": 1}, {"movie": 1, "kind": "x"}):
        assert change(client, "kim", wrong).status_code == 422
    assert client.get("/v1/users/kim/events").json()["events"] == {"watchlist": [movies[1]]}


def test_movies_are_looked_up_together(client: TestClient, movies: list[int]) -> None:
    """In the order of the request; unknown IDs are left out."""
    answer = client.post("/v1/movies/lookup", json={"movies": [movies[1], -1, movies[0]]}).json()["items"]
    assert [movie["movie"] for movie in answer] == [movies[1], movies[0]]
    assert answer[0]["links"] == {"imdb": None, "tmdb": None}
