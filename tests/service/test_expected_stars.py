"""Expected stars on search results, similar movies and the map: `cinematrix.service.routes.expected_stars`."""

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from service_world import check_problem


@pytest.fixture
def history(model: Any) -> list[dict[str, Any]]:
    """Three rated movies, the second and third of which nobody likes."""
    ids = model.data.movies.ids[:3].tolist()
    return [{"movie": movie, "rating": rating} for movie, rating in zip(ids, (5, 1, 1), strict=True)]


def expected(model: Any, history: list[dict[str, Any]], movies: list[int]) -> list[float | None]:
    """Return the model's own predictions for a history, None for rated movies."""
    numbers = model.data.movies.numbers(movies)
    rated = Histories.of_lists([([0, 1, 2], [row["rating"] for row in history])])
    stars = model.predict_pairs(rated, np.zeros(len(movies), np.int32), numbers).tolist()
    return [
        None if number < 3 else pytest.approx(value, abs=0.006)
        for number, value in zip(numbers.tolist(), stars, strict=True)
    ]


def test_search_results_and_similar_movies_have_the_stars_of_the_prediction(
    client: TestClient, model: Any, history: list[dict[str, Any]]
) -> None:
    """The same movies in the same order as without a history; rated movies have no expected stars."""
    catalog: Catalog = model.data.catalog
    query, movie = catalog.title(0).split()[0], model.data.movies.ids[5].item()
    for path, listed, body in (
        ("/v1/movies/search", f"/v1/movies?query={query}&n=50", {"query": query, "n": 50}),
        (f"/v1/movies/{movie}/similar", f"/v1/movies/{movie}/similar?n=20", {"n": 20}),
    ):
        answer = client.post(path, json={"ratings": history} | body).json()
        movies = [item["movie"] for item in answer["items"]]
        assert movies == [item["movie"] for item in client.get(listed).json()["items"]]
        assert [item["stars"] for item in answer["items"]] == expected(model, history, movies)
        assert any(item["stars"] for item in answer["items"])
        assert answer["model_version"]


def test_the_map_has_the_stars_of_all_its_movies(client: TestClient, model: Any, history: list[dict[str, Any]]) -> None:
    """In the order of the map. Another history has other stars."""
    movies = client.get("/v1/map").json()["movies"]
    stars = client.post("/v1/map/stars", json={"ratings": history}).json()["stars"]
    assert stars == expected(model, history, movies)
    assert client.post("/v1/map/stars", json={"ratings": []}).json()["stars"] != stars


def test_wrong_requests_are_refused(client: TestClient) -> None:
    """An empty query, a number of movies out of range, an unknown movie, a rating off the scale."""
    check_problem(client.post("/v1/movies/search", json={"ratings": [], "query": ""}), 422)
    check_problem(client.post("/v1/movies/search", json={"ratings": [], "query": "a", "n": 201}), 422)
    check_problem(client.post("/v1/movies/nosuch/similar", json={"ratings": []}), 404)
    check_problem(client.post("/v1/map/stars", json={"ratings": [{"movie": 1, "rating": 99}]}), 422)
    check_problem(client.post("/v1/map/stars", json={"ratings": [], "movies": []}), 422)
