"""Published statistics: counts of people that change only in batches, so that nobody's coming or going is seen.

A count is published once it is of `min_people` people. It stays as it is until at least `min_people` people have come,
gone or changed their mind. So the difference of two published counts is never that of a single person.
"""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from cinematrix.store.records import Store
from cinematrix.store.statements import ROWS_PER_STATEMENT, upsert
from cinematrix.store.tables import STATISTICS

Counts = list[int]
"""People by answer, such as by rating."""


def publish(store: Store, current: Mapping[str, Counts]) -> dict[str, Counts]:
    """Return the published counts by name, zeros where there are none, and publish what has changed enough.

    If the store can't be written to, the counts before are returned.
    """
    before = _read(store, current)
    shown = {
        name: before[name] if len(before.get(name, ())) == len(counts) else [0] * len(counts)
        for name, counts in current.items()
    }
    few = store.settings.min_people
    changed = {name: counts for name, counts in current.items() if count_changes(shown[name], counts) >= few}
    new = {name: counts if sum(counts) >= few else [0] * len(counts) for name, counts in changed.items()}
    if not new:
        return shown
    return shown | new if _save(store, new) else shown


def publish_total(store: Store, name: str, people: int, total: int, most: int) -> int:
    """Return the published total of what people have. Publish it if it has changed by the most that five of them have.

    Args:
        store: the store.
        name: name of the total.
        people: people who have any.
        total: the current total.
        most: the most that one of them has.
    """
    few, before = store.settings.min_people, _read(store, [name]).get(name)
    if before is not None and abs(total - before[0]) < few * max(most, before[1]):
        return before[0]
    published = total if people >= few else 0
    if before is None and not published:
        return 0
    saved = _save(store, {name: [published, most]})
    return published if saved else before[0] if before else 0


def _read(store: Store, names: Collection[str]) -> dict[str, Counts]:
    """Return the published counts by name."""
    statement = select(STATISTICS)
    if len(names) <= ROWS_PER_STATEMENT:
        statement = statement.where(STATISTICS.c.name.in_(names))
    with store.engine.connect() as connection:
        return {row.name: json.loads(row.counts) for row in connection.execute(statement)}


def _save(store: Store, counts: Mapping[str, Counts]) -> bool:
    """Save published counts. Return whether the store could be written to."""
    rows = [{"name": name, "counts": json.dumps(counts[name])} for name in sorted(counts)]
    with suppress(DBAPIError):
        with store.write_transaction() as connection:
            upsert(connection, STATISTICS, rows)
        return True
    return False


def count_changes(before: Counts, after: Counts) -> int:
    """Return how many people at least have come, gone or changed their answer."""
    changes = [now - then for then, now in zip(before, after, strict=True)]
    return max(sum(change for change in changes if change > 0), -sum(change for change in changes if change < 0))
