"""Routes that answer from the model, and keep nothing."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json

from cinematrix.data.histories import Histories
from cinematrix.recommendation.lists import Filters, recommend
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, READ
from cinematrix.service.list_cache import CachedList
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, json_response
from cinematrix.service.schemas import TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State
from cinematrix.store.records import Revision

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])
USER_ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[READ])


@USER_ROUTER.get("/users/{user}/recommendations", response_model=schemas.RecommendationList)
def list_recommendations(
    user: TextId, request: Request, state: State, wanted: Annotated[schemas.ListRequest, Query()]
) -> Response:
    """Movies for a user by all her ratings up to now, without those she has seen; popular ones for one unknown."""
    served, scope, how = state.served, request.scope, "kept"
    text, key = served.user(user), (scope["path"], scope["query_string"])
    with served.lists.lock_for(key):
        revision, kept = state.store.revision(text), served.lists.find(key)
        if kept is None or kept.revision != revision:
            matched = {name: scope[name] for name in ("route", "path_params")}
            kept, how = _make_user_list(state, served, text, revision, matched, wanted), "made"
            served.lists.keep(key, kept)
    served.lists.asked(text, key)
    state.figures.count_list(how, kept.fallback)
    served.shown.add(kept.movies)
    return json_response(kept.body)


def prefetch_list(state: ServiceState, user: str) -> None:
    """Make the list that she was sent last again, if it isn't right any more; once for each time that it was sent."""
    served = state.served_or_none
    if served is None or (key := served.lists.pop_last_sent(user)) is None:
        return
    with served.lists.lock_for(key):
        revision, kept = state.store.revision(user), served.lists.find(key)
        if kept is not None and kept.revision != revision:
            served.lists.keep(key, _make_user_list(state, served, user, revision, kept.matched, kept.wanted))
            state.figures.lists.labels("ahead").inc()


def _make_user_list(
    state: ServiceState,
    served: ServedModel,
    user: str,
    revision: Revision,
    matched: Mapping[str, Any],
    wanted: schemas.ListRequest,
) -> CachedList:
    """A user's list by all that the store has of her, which is no older than `revision`."""
    person = state.store.person(user)
    found = _make_list(state, served, served.history(person), wanted, served.hidden(person))
    found |= {"user": served.user_id(user)}
    numbers = served.numbers(found["items"])
    return CachedList(user, revision, matched, found["fallback"], to_json(found), numbers, wanted)


@ROUTER.post("/recommendations", response_model=schemas.RecommendationList)
def recommend_for_history(body: schemas.RecommendationRequest, state: State) -> Response:
    """Movies for somebody whose history comes along; nothing is kept."""
    served = state.served
    history, unknown = served.read_history(body)
    found = _make_list(state, served, history, body, body.excluded)
    state.figures.recommended.labels(str(found["fallback"]).lower()).inc()
    served.shown.add(served.numbers(found["items"]))
    return json_response(found | {"unknown": unknown})


def _make_list(
    state: ServiceState, served: ServedModel, history: Histories, wanted: schemas.ListRequest, exclude: tuple[Any, ...]
) -> dict[str, Any]:
    """A list as `schemas.Recommended` describes it."""
    filters = Filters(wanted.where, wanted.min_ratings, exclude)
    with state.figures.fold_in.time():
        found = recommend(served.model, history, wanted.n, by=wanted.by, filters=filters, dials=wanted.dials)
    return {
        "user": None, "model_version": served.version, "fallback": len(history.items) == 0, "unknown": [],
        "items": found.items,
    }  # fmt: skip
