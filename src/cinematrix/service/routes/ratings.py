"""Routes that store, list and delete a user's ratings and events."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Annotated, Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from cinematrix.errors import SettingError
from cinematrix.service import schemas
from cinematrix.service.auth import ADMIN, READ, WRITE, Caller
from cinematrix.service.idempotency import IdempotencyKey, KeyedRequest
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import EventKind, TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State, run_in_writer_thread
from cinematrix.service.users import require_user, require_writable_user
from cinematrix.store.records import WATCHED_EVENTS, Rating, SavedRating

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
Who = Annotated[Caller, WRITE]
NEW: dict[int | str, dict[str, Any]] = {
    201: {"model": schemas.UserRating, "description": "The first rating of this movie by this user in the store"}
}


@ROUTER.put("/users/{user}/ratings/{movie}", responses=NEW, dependencies=[WRITE])
async def put_rating(
    user: TextId, movie: TextId, body: schemas.NewRating, state: State, response: Response
) -> schemas.UserRating:
    """Store a rating. It counts in the user's next list. 201: their first rating of this movie in the store."""
    served = state.served
    movie_id, steps = served.movie(movie), served.steps(body.rating)

    def write(connection: Connection) -> tuple[Rating, SavedRating]:
        rating = Rating(require_writable_user(state, served, connection, user), movie_id, steps, body.time)
        return rating, state.store.rate(connection, [rating])[0]

    rating, saved = await state.writes.run(write)
    _count_ratings(state, [saved])
    state.prefetch_for(rating.user)
    response.status_code = 200 if saved.updated else 201
    return schemas.UserRating(
        user=served.user_id(rating.user), movie=served.movie_id(rating.movie), rating=float(body.rating),
        received=saved.received, time=body.time,
    )  # fmt: skip


@ROUTER.delete("/users/{user}/ratings/{movie}", status_code=204, dependencies=[WRITE])
@run_in_writer_thread
def delete_rating(user: TextId, movie: TextId, state: State) -> None:
    """Delete a rating, even one in the model's training data, so that it no longer counts.

    If the model was trained on plain interactions, the movie is removed from the user's watched movies and events.
    """
    served = state.served
    person, movie_id = require_user(state, served, user), served.movie(movie)
    if served.model.data.movies.number(movie_id) not in served.history(person).items:
        raise Problem(404, "the user hasn't rated this movie")
    with state.store.write_transaction() as connection:
        state.store.rate(connection, [Rating(person.user, movie_id, None)])
        for kind in WATCHED_EVENTS if served.model.data.scale is None else ():
            state.store.note(connection, person.user, movie_id, kind, gone=True)
    state.prefetch_for(person.user)


@ROUTER.get("/users/{user}/ratings", dependencies=[READ])
def list_ratings(user: TextId, state: State) -> schemas.RatingList:
    """Return a user's ratings, from the store and from the model's training data."""
    served = state.served
    person = require_user(state, served, user)
    return schemas.RatingList(user=served.user_id(person.user), ratings=served.ratings(person))


@ROUTER.post("/ratings")
@run_in_writer_thread
def put_ratings(
    body: schemas.BulkRatings, state: State, who: Who, idempotency_key: IdempotencyKey = None
) -> schemas.BulkResult:
    """Store ratings, either all or none. In a problem, `index` is the wrong row.

    With an Idempotency-Key, a request repeated within a day gets the same response and changes nothing.
    """
    served, store = state.served, state.store
    rows, saved = list[Rating](), list[SavedRating]()
    with store.write_transaction() as connection:
        find_user = cache(partial(require_writable_user, state, served, connection))  # looks up each user once

        def save() -> tuple[schemas.BulkResult, set[str]]:
            rows.extend(_parse_rating(served, find_user, row, index) for index, row in enumerate(body.ratings))
            saved.extend(store.rate(connection, rows))
            updated = sum(rating.updated for rating in saved)
            return schemas.BulkResult(created=len(saved) - updated, updated=updated), {row.user for row in rows}

        request = KeyedRequest(who.name, idempotency_key, body)
        result = request.answer_once(store, connection, schemas.BulkResult, save)
    _count_ratings(state, saved)
    state.prefetch_for(*{row.user for row in rows})
    return result


def _parse_rating(
    served: ServedModel, find_user: Callable[[int | str], str], row: schemas.BulkRating, index: int
) -> Rating:
    try:
        return Rating(find_user(row.user), served.movie(row.movie), served.steps(row.rating), row.time)
    except Problem as error:
        raise Problem(422, error.detail, index=index) from error
    except SettingError as error:
        raise Problem(422, str(error), index=index) from error


@ROUTER.get("/users/{user}/events", dependencies=[READ])
def list_events(user: TextId, state: State) -> schemas.UserEvents:
    """Return a user's events: movies seen, liked, on the watchlist or not of interest."""
    served = state.served
    person = require_user(state, served, user)
    return schemas.UserEvents(
        user=served.user_id(person.user),
        events=served.events(person),  # type: ignore[arg-type]
        event_times=person.event_times,  # type: ignore[arg-type]
    )


@ROUTER.put("/users/{user}/events/{kind}/{movie}", status_code=204, dependencies=[WRITE])
async def put_event(user: TextId, kind: EventKind, movie: TextId, state: State) -> None:
    """Store an event. After `seen`, `like` or `not_interested` the movie isn't recommended to the user."""
    served = state.served
    movie_id = served.movie(movie)

    def write(connection: Connection) -> str:
        user_id = require_writable_user(state, served, connection, user)
        state.store.note(connection, user_id, movie_id, kind)
        return user_id

    state.prefetch_for(await state.writes.run(write))


@ROUTER.delete("/users/{user}/events/{kind}/{movie}", status_code=204, dependencies=[WRITE])
@run_in_writer_thread
def delete_event(user: TextId, kind: EventKind, movie: TextId, state: State) -> None:
    """Delete an event."""
    served = state.served
    person, movie_id = require_user(state, served, user), served.movie(movie)
    with state.store.write_transaction() as connection:
        state.store.note(connection, person.user, movie_id, kind, gone=True)
    state.prefetch_for(person.user)


@ROUTER.delete("/users/{user}", status_code=204)
@run_in_writer_thread
def delete_user(user: TextId, state: State, who: Annotated[Caller, ADMIN]) -> None:
    """Delete all data of a user at once and record it in the audit log. Their training data isn't used any more."""
    state.store.forget(require_user(state, state.served, user).user, who.name)


def _count_ratings(state: ServiceState, saved: Sequence[SavedRating]) -> None:
    for rating in saved:
        state.figures.ratings.labels("updated" if rating.updated else "created").inc()
