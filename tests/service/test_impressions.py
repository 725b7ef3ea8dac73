"""Impressions of the service: `service.impressions`, their metrics and their place in the overview."""

from typing import Any

from sqlalchemy import select
from starlette.testclient import TestClient

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
