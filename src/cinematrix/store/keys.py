"""API keys, shown once and stored as hashes.

A key is 256 random bits, which can't be guessed from its SHA-256. A slow hash, as passwords need since people choose
them, would only slow each request.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Literal, NamedTuple

from sqlalchemy import insert, select

from cinematrix.errors import SettingError
from cinematrix.store.records import Store
from cinematrix.store.statements import now_ms, write_audit
from cinematrix.store.tables import KEYS

Role = Literal["read", "write", "admin"]
ROLES: tuple[Role, ...] = ("read", "write", "admin")
"""Roles of keys in ascending order; each includes the rights of those before it."""


class ApiKey(NamedTuple):
    """A stored key: its name, its role and the SHA-256 of its secret."""

    name: str
    role: Role
    hash: bytes


def create_key(store: Store, role: str) -> str:
    """Create a key and return its secret, which isn't stored.

    Raises:
        SettingError: the role is unknown.
    """
    if role not in ROLES:
        raise SettingError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}")
    secret, name, now = f"cmx_{secrets.token_urlsafe(32)}", secrets.token_hex(4), now_ms()
    with store.write_transaction() as connection:
        connection.execute(insert(KEYS).values(key=name, role=role, hash=hash_secret(secret), created=now))
        write_audit(connection, "command line", f"made key {name} for {role}")
    return secret


def list_keys(store: Store) -> list[ApiKey]:
    """Return all keys of this store's service."""
    with store.engine.connect() as connection:
        return [ApiKey(*row) for row in connection.execute(select(KEYS.c.key, KEYS.c.role, KEYS.c.hash))]


def hash_secret(secret: str) -> bytes:
    """Return the SHA-256 of a secret, which the store has in its place."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def find_key(keys: Iterable[ApiKey], secret: str) -> ApiKey | None:
    """Return the key with this secret in constant time; None if there is none."""
    digest, match = hash_secret(secret), None
    for key in keys:
        if hmac.compare_digest(key.hash, digest):
            match = key
    return match
