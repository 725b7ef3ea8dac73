"""Route that applies changes of one user's history in order, each request once, such as those that a page kept."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, model_validator
from sqlalchemy import Connection

from cinematrix.errors import SettingError
from cinematrix.service.auth import WRITE, Caller
from cinematrix.service.idempotency import IdempotencyKey, KeyedRequest
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import ClientTime, Id, Length, RatingValue, RequestBody, TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State, run_in_writer_thread
from cinematrix.service.users import require_writable_user
from cinematrix.store.records import WATCHED_EVENTS, Rating, SavedRating

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)


class Change(RequestBody):
    """A change of one movie's rating or mark: set, or with `gone` deleted. `time`: when the user made it."""

    movie: Id
    kind: Literal["rating", "seen", "not_interested", "like", "watchlist"]
    rating: RatingValue | None = None
    gone: bool = False
    time: ClientTime | None = None

    @model_validator(mode="after")
    def _check_rating(self) -> Self:
        if (self.rating is None) != (self.kind != "rating" or self.gone):
            raise ValueError("a rating that is set, and nothing else, has a value")
        return self


class Changes(RequestBody):
    """Changes to apply in order, either all or none."""

    changes: Annotated[list[Change], Length(200, 1)]


class AppliedChanges(BaseModel):
    """Number of applied changes."""

    applied: int


@ROUTER.post("/users/{user}/changes")
@run_in_writer_thread
def apply_changes(
    user: TextId, body: Changes, state: State, who: Annotated[Caller, WRITE], idempotency_key: IdempotencyKey = None
) -> AppliedChanges:
    """Set and delete ratings and events of a user in order, either all or none. In a problem, `index` is the wrong one.

    With an Idempotency-Key, a request repeated within a day gets the same response and changes nothing. Deleting what
    isn't there changes nothing.
    """
    served, saved = state.served, list[SavedRating]()
    request = KeyedRequest(f"{who.name} {served.user(user)}", idempotency_key, body)
    with state.store.write_transaction() as connection:

        def apply() -> tuple[AppliedChanges, set[str]]:
            user_id = require_writable_user(state, served, connection, user)
            for index, change in enumerate(body.changes):
                try:
                    saved.extend(_apply(state, served, connection, user_id, change))
                except (Problem, SettingError) as error:
                    raise Problem(422, getattr(error, "detail", str(error)), index=index) from error
            return AppliedChanges(applied=len(body.changes)), {user_id}

        answer = request.answer_once(state.store, connection, AppliedChanges, apply)
    for rating in saved:
        state.figures.ratings.labels("updated" if rating.updated else "created").inc()
    state.prefetch_for(served.user(user))
    return answer


def _apply(
    state: ServiceState, served: ServedModel, connection: Connection, user: str, change: Change
) -> list[SavedRating]:
    """Apply one change, and return the rating that it saved, if any."""
    store, movie = state.store, served.movie(change.movie)
    if change.kind != "rating":
        store.note(connection, user, movie, change.kind, gone=change.gone, given=change.time)
        return []
    if not change.gone and change.rating is not None:
        return store.rate(connection, [Rating(user, movie, served.steps(float(change.rating)), change.time)])
    store.rate(connection, [Rating(user, movie, None, change.time)])
    for kind in WATCHED_EVENTS if served.model.data.scale is None else ():
        store.note(connection, user, movie, kind, gone=True)
    return []
