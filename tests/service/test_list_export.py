"""Export of the lists of all users: `service.list_export`."""

import io
import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings

PATH = "/v1/admin/exports/recommendations"


def test_the_lists_of_all_users_are_exported(client: TestClient, model: Any, user: int, unseen: int) -> None:
    """They are those of the users' own routes, in both formats; nothing is computed again until something changes."""
    client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 4})
    options = {"n": 3, "novelty": 0.5}
    sent = client.get(PATH, params=options)
    lines = {line["user"]: line for line in map(json.loads, sent.text.splitlines())}
    assert lines.keys() == set(model.data.users.ids.tolist())
    for each in (user, int(model.data.users.ids[7])):
        own = client.get(f"/v1/users/{each}/recommendations", params=options).json()
        names = ("movie", "score", "stars", "low", "high")
        for line, item in zip(lines[each]["items"], own["items"], strict=True):
            assert line == pytest.approx({name: item[name] for name in names}, rel=1e-4)
        assert lines[each]["model_version"] == own["model_version"]
    frame = pl.read_parquet(io.BytesIO(client.get(PATH, params=options | {"format": "parquet"}).content))
    expected = [(each, item["movie"]) for each, line in lines.items() for item in line["items"]]
    assert list(zip(frame["user"], frame["movie"], strict=True)) == expected
    assert frame.columns == ["user", "rank", "movie", "score", "stars", "low", "high", "model_version"]
    assert frame["rank"].to_list()[:4] == [1, 2, 3, 1]
    kept = {"If-None-Match": sent.headers["ETag"]}
    again = client.get(PATH, params=options, headers=kept)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", sent.headers["ETag"])
    assert client.get(PATH, params=options | {"novelty": 0.4}, headers=kept).status_code == 200
    client.delete(f"/v1/users/{user}")
    after = client.get(PATH, params=options, headers=kept)
    assert after.status_code == 200
    assert user not in {json.loads(line)["user"] for line in after.text.splitlines()}


def test_users_are_text_in_parquet_as_soon_as_one_is(settings: ServiceSettings, user: int, unseen: int) -> None:
    """The training data has integers, and the store a name. JSON Lines keep both types."""
    with TestClient(create_app(replace(settings, new_users=1))) as client:
        stored = client.put(f"/v1/users/anna/ratings/{unseen}", json={"rating": 4})
        assert stored.status_code == 201, stored.text
        frame = pl.read_parquet(io.BytesIO(client.get(PATH, params={"n": 1, "format": "parquet"}).content))
        users = [json.loads(line)["user"] for line in client.get(PATH, params={"n": 1}).text.splitlines()]
    assert frame["user"].to_list() == list(map(str, users))
    assert {"anna", user} <= set(users)
