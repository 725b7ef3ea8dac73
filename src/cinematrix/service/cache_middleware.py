"""A list that was sent before is sent again before the app does anything else about the request."""

from dataclasses import dataclass

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cinematrix.service.auth import admitted, answered_at_once
from cinematrix.service.problems import Problem
from cinematrix.service.responses import made
from cinematrix.service.state import ServiceState


@dataclass
class Again:
    """Middleware around `app`, which makes the lists that aren't there and refuses who may not have them."""

    app: ASGIApp
    state: ServiceState

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = scope["type"] == "http" and scope["method"] == "GET"
        answer = self._again(Request(scope)) if known else None
        await (self.app if answer is None else answer)(scope, receive, send)

    def _again(self, request: Request) -> Response | None:
        """The list, if it can be told at once that it is still right, and that whoever asks may have it."""
        scope, served = request.scope, self.state.newest
        if served is None:
            return None
        kept = served.lists.find((scope["path"], scope["query_string"]))
        if kept is None or self.state.store.glance(kept.user) != kept.revision:
            return None
        if not answered_at_once(request):
            return None
        scope.update(kept.matched)
        try:
            admitted(request, "read")
        except Problem:
            return None
        served.lists.asked(kept.user, (scope["path"], scope["query_string"]))
        self.state.figures.sent("kept", kept.fallback)
        served.shown.add(kept.movies)
        return made(kept.body)
