"""Shared statements in the SQL of SQLite and PostgreSQL, the clock, and the audit log."""

import secrets
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Integer,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    insert,
    literal,
    null,
    select,
    tuple_,
    union_all,
)

from cinematrix.common.durations import DAY_MS
from cinematrix.store.settings import read_settings
from cinematrix.store.tables import AUDIT, EVENTS, FORGOTTEN, RATINGS, USERS

ROWS_PER_STATEMENT = 500
"""Maximum pairs looked up in one statement."""

USERS_WANTED: BindParameter[str] = bindparam("users", expanding=True)
PSEUDONYMS_WANTED: BindParameter[str] = bindparam("pseudonyms", expanding=True)
NULL_NUMBER, NULL_TIME, NULL_TEXT = cast(null(), Integer), cast(null(), BigInteger), cast(null(), Text)
SELECT_USER_RECORDS = union_all(
    select(
        *(literal("rating").label("what"), RATINGS.c.user, RATINGS.c.movie, RATINGS.c.steps, RATINGS.c.received),
        *(RATINGS.c.given, RATINGS.c.source),
    ).where(RATINGS.c.user.in_(USERS_WANTED)),
    select(
        EVENTS.c.kind, EVENTS.c.user, EVENTS.c.movie, NULL_NUMBER, EVENTS.c.received, EVENTS.c.given, NULL_TEXT
    ).where(EVENTS.c.user.in_(USERS_WANTED)),
    select(literal("revision"), USERS.c.user, NULL_TEXT, NULL_NUMBER, USERS.c.revision, NULL_TIME, NULL_TEXT).where(
        USERS.c.user.in_(USERS_WANTED)
    ),
    select(literal("forgotten"), FORGOTTEN.c.user, NULL_TEXT, NULL_NUMBER, NULL_TIME, NULL_TIME, NULL_TEXT).where(
        FORGOTTEN.c.user.in_(PSEUDONYMS_WANTED)
    ),
).order_by("what", "movie")
"""Select all records of some users in one statement, so that they are consistent; of deleted ones by pseudonyms."""

SELECT_REVISION = """select (select revision from users where "user" = {user}),
    exists (select 1 from forgotten where "user" = {pseudonym})"""
"""Select the revision of one user, and whether the user was deleted."""


def now_ms() -> int:
    """Return the server's time in epoch milliseconds."""
    return time.time_ns() // 1_000_000


PRUNED_LINES = 100
"""Maximum lines deleted when one is written."""


def write_audit(connection: Connection, who: str, what: str, user: str | None = None) -> None:
    """Append a line to the audit log in the caller's transaction, and delete lines that are too old.

    Args:
        connection: connection of the transaction.
        who: name of a key, never its secret.
        what: what was done.
        user: the user whom it is about; kept apart, so that the ID goes when the user is deleted.
    """
    now = now_ms()
    connection.execute(insert(AUDIT).values(at=now, who=who, what=what, user=user))
    oldest = select(AUDIT.c.line).order_by(AUDIT.c.line).limit(PRUNED_LINES).subquery()
    old = AUDIT.c.at < now - read_settings(connection).audit_days * DAY_MS
    connection.execute(delete(AUDIT).where(AUDIT.c.line.in_(select(oldest.c.line)), old))


def lock_users(connection: Connection, users: Collection[str], now: int) -> None:
    """Create missing users, draw new revisions, and lock the users against other writes until the transaction ends.

    Users are locked in sorted order, so that transactions don't deadlock.
    """
    rows = [{"user": user, "created": now, "revision": draw_revision()} for user in sorted(users)]
    upsert(connection, USERS, rows, keep=["created"])


def find_rated_pairs(connection: Connection, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the pairs of user and movie that have a rating, deleted ones excluded."""
    rated: set[tuple[str, str]] = set()
    for start in range(0, len(pairs), ROWS_PER_STATEMENT):
        in_chunk = tuple_(RATINGS.c.user, RATINGS.c.movie).in_(pairs[start : start + ROWS_PER_STATEMENT])
        rows = connection.execute(select(RATINGS.c.user, RATINGS.c.movie).where(in_chunk, RATINGS.c.steps.is_not(None)))
        rated |= {(user, movie) for user, movie in rows}
    return rated


def find_forgotten(connection: Connection, users: Iterable[str], pseudonym: Callable[[str], str]) -> set[str]:
    """Return those of the users who were deleted. `pseudonym`: the store's pseudonym of a user."""
    pseudonyms = set(connection.scalars(select(FORGOTTEN.c.user)))
    return {user for user in users if pseudonym(user) in pseudonyms} if pseudonyms else set()


def take_off_watchlist(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Delete the watchlist events of pairs of user and movie, which the user has now rated, seen or refused."""
    for start in range(0, len(pairs), ROWS_PER_STATEMENT):
        in_chunk = tuple_(EVENTS.c.user, EVENTS.c.movie).in_(pairs[start : start + ROWS_PER_STATEMENT])
        connection.execute(delete(EVENTS).where(EVENTS.c.kind == "watchlist", in_chunk))


def draw_revision() -> int:
    """Draw the random number of a new revision; a counter could repeat for a user deleted and created again."""
    return secrets.randbits(63)


def dialect(connection: Connection) -> Any:
    """Return SQLAlchemy's module for this database's SQL dialect; other dialects aren't loaded."""
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}")


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], keep: Sequence[str] = ()) -> None:
    """Insert rows with the same columns; for existing primary keys, update all columns except `keep`."""
    if not rows:
        return
    statement, key = dialect(connection).insert(table), [column.name for column in table.primary_key]
    rest = {name: statement.excluded[name] for name in rows[0] if name not in (*key, *keep)}
    on_conflict = statement.on_conflict_do_update(index_elements=key, set_=rest) if rest else None
    connection.execute(statement.on_conflict_do_nothing() if on_conflict is None else on_conflict, list(rows))
