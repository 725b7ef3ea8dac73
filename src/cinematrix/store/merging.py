"""Merging of an import into the stored records of a user: the newest rating wins, and repeats change nothing."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from cinematrix.importers.result import ImportRecords, MergeCounts
from cinematrix.store.records import ENDING_EVENTS, Rating
from cinematrix.store.statements import lock_users, now_ms, take_off_watchlist, upsert
from cinematrix.store.tables import EVENTS, RATINGS
from cinematrix.store.unmatched import drop_unmatched, keep_unmatched

Event = tuple[str, str, int | None]
"""Movie, kind, and time in epoch seconds, if known."""


def merge_import(connection: Connection, user: str, imported: ImportRecords) -> MergeCounts:
    """Merge an import into a user's records in the caller's transaction; a repeat changes nothing.

    Films that the catalog lacks are kept apart. Those kept before that it has now are in the import, and freed.
    """
    source, sources = imported.source, imported.sources
    ratings = [Rating(user, *row, source if sources is None else sources.get(row[0])) for row in imported.ratings]
    merged = merge_records(connection, user, ratings, imported.events)
    drop_unmatched(connection, user, imported.matched)
    keep_unmatched(connection, user, imported.unmatched)
    return merged


def merge_records(connection: Connection, user: str, ratings: Sequence[Rating], events: Sequence[Event]) -> MergeCounts:
    """Merge a user's `ratings` and `events` into the store, in the caller's transaction.

    A rating replaces a stored one that is different and not newer. One without a time replaces only one without a time
    from the same source. An event gets the newest of its times. A movie that the user has rated, seen or refused leaves
    the watchlist, and doesn't join it. The user is locked until the transaction ends, so two merges run one after the
    other.
    """
    now = now_ms()
    lock_users(connection, {user}, now)
    stored = {row.movie: row for row in connection.execute(select(RATINGS).filter_by(user=user))}
    new = [rating for rating in ratings if rating.movie not in stored]
    newer = [rating for rating in ratings if rating.movie in stored and _replaces(rating, stored[rating.movie])]
    upsert(connection, RATINGS, [{**rating._asdict(), "received": now} for rating in (*new, *newer)])
    steps = {movie: row.steps for movie, row in stored.items()} | {row.movie: row.steps for row in (*new, *newer)}
    rated = {movie for movie, step in steps.items() if step is not None}
    created, updated = _merge_events(connection, user, events, now, rated)
    created, updated = created + len(new), updated + len(newer)
    return MergeCounts(created, updated, len(ratings) + len(events) - created - updated)


def _replaces(rating: Rating, stored: Row[Any]) -> bool:
    if rating.steps == stored.steps:
        return False
    if rating.given is None:
        return stored.given is None and rating.source is not None and rating.source == stored.source
    return bool(rating.given >= (stored.received // 1000 if stored.given is None else stored.given))


def _merge_events(
    connection: Connection, user: str, events: Sequence[Event], now: int, rated: set[str]
) -> tuple[int, int]:
    """Store new events, and newer times of stored ones. Return the numbers of both."""
    stored = {(row.movie, row.kind): row.given for row in connection.execute(select(EVENTS).filter_by(user=user))}
    past = rated | {movie for movie, kind, *_ in (*stored, *events) if kind in ENDING_EVENTS}
    events = [event for event in events if event[1] != "watchlist" or event[0] not in past]
    new = [event for event in events if event[:2] not in stored]
    newer = [event for event in events if event[:2] in stored and (event[2] or 0) > (stored[event[:2]] or 0)]
    rows = [
        {"user": user, "movie": movie, "kind": kind, "received": now, "given": given}
        for movie, kind, given in (*new, *newer)
    ]
    upsert(connection, EVENTS, rows)
    take_off_watchlist(connection, [(user, movie) for movie, kind in stored if kind == "watchlist" and movie in past])
    return len(new), len(newer)
