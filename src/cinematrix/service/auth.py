"""Authentication, authorization and rate limits.

A caller is an API key with a role, a user with a token or a session, or a visitor of the page. Each has its own token
bucket.
"""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any, Literal, NamedTuple

from anyio.to_thread import run_sync
from fastapi import Depends, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from cinematrix.common.durations import DAY_MS
from cinematrix.service.log_lines import REQUEST
from cinematrix.service.peers import is_loopback, read_peer
from cinematrix.service.problems import Problem
from cinematrix.service.rate_limits import RateLimiter
from cinematrix.service.session_cookies import read_session_cookie
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.worker_group import WorkerGroup
from cinematrix.store.keys import ROLES, ApiKey, find_key, hash_secret, list_keys, save_key_uses
from cinematrix.store.records import Store
from cinematrix.store.sign_ins import find_session, save_session_uses
from cinematrix.store.statements import now_ms
from cinematrix.store.tokens import find_token_owner

API_KEY_SCHEME = APIKeyHeader(name="X-API-Key", auto_error=False, description="Created by `cinematrix key create`.")
KEY, AUTHORIZATION = API_KEY_SCHEME.model.name.lower().encode(), b"authorization"
"""Header names as in an ASGI scope: lower-case bytes."""

BEARER_SCHEME = HTTPBearer(auto_error=False, description="A user's token, created by `POST /v1/tokens`.")

Permission = Literal["page", "read", "write", "admin"]
"""Permission that a route needs: the role of a key, or `page` for routes that store nothing and reveal no user."""

PERMISSION_ORDER: tuple[Permission, ...] = ("page", *ROLES)
"""Permissions in ascending order. Each includes all before it."""


PERMISSIONS: dict[Any, Permission] = {}
"""Permissions by the dependency that checks them."""


@dataclass(frozen=True)
class Caller:
    """Authenticated sender of a request.

    Attributes:
        name: name in the audit log.
        role: `page` for a visitor, `user` for a user with a token or a session, or the role of a key.
        user: owner of the token or session in the request.
    """

    name: str
    role: Literal["page", "user", "read", "write", "admin"]
    user: str | None = None

    def is_allowed(self, needed: Permission, of: str | None = None) -> bool:
        """Return whether the caller has the `needed` permission for data of the user `of`.

        A token or session grants everything about its own user, and the permission `page`.
        """
        if self.role == "user":
            return needed == "page" or (of is not None and of == self.user)
        return PERMISSION_ORDER.index(self.role) >= PERMISSION_ORDER.index(needed)


class RequestCredentials(NamedTuple):
    """A key, a token and a session, of which a request has one, several or none."""

    key: str | None
    token: str | None
    session: str | None


