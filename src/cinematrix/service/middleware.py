"""Outer middleware: host and origin checks, limits on bodies and requests in flight, security headers, metrics, log."""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cinematrix.service.bodies import BodyLimits, BodyReader, body_too_large
from cinematrix.service.list_pool import LIST_PATH
from cinematrix.service.log_lines import REQUEST, RequestFacts
from cinematrix.service.logging import LOG, REQUEST_LOG
from cinematrix.service.origins import SAFE_METHODS, is_same_origin
from cinematrix.service.peers import read_peer
from cinematrix.service.problems import MEDIA_TYPE, Problem, problem_body
from cinematrix.service.rate_limits import find_network
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.telemetry import Telemetry

LIVENESS_PATH = "/livez"
"""Path that is answered however many requests are in flight."""

METHODS = (*SAFE_METHODS, "POST", "PUT", "PATCH", "DELETE")
"""Methods named in metrics and log. Clients can make up any number of others."""

Kind = Literal["list", "write", "other"]
"""Kind of a request: a list to compute, a rating or another write for a user, or any other."""

PLACES: dict[Kind, int] = {"list": 1, "write": 4, "other": 1}
"""Places by kind, in multiples of `in_flight`. Writes have more, since those that wait are stored together."""

DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
"""Default headers of every response. A route may set its own instead."""


@dataclass
class RequestGuardMiddleware:
    """Outermost middleware around `app`: refuses bad requests, limits bodies, counts and logs.

    Attributes:
        working: requests in flight, by kind.
    """

    app: ASGIApp
    settings: ServiceSettings
    figures: Telemetry
    working: Counter[Kind] = field(default_factory=Counter)
    bodies: BodyLimits = field(init=False)

    def __post_init__(self) -> None:
        self.bodies = BodyLimits(self.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        kind = find_kind(scope["method"], scope["path"])
        exchange, client = _Exchange(scope, send, partial(self._leave, kind)), read_peer(scope)
        network = find_network(client, self.settings.ipv6_prefix)
        body = BodyReader(receive, self.bodies, scope["path"], network)
        refusal = self._refusal(scope, kind)
        previous = REQUEST.set(RequestFacts(exchange.id, client, trace=scope.get("trace")))
        self.working[kind] += 1
        try:
            if refusal is not None:
                await exchange.refuse(refusal)
            else:
                await self.app(scope, partial(self._receive, body, kind), exchange.send)
        except Exception:
            LOG.exception("the request failed")
            await exchange.refuse(Problem(500, "the server failed; its log has the details under this request's ID"))
        finally:
            exchange.leave()
            body.close()
            exchange.count(self.figures)
            REQUEST.reset(previous)

    def _leave(self, kind: Kind) -> None:
        self.working[kind] -= 1

    async def _receive(self, body: BodyReader, kind: Kind) -> Message:
        """Receive a part of a body. Meanwhile the request isn't in flight, so slow senders delay nobody."""
        if body.ended:
            return await body()
        self.working[kind] -= 1
        try:
            return await body()
        finally:
            self.working[kind] += 1

    def _refusal(self, scope: Scope, kind: Kind) -> Problem | None:
        headers = dict(scope["headers"])
        if _parse_host(headers.get(b"host", b"").decode("latin-1")) not in self.settings.hosts:
            return Problem(400, "the host name isn't allowed; add it with --host-name")
        if scope["method"] not in SAFE_METHODS and not is_same_origin(headers):
            return Problem(403, "pages of another origin may not change anything here")
        settings, query = self.settings, scope["query_string"]
        if len(query) > settings.max_query or query.count(b"&") >= settings.max_parameters:
            return Problem(414, "the address has too many parameters; send fewer or shorter ones")
        length = headers.get(b"content-length", b"0")
        most = self.settings.most_bytes(scope["path"])
        if not length.isdigit() or len(length) > 15 or int(length) > most:
            return body_too_large(most)
        if self.working[kind] >= PLACES[kind] * self.settings.in_flight and scope["path"] != LIVENESS_PATH:
            return Problem(503, "the server is busy; retry later", {"Retry-After": "1"})
        return None


def find_kind(method: str, path: str) -> Kind:
    """Return the kind of a request. Kinds have places of their own, so that no other kind takes those of ratings."""
    if LIST_PATH.fullmatch(path):
        return "list"
    return "write" if method in ("PUT", "DELETE") or path == "/v1/ratings" else "other"


class _Exchange:
    """One request and its response.

    Args:
        scope, send: as in ASGI.
        left: called once, when the request is in flight no more: its response starts or it failed. Refusals are ready
            at once, so a crowd of refused requests takes no places.
    """

    def __init__(self, scope: Scope, send: Send, left: Callable[[], None]) -> None:
        self.scope, self._send, self._left = scope, send, left
        self._in_flight = True
        self.id: str = scope.get("request_id") or secrets.token_hex(16)
        self.started = time.perf_counter()
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.leave()
            present = {name.lower() for name, _ in message["headers"]}
            added = [header for header in DEFAULT_HEADERS if header[0] not in present]
            message["headers"] = [*message["headers"], *added, (b"x-request-id", self.id.encode())]
        await self._send(message)

    def leave(self) -> None:
        """Count the request as in flight no more."""
        if self._in_flight:
            self._in_flight = False
            self._left()

    async def refuse(self, refusal: Problem) -> None:
        """Send a problem response, unless a response has already started."""
        if self.status:
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in (refusal.headers or {}).items()]
        body = json.dumps(problem_body(refusal.status_code, refusal.detail)).encode()
        headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    def count(self, figures: Telemetry) -> None:
        """Count and log the request by its route pattern, so that no user or movie ID gets into metrics or log."""
        seconds, route = time.perf_counter() - self.started, getattr(self.scope.get("route"), "path", "none")
        method = self.scope["method"] if self.scope["method"] in METHODS else "other"
        figures.answered(method, route, self.status, seconds)
        fields = {"method": method, "route": route, "status": self.status, "ms": round(seconds * 1000, 2)}
        REQUEST_LOG.info("%s %s %s", method, route, self.status, extra={"fields": fields})


def _parse_host(header: str) -> str:
    """Return the host name in a Host header, without the port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()
