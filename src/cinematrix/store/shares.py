"""Shared lists: snapshots that anybody with the link may open until they expire or are revoked.

The ID is 128 random bits and names nobody. Whoever made a list revokes it by a secret, of which the store has the
SHA-256, or as the user that it belongs to. A user's lists are deleted with the user.
"""

import secrets
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, false, func, insert, or_, select, true

from cinematrix.common.durations import DAY_MS
from cinematrix.errors import StoreError
from cinematrix.store.keys import hash_secret
from cinematrix.store.statements import now_ms
from cinematrix.store.tables import SHARES

ID_BYTES = 16


class ShareLimits(NamedTuple):
    """Maximum lists in the store, and of one user."""

    most: int
    most_of_user: int


class NewShare(NamedTuple):
    """A list that was just shared; `expires` in epoch ms. The secret isn't stored."""

    share: str
    secret: str
    expires: int


class SharedList(NamedTuple):
    """A shared list; times in epoch ms."""

    share: str
    content: str
    created: int
    expires: int


COLUMNS = tuple(SHARES.c[name] for name in SharedList._fields)


def create_share(connection: Connection, content: str, user: str | None, days: float, limits: ShareLimits) -> NewShare:
    """Store a list in the caller's transaction, and delete those that have expired.

    Args:
        connection: connection of the transaction.
        content: JSON of the list.
        user: the user that it belongs to; None: only the secret revokes it.
        days: days until it expires.
        limits: the maximum numbers of lists.

    Raises:
        StoreError: the store or the user has too many lists.
    """
    now = now_ms()
    connection.execute(delete(SHARES).where(SHARES.c.expires <= now))
    if not limits.most:
        raise StoreError("this server shares no lists by a link; share it as a picture or text")
    if user is not None and _count(connection, SHARES.c.user == user) >= limits.most_of_user:
        raise StoreError(f"the user has {limits.most_of_user:,} shared lists; revoke one first")
    if _count(connection, true()) >= limits.most:
        raise StoreError("the server keeps no more shared lists; share it as a picture or text, or try another day")
    new = NewShare(secrets.token_urlsafe(ID_BYTES), secrets.token_urlsafe(ID_BYTES), now + round(days * DAY_MS))
    row = {"share": new.share, "secret": hash_secret(new.secret), "user": user, "content": content}
    connection.execute(insert(SHARES).values(**row, created=now, expires=new.expires))
    return new


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(SHARES).where(condition)) or 0


def find_share(connection: Connection, share: str) -> SharedList | None:
    """Return a shared list; None if there is none, or if it has expired."""
    row = connection.execute(select(*COLUMNS).where(SHARES.c.share == share, SHARES.c.expires > now_ms())).first()
    return None if row is None else SharedList(*row)


def list_shares(connection: Connection, user: str) -> list[SharedList]:
    """Return the shared lists of a user, the newest first."""
    own = select(*COLUMNS).where(SHARES.c.user == user, SHARES.c.expires > now_ms())
    return [SharedList(*row) for row in connection.execute(own.order_by(SHARES.c.created.desc(), SHARES.c.share))]


def revoke_share(connection: Connection, share: str, secret: str | None, user: str | None, *, always: bool) -> bool:
    """Delete a shared list in the caller's transaction, if the secret or the user is right. Return whether it is gone.

    `always`: whoever asks may revoke all lists.
    """
    rights = [
        true() if always else false(),
        false() if secret is None else SHARES.c.secret == hash_secret(secret),
        false() if user is None else SHARES.c.user == user,
    ]
    return connection.execute(delete(SHARES).where(SHARES.c.share == share, or_(*rights))).rowcount > 0
