"""Who may do what, and how often: API keys with roles, and a bucket of requests for each key."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from cinematrix.service.problems import Problem
from cinematrix.store.keys import ROLES, Key, Role, all_keys, find_key
from cinematrix.store.records import Store

KEYS_SECONDS = 1.0
"""How old the list of keys may be: so long a new key may have to wait."""

MOST_BUCKETS = 10_000

HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="Made by `cinematrix key create`.")


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

    Without any key in the store everybody is let in, which is why the server then binds to loopback only.
    """

    store: Store
    limits: dict[Role, int]
    _keys: list[Key] = field(default_factory=list)
    _read_at: float = -KEYS_SECONDS
    _buckets: dict[tuple[str, Role], Bucket] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def keys(self) -> list[Key]:
        """The store's keys, at most a second old."""
        with self._lock:
            if time.monotonic() - self._read_at >= KEYS_SECONDS:
                self._keys, self._read_at = all_keys(self.store), time.monotonic()
            return self._keys

    def admit(self, secret: str | None, address: str, role: Role) -> str:
        """The name of who comes in to do what needs `role`.

        Raises:
            Problem: 401 without a key that is known, 403 with one that may not, 429 too often.
        """
        keys = self.keys()
        if not keys:
            who = address
        else:
            key = find_key(keys, secret or "")
            if key is None:
                self._count(address, "read")
                raise Problem(401, "give a key in the header X-API-Key", {"WWW-Authenticate": "X-API-Key"})
            if ROLES.index(key.role) < ROLES.index(role):
                raise Problem(403, f"this needs a key with the role {role}")
            who = f"key {key.name}"
        self._count(who, role)
        return who

    def _count(self, who: str, role: Role) -> None:
        size, now = self.limits[role], time.monotonic()
        with self._lock:
            if len(self._buckets) >= MOST_BUCKETS:
                self._buckets.clear()
            wait = self._buckets.setdefault((who, role), Bucket(size, size, now)).take(now)
        if wait:
            raise Problem(429, "too many requests; wait", {"Retry-After": str(int(wait) + 1)})


def admitted(request: Request, role: Role) -> str:
    """Who asks, if they may do what needs `role`.

    Raises:
        Problem: as `Doorkeeper.admit` says.
    """
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    address = request.client.host if request.client else "unknown"
    return doorkeeper.admit(request.headers.get(HEADER.model.name), address, role)


def allowed(role: Role) -> Callable[..., str]:
    """The dependency of a route that needs `role`; its value is who asks."""

    def who(request: Request, _: Annotated[str | None, Security(HEADER)] = None) -> str:
        return admitted(request, role)

    return who
