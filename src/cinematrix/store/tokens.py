"""Tokens of users: what a browser holds in place of a key, good for one user and for a while.

Like a key a token is 256 random bits of which the store has the SHA-256, by which it is looked up: how long that takes
tells of the hash, from which nobody gets to the token.
"""

import secrets

from sqlalchemy import delete, insert, select

from cinematrix.store.keys import hash_secret
from cinematrix.store.records import DAY_MS, Store
from cinematrix.store.statements import now_ms
from cinematrix.store.tables import AUDIT, TOKENS


def create_token(store: Store, user: str, days: int, who: str) -> tuple[str, int]:
    """A new token of a user, which is nowhere kept, and when it ends (ms); `who` has it made."""
    secret, now = f"cmt_{secrets.token_urlsafe(32)}", now_ms()
    expires = now + days * DAY_MS
    with store.write_transaction() as connection:
        connection.execute(delete(TOKENS).where(TOKENS.c.expires <= now))
        connection.execute(insert(TOKENS).values(hash=hash_secret(secret), user=user, expires=expires))
        connection.execute(insert(AUDIT).values(at=now, who=who, what=f"made a token of user {user}"))
    return secret, expires


def find_token_owner(store: Store, secret: str) -> str | None:
    """The user whose token this is; None if it is nobody's or has ended."""
    now = now_ms()
    wanted = select(TOKENS.c.user).where(TOKENS.c.hash == hash_secret(secret), TOKENS.c.expires > now)
    with store.engine.connect() as connection:
        user: str | None = connection.scalar(wanted)
    return user


def revoke_tokens(store: Store, user: str, who: str) -> None:
    """End all tokens of a user."""
    with store.write_transaction() as connection:
        connection.execute(delete(TOKENS).filter_by(user=user))
        now = now_ms()
        connection.execute(insert(AUDIT).values(at=now, who=who, what=f"revoked the tokens of user {user}"))
