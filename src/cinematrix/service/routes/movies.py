"""Routes about films: found by title, one of them, and those like it."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel

from cinematrix.data.ratings import step_of
from cinematrix.recommendation.lists import described, similar
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE
from cinematrix.service.responses import PROBLEMS, StrictRoute
from cinematrix.service.schemas import Length, TextId
from cinematrix.service.served_model import Served
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEMS, dependencies=[PAGE])

FEWEST = 3
"""Fewer people aren't told of: what one or two have rated, and how, is theirs."""


class Bar(BaseModel):
    """How many gave a rating."""

    rating: float
    count: int


class Links(BaseModel):
    """A film's IDs elsewhere, where the catalog has them."""

    imdb: str | None
    tmdb: str | None


class Film(schemas.Movie):
    """A film with how people rated it: `ratings` counts them; of one or two, how isn't told."""

    ratings: int
    mean: float | None
    histogram: list[Bar]
    links: Links


class Prediction(BaseModel):
    """What somebody is expected to give a film, and what she gave it, if she did."""

    movie: int | str
    model_version: str
    stars: float
    low: float | None
    high: float | None
    because: list[schemas.ReasonRow]
    yours: float | None


class Why(BaseModel):
    """What links two films: genres of both, and how many people have rated both, 0 if it is one or two."""

    genres: list[str]
    both: int


class Kin(schemas.Item):
    """A film like another, and why."""

    why: Why


class Similar(BaseModel):
    """Films like another."""

    movie: int | str
    model_version: str
    items: list[Kin]


@ROUTER.get("/movies")
def search(query: Annotated[str, Query(min_length=1, max_length=200)], state: State, n: Length = 10) -> schemas.Found:
    """Films that the query may mean, best first: typos, other titles and a year behind are understood."""
    served = state.served
    return schemas.Found(items=[served.film(number) for number in served.titles.search(query, n).tolist()])


@ROUTER.get("/movies/{movie}")
def film(movie: TextId, state: State) -> Film:
    """One film, and how people rated it."""
    served = state.served
    known, number = served.model.known, _number(served, movie)
    given = np.flatnonzero(known.history.items == number)
    told = known.history.values is not None and known.scale is not None and not 0 < len(given) < FEWEST
    values = known.history.values[given] if told and known.history.values is not None else None
    row = known.catalog.frame.row(number, named=True)
    return Film(
        **served.film(number).model_dump(), ratings=len(given),
        mean=None if values is None or not len(values) else float(values.mean(dtype=np.float64)),
        histogram=[] if values is None else bars(served, values),
        links=Links(imdb=row["imdb"], tmdb=row["tmdb"]),
    )  # fmt: skip


@ROUTER.post("/movies/{movie}/prediction")
def prediction(movie: TextId, body: schemas.History, state: State) -> Prediction:
    """What somebody whose history comes along is expected to give a film; her own rating of it doesn't count."""
    served = state.served
    number, id_ = _number(served, movie), served.movie(movie)
    others = body.model_copy(update={"ratings": [row for row in body.ratings if str(row.movie) != id_]})
    yours = next((float(row.rating) for row in body.ratings if str(row.movie) == id_), None)
    history, _ = served.stranger(others)
    (line,) = described(served.model, history, np.array([number], np.int32), np.zeros(1, np.float32), "ranking")
    return Prediction(
        movie=served.movie_id(id_), model_version=served.version, stars=line.stars, low=line.low, high=line.high,
        because=[schemas.ReasonRow.model_validate(reason, from_attributes=True) for reason in line.because],
        yours=yours,
    )  # fmt: skip


@ROUTER.get("/movies/{movie}/similar")
def like(movie: TextId, state: State, n: Length = 10) -> Similar:
    """Films like another, as the model compares them, and what links them."""
    served = state.served
    text = served.movie(movie)
    found = similar(served.model, text, n)
    whys = _whys(served, _number(served, text), [line.movie for line in found])
    items = [Kin(**line.as_dict(), why=why) for line, why in zip(found, whys, strict=True)]
    return Similar(movie=served.movie_id(text), model_version=served.version, items=items)


def bars(served: Served, values: np.ndarray) -> list[Bar]:
    """How many of `values` lie on each step of the scale."""
    levels = served.scale.levels()
    counts = np.bincount(step_of(served.scale, values), minlength=len(levels))
    return [Bar(rating=rating, count=count) for rating, count in zip(levels.tolist(), counts.tolist(), strict=True)]


def _number(served: Served, movie: str) -> int:
    return int(served.model.known.movies.number(served.movie(movie)))


def _whys(served: Served, number: int, others: list[int | str]) -> list[Why]:
    known = served.model.known
    both, genres = known.raters_with(number), set(known.catalog.facts[number].genres)
    return [
        Why(
            genres=[name for name in known.catalog.facts[at].genres if name in genres],
            both=int(both[at] if both[at] >= FEWEST else 0),
        )
        for at in known.movies.numbers(others).tolist()
    ]
