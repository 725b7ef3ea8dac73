"""Routes that add the stars expected for a history to search results, similar movies and the taste map.

A movie that the history rates has no expected stars, since the model would only repeat the user's own rating.
"""

from typing import Annotated

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.data.ids import Numbers
from cinematrix.recommendation.expectation import expected_stars
from cinematrix.recommendation.taste_map import list_movies
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, Caller
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.routes.movies import SimilarityReason, search_movies
from cinematrix.service.routes.movies import list_similar_movies as list_similar
from cinematrix.service.schemas import TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])

Stars = Annotated[float | None, Field(description="Expected stars; null for a movie that the history rates.")]
NumberOfMovies = Annotated[int, Field(ge=1, le=200, description="Length of the list.")]


class SearchRequest(schemas.HistoryBody):
    """A query and a history."""

    query: Annotated[str, Field(min_length=1, max_length=200)]
    n: NumberOfMovies = 10


class MovieWithStars(schemas.Movie):
    """A movie with the expected stars."""

    stars: Stars


class SearchResultsWithStars(BaseModel):
    """Movies and people that match a query, best match first."""

    model_version: str
    items: list[MovieWithStars]
    people: list[schemas.FoundPerson]


class SimilarRequest(schemas.HistoryBody):
    """A history and the number of similar movies."""

    n: NumberOfMovies = 10


class AlikeMovie(schemas.Movie):
    """A similar movie with the expected stars and the reason of the similarity."""

    stars: Stars
    why: SimilarityReason


class AlikeMovies(BaseModel):
    """Movies similar to a movie, the most similar first."""

    movie: int | str
    model_version: str
    items: list[AlikeMovie]


class MapStars(BaseModel):
    """The expected stars of the movies of the map, in its order."""

    model_version: str
    stars: list[Stars]


@ROUTER.post("/movies/search")
def search_with_stars(body: SearchRequest, state: State) -> SearchResultsWithStars:
    """Search movies by title, as `GET /v1/movies` does, and predict their stars for the history."""
    results = search_movies(body.query, state, body.n)
    items = results.items
    served = state.served
    stars = predict(served, body, served.model.data.movies.numbers([item.movie for item in items]))
    found = [MovieWithStars(**item.model_dump(), stars=each) for item, each in zip(items, stars, strict=True)]
    return SearchResultsWithStars(model_version=served.version, items=found, people=results.people)


@ROUTER.post("/movies/{movie}/similar")
def list_similar_with_stars(
    movie: TextId, body: SimilarRequest, state: State, who: Annotated[Caller, PAGE]
) -> AlikeMovies:
    """Return the most similar movies, as the GET route does, and predict their stars for the history."""
    served, similar = state.served, list_similar(movie, state, who, body.n)
    stars = predict(served, body, served.model.data.movies.numbers([item.movie for item in similar.items]))
    items = [
        AlikeMovie(**item.model_dump(include={"movie", "title", "year", "genres"}), why=item.why, stars=each)
        for item, each in zip(similar.items, stars, strict=True)
    ]
    return AlikeMovies(movie=similar.movie, model_version=served.version, items=items)


@ROUTER.post("/map/stars")
def predict_map(body: schemas.HistoryBody, state: State) -> MapStars:
    """Predict the stars of all movies of the map for the history."""
    served = state.served
    return MapStars(model_version=served.version, stars=predict(served, body, list_movies(served.model.data)))


def predict(served: ServedModel, body: schemas.HistoryBody, movies: Numbers) -> list[float | None]:
    """Return the expected stars of movies, to two decimals; None for rated ones, and for all without stars."""
    if served.model.data.scale is None or not len(movies):
        return [None] * len(movies)
    history, _ = served.read_history(body)
    stars = np.round(expected_stars(served.model, history, movies), 2).tolist()
    rated = np.isin(movies, history.items).tolist()
    return [None if own else each for each, own in zip(stars, rated, strict=True)]
