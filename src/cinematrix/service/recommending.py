"""Routes that answer from the model, and keep nothing."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from cinematrix.dials import Dials
from cinematrix.histories import Histories
from cinematrix.ids import Numbers
from cinematrix.recommendations import Filters, recommend
from cinematrix.service import schemas
from cinematrix.service.access import PAGE, READ, admitted
from cinematrix.service.lists import Kept
from cinematrix.service.people import Served
from cinematrix.service.schemas import TextId
from cinematrix.service.state import PROBLEMS, ServiceState, State, StrictRoute, made


class AgainRoute(StrictRoute):
    """A route that sends a finished list again, before anything else is done about the request."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        again = _again(Request(scope)) if scope["method"] == "GET" else None
        await (super().handle if again is None else again)(scope, receive, send)


ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEMS, dependencies=[PAGE])
USERS = APIRouter(prefix="/v1", route_class=AgainRoute, responses=PROBLEMS, dependencies=[READ])


def _again(request: Request) -> Response | None:
    """The list that was sent before, if it can be told at once that it is still right, and to whom."""
    if "authorization" in request.headers:  # a token is looked up in the store, which may have to wait
        return None
    state: ServiceState = request.app.state.service
    served = state.served
    kept = served.lists.find((request.path_params["user"], request.scope["query_string"]))
    if kept is None or state.store.glance(kept.user) != kept.revision:
        return None
    admitted(request, "read")
    return _sent(state, served, kept, "kept")


@USERS.get("/users/{user}/recommendations", response_model=schemas.Recommended)
def recommendations(
    user: TextId, request: Request, state: State, wanted: Annotated[schemas.Dials, Query()]
) -> Response:
    """Movies for a user by all her ratings up to now, without those she has seen; popular ones for one unknown."""
    served, key, how = state.served, (user, request.scope["query_string"]), "kept"
    text = served.user(user)
    with served.lists.making(key):
        revision, kept = state.store.revision(text), served.lists.find(key)
        if kept is None or kept.revision != revision:
            person = state.store.person(text)
            found = _list(state, served, served.history(person), wanted, served.hidden(person))
            found |= {"user": served.user_id(text)}
            kept, how = Kept(text, revision, found["fallback"], to_json(found), _numbers(served, found)), "made"
            served.lists.keep(key, kept)
    return _sent(state, served, kept, how)


def _sent(state: ServiceState, served: Served, kept: Kept, how: str) -> Response:
    """A list for a user, `made` now or `kept` from before."""
    state.figures.recommended.labels(str(kept.fallback).lower()).inc()
    state.figures.lists.labels(how).inc()
    served.shown.add(kept.movies)
    return made(kept.body)


@ROUTER.post("/recommendations", response_model=schemas.Recommended)
def for_a_stranger(body: schemas.Stranger, state: State) -> Response:
    """Movies for somebody whose history comes along; nothing is kept."""
    served = state.served
    history, unknown = served.stranger(body)
    found = _list(state, served, history, body, tuple(str(id_) for id_ in body.hidden))
    state.figures.recommended.labels(str(found["fallback"]).lower()).inc()
    served.shown.add(_numbers(served, found))
    return made(found | {"unknown": [served.movie_id(str(id_)) for id_ in unknown]})


def _numbers(served: Served, found: dict[str, Any]) -> Numbers:
    """The movies of a list."""
    return served.model.known.movies.numbers([line.movie for line in found["items"]])


def _list(
    state: ServiceState, served: Served, history: Histories, wanted: schemas.Dials, exclude: tuple[Any, ...]
) -> dict[str, Any]:
    """A list as `schemas.Recommended` describes it."""
    filters, dials = Filters(wanted.where, wanted.min_ratings, exclude), Dials(wanted.novelty, wanted.diversity)
    with state.figures.fold_in.time():
        found = recommend(served.model, history, wanted.n, by=wanted.by, filters=filters, dials=dials)
    return {
        "user": None, "model_version": served.version, "fallback": len(history.items) == 0, "unknown": [],
        "items": found.items,
    }  # fmt: skip
