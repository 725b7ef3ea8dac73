"""Plays of movies, stored as `seen` events with their number."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func

from cinematrix.store.statements import dialect, lock_users, now_ms, take_off_watchlist
from cinematrix.store.tables import EVENTS


class Play(NamedTuple):
    """`n` plays of a movie to add. `given`: the time of the last one in epoch seconds; None if unknown."""

    user: str
    movie: str
    n: int
    given: int | None


def add_plays(connection: Connection, plays: Sequence[Play]) -> None:
    """Add plays to those stored, in the caller's transaction. Played movies are seen, and leave the watchlist."""
    now, added = now_ms(), dict[tuple[str, str], Play]()
    for play in plays:
        before = added.get((play.user, play.movie), play._replace(n=0))
        times = [each.given for each in (before, play) if each.given is not None]
        added[play.user, play.movie] = play._replace(n=before.n + play.n, given=max(times, default=None))
    lock_users(connection, {play.user for play in plays}, now)
    statement = dialect(connection).insert(EVENTS)
    given = func.coalesce(statement.excluded.given, EVENTS.c.given)
    changes = {
        "received": statement.excluded.received,
        "given": given,
        "plays": func.coalesce(EVENTS.c.plays, 0) + statement.excluded.plays,
    }
    keys = [column.name for column in EVENTS.primary_key]
    rows = [
        {"user": user, "movie": movie, "kind": "seen", "received": now, "given": play.given, "plays": play.n}
        for (user, movie), play in added.items()
    ]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), rows)
    take_off_watchlist(connection, list(added))
