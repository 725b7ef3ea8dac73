"""Films of a user's imports that the catalog lacks. They are kept with the history until a catalog has them."""

from collections.abc import Collection, Iterable
from itertools import islice

from sqlalchemy import Connection, delete, select

from cinematrix.importers.result import UnmatchedFilm
from cinematrix.store.statements import lock_users, now_ms, upsert
from cinematrix.store.tables import UNMATCHED

MAX_UNMATCHED = 5000
"""Maximum unmatched films of a user; more aren't kept."""


def keep_unmatched(connection: Connection, user: str, films: Iterable[UnmatchedFilm]) -> None:
    """Keep unmatched films of a user in the caller's transaction, `MAX_UNMATCHED` in all; a repeat replaces."""
    stored = set(connection.scalars(select(UNMATCHED.c.row).filter_by(user=user)))
    by_row = {film.row: film for film in films}
    known = [film for row, film in by_row.items() if row in stored]
    new = islice((film for row, film in by_row.items() if row not in stored), max(0, MAX_UNMATCHED - len(stored)))
    rows = [{"user": user, **film._asdict(), "received": now_ms()} for film in (*known, *new)]
    upsert(connection, UNMATCHED, rows)


def drop_unmatched(connection: Connection, user: str, rows: Collection[str]) -> int:
    """Delete unmatched films of a user in the caller's transaction, and return their number."""
    stored = connection.scalars(select(UNMATCHED.c.row).filter_by(user=user))
    gone = [row for row in stored if row in rows]
    for row in gone:
        connection.execute(delete(UNMATCHED).filter_by(user=user, row=row))
    if gone:
        lock_users(connection, {user}, now_ms())
    return len(gone)


def list_unmatched(connection: Connection, user: str) -> list[UnmatchedFilm]:
    """Return the unmatched films of a user, by title."""
    columns = [UNMATCHED.c[name] for name in UnmatchedFilm._fields]
    rows = connection.execute(select(*columns).filter_by(user=user).order_by(UNMATCHED.c.title, UNMATCHED.c.row))
    return [UnmatchedFilm(*row) for row in rows]
