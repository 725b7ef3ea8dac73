"""Routes of recommendation lists, for users of the store and for histories in the request."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json

from cinematrix.data.histories import Histories
from cinematrix.recommendation.lists import recommend
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, READ
from cinematrix.service.list_cache import CachedList
from cinematrix.service.published import list_filters
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
    """Recommend unseen movies by all current ratings of a user; popular movies for a user without any."""
    served, scope, how = state.served, request.scope, "kept"
    text, key = served.user(user), (scope["path"], scope["query_string"])
    with served.lists.lock_for(key):
        revision, cached = state.store.revision(text), served.lists.find(key)
        if cached is None or cached.revision != revision:
            matched = {name: scope[name] for name in ("route", "path_params")}
            cached, how = _make_user_list(state, served, text, revision, matched, wanted), "made"
            served.lists.keep(key, cached)
    served.lists.asked(text, key)
    state.figures.count_list(how, cached.fallback)
    served.shown.add(cached.movies)
    return json_response(cached.body)


def prefetch_list(state: ServiceState, user: str) -> None:
    """Remake the list last sent to a user if it is no longer valid, once for each time that it was sent."""
    served = state.served_or_none
    if served is None or (key := served.lists.pop_last_sent(user)) is None:
        return
    with served.lists.lock_for(key):
        revision, cached = state.store.revision(user), served.lists.find(key)
        if cached is not None and cached.revision != revision:
            served.lists.keep(key, _make_user_list(state, served, user, revision, cached.matched, cached.wanted))
            state.figures.lists.labels("ahead").inc()


def _make_user_list(
    state: ServiceState,
    served: ServedModel,
    user: str,
    revision: Revision,
    matched: Mapping[str, Any],
    wanted: schemas.ListRequest,
) -> CachedList:
    """Make a user's list from the store's current data, which is at least as new as `revision`."""
    person = state.store.person(user)
    content = _make_list(state, served, served.history(person), wanted, served.hidden(person))
    content |= {"user": served.user_id(user)}
    numbers = served.numbers(content["items"])
    return CachedList(user, revision, matched, content["fallback"], to_json(content), numbers, wanted)


@ROUTER.post("/recommendations", response_model=schemas.RecommendationList)
def recommend_for_history(body: schemas.RecommendationRequest, state: State) -> Response:
    """Recommend movies for the history in the request. Nothing is stored."""
    served = state.served
    history, unknown = served.read_history(body)
    content = _make_list(state, served, history, body, body.excluded)
    state.figures.recommended.labels(str(content["fallback"]).lower()).inc()
    served.shown.add(served.numbers(content["items"]))
    return json_response(content | {"unknown": unknown})


def _make_list(
    state: ServiceState, served: ServedModel, history: Histories, wanted: schemas.ListRequest, exclude: tuple[Any, ...]
) -> dict[str, Any]:
    """Make a list with the members of `schemas.RecommendationList`."""
    filters = list_filters(state.store, served, wanted, exclude)
    with state.figures.fold_in.time():
        recommended = recommend(served.model, history, wanted.n, by=wanted.by, filters=filters, dials=wanted.dials)
    return {
        "user": None, "model_version": served.version, "fallback": len(history.items) == 0, "unknown": [],
        "items": recommended.items,
    }  # fmt: skip
