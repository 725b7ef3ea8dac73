"""Routes about films: found by title, one of them, and those like it."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel

from cinematrix.data.ratings import nearest_levels
from cinematrix.recommendation.lists import describe_movies, find_similar
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import ListLength, TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])

MIN_RATERS = 3
"""Fewer people aren't told of: what one or two have rated, and how, is theirs."""


class HistogramBar(BaseModel):
    """How many gave a rating."""

    rating: float
    count: int


class MovieLinks(BaseModel):
    """A film's IDs elsewhere, where the catalog has them."""

    imdb: str | None
    tmdb: str | None


class MovieDetails(schemas.Movie):
    """A film with how people rated it: `ratings` counts them; of one or two, how isn't told."""

    ratings: int
    mean: float | None
    histogram: list[HistogramBar]
    links: MovieLinks


class Prediction(BaseModel):
    """What somebody is expected to give a film, and what she gave it, if she did."""

    movie: int | str
    model_version: str
    stars: float
    low: float | None
    high: float | None
    because: list[schemas.ReasonItem]
    yours: float | None


class SimilarityReason(BaseModel):
    """What links two films: genres of both, and how many people have rated both, 0 if it is one or two."""

    genres: list[str]
    both: int


class SimilarMovie(schemas.ListItem):
    """A film like another, and why."""

    why: SimilarityReason


class SimilarMovies(BaseModel):
    """Films like another."""

    movie: int | str
    model_version: str
    items: list[SimilarMovie]


@ROUTER.get("/movies")
def search_movies(
    query: Annotated[str, Query(min_length=1, max_length=200)], state: State, n: ListLength = 10
) -> schemas.SearchResults:
    """Films that the query may mean, best first: typos, other titles and a year behind are understood."""
    served = state.served
    return schemas.SearchResults(items=[served.film(number) for number in served.titles.search(query, n).tolist()])


@ROUTER.get("/movies/{movie}")
def get_movie(movie: TextId, state: State) -> MovieDetails:
    """One film, and how people rated it."""
    served = state.served
    known, number = served.model.data, _find_number(served, movie)
    given = np.flatnonzero(known.history.items == number)
    told = known.history.values is not None and known.scale is not None and not 0 < len(given) < MIN_RATERS
    values = known.history.values[given] if told and known.history.values is not None else None
    row = known.catalog.frame.row(number, named=True)
    return MovieDetails(
        **served.film(number).model_dump(), ratings=len(given),
        mean=None if values is None or not len(values) else float(values.mean(dtype=np.float64)),
        histogram=[] if values is None else build_histogram(served, values),
        links=MovieLinks(imdb=row["imdb"], tmdb=row["tmdb"]),
    )  # fmt: skip


@ROUTER.post("/movies/{movie}/prediction")
def predict_rating(movie: TextId, body: schemas.HistoryBody, state: State) -> Prediction:
    """What somebody whose history comes along is expected to give a film; her own rating of it doesn't count."""
    served = state.served
    number, id_ = _find_number(served, movie), served.movie(movie)
    others = body.model_copy(update={"ratings": [row for row in body.ratings if str(row.movie) != id_]})
    yours = next((float(row.rating) for row in body.ratings if str(row.movie) == id_), None)
    history, _ = served.read_history(others)
    (line,) = describe_movies(served.model, history, np.array([number], np.int32), np.zeros(1, np.float32), "ranking")
    return Prediction(
        movie=served.movie_id(id_), model_version=served.version, stars=line.stars, low=line.low, high=line.high,
        because=[schemas.ReasonItem.model_validate(reason, from_attributes=True) for reason in line.because],
        yours=yours,
    )  # fmt: skip


@ROUTER.get("/movies/{movie}/similar")
def list_similar_movies(movie: TextId, state: State, n: ListLength = 10) -> SimilarMovies:
    """Films like another, as the model compares them, and what links them."""
    served = state.served
    text = served.movie(movie)
    found = find_similar(served.model, text, n)
    whys = _explain_similarity(served, _find_number(served, text), [line.movie for line in found])
    items = [SimilarMovie(**line.as_dict(), why=why) for line, why in zip(found, whys, strict=True)]
    return SimilarMovies(movie=served.movie_id(text), model_version=served.version, items=items)


def build_histogram(served: ServedModel, values: np.ndarray) -> list[HistogramBar]:
    """How many of `values` lie on each step of the scale."""
    levels = served.scale.levels()
    counts = np.bincount(nearest_levels(served.scale, values), minlength=len(levels))
    return [
        HistogramBar(rating=rating, count=count) for rating, count in zip(levels.tolist(), counts.tolist(), strict=True)
    ]


def _find_number(served: ServedModel, movie: str) -> int:
    return int(served.model.data.movies.number(served.movie(movie)))


def _explain_similarity(served: ServedModel, number: int, others: list[int | str]) -> list[SimilarityReason]:
    known = served.model.data
    both, genres = known.raters_with(number), set(known.catalog.facts[number].genres)
    return [
        SimilarityReason(
            genres=[name for name in known.catalog.facts[at].genres if name in genres],
            both=int(both[at] if both[at] >= MIN_RATERS else 0),
        )
        for at in known.movies.numbers(others).tolist()
    ]
