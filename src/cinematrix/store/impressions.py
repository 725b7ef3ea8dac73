"""Impressions: which movies users were shown in the last two weeks, and what they did about them.

Impressions are the store's only record of them by user, and are deleted after two weeks or with the user. What is older
is kept as counts by day, kind of list and version of the model.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Row, delete, func, select, tuple_, union_all, update

from cinematrix.common.durations import DAY_MS
from cinematrix.metrics.sequential import Arm
from cinematrix.store.locks import AdvisoryLock, hold_until_commit
from cinematrix.store.records import Store
from cinematrix.store.statements import dialect, find_forgotten, now_ms, upsert
from cinematrix.store.tables import EVENTS, FOLLOWED, OUTCOMES, RATINGS, SHOWN, TRIALS, USERS

DAYS = 14
"""Days for which the outcomes of an impression are counted."""

KEPT_DAYS = 366
"""Days for which counts are kept."""

MAX_MOVIES = 500
"""Maximum movies of one user, kind of list and day; further ones aren't counted."""

BLOCK = 100
"""Maximum impressions in one transaction, so that ratings never wait long."""

EVENT_OUTCOMES = {"not_interested": "vetoed", "seen": "seen", "watchlist": "watchlisted", "like": "high"}
"""Outcomes by kind of event. A like is a high rating without stars."""

LIST = ("kind", "version", "against")
"""Columns that identify a list of one user and day."""


Item = TypeVar("Item")


class Impression(NamedTuple):
    """Movies that one user was shown by lists of one kind and version.

    Attributes:
        against: the version compared with at that time; empty: none.
        trained: the version was trained on the user.
        movies: IDs of the movies.
    """

    user: str
    kind: str
    version: str
    against: str
    trained: bool
    movies: Sequence[str]


class ListOutcomes(NamedTuple):
    """Movies shown by lists of one kind and version, and how many of them had each of `OUTCOMES`.

    A user's movie counts once in two weeks, however often it was shown.
    """

    kind: str
    version: str
    shown: int
    high: int
    low: int
    vetoed: int
    seen: int
    watchlisted: int


