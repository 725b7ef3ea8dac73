"""Adding to what the store has of one person what she brings from elsewhere: the newest wins, and twice is once."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from cinematrix.importers.result import ImportRecords, MergeCounts
from cinematrix.store.records import Rating
from cinematrix.store.statements import lock_users, now_ms, upsert
from cinematrix.store.tables import EVENTS, RATINGS


def merge_records(
    connection: Connection, user: str, ratings: Sequence[Rating], events: Collection[tuple[str, str]]
) -> MergeCounts:
    """Keep a user's `ratings` (`given` in seconds) and `events` (movie and kind) in the caller's transaction.

    A rating replaces one that is different and not newer; one without a time replaces none. The user is held until the
    transaction ends, so that two merges come one after the other.
    """
    now = now_ms()
    lock_users(connection, {user}, now)
    stored = {
        row.movie: (row.steps, row.received // 1000 if row.given is None else row.given)
        for row in connection.execute(select(RATINGS).filter_by(user=user))
    }
    known = {(row.movie, row.kind) for row in connection.execute(select(EVENTS).filter_by(user=user))}
    fresh = [rating for rating in ratings if rating.movie not in stored]
    newer = [rating for rating in ratings if rating.movie in stored and _wins(rating, *stored[rating.movie])]
    noted = [event for event in events if event not in known]
    upsert(connection, RATINGS, [{**rating._asdict(), "received": now} for rating in (*fresh, *newer)])
    upsert(connection, EVENTS, [{"user": user, "movie": movie, "kind": kind, "received": now} for movie, kind in noted])
    created = len(fresh) + len(noted)
    return MergeCounts(created, len(newer), len(ratings) + len(events) - created - len(newer))


def merge_import(connection: Connection, user: str, imported: ImportRecords) -> MergeCounts:
    """Merge an import into a user's records in the caller's transaction; a second time it changes nothing."""
    return merge_records(connection, user, [Rating(user, *rating) for rating in imported.ratings], imported.events)


def _wins(rating: Rating, steps: int | None, at: int) -> bool:
    return rating.steps != steps and rating.given is not None and rating.given >= at
