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
from cinematrix.store.keys import ROLES, Key, all_keys, find_key
from cinematrix.store.records import Store
from cinematrix.store.tokens import owner_of

KEYS_SECONDS = 1.0
"""How old the list of keys may be: so long a new key may have to wait."""

MOST_BUCKETS = 10_000

HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="Made by `cinematrix key create`.")
KEY, AUTHORIZATION = HEADER.model.name.lower().encode(), b"authorization"
"""Names of headers, as a server has them."""

TOKEN = HTTPBearer(auto_error=False, description="A user's token, made by `POST /v1/tokens`.")

Needed = Literal["page", "read", "write", "admin"]
"""What a route needs: `page`, what keeps nothing and tells of nobody; and the roles of keys."""

LADDER: tuple[Needed, ...] = ("page", *ROLES)
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

    def may(self, needed: Needed, of: str | None = None) -> bool:
        """Whether something that needs a role may be done; `of`: the user whom it is about.

        A token opens all that is about its user, and what the page needs.
        """
        if self.role == "user":
            return needed == "page" or (of is not None and of == self.user)
        return LADDER.index(self.role) >= LADDER.index(needed)


@dataclass
class Bucket:
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
class Doorkeeper:
    """Lets requests in.

    Without any key in the store everybody is let in as admin, which is why the server then binds to loopback only.

    Attributes:
        limits: requests a minute, by `page` (of a visitor or a user with a token), `read`, `write` and `admin`.
        public: visitors without a key may do what the page needs.
    """

    store: Store
    limits: dict[str, int]
    public: bool = False
    _keys: list[Key] = field(default_factory=list)
    _read_at: float = -KEYS_SECONDS
    _buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def fresh(self) -> bool:
        """Whether `keys` needn't ask the store."""
        return time.monotonic() - self._read_at < KEYS_SECONDS

    def keys(self) -> list[Key]:
        """The store's keys, at most a second old."""
        with self._lock:
            if not self.fresh:
                self._keys, self._read_at = all_keys(self.store), time.monotonic()
            return self._keys

    @property
    def open(self) -> bool:
        """Whether everybody may do everything."""
        return not self.public and not self.keys()

    def admit(self, key: str | None, token: str | None, address: str, needed: Needed, of: str | None) -> Caller:
        """Who comes in to do what needs a role, `of` a user where it is about one.

        What may not be done is refused before anything is looked up, so the answer doesn't tell what there is.

        Raises:
            Problem: 401 without a key or token that is known, 403 with one that may not, 429 too often.
        """
        caller = self._caller(key, token, address)
        if caller is None or (caller.role == "page" and not caller.may(needed)):
            self._count(address, "read")
            raise Problem(
                401, "give a key in the header X-API-Key, or a token", {"WWW-Authenticate": "X-API-Key, Bearer"}
            )
        if not caller.may(needed, of):
            raise Problem(403, f"this needs a key with the role {needed}")
        self._count(caller.name, _limit(caller, needed))
        return caller

    def _caller(self, key: str | None, token: str | None, address: str) -> Caller | None:
        """Who asks; None: nobody who may come in. A token that is given must be good, even where none is needed."""
        user = None if token is None else owner_of(self.store, token)
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
            if len(self._buckets) >= MOST_BUCKETS:
                self._buckets.clear()
            wait = self._buckets.setdefault((who, what), Bucket(size, size, now)).take(now)
        if wait:
            raise Problem(429, "too many requests; wait", {"Retry-After": str(int(wait) + 1)})


def _limit(caller: Caller, needed: Needed) -> str:
    """Which limit a request counts against."""
    if caller.role in ("page", "user"):
        return "page"
    return "read" if needed == "page" else needed


def admitted(request: Request, needed: Needed) -> Caller:
    """Who asks, if they may do what needs a role.

    A route with a `{user}` in its path is about her, and her own token opens it whatever it needs.

    Raises:
        Problem: as `Doorkeeper.admit` says.
    """
    state, user = request.app.state, request.path_params.get("user")
    doorkeeper: Doorkeeper = state.doorkeeper
    address = request.client.host if request.client else "unknown"
    of = None if user is None else state.service.served.user(user)
    scheme, _, token = (_header(request, AUTHORIZATION) or "").partition(" ")
    bearer = token if scheme.lower() == "bearer" else None
    return doorkeeper.admit(_header(request, KEY), bearer, address, needed, of)


def answered_at_once(request: Request) -> bool:
    """Whether `admitted` needn't ask the store, which may be busy."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    return doorkeeper.fresh and _header(request, AUTHORIZATION) is None


def _header(request: Request, name: bytes) -> str | None:
    """The first header of a name, as `Request.headers` would find it, which takes ten times as long."""
    for each, value in request.scope["headers"]:
        if each == name:
            found: str = value.decode("latin-1")
            return found
    return None


def allowed(needed: Needed) -> Callable[..., Awaitable[Caller]]:
    """The dependency of a route that needs a role; its value is who asks."""

    async def who(
        request: Request,
        _: Annotated[str | None, Security(HEADER)] = None,
        __: Annotated[HTTPAuthorizationCredentials | None, Security(TOKEN)] = None,
    ) -> Caller:
        if answered_at_once(request):
            return admitted(request, needed)
        return await run_sync(admitted, request, needed)

    return who


PAGE, READ, WRITE, ADMIN = (Depends(allowed(needed)) for needed in LADDER)
"""Dependencies of routes."""
