"""Lists for groups over HTTP: `cinematrix.service.routes.groups`."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.recommendation.groups import recommend_for_group
from cinematrix.recommendation.lists import Filters, get_history
from service_world import check_problem

PATH = "/v1/groups/recommendations"


def test_users_and_guests_get_one_list(client: TestClient, model: Any, user: int, unseen: int) -> None:
    """For members by ID and guests with a history, the list is the model's for the group, with reasons."""
    rated = int(model.data.movies.ids[0])
    guest = {"name": "Ida", "ratings": [{"movie": rated, "rating": 5}, {"movie": -9, "rating": 1}], "hidden": [unseen]}
    body = {"members": [{"user": user}, guest], "how": "least_misery", "n": 6, "min_ratings": 2}
    answer = client.post(PATH, json=body).json()
    guest_history, _ = model.data.histories([{rated: 5}])
    expected = recommend_for_group(
        model, [get_history(model, user), guest_history], 6, how="least_misery", filters=Filters("", 2, (unseen,))
    ).items
    assert [item["movie"] for item in answer["items"]] == [line.movie for line in expected]
    assert answer["unknown"] == [-9]
    for item, line in zip(answer["items"], expected, strict=True):
        assert [member["name"] for member in item["members"]] == [str(user), "Ida"]
        assert [member["stars"] for member in item["members"]] == pytest.approx([m.stars for m in line.members])
        assert all(member["low"] <= member["stars"] <= member["high"] for member in item["members"])
    assert any(member["because"] for item in answer["items"] for member in item["members"])


def test_movies_that_a_member_excludes_are_left_out(client: TestClient, model: Any, user: int) -> None:
    """Movies seen by event, just rated, hidden by a guest or vetoed aren't recommended."""
    body: dict[str, Any] = {"members": [{"user": user}, {"name": "Ida", "ratings": []}], "n": 200}
    first, second, third, fourth, *_ = [item["movie"] for item in client.post(PATH, json=body).json()["items"]]
    client.put(f"/v1/users/{user}/events/seen/{first}")
    client.put(f"/v1/users/{user}/ratings/{second}", json={"rating": 3})
    body |= {"members": [{"user": user}, {"name": "Ida", "ratings": [], "hidden": [third]}], "veto": [fourth]}
    left = {item["movie"] for item in client.post(PATH, json=body).json()["items"]}
    assert left
    assert not left & {first, second, third, fourth}


def test_dials_choose_the_movies_and_not_their_order(client: TestClient) -> None:
    """Adventurous and varied lists have other movies, each in the order of the stars that it shows."""
    body: dict[str, Any] = {"members": [{"name": "Ida", "ratings": []}, {"name": "Ola", "ratings": []}], "n": 5}
    lists = []
    for dials in ({}, {"novelty": 1.0}, {"diversity": 1.0}):
        items = client.post(PATH, json=body | dials).json()["items"]
        scores = [item["score"] for item in items]
        assert scores == sorted(scores, reverse=True)
        assert len(items) == 5
        lists.append({item["movie"] for item in items})
    assert lists[0] != lists[1]
    assert lists[0] != lists[2]


@pytest.mark.parametrize(
    "body",
    [
        {"members": [{"user": 1}]},
        {"members": [{"user": 1}] * 9},
        {"members": [{"user": 1}, {"user": 2, "name": "Ida"}]},
        {"members": [{"user": 1}, {"name": "", "ratings": []}]},
        {"members": [{"user": 1}, {"user": 2}], "how": "dictator"},
        {"members": [{"user": 1}, {"user": 2}], "novelty": 1.5},
    ],
)
def test_an_invalid_group_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    """One member, nine, a member that is both user and guest, an unknown strategy and reranking options are refused."""
    check_problem(client.post(PATH, json=body), 422, "Ida")
