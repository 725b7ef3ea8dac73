"""Routes of movies: search by title, details, predictions and similar movies."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel

from cinematrix.data.features import top_tags
from cinematrix.recommendation.lists import describe_movies, find_similar
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, Caller
from cinematrix.service.published import publish_counts
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import Id, Length, ListLength, TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State
from cinematrix.store.statistics import Counts, publish

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])


MAX_PEOPLE = 3
"""Maximum people in the results of a search."""

MAX_TAGS = 8
"""Maximum tags of a movie in a response."""


class HistogramBar(BaseModel):
    """A rating value and the number of users who gave it."""

    rating: float
    count: int


class MovieLinks(BaseModel):
    """A movie's IDs at IMDb and TMDB; null where the catalog has none."""

    imdb: str | None
    tmdb: str | None


class MovieFactsBody(BaseModel):
    """Facts of a movie; null and empty where they aren't known. `runtime`: minutes. `languages`: codes or names.

    `certification`: the catalog's, else TMDB's with its country, such as `DE:12`; `age`: its age in years.
    """

    runtime: int | None
    languages: list[str]
    original_title: str | None
    directors: list[str]
    cast: list[str]
    certification: str | None
    age: int | None


class MovieDetails(schemas.Movie):
    """A movie with its rating statistics, which have zeros below five ratings and change by five or more at a time.

    `tags`: those that most people gave it, the most frequent first.
    """

    ratings: int
    mean: float | None
    histogram: list[HistogramBar]
    links: MovieLinks
    tags: list[str]
    facts: MovieFactsBody


class MoviesRequest(schemas.RequestBody):
    """IDs of movies to look up."""

    movies: Annotated[list[Id], Length(5000)]


class LookupResult(schemas.Movie):
    """A movie with its IDs at other sites, and the number and mean of its published ratings."""

    links: MovieLinks
    ratings: int
    mean: float | None


class LookupResults(BaseModel):
    """Movies in the order of the request, each once; `unknown`: IDs that the catalog doesn't have."""

    items: list[LookupResult]
    unknown: list[int | str]


class Prediction(BaseModel):
    """Predicted stars for a movie with an interval and reasons; `yours`: the user's own rating or null."""

    movie: int | str
    model_version: str
    stars: float
    low: float | None
    high: float | None
    because: list[schemas.ReasonItem]
    yours: float | None


class SimilarityReason(BaseModel):
    """Genres that two movies share, and the number of users who rated both; 0 if it is below five."""

    genres: list[str]
    both: int


class SimilarMovie(schemas.ListItem):
    """A similar movie and the reason."""

    why: SimilarityReason


class SimilarMovies(BaseModel):
    """Movies similar to a movie."""

    movie: int | str
    model_version: str
    items: list[SimilarMovie]


@ROUTER.get("/movies")
def search_movies(
    query: Annotated[str, Query(min_length=1, max_length=200)], state: State, n: ListLength = 10
) -> schemas.SearchResults:
    """Search movies by title and original title, and people by name, best match first. Typos are understood."""
    served = state.served
    facts = state.facts.of(served)
    people = [
        schemas.FoundPerson(name=person.name, directed=len(person.directed), played=len(person.played))
        for person in facts.people.search(query, MAX_PEOPLE)
    ]
    items = [served.film(number) for number in facts.titles.search(query, n).tolist()]
    return schemas.SearchResults(items=items, people=people)


@ROUTER.get("/movies/{movie}")
def get_movie(
    movie: TextId,
    state: State,
    country: Annotated[str, Query(pattern=r"^([A-Z]{2})?$", description="Whose certification counts.")] = "",
) -> MovieDetails:
    """Return a movie and its rating statistics."""
    served = state.served
    number = _find_number(served, movie)
    (counts,) = publish_counts(state.store, served, [number])
    row = served.model.data.catalog.frame.row(number, named=True)
    return MovieDetails(
        **served.film(number).model_dump(), ratings=sum(counts), mean=_mean(served, counts),
        histogram=build_histogram(served, counts) if served.has_stars and any(counts) else [],
        links=MovieLinks(imdb=row["imdb"], tmdb=row["tmdb"]),
        tags=top_tags(served.model.data.catalog, number, MAX_TAGS),
        facts=MovieFactsBody(**state.facts.of(served).row(number, country)),
    )  # fmt: skip


