"""The dials of lists over HTTP: `cinematrix.service.routes.recommendations`."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.recommendation.lists import Filters, get_history, recommend
from cinematrix.recommendation.reranking import Reranking
from service_world import check_problem


def of(items: list[dict[str, Any]]) -> list[int]:
    """The movies of a list."""
    return [item["movie"] for item in items]


def test_a_user_and_a_stranger_have_the_same_dials(client: TestClient, model: Any, user: int) -> None:
    """In the query or in the body: the list is the one that the model's dials make."""
    wanted = {"n": 6, "by": "stars", "novelty": 0.5, "diversity": 0.25, "min_ratings": 3}
    history = get_history(model, user)
    made = recommend(
        model, history, 6, by="stars", filters=Filters(min_ratings=3), dials=Reranking(novelty=0.5, diversity=0.25)
    ).items
    asked = client.get(f"/v1/users/{user}/recommendations", params=wanted).json()["items"]
    assert of(asked) == [line.movie for line in made]
    ids, values = model.data.movies.ids[history.items].tolist(), history.values.tolist()
    ratings = [{"movie": movie, "rating": value} for movie, value in zip(ids, values, strict=True)]
    told = client.post("/v1/recommendations", json={"ratings": ratings, **wanted}).json()["items"]
    stranger, _ = model.data.histories([dict(zip(ids, values, strict=True))])
    made = recommend(
        model, stranger, 6, by="stars", filters=Filters(min_ratings=3), dials=Reranking(novelty=0.5, diversity=0.25)
    ).items
    assert of(told) == [line.movie for line in made]


@pytest.mark.parametrize(
    "wanted", [{"novelty": 1.5}, {"diversity": "nan"}, {"min_ratings": -1}, {"n": 0}, {"n": 201}, {"nouvelty": 1}]
)
def test_dials_that_are_none_are_refused(client: TestClient, user: int, wanted: dict[str, Any]) -> None:
    """Beyond their ends, no number, or misspelt: in the query as in the body."""
    check_problem(client.get(f"/v1/users/{user}/recommendations", params=wanted), 422)
    check_problem(client.post("/v1/recommendations", json={"ratings": [], **wanted}), 422)


def test_text_is_no_number_in_a_body(client: TestClient, user: int) -> None:
    """A query is text and means numbers; a body must say what it means."""
    assert client.get(f"/v1/users/{user}/recommendations", params={"n": "3"}).status_code == 200
    check_problem(client.post("/v1/recommendations", json={"ratings": [], "n": "3"}), 422)
