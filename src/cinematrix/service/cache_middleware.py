"""Middleware that answers a request from the list cache, or refuses a list, before the app handles it."""

from dataclasses import dataclass

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cinematrix.service.auth import authorize_request, can_authorize_without_store
from cinematrix.service.list_cache import CacheKey
from cinematrix.service.list_pool import LIST_PATH
from cinematrix.service.problems import Problem, problem_response
from cinematrix.service.responses import json_response
from cinematrix.service.state import ServiceState


@dataclass
class CacheMiddleware:
    """Middleware around `app`. Requests that it can't answer go on to `app`, which makes lists and refuses callers."""

    app: ASGIApp
    state: ServiceState

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._early_response(Request(scope)) if scope["type"] == "http" else None
        await (self.app if response is None else response)(scope, receive, send)

    def _early_response(self, request: Request) -> Response | None:
        """Return the cached list; for a list that is neither cached nor to be computed now, the refusal."""
        response = self._cached_response(request) if request.method == "GET" else None
        if response or not self.state.lists.is_full or not LIST_PATH.fullmatch(request.scope["path"]):
            return response
        if request.method == "GET" and self.state.find_list(
            _key(request.scope)
        ):  # its route can tell whether it is current or stale
            return None
        self.state.figures.lists.labels("refused").inc()
        return problem_response(self.state.lists.refusal())

    def _cached_response(self, request: Request) -> Response | None:
        """Return the cached list if, without waiting for the store, it is known to do and the caller may read it.

        It does if it is current, or if it is outdated and no other can be computed now.
        """
        scope, state = request.scope, self.state
        if (found := state.find_list(_key(scope))) is None:
            return None
        served, cached = found
        revision = state.store.peek_revision(cached.user)
        stale = revision != cached.revision
        if revision is None or (stale and (revision.forgotten or not state.lists.is_full)):
            return None
        if not can_authorize_without_store(request):
            return None
        scope.update(cached.matched)
        try:
            authorize_request(request, "read")
        except Problem:
            return None
        served.lists.asked(cached.user, _key(scope))
        state.figures.count_list("stale" if stale else "kept", cached.fallback)
        served.shown.add(cached.movies)
        state.impressions.add(cached.user, "main", served, cached.movies)
        return json_response(cached.stale_body if stale else cached.body)


def _key(scope: Scope) -> CacheKey:
    """Return the place of a request's list in the cache."""
    return scope["path"], scope["query_string"]
