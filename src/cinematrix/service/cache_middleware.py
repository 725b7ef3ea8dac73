"""Middleware that answers a request from the list cache before the app handles it."""

from dataclasses import dataclass

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cinematrix.service.auth import authorize_request, can_authorize_without_store
from cinematrix.service.problems import Problem
from cinematrix.service.responses import json_response
from cinematrix.service.state import ServiceState


@dataclass
class CacheMiddleware:
    """Middleware around `app`. Requests that it can't answer go on to `app`, which makes lists and refuses callers."""

    app: ASGIApp
    state: ServiceState

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cacheable = scope["type"] == "http" and scope["method"] == "GET"
        response = self._cached_response(Request(scope)) if cacheable else None
        await (self.app if response is None else response)(scope, receive, send)

    def _cached_response(self, request: Request) -> Response | None:
        """Return the cached list if, without waiting for the store, it is current and the caller may read it."""
        scope, served = request.scope, self.state.served_or_none
        if served is None:
            return None
        cached = served.lists.find((scope["path"], scope["query_string"]))
        if cached is None or self.state.store.peek_revision(cached.user) != cached.revision:
            return None
        if not can_authorize_without_store(request):
            return None
        scope.update(cached.matched)
        try:
            authorize_request(request, "read")
        except Problem:
            return None
        served.lists.asked(cached.user, (scope["path"], scope["query_string"]))
        self.state.figures.count_list("kept", cached.fallback)
        served.shown.add(cached.movies)
        return json_response(cached.body)
