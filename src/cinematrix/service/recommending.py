"""Routes that answer from the model, and keep nothing."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from cinematrix.dials import Dials
from cinematrix.histories import Histories
from cinematrix.recommendations import Filters, Recommendation, recommend
from cinematrix.service import schemas
from cinematrix.service.people import Served
from cinematrix.service.ratings import READ
from cinematrix.service.schemas import TextId
from cinematrix.service.state import PROBLEMS, ServiceState, State, StrictRoute

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEMS, dependencies=[READ])


def _list(
    state: ServiceState, served: Served, history: Histories, wanted: schemas.Dials, exclude: tuple[Any, ...]
) -> schemas.Recommended:
    filters, dials = Filters(wanted.where, wanted.min_ratings, exclude), Dials(wanted.novelty, wanted.diversity)
    found = recommend(served.model, history, wanted.n, by=wanted.by, filters=filters, dials=dials)
    fallback = len(history.items) == 0
    state.figures.recommended.labels(str(fallback).lower()).inc()
    return schemas.Recommended(
        user=None, model_version=served.version, fallback=fallback, unknown=[], items=_items(found.items)
    )


def _items(lines: list[Recommendation]) -> list[schemas.Item]:
    return [schemas.Item.model_validate(line.as_dict()) for line in lines]


@ROUTER.get("/users/{user}/recommendations")
def recommendations(user: TextId, state: State, wanted: Annotated[schemas.Dials, Query()]) -> schemas.Recommended:
    """Movies for a user by all her ratings up to now, without those she has seen; popular ones for one unknown."""
    served = state.served
    person = state.store.person(served.user(user))
    made = _list(state, served, served.history(person), wanted, served.hidden(person))
    return made.model_copy(update={"user": served.user_id(person.user)})


@ROUTER.post("/recommendations")
def for_a_stranger(body: schemas.Stranger, state: State) -> schemas.Recommended:
    """Movies for somebody whose history comes along; nothing is kept."""
    served = state.served
    history, unknown = served.stranger(body)
    made = _list(state, served, history, body, tuple(str(id_) for id_ in body.hidden))
    return made.model_copy(update={"unknown": [served.movie_id(str(id_)) for id_ in unknown]})
