"""Routes of recommendation lists, for users of the store and for histories in the request."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json

from cinematrix.data.histories import Histories
from cinematrix.recommendation.lists import Filters, recommend
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, READ
from cinematrix.service.list_cache import CachedList, CacheKey
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, json_response
from cinematrix.service.schemas import TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State, run_in_list_thread
from cinematrix.store.records import Revision

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])
USER_ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[READ])


@USER_ROUTER.get("/users/{user}/recommendations", response_model=schemas.RecommendationList)
async def list_recommendations(
    user: TextId, request: Request, state: State, wanted: Annotated[schemas.ListRequest, Query()]
) -> Response:
    """Recommend unseen movies by all current ratings of a user; popular movies for a user without any.

    While too many lists are requested, the answer may be the user's last list, marked as stale.
    """
    served, scope = state.served, request.scope
    text, key = served.user(user), (scope["path"], scope["query_string"])
    sent = await _find_cached(state, served.lists.find(key))
    if sent is None:
        matched = {name: scope[name] for name in ("route", "path_params")}
        sent = await state.lists.run(partial(_find_or_make, state, served, text, key, matched, wanted))
    cached, how = sent
    served.lists.asked(text, key)
    state.figures.count_list(how, cached.fallback)
    served.shown.add(cached.movies)
    return json_response(cached.stale_body if how == "stale" else cached.body)


async def _find_cached(state: ServiceState, cached: CachedList | None) -> tuple[CachedList, str] | None:
    """Return a cached list that may be sent, and whether it is `kept` or `stale`; None if it must be made anew."""
    if cached is None:
        return None
    revision = await run_sync(state.store.revision, cached.user)
    if revision == cached.revision:
        return cached, "kept"
    return (cached, "stale") if state.lists.is_full and not revision.forgotten else None


def _find_or_make(
    state: ServiceState,
    served: ServedModel,
    user: str,
    key: CacheKey,
    matched: Mapping[str, Any],
    wanted: schemas.ListRequest,
) -> tuple[CachedList, str]:
    """Return a user's current list, and whether it was `made` now or `kept`."""
    with served.lists.lock_for(key):
        revision, cached = state.store.revision(user), served.lists.find(key)
        if cached is not None and cached.revision == revision:
            return cached, "kept"
        made = _make_user_list(state, served, user, revision, matched, wanted)
        served.lists.keep(key, made)
        return made, "made"


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
@run_in_list_thread
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
    filters = Filters(wanted.where, wanted.min_ratings, exclude)
    with state.figures.fold_in.time():
        recommended = recommend(served.model, history, wanted.n, by=wanted.by, filters=filters, dials=wanted.dials)
    return {
        "user": None, "model_version": served.version, "fallback": len(history.items) == 0, "unknown": [],
        "items": recommended.items, "stale": False,
    }  # fmt: skip
