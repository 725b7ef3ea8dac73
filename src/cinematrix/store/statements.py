"""Statements that several records share, in the SQL of either database."""

import secrets
import time
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Integer,
    Table,
    bindparam,
    cast,
    literal,
    null,
    select,
    tuple_,
    union_all,
)

from cinematrix.store.tables import EVENTS, FORGOTTEN, RATINGS, USERS

ROWS_PER_STATEMENT = 500
"""Pairs that are looked up in one statement."""

USER: BindParameter[str] = bindparam("user")
NUMBER, TIME = cast(null(), Integer), cast(null(), BigInteger)
SELECT_USER_RECORDS = union_all(
    select(
        literal("rating").label("what"), RATINGS.c.movie, RATINGS.c.steps, RATINGS.c.received, RATINGS.c.given
    ).where(RATINGS.c.user == USER),
    select(EVENTS.c.kind, EVENTS.c.movie, NUMBER, EVENTS.c.received, TIME).where(EVENTS.c.user == USER),
    select(literal("known"), USERS.c.user, NUMBER, TIME, TIME).where(USERS.c.user == USER),
    select(literal("forgotten"), FORGOTTEN.c.user, NUMBER, TIME, TIME).where(FORGOTTEN.c.user == USER),
).order_by("what", "movie")
"""All that there is of one user, in one statement and so at one moment."""

SELECT_REVISION = """select (select revision from users where "user" = {user}),
    exists (select 1 from forgotten where "user" = {user})"""


def now_ms() -> int:
    """The server's time in ms."""
    return time.time_ns() // 1_000_000


def lock_users(connection: Connection, users: Collection[str], now: int) -> None:
    """Know these users, say that they change, and let no other transaction write for them until this one ends.

    They are held in sorted order, so that no two transactions wait for each other.
    """
    rows = [{"user": user, "created": now, "revision": draw_revision()} for user in sorted(users)]
    upsert(connection, USERS, rows, kept=["created"])


def find_rated_pairs(connection: Connection, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which pairs of user and movie have a rating that stands."""
    found: set[tuple[str, str]] = set()
    for start in range(0, len(pairs), ROWS_PER_STATEMENT):
        among = tuple_(RATINGS.c.user, RATINGS.c.movie).in_(pairs[start : start + ROWS_PER_STATEMENT])
        rows = connection.execute(select(RATINGS.c.user, RATINGS.c.movie).where(among, RATINGS.c.steps.is_not(None)))
        found |= {(user, movie) for user, movie in rows}
    return found


def draw_revision() -> int:
    """The number of a new revision. By chance, so that one who was deleted and came back never has an old one."""
    return secrets.randbits(63)


def dialect(connection: Connection) -> Any:
    """The SQL of this database beyond the standard; of the others nothing is loaded."""
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}")


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], kept: Sequence[str] = ()) -> None:
    """Insert rows of the same columns; where the primary key is there already, replace the rest, but for `kept`."""
    if not rows:
        return
    statement, key = dialect(connection).insert(table), [column.name for column in table.primary_key]
    rest = {name: statement.excluded[name] for name in rows[0] if name not in (*key, *kept)}
    on_conflict = statement.on_conflict_do_update(index_elements=key, set_=rest) if rest else None
    connection.execute(statement.on_conflict_do_nothing() if on_conflict is None else on_conflict, list(rows))
