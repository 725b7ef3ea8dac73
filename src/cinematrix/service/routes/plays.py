"""Route that stores plays of movies, such as those of a player or of another site."""

from functools import cache, partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.service import schemas
from cinematrix.service.auth import WRITE, Caller
from cinematrix.service.idempotency import IdempotencyKey, KeyedRequest
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.state import State, run_in_writer_thread
from cinematrix.service.users import require_writable_user
from cinematrix.store.plays import Play, add_plays

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)


class PlayRow(schemas.RequestBody):
    """Plays of a movie by a user. `time`: of the last one, in epoch seconds."""

    user: schemas.Id
    movie: schemas.Id
    count: Annotated[int, Field(ge=1, le=10_000)] = 1
    time: schemas.ClientTime | None = None


class PlaysRequest(schemas.RequestBody):
    """Plays to store, either all or none."""

    plays: Annotated[list[PlayRow], schemas.Length(1000, 1)]


class PlaysResult(BaseModel):
    """Number of plays stored."""

    stored: int


@ROUTER.post("/plays")
@run_in_writer_thread
def put_plays(
    body: PlaysRequest, state: State, who: Annotated[Caller, WRITE], idempotency_key: IdempotencyKey = None
) -> PlaysResult:
    """Add plays to those of the users, whose lists then leave the movies out. In a problem, `index` is the wrong row.

    Plays add up, so send an Idempotency-Key: a request repeated within a day gets the same response and adds nothing.
    """
    served, store = state.served, state.store
    rows = list[Play]()
    with store.write_transaction() as connection:
        find_user = cache(partial(require_writable_user, state, served, connection))  # looks up each user once

        def save() -> tuple[PlaysResult, set[str]]:
            for index, row in enumerate(body.plays):
                try:
                    rows.append(Play(find_user(row.user), served.movie(row.movie), row.count, row.time))
                except Problem as error:
                    raise Problem(422, error.detail, index=index) from error
            add_plays(connection, rows)
            return PlaysResult(stored=sum(play.n for play in rows)), {play.user for play in rows}

        result = KeyedRequest(who.name, idempotency_key, body).answer_once(store, connection, PlaysResult, save)
    state.prefetch_for(*{play.user for play in rows})
    return result
