"""Impressions of the service: `service.impressions`, their metrics and their place in the overview."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import SettingError
from cinematrix.models.artifact import save
from cinematrix.models.popular import Popular
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.state import ServiceState
from cinematrix.store.tables import SHOWN
from cinematrix.store.tokens import create_token


def test_what_users_were_shown_is_counted(client: TestClient, user: int, unseen: int) -> None:
    """Lists, kept ones too, rows, similar movies and groups of users are counted; those of visitors aren't."""
    state: ServiceState = client.app.state.service  # type: ignore[attr-defined]
    token = {"Authorization": f"Bearer {create_token(state.store, str(user), 1, 'test')[0]}"}
    for _ in range(2):
        client.get(f"/v1/users/{user}/recommendations", params={"n": 5})
    client.post("/v1/recommendations", json={"ratings": [], "n": 4})
    client.post("/v1/rows", json={"ratings": []})
    client.post("/v1/rows", json={"ratings": []}, headers=token)
    client.get(f"/v1/movies/{unseen}/similar", headers=token)
    guest = {"name": "Ida", "ratings": []}
    client.post("/v1/groups/recommendations", json={"members": [guest, {"user": user}], "n": 3})
    state.impressions.run()
    client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 5})
    state.impressions.run()
    overview: dict[str, Any] = client.get("/v1/admin/overview").json()
    rows = {row["kind"]: row for row in overview["outcomes"]}
    assert rows.keys() >= {"main", "top", "similar", "group"}
    assert (rows["main"]["shown"], rows["main"]["high"], rows["main"]["low"]) == (5, 1, 0)
    assert (rows["group"]["shown"], rows["main"]["version"]) == (3, overview["version"])
    labels = f'kind="main",version="{overview["version"]}"'
    metrics = client.get("/metrics").text
    assert f"cinematrix_list_movies{{{labels}}} 5.0" in metrics
    labels = f'kind="main",outcome="high",version="{overview["version"]}"'
    assert f"cinematrix_list_outcomes{{{labels}}} 1.0" in metrics
    with state.store.engine.connect() as connection:
        assert set(connection.scalars(select(SHOWN.c.user))) == {str(user)}


def test_a_share_of_the_users_gets_the_candidates_lists(
    settings: ServiceSettings, tmp_path: Path, world: tuple[Ratings, Catalog]
) -> None:
    """Always the same users, made and kept lists alike; the overview compares both versions."""
    save(Popular().fit(*world), tmp_path / "other")
    both = replace(settings, candidate=tmp_path / "other", candidate_share=0.4, new_users=200)
    with TestClient(create_app(both)) as client:
        state: ServiceState = client.app.state.service  # type: ignore[attr-defined]
        versions = {user: ask(client, user) for user in map(str, range(2_000, 2_030))}
        assert versions == {user: ask(client, user) for user in versions}
        served, candidate = client.get("/v1/admin/overview").json()["version"], state.candidate
        assert candidate is not None
        assert set(versions.values()) == {served, candidate.version}
        token = {"Authorization": f"Bearer {create_token(state.store, '2000', 1, 'test')[0]}"}
        rows = client.post("/v1/rows", json={"ratings": []}, headers=token).json()
        assert rows["model_version"] == versions["2000"]
        for user in versions:
            first = client.get(f"/v1/users/{user}/recommendations").json()["items"][0]["movie"]
            client.put(f"/v1/users/{user}/ratings/{first}", json={"rating": 4})
            client.get(f"/v1/users/{user}/recommendations", params={"n": 1})
        state.impressions.run()
        arms = client.get("/v1/admin/overview").json()["trial"]
        for name, version in (("served", served), ("candidate", candidate.version)):
            assert arms[name]["version"] == version
            assert arms[name]["users"] == sum(each == version for each in versions.values())
        assert (arms["share"], arms["real"], arms["difference"]["low"]) == (0.4, False, None)
    with TestClient(create_app(both)) as again:
        assert versions == {user: ask(again, user) for user in versions}


def ask(client: TestClient, user: str) -> str:
    """Return the version that makes a user's list."""
    version: str = client.get(f"/v1/users/{user}/recommendations").json()["model_version"]
    return version


def test_a_candidate_on_another_scale_is_refused(settings: ServiceSettings, tmp_path: Path) -> None:
    """Its ratings would mean something else."""
    save(Popular().fit(Ratings.from_arrays([1, 2], [1, 2], [1, 3], scale=Scale(1, 3, 1))), tmp_path / "other")
    with pytest.raises(SettingError, match="has the scale 1–3 instead of"):
        create_app(replace(settings, candidate=tmp_path / "other"))