def _split(rows: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield the rows in blocks of one transaction each."""
    return (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))


def save_impressions(store: Store, impressions: Iterable[Impression]) -> None:
    """Store impressions, in short transactions. Those of users unknown or deleted meanwhile are left out."""
    for block in _split(list(impressions)):
        with store.write_transaction() as connection:
            hold_until_commit(connection, AdvisoryLock.IMPRESSIONS)
            users = {each.user for each in block}
            present = set(connection.scalars(select(USERS.c.user).where(USERS.c.user.in_(users))))
            trained = {each.user for each in block if each.trained} - present
            present |= trained - find_forgotten(connection, trained, store.pseudonym)
            _merge(connection, [each for each in block if each.user in present])


def _merge(connection: Connection, impressions: Sequence[Impression]) -> None:
    """Add movies that the user wasn't shown before to the rows of today."""
    now, rows = now_ms(), dict[tuple[str, ...], dict[int, Row[Any]]]()
    for row in connection.execute(select(SHOWN).where(SHOWN.c.user.in_({each.user for each in impressions}))):
        rows.setdefault((row.user, row.kind, row.version, row.against), {})[row.day] = row
    today, changed = now // DAY_MS, []
    for each in impressions:
        days = rows.get((each.user, each.kind, each.version, each.against), {})
        before = {movie for row in days.values() for movie in json.loads(row.movies)}
        if new := [movie for movie in dict.fromkeys(each.movies) if movie not in before]:
            movies = [*(json.loads(days[today].movies) if today in days else ()), *new][:MAX_MOVIES]
            at = days[today].at if today in days else now
            key = {"user": each.user, "day": today, "kind": each.kind, "version": each.version, "against": each.against}
            changed.append(key | {"shown": len(movies), "at": at, "movies": json.dumps(movies), "revision": None})
    upsert(connection, SHOWN, changed)


def count_outcomes(store: Store, find_mean: Callable[[str], float | None]) -> None:
    """Count the outcomes of the impressions of users whose records have changed since they were counted.

    Args:
        store: the store.
        find_mean: returns a user's mean rating in steps of the scale; None if there is none.
    """
    changed = (
        select(SHOWN.c.user, USERS.c.revision)
        .join(USERS, USERS.c.user == SHOWN.c.user)
        .where(SHOWN.c.revision.is_distinct_from(USERS.c.revision))
        .distinct()
    )
    with store.engine.connect() as connection:
        users = connection.execute(changed).all()
    for block in _split(users):
        updates = [row for user, revision in block for row in _count_user(store, user, revision, find_mean(user))]
        with store.write_transaction() as connection:
            for key, values in updates:
                connection.execute(update(SHOWN).filter_by(**key).values(values))


def _count_user(
    store: Store, user: str, revision: int, mean: float | None
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the key of each of the user's rows, and its outcomes. A row that has grown meanwhile isn't meant."""
    with store.engine.connect() as connection:
        rows = connection.execute(select(SHOWN).filter_by(user=user)).all()
        ratings = connection.execute(select(RATINGS).filter_by(user=user, source=None)).all()
        events = connection.execute(select(EVENTS).filter_by(user=user)).all()
    done = [
        (rating.movie, "low" if mean is not None and rating.steps < mean - 1e-6 else "high", rating.received)
        for rating in ratings
        if rating.steps is not None
    ]
    # An export tells of earlier times, which no list of ours caused.
    done += [
        (event.movie, EVENT_OUTCOMES[event.kind], min(event.received, (event.given or event.received) * 1000))
        for event in events
        if event.kind in EVENT_OUTCOMES
    ]
    names = ("user", "day", *LIST, "shown")
    return [
        ({name: getattr(row, name) for name in names}, _count_row(row, done) | {"revision": revision}) for row in rows
    ]


def _count_row(row: Row[Any], done: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    """Return the number of a row's movies by outcome, each of which a movie has once at most."""
    movies, end = set(json.loads(row.movies)), row.at + DAYS * DAY_MS
    found = {(movie, what) for movie, what, at in done if movie in movies and row.at <= at < end}
    return {name: sum(what == name for _, what in found) for name in OUTCOMES}


def move_old_impressions(store: Store) -> None:
    """Turn impressions whose two weeks have passed into counts, and delete counts that are too old."""
    today = now_ms() // DAY_MS
    key, old = [SHOWN.c[name] for name in ("day", *LIST)], SHOWN.c.day < today - DAYS
    with store.engine.connect() as connection:
        groups = connection.execute(select(*key).where(old).distinct()).all()
    for group in groups:
        with store.write_transaction() as connection:
            hold_until_commit(connection, AdvisoryLock.IMPRESSIONS)
            _move(connection, group._asdict())
    with store.write_transaction() as connection:
        connection.execute(delete(FOLLOWED).where(FOLLOWED.c.day < today - KEPT_DAYS))
        current = select(SHOWN.c.version, SHOWN.c.against).where(SHOWN.c.against != "")
        connection.execute(delete(TRIALS).where(tuple_(TRIALS.c.version, TRIALS.c.against).not_in(current)))


def _move(connection: Connection, group: dict[str, Any]) -> None:
    """Move the impressions of one day, kind and version to the counts."""
    counts = ("shown", *OUTCOMES)
    sums = [func.sum(SHOWN.c[name]).label(name) for name in counts]
    total = connection.execute(select(*sums).filter_by(**group)).one()._asdict()
    if total["shown"] is not None:  # else another server has moved them
        _add_counts(connection, FOLLOWED, [group | total], counts)
    if group["against"]:
        per_user = select(SHOWN.c.user, SHOWN.c.shown, SHOWN.c.high).filter_by(**group)
        names = {name: group[name] for name in ("version", "against")}
        rows = [names | row._asdict() for row in connection.execute(per_user)]
        _add_counts(connection, TRIALS, rows, ("shown", "high"))
    connection.execute(delete(SHOWN).filter_by(**group))


def _add_counts(connection: Connection, table: Any, rows: list[dict[str, Any]], counts: Sequence[str]) -> None:
    """Insert rows, or add their counts to existing ones."""
    if rows:
        statement = dialect(connection).insert(table)
        sums = {name: table.c[name] + statement.excluded[name] for name in counts}
        keys = [column.name for column in table.primary_key]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=sums), rows)


def list_outcomes(store: Store) -> list[ListOutcomes]:
    """Return the outcomes by kind of list and version, those shown most first."""
    every = union_all(*(select(*(table.c[name] for name in ListOutcomes._fields)) for table in (SHOWN, FOLLOWED)))
    table = every.subquery()
    sums = [func.sum(table.c[name]).label(name) for name in ("shown", *OUTCOMES)]
    wanted = select(table.c.kind, table.c.version, *sums).group_by(table.c.kind, table.c.version)
    with store.engine.connect() as connection:
        rows = [ListOutcomes(*row[:2], *map(int, row[2:])) for row in connection.execute(wanted)]
    return sorted(rows, key=lambda row: -row.shown)


def read_arm(store: Store, version: str, against: str) -> Arm:
    """Return the sums over users of the movies shown by `version`, and liked, while it was compared with `against`."""
    parts = (
        select(table.c.user, table.c.shown, table.c.high).filter_by(version=version, against=against)
        for table in (SHOWN, TRIALS)
    )
    rows = union_all(*parts).subquery()
    totals = [func.sum(rows.c[name]).label(name) for name in ("shown", "high")]
    users = select(rows.c.user, *totals).group_by(rows.c.user).subquery()
    s, h = users.c.shown, users.c.high
    sums = select(func.count(), *(func.coalesce(func.sum(each), 0) for each in (s, h, s * s, h * h, s * h)))
    with store.engine.connect() as connection:
        return Arm(*map(int, connection.execute(sums.select_from(users)).one()))
