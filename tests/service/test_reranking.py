"""Reranking of lists over HTTP: `cinematrix.service.routes.recommendations`."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.recommendation.lists import Filters, get_history, recommend
from cinematrix.recommendation.reranking import Reranking
from service_world import check_problem


def movies_of(items: list[dict[str, Any]]) -> list[int]:
    """Return the movies of a list."""
    return [item["movie"] for item in items]


def test_users_and_histories_have_the_same_options(client: TestClient, model: Any, user: int) -> None:
    """With options in the query or in the body, the list equals the library's reranked list."""
    wanted = {"n": 6, "by": "stars", "novelty": 0.5, "diversity": 0.25, "min_ratings": 3}
    history = get_history(model, user)
    expected = recommend(
        model, history, 6, by="stars", filters=Filters(min_ratings=3), dials=Reranking(novelty=0.5, diversity=0.25)
    ).items
    items = client.get(f"/v1/users/{user}/recommendations", params=wanted).json()["items"]
    assert movies_of(items) == [line.movie for line in expected]
    ids, values = model.data.movies.ids[history.items].tolist(), history.values.tolist()
    ratings = [{"movie": movie, "rating": value} for movie, value in zip(ids, values, strict=True)]
    items = client.post("/v1/recommendations", json={"ratings": ratings, **wanted}).json()["items"]
    new_user, _ = model.data.histories([dict(zip(ids, values, strict=True))])
    expected = recommend(
        model, new_user, 6, by="stars", filters=Filters(min_ratings=3), dials=Reranking(novelty=0.5, diversity=0.25)
    ).items
    assert movies_of(items) == [line.movie for line in expected]


@pytest.mark.parametrize(
    "wanted", [{"novelty": 1.5}, {"diversity": "nan"}, {"min_ratings": -1}, {"n": 0}, {"n": 201}, {"nouvelty": 1}]
)
def test_invalid_options_are_refused(client: TestClient, user: int, wanted: dict[str, Any]) -> None:
    """Options out of range, not a number or misspelt are refused, in the query and in the body."""
    check_problem(client.get(f"/v1/users/{user}/recommendations", params=wanted), 422)
    check_problem(client.post("/v1/recommendations", json={"ratings": [], **wanted}), 422)


def test_text_is_no_number_in_a_body(client: TestClient, user: int) -> None:
    """Text is accepted as a number in a query, but not in a body."""
    assert client.get(f"/v1/users/{user}/recommendations", params={"n": "3"}).status_code == 200
    check_problem(client.post("/v1/recommendations", json={"ratings": [], "n": "3"}), 422)
