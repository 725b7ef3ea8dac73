"""Who may do what, and how often: API keys with roles, tokens of users, the page's visitors, and a bucket of requests
for each of them."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from cinematrix.service.problems import Problem
from cinematrix.store.keys import ROLES, ApiKey, find_key, list_keys
from cinematrix.store.records import Store
from cinematrix.store.tokens import find_token_owner

KEY_CACHE_SECONDS = 1.0
"""How old the list of keys may be: so long a new key may have to wait."""

MAX_BUCKETS = 10_000

API_KEY_SCHEME = APIKeyHeader(name="X-API-Key", auto_error=False, description="Made by `cinematrix key create`.")
KEY, AUTHORIZATION = API_KEY_SCHEME.model.name.lower().encode(), b"authorization"
"""Names of headers, as a server has them."""

BEARER_SCHEME = HTTPBearer(auto_error=False, description="A user's token, made by `POST /v1/tokens`.")

Permission = Literal["page", "read", "write", "admin"]
"""What a route needs: `page`, what keeps nothing and tells of nobody; and the roles of keys."""

PERMISSION_ORDER: tuple[Permission, ...] = ("page", *ROLES)
"""Each may do what those before it may."""


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        name: as it stands in the audit.
        role: `page` for a visitor, `user` for one with a token, or the role of a key.
        user: whose token came along.
    """

    name: str
    role: Literal["page", "user", "read", "write", "admin"]
    user: str | None = None

    def is_allowed(self, needed: Permission, of: str | None = None) -> bool:
        """Whether something that needs a role may be done; `of`: the user whom it is about.

        A token opens all that is about its user, and what the page needs.
        """
        if self.role == "user":
            return needed == "page" or (of is not None and of == self.user)
        return PERMISSION_ORDER.index(self.role) >= PERMISSION_ORDER.index(needed)


@dataclass
class RateLimitBucket:
    """Requests that may be sent now; a minute fills it."""

    size: int
    left: float
    at: float

    def take(self, now: float) -> float:
        """Take one; the seconds to wait if there is none, else 0."""
        self.left = min(self.size, self.left + (now - self.at) * self.size / 60)
        self.at = now
        if self.left < 1:
            return (1 - self.left) * 60 / self.size
        self.left -= 1
        return 0.0


@dataclass
class Authenticator:
    """Lets requests in.

    Without any key in the store everybody is let in as admin, which is why the server then binds to loopback only.

    Attributes:
        limits: requests a minute, by `page` (of a visitor or a user with a token), `read`, `write` and `admin`.
        public: visitors without a key may do what the page needs.
    """

    store: Store
    limits: dict[str, int]
    public: bool = False
    _keys: list[ApiKey] = field(default_factory=list)
    _read_at: float = -KEY_CACHE_SECONDS
    _buckets: dict[tuple[str, str], RateLimitBucket] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def fresh(self) -> bool:
        """Whether `keys` needn't ask the store."""
        return time.monotonic() - self._read_at < KEY_CACHE_SECONDS

    def keys(self) -> list[ApiKey]:
        """The store's keys, at most a second old."""
        with self._lock:
            if not self.fresh:
                self._keys, self._read_at = list_keys(self.store), time.monotonic()
            return self._keys

    @property
    def open(self) -> bool:
        """Whether everybody may do everything."""
        return not self.public and not self.keys()

    def authorize(self, key: str | None, token: str | None, address: str, needed: Permission, of: str | None) -> Caller:
        """Who comes in to do what needs a role, `of` a user where it is about one.

        What may not be done is refused before anything is looked up, so the answer doesn't tell what there is.

        Raises:
            Problem: 401 without a key or token that is known, 403 with one that may not, 429 too often.
        """
        caller = self._identify(key, token, address)
        if caller is None or (caller.role == "page" and not caller.is_allowed(needed)):
            self._count(address, "read")
            raise Problem(
                401, "give a key in the header X-API-Key, or a token", {"WWW-Authenticate": "X-API-Key, Bearer"}
            )
        if not caller.is_allowed(needed, of):
            raise Problem(403, f"this needs a key with the role {needed}")
        self._count(caller.name, _limit_name(caller, needed))
        return caller

    def _identify(self, key: str | None, token: str | None, address: str) -> Caller | None:
        """Who asks; None: nobody who may come in. A token that is given must be good, even where none is needed."""
        user = None if token is None else find_token_owner(self.store, token)
        if token is not None and user is None:
            return None
        if self.open:
            return Caller(address, "admin", user)
        if user is not None:
            return Caller(f"user {user}", "user", user)
        found = find_key(self.keys(), key or "")
        if found is not None:
            return Caller(f"key {found.name}", found.role)
        return Caller(address, "page") if self.public and key is None else None

    def _count(self, who: str, what: str) -> None:
        size, now = self.limits[what], time.monotonic()
        with self._lock:
            if len(self._buckets) >= MAX_BUCKETS:
                self._buckets.clear()
            wait = self._buckets.setdefault((who, what), RateLimitBucket(size, size, now)).take(now)
        if wait:
            raise Problem(429, "too many requests; wait", {"Retry-After": str(int(wait) + 1)})


def _limit_name(caller: Caller, needed: Permission) -> str:
    """Which limit a request counts against."""
    if caller.role in ("page", "user"):
        return "page"
    return "read" if needed == "page" else needed


def authorize_request(request: Request, needed: Permission) -> Caller:
    """Who asks, if they may do what needs a role.

    A route with a `{user}` in its path is about her, and her own token opens it whatever it needs.

    Raises:
        Problem: as `Authenticator.authorize` says.
    """
    state, user = request.app.state, request.path_params.get("user")
    doorkeeper: Authenticator = state.authenticator
    address = request.client.host if request.client else "unknown"
    of = None if user is None else state.service.served.user(user)
    scheme, _, token = (_read_header(request, AUTHORIZATION) or "").partition(" ")
    bearer = token if scheme.lower() == "bearer" else None
    return doorkeeper.authorize(_read_header(request, KEY), bearer, address, needed, of)


def can_authorize_without_store(request: Request) -> bool:
    """Whether `authorize_request` needn't ask the store, which may be busy."""
    doorkeeper: Authenticator = request.app.state.authenticator
    return doorkeeper.fresh and _read_header(request, AUTHORIZATION) is None


def _read_header(request: Request, name: bytes) -> str | None:
    """The first header of a name, as `Request.headers` would find it, which takes ten times as long."""
    for each, value in request.scope["headers"]:
        if each == name:
            found: str = value.decode("latin-1")
            return found
    return None


def require_permission(needed: Permission) -> Callable[..., Awaitable[Caller]]:
    """The dependency of a route that needs a role; its value is who asks."""

    async def who(
        request: Request,
        _: Annotated[str | None, Security(API_KEY_SCHEME)] = None,
        __: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER_SCHEME)] = None,
    ) -> Caller:
        if can_authorize_without_store(request):
            return authorize_request(request, needed)
        return await run_sync(authorize_request, request, needed)

    return who


PAGE, READ, WRITE, ADMIN = (Depends(require_permission(needed)) for needed in PERMISSION_ORDER)
"""Dependencies of routes."""
