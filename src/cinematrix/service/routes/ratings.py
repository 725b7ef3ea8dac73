"""Routes that keep ratings and events, and give them back or forget them."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from cinematrix.errors import SettingError
from cinematrix.service import schemas
from cinematrix.service.auth import ADMIN, READ, WRITE, Caller
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import EventKind, TextId
from cinematrix.service.served_model import WATCHED_EVENTS, ServedModel
from cinematrix.service.state import ServiceState, State, run_in_writer_thread
from cinematrix.service.users import require_user, require_writable_user
from cinematrix.store.records import Rating, SavedRating

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
Who = Annotated[Caller, WRITE]
IdempotencyKey = Annotated[str | None, Header(pattern=r"^[\x21-\x7e]{1,200}$")]
NEW: dict[int | str, dict[str, Any]] = {
    201: {"model": schemas.UserRating, "description": "The first rating of this pair in the store"}
}


@ROUTER.put("/users/{user}/ratings/{movie}", responses=NEW, dependencies=[WRITE])
@run_in_writer_thread
def put_rating(
    user: TextId, movie: TextId, body: schemas.NewRating, state: State, response: Response
) -> schemas.UserRating:
    """Keep a rating; it counts in her next list. 201: her first of this movie in the store."""
    served = state.served
    of, steps = served.movie(movie), served.steps(body.rating)
    with state.store.write_transaction() as connection:
        rating = Rating(require_writable_user(state, served, connection, user), of, steps, body.time)
        (kept,) = state.store.rate(connection, [rating])
    _count_ratings(state, [kept])
    state.prefetch_for(rating.user)
    response.status_code = 200 if kept.updated else 201
    return schemas.UserRating(
        user=served.user_id(rating.user), movie=served.movie_id(rating.movie), rating=float(body.rating),
        received=kept.received, time=body.time,
    )  # fmt: skip


@ROUTER.delete("/users/{user}/ratings/{movie}", status_code=204, dependencies=[WRITE])
@run_in_writer_thread
def delete_rating(user: TextId, movie: TextId, state: State) -> None:
    """Take a rating back, one that the model remembers too: it counts no more.

    Where the model learned from plain interactions, what she watched is taken back, be it by an event.
    """
    served = state.served
    person, of = require_user(state, served, user), served.movie(movie)
    if served.model.data.movies.number(of) not in served.history(person).items:
        raise Problem(404, "she hasn't rated this movie")
    with state.store.write_transaction() as connection:
        state.store.rate(connection, [Rating(person.user, of, None)])
        for kind in WATCHED_EVENTS if served.model.data.scale is None else ():
            state.store.note(connection, person.user, of, kind, gone=True)
    state.prefetch_for(person.user)


@ROUTER.get("/users/{user}/ratings", dependencies=[READ])
def list_ratings(user: TextId, state: State) -> schemas.RatingList:
    """What counts as her ratings: those in the store, and those that the model remembers."""
    served = state.served
    person = require_user(state, served, user)
    return schemas.RatingList(user=served.user_id(person.user), ratings=served.ratings(person))


@ROUTER.post("/ratings")
@run_in_writer_thread
def put_ratings(
    body: schemas.BulkRatings, state: State, who: Who, idempotency_key: IdempotencyKey = None
) -> schemas.BulkResult:
    """Keep all ratings or none; `index` names the row that is wrong.

    With an Idempotency-Key a request that is sent again within a day gets the same answer and changes nothing.
    """
    served, store = state.served, state.store
    key, digest = f"{who.name} {idempotency_key}", hashlib.sha256(body.model_dump_json().encode()).digest()
    with store.write_transaction() as connection:
        if idempotency_key and (before := store.answered(connection, key)):
            if before[0] != digest:
                raise Problem(409, "this Idempotency-Key came with another request before; take a new one")
            return schemas.BulkResult.model_validate_json(before[1])
        writers = cache(
            partial(require_writable_user, state, served, connection)
        )  # so that each user is looked up once
        rows = [_parse_rating(served, writers, row, index) for index, row in enumerate(body.ratings)]
        kept = store.rate(connection, rows)
        updated = sum(each.updated for each in kept)
        answer = schemas.BulkResult(created=len(kept) - updated, updated=updated)
        if idempotency_key:
            store.remember(connection, key, digest, answer.model_dump_json(), {row.user for row in rows})
    _count_ratings(state, kept)
    state.prefetch_for(*{row.user for row in rows})
    return answer


def _parse_rating(
    served: ServedModel, writers: Callable[[int | str], str], row: schemas.BulkRating, index: int
) -> Rating:
    try:
        return Rating(writers(row.user), served.movie(row.movie), served.steps(row.rating), row.time)
    except Problem as error:
        raise Problem(422, error.detail, index=index) from error
    except SettingError as error:
        raise Problem(422, str(error), index=index) from error


@ROUTER.get("/users/{user}/events", dependencies=[READ])
def list_events(user: TextId, state: State) -> schemas.UserEvents:
    """What she said of movies besides stars."""
    served = state.served
    person = require_user(state, served, user)
    return schemas.UserEvents(user=served.user_id(person.user), events=served.events(person))  # type: ignore[arg-type]


@ROUTER.put("/users/{user}/events/{kind}/{movie}", status_code=204, dependencies=[WRITE])
@run_in_writer_thread
def put_event(user: TextId, kind: EventKind, movie: TextId, state: State) -> None:
    """Keep an event; after `seen` and `not_interested` the movie isn't recommended to her."""
    served = state.served
    of = served.movie(movie)
    with state.store.write_transaction() as connection:
        who = require_writable_user(state, served, connection, user)
        state.store.note(connection, who, of, kind)
    state.prefetch_for(who)


@ROUTER.delete("/users/{user}/events/{kind}/{movie}", status_code=204, dependencies=[WRITE])
@run_in_writer_thread
def delete_event(user: TextId, kind: EventKind, movie: TextId, state: State) -> None:
    """Take an event back."""
    served = state.served
    person, of = require_user(state, served, user), served.movie(movie)
    with state.store.write_transaction() as connection:
        state.store.note(connection, person.user, of, kind, gone=True)
    state.prefetch_for(person.user)


@ROUTER.delete("/users/{user}", status_code=204)
@run_in_writer_thread
def delete_user(user: TextId, state: State, who: Annotated[Caller, ADMIN]) -> None:
    """Delete everything about a user at once, with a line in the audit; what the model remembers isn't used again."""
    state.store.forget(require_user(state, state.served, user).user, who.name)


def _count_ratings(state: ServiceState, kept: Sequence[SavedRating]) -> None:
    for each in kept:
        state.figures.ratings.labels("updated" if each.updated else "created").inc()
