"""API keys: made once, shown once, kept as hashes.

A key is 256 random bits, so nobody can guess it from its SHA-256, and a slow hash, which passwords need since people
choose them, would only slow each request.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from typing import Literal, NamedTuple

from sqlalchemy import insert, select

from cinematrix.errors import SettingError
from cinematrix.store.records import Store
from cinematrix.store.tables import AUDIT, KEYS

Role = Literal["read", "write", "admin"]
ROLES: tuple[Role, ...] = ("read", "write", "admin")
"""Each may do what those before it may."""


class ApiKey(NamedTuple):
    """A key as the store has it: its name, what it may do, and the SHA-256 of its secret."""

    name: str
    role: Role
    hash: bytes


def create_key(store: Store, role: str) -> str:
    """A new key's secret, which is nowhere kept.

    Raises:
        SettingError: there is no such role.
    """
    if role not in ROLES:
        raise SettingError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}")
    secret, name, now = f"cmx_{secrets.token_urlsafe(32)}", secrets.token_hex(4), time.time_ns() // 1_000_000
    with store.write_transaction() as connection:
        connection.execute(insert(KEYS).values(key=name, role=role, hash=hash_secret(secret), created=now))
        connection.execute(insert(AUDIT).values(at=now, who="command line", what=f"made key {name} for {role}"))
    return secret


def list_keys(store: Store) -> list[ApiKey]:
    """Every key that opens this store's service."""
    with store.engine.connect() as connection:
        return [ApiKey(*row) for row in connection.execute(select(KEYS.c.key, KEYS.c.role, KEYS.c.hash))]


def hash_secret(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def find_key(keys: Iterable[ApiKey], secret: str) -> ApiKey | None:
    """The key with this secret; the time taken tells nothing of how much of it was right, or of which key."""
    wanted, found = hash_secret(secret), None
    for key in keys:
        if hmac.compare_digest(key.hash, wanted):
            found = key
    return found