@dataclass
class Authenticator:
    """Identifies callers and checks their permissions and rate limits.

    While the store has no key, every caller on this machine is an admin and all others are refused. The peer of each
    connection is checked, so a key table that is emptied opens the service to nobody else.

    Attributes:
        public: visitors without a key have the permission `page`.
        group: workers that share the rate limits.
        idle_ms: time without use that ends a session.
    """

    store: Store
    settings: ServiceSettings
    group: WorkerGroup = field(default_factory=WorkerGroup)
    _keys: list[ApiKey] = field(default_factory=list)
    _read_at: float = -math.inf
    _uses: dict[str, int] = field(default_factory=dict)
    _session_uses: dict[bytes, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _limiter: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        limits = {"page": settings.visits, "read": settings.reads, "write": settings.writes, "admin": settings.writes}
        limits |= {"share": settings.share_rate, "sign-in": settings.sign_ins}
        self.idle_ms = round(settings.session_days * DAY_MS)
        self.public = settings.public
        self._limiter = RateLimiter(limits, settings.callers, settings.ipv6_prefix, self.group)

    @property
    def fresh(self) -> bool:
        """Return whether the key cache is still valid."""
        return time.monotonic() - self._read_at < self.settings.key_seconds

    def keys(self) -> list[ApiKey]:
        """Return the store's keys, at most `key_seconds` old."""
        with self._lock:
            if not self.fresh:
                self._keys, self._read_at = list_keys(self.store), time.monotonic()
            return self._keys

    def refresh(self) -> None:
        """Read the keys again. A server does so in the background, so that no request waits for it."""
        keys, now = list_keys(self.store), time.monotonic()
        with self._lock:
            self._keys, self._read_at = keys, now

    @property
    def open(self) -> bool:
        """Return whether every caller on this machine is an admin, because the store has no keys."""
        return not self.public and not self.keys()

    def save_uses(self) -> None:
        """Store when keys and sessions were last used. A server does so every minute, not with each request."""
        with self._lock:
            uses, self._uses = self._uses, {}
            session_uses, self._session_uses = self._session_uses, {}
        save_key_uses(self.store, uses)
        save_session_uses(self.store, session_uses)

    def authorize(self, given: RequestCredentials, address: str, needed: Permission, of: str | None) -> Caller:
        """Return the caller, if they may make a request that needs a permission for data of the user `of`.

        Permissions are checked before anything is looked up, so a refusal reveals nothing about the data.

        Raises:
            Problem: 401 without a valid key or token, 403 without the permission, 429 above the rate limit.
        """
        caller = self._identify(given, address)
        if caller is None or (caller.role == "page" and not caller.is_allowed(needed)):
            self._limiter.count(address, "read")
            raise Problem(
                401,
                "the request has no valid key or token; send a key in the header X-API-Key or a bearer token, or sign"
                " in",
                {"WWW-Authenticate": "X-API-Key, Bearer"},
            )
        if not caller.is_allowed(needed, of):
            raise Problem(403, f"this request needs a key with the role {needed}")
        self._limiter.count(caller.name, _limit_name(caller, needed))
        return caller

    def count(self, caller: str, limit: str) -> None:
        """Count a request of a caller against a limit.

        Raises:
            Problem: 429, it is above the limit.
        """
        self._limiter.count(caller, limit)

    def find_user(self, session: str) -> str | None:
        """Return the user of a session, and note its use; None if it is unknown or has ended."""
        if (user := find_session(self.store, session, self.idle_ms)) is not None:
            self._session_uses[hash_secret(session)] = now_ms()
        return user

    def _identify(self, given: RequestCredentials, address: str) -> Caller | None:
        """Return the caller, or None if they can't be identified.

        A key or token must be valid even where none is needed. A session, which a browser sends unasked, counts only
        without them, and one that has ended is none.
        """
        key, token, session = given
        user = None if token is None else find_token_owner(self.store, token)
        if token is not None and user is None:
            return None
        if session is not None and token is None and key is None:
            user = self.find_user(session)
        if self.open and is_loopback(address):
            return Caller(address, "admin", user)
        if user is not None:
            return Caller(f"user {user}", "user", user)
        api_key = find_key(self.keys(), key or "")
        if api_key is not None:
            self._uses[api_key.name] = now_ms()
            return Caller(f"key {api_key.name}", api_key.role)
        return Caller(address, "page") if self.public and key is None else None


def _limit_name(caller: Caller, needed: Permission) -> str:
    """Return the name of the limit that a request counts against."""
    if caller.role in ("page", "user"):
        return "page"
    return "read" if needed == "page" else needed


def authorize_request(request: Request, needed: Permission) -> Caller:
    """Return the caller of a request that needs a permission.

    A route with `{user}` in its path concerns that user. The user's own token is enough for it, whatever it needs.

    Raises:
        Problem: as in `Authenticator.authorize`.
    """
    state, user = request.app.state, request.path_params.get("user")
    authenticator: Authenticator = state.authenticator
    address = read_peer(request.scope)
    of = None if user is None else state.service.served.user(user)
    scheme, _, token = (_read_header(request, AUTHORIZATION) or "").partition(" ")
    bearer, cookie = token if scheme.lower() == "bearer" else None, read_session_cookie(request.scope)
    given = RequestCredentials(_read_header(request, KEY), bearer, cookie and cookie.secret)
    caller = authenticator.authorize(given, address, needed, of)
    _note_caller(authenticator.store, caller, of)
    return caller


def _note_caller(store: Store, caller: Caller, of: str | None) -> None:
    """Note the caller, and the user whom the request is about, for the log lines of this request."""
    if (facts := REQUEST.get()) is not None:
        facts.role = caller.role
        kind, _, name = caller.name.partition(" ")
        facts.key = name if kind == "key" else None
        user = caller.user if of is None else of
        facts.user = None if user is None else store.name_in_log(user)


def can_authorize_without_store(request: Request) -> bool:
    """Return whether `authorize_request` needs no query of the store, which may be busy."""
    authenticator: Authenticator = request.app.state.authenticator
    needs_store = _read_header(request, AUTHORIZATION) is not None or read_session_cookie(request.scope) is not None
    return authenticator.fresh and not needs_store


def _read_header(request: Request, name: bytes) -> str | None:
    """Return the first header with a name, as `Request.headers` does, but ten times as fast."""
    for each, value in request.scope["headers"]:
        if each == name:
            text: str = value.decode("latin-1")
            return text
    return None


async def authorize_once(request: Request, needed: Permission) -> Caller:
    """Return the caller, as `authorize_request` does, and count the request once, however often this is asked."""
    callers: dict[Permission, Caller] = request.scope.setdefault("callers", {})
    if needed not in callers:
        local = can_authorize_without_store(request)
        callers[needed] = (
            authorize_request(request, needed) if local else await run_sync(authorize_request, request, needed)
        )
    return callers[needed]


def require_permission(needed: Permission) -> Callable[..., Awaitable[Caller]]:
    """Return the dependency of a route that needs a permission. Its value is the caller."""

    async def authorize(
        request: Request,
        _: Annotated[str | None, Security(API_KEY_SCHEME)] = None,
        __: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER_SCHEME)] = None,
    ) -> Caller:
        return await authorize_once(request, needed)

    PERMISSIONS[authorize] = needed
    return authorize


def list_permissions(dependant: Dependant) -> set[Permission]:
    """Return the permissions that a route needs, from its dependencies."""
    below = {needed for each in dependant.dependencies for needed in list_permissions(each)}
    return below | ({PERMISSIONS[dependant.call]} if dependant.call in PERMISSIONS else set())


async def count_visit(request: Request) -> None:
    """Count a request that needs no permission, as one of its address's visits."""
    authenticator: Authenticator = request.app.state.authenticator
    authenticator.count(read_peer(request.scope), "page")


VISIT = Depends(count_visit)
"""Dependency of a route that anybody may call, so many times a minute."""

PAGE, READ, WRITE, ADMIN = (Depends(require_permission(needed)) for needed in PERMISSION_ORDER)
"""Dependencies of routes, by the permission that they need."""
