"""Lists for groups over HTTP: `cinematrix.service.routes.groups`."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.recommendation.groups import recommend_for_group
from cinematrix.recommendation.lists import Filters, get_history
from service_world import check_problem

PATH = "/v1/groups/recommendations"


def test_users_and_guests_get_one_list(client: TestClient, model: Any, user: int, unseen: int) -> None:
    """By ID or with a history that comes along: the list is the model's for the group, with a reason for each."""
    rated = int(model.data.movies.ids[0])
    guest = {"name": "Ida", "ratings": [{"movie": rated, "rating": 5}, {"movie": -9, "rating": 1}], "hidden": [unseen]}
    body = {"members": [{"user": user}, guest], "how": "least_misery", "n": 6, "min_ratings": 2}
    answer = client.post(PATH, json=body).json()
    stranger, _ = model.data.histories([{rated: 5}])
    wanted = recommend_for_group(
        model, [get_history(model, user), stranger], 6, how="least_misery", filters=Filters("", 2, (unseen,))
    ).items
    assert [item["movie"] for item in answer["items"]] == [line.movie for line in wanted]
    assert answer["unknown"] == [-9]
    for item, line in zip(answer["items"], wanted, strict=True):
        assert [member["name"] for member in item["members"]] == [str(user), "Ida"]
        assert [member["stars"] for member in item["members"]] == pytest.approx([m.stars for m in line.members])
        assert all(member["low"] <= member["stars"] <= member["high"] for member in item["members"])
    assert any(member["because"] for item in answer["items"] for member in item["members"][:1])


def test_what_one_has_seen_or_vetoes_nobody_gets(client: TestClient, model: Any, user: int) -> None:
    """Seen by event, rated a moment ago, hidden by a guest, or vetoed."""
    body: dict[str, Any] = {"members": [{"user": user}, {"name": "Ida", "ratings": []}], "n": 200}
    first, second, third, fourth, *_ = [item["movie"] for item in client.post(PATH, json=body).json()["items"]]
    client.put(f"/v1/users/{user}/events/seen/{first}")
    client.put(f"/v1/users/{user}/ratings/{second}", json={"rating": 3})
    body |= {"members": [{"user": user}, {"name": "Ida", "ratings": [], "hidden": [third]}], "veto": [fourth]}
    left = {item["movie"] for item in client.post(PATH, json=body).json()["items"]}
    assert left
    assert not left & {first, second, third, fourth}


@pytest.mark.parametrize(
    "body",
    [
        {"members": [{"user": 1}]},
        {"members": [{"user": 1}] * 9},
        {"members": [{"user": 1}, {"user": 2, "name": "Ida"}]},
        {"members": [{"user": 1}, {"name": "", "ratings": []}]},
        {"members": [{"user": 1}, {"user": 2}], "how": "dictator"},
        {"members": [{"user": 1}, {"user": 2}], "novelty": 0.5},
    ],
)
def test_what_is_no_group_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    """One person, nine, somebody who is neither user nor guest, no such strategy, a dial that groups don't have."""
    check_problem(client.post(PATH, json=body), 422, "Ida")
