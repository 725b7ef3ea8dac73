"""Route of shelves: themed rows of recommendations. It stores nothing."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.recommendation.shelves import ShelfKind, build_shelves
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, Caller
from cinematrix.service.published import list_filters
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.state import State, run_in_list_thread

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])


class ShelvesRequest(schemas.HistoryBody, schemas.FilterOptions, schemas.RerankingOptions):
    """A history, filters and reranking.

    Attributes:
        n: maximum movies in a row.
        watchlist: movies that the user wants to watch, the first row of whose best ones is asked for.
    """

    n: Annotated[int, Field(ge=1, le=50)] = 12
    watchlist: Annotated[list[schemas.Id], schemas.Length(5000)] = Field(default_factory=list)


class ShelfBody(BaseModel):
    """A row: a title and its movies; `movie`: subject of a `because` row, `genre`: that of a `genre` row.

    A client in another language makes its own title, of the kind and the subject.
    """

    kind: ShelfKind
    title: str
    movie: int | str | None
    movie_title: str | None
    genre: str | None
    items: list[schemas.ListItem]


class ShelvesBody(BaseModel):
    """Rows made by one version of the model; `fallback`: they were made without a history."""

    model_version: str
    fallback: bool
    unknown: list[int | str]
    rows: list[ShelfBody]


@ROUTER.post("/rows")
@run_in_list_thread
def make_shelves(body: ShelvesRequest, state: State, who: Annotated[Caller, PAGE]) -> ShelvesBody:
    """Recommend rows of movies for the history in the request: no movie twice, none already rated or hidden."""
    served = state.served_for(who.user)
    history, unknown = served.read_history(body)
    shelves = build_shelves(
        served.model, history, body.n, everyone=served.everyone, watchlist=body.watchlist,
        filters=list_filters(state, served, body, body.excluded), dials=body.dials,
    )  # fmt: skip
    fallback = len(history.items) == 0
    state.figures.recommended.labels(str(fallback).lower()).inc()
    served.shown.add(served.numbers(line for row in shelves for line in row.items))
    for row in shelves:
        state.impressions.add(who.user, row.kind, served, served.numbers(row.items))
    rows = [
        ShelfBody(
            kind=row.kind, title=row.title, movie=row.movie, movie_title=row.movie_title, genre=row.genre,
            items=[schemas.ListItem.model_validate(line.as_dict()) for line in row.items],
        )
        for row in shelves
    ]  # fmt: skip
    return ShelvesBody(model_version=served.version, fallback=fallback, unknown=unknown, rows=rows)
