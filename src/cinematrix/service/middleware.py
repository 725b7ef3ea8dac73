"""What stands before the app: limits on hosts, bodies and requests at once, security headers, figures and the log."""

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cinematrix.service.logging import LOG, REQUEST_LOG, redact
from cinematrix.service.problems import MEDIA_TYPE, Problem, problem_body
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.telemetry import Telemetry

LIVENESS_PATH = "/livez"
"""Answered however much there is to do."""

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing, and whose answers a browser keeps from pages of other origins."""

DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
"""Of every answer that doesn't bring its own."""


@dataclass
class RequestGuardMiddleware:
    """Middleware around `app`."""

    app: ASGIApp
    settings: ServiceSettings
    figures: Telemetry
    working: int = field(default=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        exchange = _Exchange(scope, send)
        refusal = self._refusal(scope)
        self.working += 1
        try:
            if refusal is not None:
                await exchange.refuse(refusal)
            else:
                await self.app(
                    scope, _limit_body(receive, self.settings, self.settings.most_bytes(scope["path"])), exchange.send
                )
        except Exception:
            LOG.exception("request %s failed", exchange.id)
            await exchange.refuse(Problem(500, "something broke here; the log tells more under this request's id"))
        finally:
            self.working -= 1
            exchange.count(self.figures)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers = dict(scope["headers"])
        if _parse_host(headers.get(b"host", b"").decode("latin-1")) not in self.settings.hosts:
            return Problem(400, "this server isn't known by that host name; name it with --host-name")
        if scope["method"] not in SAFE_METHODS and not _is_same_origin(headers):
            return Problem(403, "a page of another origin can't have anything done here")
        length = headers.get(b"content-length", b"0")
        most = self.settings.most_bytes(scope["path"])
        if not length.isdigit() or len(length) > 15 or int(length) > most:
            return _body_too_large(most)
        if self.working >= self.settings.in_flight and scope["path"] != LIVENESS_PATH:
            return Problem(503, "too much to do; come again", {"Retry-After": "1"})
        return None


class _Exchange:
    """One request and its answer, as they pass."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope, self._send = scope, send
        self.id, self.started = secrets.token_hex(16), time.perf_counter()
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name.lower() for name, _ in message["headers"]}
            ours = [each for each in DEFAULT_HEADERS if each[0] not in given]
            message["headers"] = [*message["headers"], *ours, (b"x-request-id", self.id.encode())]
        await self._send(message)

    async def refuse(self, refusal: Problem) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self.status:
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in (refusal.headers or {}).items()]
        body = json.dumps(problem_body(refusal.status_code, refusal.detail)).encode()
        headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    def count(self, figures: Telemetry) -> None:
        """By the route's pattern: no user's or movie's ID gets into figures or log."""
        seconds, route = time.perf_counter() - self.started, getattr(self.scope.get("route"), "path", "none")
        figures.answered(self.scope["method"], route, self.status, seconds)
        told = _format_log_fields(self.scope["method"], route, self.status)
        REQUEST_LOG.info(f'{{"request": "{self.id}", {told}, "ms": {seconds * 1000:.2f}}}')


@lru_cache(1000)
def _format_log_fields(method: str, route: str, status: int) -> str:
    """What the log says of such answers; it is the same for most requests."""
    return redact(json.dumps({"method": method, "route": route, "status": status})[1:-1])


def _limit_body(receive: Receive, settings: ServiceSettings, most: int) -> Receive:
    """`receive` that gives up on a body that is too long or comes too slowly."""
    read, open_, until = 0, True, time.monotonic() + settings.read_seconds

    async def limited() -> Message:
        nonlocal read, open_
        if not open_:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), until - time.monotonic())
        except TimeoutError as error:
            raise Problem(408, "the body came too slowly") from error
        read += len(message.get("body", b""))
        if read > most:
            raise _body_too_large(most)
        open_ = message.get("more_body", False)
        return message

    return limited


def _body_too_large(most: int) -> Problem:
    return Problem(413, f"the body is too large; send at most {most:,} bytes")


def _is_same_origin(headers: dict[bytes, bytes]) -> bool:
    """Whether a request comes from no page, or from one of ours: a browser says so, and old ones name the origin.

    Where the store has no keys, whatever page a browser on this machine shows could otherwise have things done.
    """
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        return site in (b"same-origin", b"none")
    return origin is None or origin.partition(b"://")[2] == headers.get(b"host")


def _parse_host(header: str) -> str:
    """The name in a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()
