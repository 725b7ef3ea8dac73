"""API keys, shown once and stored as hashes.

A key is 256 random bits, which can't be guessed from its SHA-256. A slow hash, as passwords need since people choose
them, would only slow each request.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from sqlalchemy import delete, insert, select, update

from cinematrix.errors import SettingError
from cinematrix.store.records import Store
from cinematrix.store.statements import now_ms, write_audit
from cinematrix.store.tables import KEYS

Role = Literal["read", "write", "admin"]
ROLES: tuple[Role, ...] = ("read", "write", "admin")
"""Roles of keys in ascending order; each includes the rights of those before it."""


NAME_PATTERN = r"^[\w.@-]{1,64}$"
"""Pattern of a key's name."""

COMMAND_LINE = "command line"
"""Name of the command line in the audit log."""


class ApiKey(NamedTuple):
    """A stored key; times in epoch milliseconds.

    Attributes:
        name: name in the audit log.
        role: read, write or admin.
        hash: SHA-256 of the secret.
        created: time of its creation.
        expires: time from which it is refused; None: never.
        used: time of its last use, to the minute; None: it wasn't used yet.
    """

    name: str
    role: Role
    hash: bytes
    created: int
    expires: int | None
    used: int | None

    def is_valid(self, now: int) -> bool:
        """Return whether the key hasn't expired."""
        return self.expires is None or now < self.expires


def create_key(
    store: Store, role: str, name: str | None = None, lifetime: float | None = None, who: str = COMMAND_LINE
) -> str:
    """Create a key and return its secret, which isn't stored.

    Args:
        store: the store.
        role: read, write or admin.
        name: name of the key; None: a random one.
        lifetime: seconds until the key expires; None: it never does.
        who: the requester, for the audit log.

    Raises:
        SettingError: the role is unknown, or the name is invalid or taken.
    """
    if role not in ROLES:
        raise SettingError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}")
    name = secrets.token_hex(4) if name is None else name
    if not re.fullmatch(NAME_PATTERN, name):
        raise SettingError("the name of a key has 1 to 64 letters, digits and signs of '._-@'; choose another name")
    secret, now = f"cmx_{secrets.token_urlsafe(32)}", now_ms()
    expires = None if lifetime is None else now + round(lifetime * 1000)
    with store.write_transaction() as connection:
        if connection.scalar(select(KEYS.c.key).filter_by(key=name)) is not None:
            raise SettingError("a key of this name exists; revoke it or choose another name")
        row = {"key": name, "role": role, "hash": hash_secret(secret), "created": now, "expires": expires}
        connection.execute(insert(KEYS).values(row))
        write_audit(connection, who, f"made key {name} for {role}")
    return secret


def revoke_key(store: Store, name: str, who: str = COMMAND_LINE) -> bool:
    """Delete a key, which no server accepts from the next second on; return whether there was one."""
    with store.write_transaction() as connection:
        revoked = connection.execute(delete(KEYS).filter_by(key=name)).rowcount > 0
        if revoked:
            write_audit(connection, who, f"revoked key {name}")
    return revoked


def save_key_uses(store: Store, uses: Mapping[str, int]) -> None:
    """Store the times, in epoch milliseconds, at which keys were last used."""
    if uses:
        with store.write_transaction() as connection:
            for name, used in sorted(uses.items()):
                connection.execute(update(KEYS).filter_by(key=name).values(used=used))


def list_keys(store: Store) -> list[ApiKey]:
    """Return all keys of this store's service, the oldest first; expired ones too."""
    columns = (KEYS.c[name] for name in ("key", "role", "hash", "created", "expires", "used"))
    with store.engine.connect() as connection:
        return [ApiKey(*row) for row in connection.execute(select(*columns).order_by(KEYS.c.created, KEYS.c.key))]


def hash_secret(secret: str) -> bytes:
    """Return the SHA-256 of a secret, which the store has in its place."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def find_key(keys: Iterable[ApiKey], secret: str) -> ApiKey | None:
    """Return the valid key with this secret in constant time; None if there is none."""
    digest, match = hash_secret(secret), None
    for key in keys:
        if hmac.compare_digest(key.hash, digest):
            match = key
    return match if match is not None and match.is_valid(now_ms()) else None
