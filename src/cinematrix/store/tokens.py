"""User tokens: a browser's credentials in place of a key, for one user and a limited time.

A token is 256 random bits, like a key. The store has its SHA-256 and looks it up by that. The time of the look-up may
leak the hash, from which the token can't be derived.
"""

import secrets

from sqlalchemy import delete, insert, select

from cinematrix.common.durations import DAY_MS
from cinematrix.store.keys import hash_secret
from cinematrix.store.records import Store
from cinematrix.store.statements import now_ms, write_audit
from cinematrix.store.tables import TOKENS


def create_token(store: Store, user: str, days: int, who: str) -> tuple[str, int]:
    """Create a token for a user. Return its secret, which isn't stored, and its expiry in ms. `who`: the requester."""
    secret, now = f"cmt_{secrets.token_urlsafe(32)}", now_ms()
    expires = now + days * DAY_MS
    with store.write_transaction() as connection:
        connection.execute(delete(TOKENS).where(TOKENS.c.expires <= now))
        connection.execute(insert(TOKENS).values(hash=hash_secret(secret), user=user, expires=expires))
        write_audit(connection, who, "made a token of user", user)
    return secret, expires


def find_token_owner(store: Store, secret: str) -> str | None:
    """Return the user of a token; None if the token is unknown or has expired."""
    statement = select(TOKENS.c.user).where(TOKENS.c.hash == hash_secret(secret), TOKENS.c.expires > now_ms())
    with store.engine.connect() as connection:
        user: str | None = connection.scalar(statement)
    return user


def revoke_tokens(store: Store, user: str, who: str) -> None:
    """Revoke all tokens of a user."""
    with store.write_transaction() as connection:
        connection.execute(delete(TOKENS).filter_by(user=user))
        write_audit(connection, who, "revoked the tokens of user", user)
