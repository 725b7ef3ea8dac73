"""Routes of recommendation lists, for users of the store and for histories in the request."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response

from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, READ, Caller
from cinematrix.service.list_cache import CachedList
from cinematrix.service.making_lists import ListJob, make_contents, make_lists
from cinematrix.service.published import list_filters
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, json_response
from cinematrix.service.schemas import TextId
from cinematrix.service.state import ServiceState, State, run_in_list_thread

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])
USER_ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[READ])


@USER_ROUTER.get("/users/{user}/recommendations", response_model=schemas.RecommendationList)
async def list_recommendations(
    user: TextId, request: Request, state: State, wanted: Annotated[schemas.ListRequest, Query()]
) -> Response:
    """Recommend unseen movies by all current ratings of a user; popular movies for a user without any.

    While too many lists are requested, the answer may be the user's last list, marked as stale.
    """
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
