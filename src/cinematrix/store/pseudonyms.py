"""Pseudonyms of deleted users: what the store keeps in place of their IDs, so that they are never trained on again.

A pseudonym is a keyed hash (HMAC-SHA256) under a key that each store draws for itself. The ID can't be read from it,
but a person who has the store can check whether an ID was deleted.
"""

import hmac
import secrets

from sqlalchemy import Connection, insert, select

from cinematrix.store.tables import PSEUDONYM_KEY


def read_pseudonym_key(connection: Connection) -> bytes:
    """Return the store's key for pseudonyms."""
    key: bytes | None = connection.scalar(select(PSEUDONYM_KEY.c.key))
    assert key is not None, "a migrated store has a key"
    return bytes(key)


def draw_pseudonym_key(connection: Connection) -> bytes:
    """Draw the key of a store that has none, and return it."""
    key = secrets.token_bytes(32)
    connection.execute(insert(PSEUDONYM_KEY).values(key=key))
    return key


def make_pseudonym(key: bytes, user: str) -> str:
    """Return the pseudonym of a user's ID: 32 hexadecimal digits."""
    return hmac.digest(key, user.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
