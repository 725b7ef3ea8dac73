"""Routes of recommendation lists, for users of the store and for histories in the request."""

import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import parse_qsl

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from cinematrix.data.ids import ID_PATTERN
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, READ, Caller, authorize_once, list_permissions
from cinematrix.service.list_cache import CachedList
from cinematrix.service.making_lists import ListJob, make_contents, make_lists
from cinematrix.service.published import list_filters
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, json_response
from cinematrix.service.schemas import TextId
from cinematrix.service.state import ServiceState, State, run_in_list_thread

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])

MAX_KEPT_QUERY, KEPT_QUERIES = 500, 1_000
"""Maximum bytes of a query string whose list options are kept, and the number of these."""


class ListRoute(StrictRoute):
    """Route of a user's list, which answers valid requests itself and leaves the others to FastAPI.

    FastAPI's parsing of parameters would take a third of the event loop's time. The endpoint below declares the same
    parameters, by `schemas.ListRequest`, for the description of the API and for errors of invalid ones. Both permit,
    check and answer by the same functions.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, permissions = super().get_route_handler(), list_permissions(self.dependant)

        async def quickly(request: Request) -> Response:
            user, query = request.path_params["user"], request.scope["query_string"]
            wanted = _parse_query(query) if len(query) <= MAX_KEPT_QUERY else None
            if wanted is None or not re.fullmatch(ID_PATTERN, user):
                return await handle(request)
            for needed in permissions:
                await authorize_once(request, needed)
            return await send_list(request, request.app.state.service, user, wanted)

        return quickly


@lru_cache(KEPT_QUERIES)
def _parse_query(query: bytes) -> schemas.ListRequest | None:
    """Return the list options in a query string; None if any is invalid or repeated."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    with suppress(ValidationError):
        return schemas.ListRequest.model_validate(dict(pairs)) if len(dict(pairs)) == len(pairs) else None
    return None


USER_ROUTER = APIRouter(prefix="/v1", route_class=ListRoute, responses=PROBLEM_RESPONSES, dependencies=[READ])


@USER_ROUTER.get("/users/{user}/recommendations", response_model=schemas.RecommendationList)
async def list_recommendations(  # for requests that `ListRoute` leaves to FastAPI
    user: TextId, request: Request, state: State, wanted: Annotated[schemas.ListRequest, Query()]
) -> Response:
    """Recommend unseen movies by all current ratings of a user; popular movies for a user without any.

    While too many lists are requested, the answer may be the user's last list, marked as stale.
    """
    return await send_list(request, state, user, wanted)


async def send_list(request: Request, state: ServiceState, user: str, wanted: schemas.ListRequest) -> Response:
    """Return a user's list: a kept or stale one from the cache, or one made now."""
    text, scope = state.served.user(user), request.scope
    served, key = state.served_for(text), (scope["path"], scope["query_string"])
    sent = await _find_cached(state, served.lists.find(key))
    if sent is None:
        matched = {name: scope[name] for name in ("route", "path_params")}
        sent = await state.lists.run(make_lists, ListJob(state, served, text, key, matched, wanted))
    cached, how = sent
    served.lists.asked(text, key)
    state.figures.count_list(how, cached.fallback)
    served.shown.add(cached.movies)
    state.impressions.add(text, "main", served, cached.movies)
    return json_response(cached.stale_body if how == "stale" else cached.body)


async def _find_cached(state: ServiceState, cached: CachedList | None) -> tuple[CachedList, str] | None:
    """Return a cached list that may be sent, and whether it is `kept` or `stale`; None if it must be made anew."""
    if cached is None:
        return None
    revision = await run_sync(state.store.revision, cached.user)
    if revision == cached.revision:
        return cached, "kept"
    return (cached, "stale") if state.lists.is_full and not revision.forgotten else None


def prefetch_list(state: ServiceState, user: str) -> None:
    """Remake the list last sent to a user if it is no longer valid, once for each time that it was sent."""
    served = None if state.served_or_none is None else state.served_for(user)
    if served is None or (key := served.lists.pop_last_sent(user)) is None:
        return
    if cached := served.lists.find(key):
        (made,) = make_lists([ListJob(state, served, user, key, cached.matched, cached.wanted)])
        if isinstance(made, Exception):
            raise made
        if made[1] == "made":
            state.figures.lists.labels("ahead").inc()


@ROUTER.post("/recommendations", response_model=schemas.RecommendationList)
@run_in_list_thread
def recommend_for_history(body: schemas.RecommendationRequest, state: State, who: Annotated[Caller, PAGE]) -> Response:
    """Recommend movies for the history in the request, which isn't stored."""
    served = state.served_for(who.user)
    history, unknown = served.read_history(body)
    with state.figures.fold_in.time():
        (made,) = make_contents(served, history, body, [list_filters(state, served, body, body.excluded)])
    content = made | {"unknown": unknown}
    state.figures.recommended.labels(str(content["fallback"]).lower()).inc()
    numbers = served.numbers(content["items"])
    served.shown.add(numbers)
    state.impressions.add(who.user, "main", served, numbers)
    return json_response(content)
