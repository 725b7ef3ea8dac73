"""Published statistics: counts of people that change only in batches, so that nobody's coming or going is seen.

A count is published once it is of `min_people` people. It stays as it is until at least `min_people` people have come,
gone or changed their mind. So the difference of two published counts is never that of a single person.
"""

import json
from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from cinematrix.store.records import Store
from cinematrix.store.statements import upsert
from cinematrix.store.tables import STATISTICS

Counts = list[int]
"""People by answer, such as by rating."""


def publish(store: Store, current: Mapping[str, Counts]) -> dict[str, Counts]:
    """Return the published counts by name, zeros where there are none, and publish what has changed enough.

    If the store can't be written to, the counts before are returned.
    """
    with store.engine.connect() as connection:
        rows = connection.execute(select(STATISTICS).where(STATISTICS.c.name.in_(current))).all()
    before = {row.name: json.loads(row.counts) for row in rows}
    shown = {
        name: before[name] if len(before.get(name, ())) == len(counts) else [0] * len(counts)
        for name, counts in current.items()
    }
    few = store.settings.min_people
    changed = {name: counts for name, counts in current.items() if count_changes(shown[name], counts) >= few}
    new = {name: counts if sum(counts) >= few else [0] * len(counts) for name, counts in changed.items()}
    if not new:
        return shown
    with suppress(DBAPIError):
        with store.write_transaction() as connection:
            upsert(connection, STATISTICS, [{"name": name, "counts": json.dumps(new[name])} for name in sorted(new)])
        return shown | new
    return shown


def count_changes(before: Counts, after: Counts) -> int:
    """Return how many people at least have come, gone or changed their answer."""
    changes = [now - then for then, now in zip(before, after, strict=True)]
    return max(sum(change for change in changes if change > 0), -sum(change for change in changes if change < 0))
