"""The route of the rows for one evening; it keeps nothing."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.recommendation.lists import Filters
from cinematrix.recommendation.shelves import Kind, rows_of
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE
from cinematrix.service.responses import PROBLEMS, StrictRoute
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEMS, dependencies=[PAGE])


class Evening(schemas.History, schemas.Filtered, schemas.Turned):
    """A history, and what the rows may show."""

    n: Annotated[int, Field(ge=1, le=50)] = 12


class RowOut(BaseModel):
    """A heading and its films; `movie` is what a `because` row is about, `genre` that of a `genre` row."""

    kind: Kind
    title: str
    movie: int | str | None
    genre: str | None
    items: list[schemas.Item]


class Rows(BaseModel):
    """Rows made by one version of the model; `fallback`: without any history of hers."""

    model_version: str
    fallback: bool
    unknown: list[int | str]
    rows: list[RowOut]


@ROUTER.post("/rows")
def rows(body: Evening, state: State) -> Rows:
    """Rows of films for somebody whose history comes along: no film twice, none that she has seen."""
    served = state.served
    history, unknown = served.stranger(body)
    made = rows_of(
        served.model, history, body.n, everyone=served.everyone,
        filters=Filters(body.where, body.min_ratings, body.excluded), dials=body.dials,
    )  # fmt: skip
    fallback = len(history.items) == 0
    state.figures.recommended.labels(str(fallback).lower()).inc()
    served.shown.add(served.numbers(line for row in made for line in row.items))
    found = [
        RowOut(
            kind=row.kind, title=row.title, movie=row.movie, genre=row.genre,
            items=[schemas.Item.model_validate(line.as_dict()) for line in row.items],
        )
        for row in made
    ]  # fmt: skip
    return Rows(model_version=served.version, fallback=fallback, unknown=unknown, rows=found)
