"""Merging of an import into the stored records of a user: the newest rating wins, and repeats change nothing."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from cinematrix.importers.result import ImportRecords, MergeCounts
from cinematrix.store.records import Rating
from cinematrix.store.statements import lock_users, now_ms, upsert
from cinematrix.store.tables import EVENTS, RATINGS


def merge_records(
    connection: Connection, user: str, ratings: Sequence[Rating], events: Collection[tuple[str, str]]
) -> MergeCounts:
    """Merge a user's `ratings` and `events` (movie and kind) into the store, in the caller's transaction.

    A rating replaces a stored one that is different and not newer; one without a time replaces none. The user is locked
    until the transaction ends, so two merges run one after the other.
    """
    now = now_ms()
    lock_users(connection, {user}, now)
    stored = {
        row.movie: (row.steps, row.received // 1000 if row.given is None else row.given)
        for row in connection.execute(select(RATINGS).filter_by(user=user))
    }
    stored_events = {(row.movie, row.kind) for row in connection.execute(select(EVENTS).filter_by(user=user))}
    new = [rating for rating in ratings if rating.movie not in stored]
    newer = [rating for rating in ratings if rating.movie in stored and _replaces(rating, *stored[rating.movie])]
    new_events = [event for event in events if event not in stored_events]
    upsert(connection, RATINGS, [{**rating._asdict(), "received": now} for rating in (*new, *newer)])
    rows = [{"user": user, "movie": movie, "kind": kind, "received": now} for movie, kind in new_events]
    upsert(connection, EVENTS, rows)
    created = len(new) + len(new_events)
    return MergeCounts(created, len(newer), len(ratings) + len(events) - created - len(newer))


def merge_import(connection: Connection, user: str, imported: ImportRecords) -> MergeCounts:
    """Merge an import into a user's records in the caller's transaction; a repeat changes nothing."""
    return merge_records(connection, user, [Rating(user, *rating) for rating in imported.ratings], imported.events)


def _replaces(rating: Rating, steps: int | None, at: int) -> bool:
    return rating.steps != steps and rating.given is not None and rating.given >= at