@ROUTER.post("/movies/lookup")
def look_up_movies(body: MoviesRequest, state: State) -> LookupResults:
    """Return the movies with these IDs, with their IDs at other sites, and the number and mean of their ratings."""
    served = state.served
    links = served.model.data.catalog.frame.select("imdb", "tmdb")
    numbers, unknown = served.find_movies(body.movies)
    items = [
        LookupResult(
            **served.film(number).model_dump(), links=MovieLinks(**links.row(number, named=True)),
            ratings=sum(counts), mean=_mean(served, counts),
        )
        for number, counts in zip(numbers, publish_counts(state.store, served, numbers), strict=True)
    ]  # fmt: skip
    return LookupResults(items=items, unknown=unknown)


@ROUTER.post("/movies/{movie}/prediction")
def predict_rating(movie: TextId, body: schemas.HistoryBody, state: State) -> Prediction:
    """Predict the stars that a user with the given history would give a movie, without their own rating of it."""
    served = state.served
    number, id_ = _find_number(served, movie), served.movie(movie)
    others = body.model_copy(update={"ratings": [row for row in body.ratings if str(row["movie"]) != id_]})
    yours = next((row["rating"] for row in body.ratings if str(row["movie"]) == id_), None)
    history, _ = served.read_history(others)
    (line,) = describe_movies(served.model, history, np.array([number], np.int32), np.zeros(1, np.float32), "ranking")
    return Prediction(
        movie=served.movie_id(id_), model_version=served.version, stars=line.stars, low=line.low, high=line.high,
        because=[schemas.ReasonItem.model_validate(reason, from_attributes=True) for reason in line.because],
        yours=yours,
    )  # fmt: skip


@ROUTER.get("/movies/{movie}/similar")
def list_similar_movies(movie: TextId, state: State, who: Annotated[Caller, PAGE], n: ListLength = 10) -> SimilarMovies:
    """Return the movies most similar to a movie in the model, with reasons."""
    served = state.served
    text = served.movie(movie)
    similar = find_similar(served.model, text, n)
    state.impressions.add(who.user, "similar", served, served.numbers(similar))
    reasons = _explain_similarity(state, served, _find_number(served, text), [line.movie for line in similar])
    items = [SimilarMovie(**line.as_dict(), why=reason) for line, reason in zip(similar, reasons, strict=True)]
    return SimilarMovies(movie=served.movie_id(text), model_version=served.version, items=items)


def build_histogram(served: ServedModel, counts: Counts) -> list[HistogramBar]:
    """Return a bar for each step of the scale."""
    levels = served.scale.levels().tolist()
    return [HistogramBar(rating=rating, count=count) for rating, count in zip(levels, counts, strict=True)]


def _mean(served: ServedModel, counts: Counts) -> float | None:
    """Return the mean of published ratings; None if there are none, or without stars."""
    return float(np.average(served.scale.levels(), weights=counts)) if served.has_stars and any(counts) else None


def _find_number(served: ServedModel, movie: str) -> int:
    return int(served.model.data.movies.number(served.movie(movie)))


def _explain_similarity(
    state: ServiceState, served: ServedModel, number: int, others: list[int | str]
) -> list[SimilarityReason]:
    data = served.model.data
    raters, genres = data.raters_with(number), set(data.catalog.facts[number].genres)
    numbers = data.movies.numbers(others).tolist()
    names = {other: " ".join(sorted(str(data.movies.ids[each]) for each in (number, other))) for other in numbers}
    both = publish(state.store, {names[other]: [int(raters[other])] for other in numbers})
    return [
        SimilarityReason(
            genres=[name for name in data.catalog.facts[other].genres if name in genres], both=both[names[other]][0]
        )
        for other in numbers
    ]
