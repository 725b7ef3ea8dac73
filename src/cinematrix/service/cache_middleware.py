"""A list that was sent before is sent again before the app does anything else about the request."""

from dataclasses import dataclass

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cinematrix.service.auth import authorize_request, can_authorize_without_store
from cinematrix.service.problems import Problem
from cinematrix.service.responses import json_response
from cinematrix.service.state import ServiceState


@dataclass
class CacheMiddleware:
    """Middleware around `app`, which makes the lists that aren't there and refuses who may not have them."""

    app: ASGIApp
    state: ServiceState

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = scope["type"] == "http" and scope["method"] == "GET"
        answer = self._cached_response(Request(scope)) if known else None
        await (self.app if answer is None else answer)(scope, receive, send)

    def _cached_response(self, request: Request) -> Response | None:
        """The list, if it can be told at once that it is still right, and that whoever asks may have it."""
        scope, served = request.scope, self.state.served_or_none
        if served is None:
            return None
        kept = served.lists.find((scope["path"], scope["query_string"]))
        if kept is None or self.state.store.peek_revision(kept.user) != kept.revision:
            return None
        if not can_authorize_without_store(request):
            return None
        scope.update(kept.matched)
        try:
            authorize_request(request, "read")
        except Problem:
            return None
        served.lists.asked(kept.user, (scope["path"], scope["query_string"]))
        self.state.figures.count_list("kept", kept.fallback)
        served.shown.add(kept.movies)
        return json_response(kept.body)
