"""Impressions and their outcomes: `store.impressions`."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from cinematrix.common.durations import DAY_MS
from cinematrix.store.impressions import (
    Impression,
    ListOutcomes,
    count_outcomes,
    list_outcomes,
    move_old_impressions,
    save_impressions,
)
from cinematrix.store.records import Rating, Store
from cinematrix.store.tables import FOLLOWED, RATINGS, SHOWN, TRIALS


def show(user: str, *movies: str, kind: str = "main", against: str = "", trained: bool = False) -> Impression:
    """Return an impression of version `v1`."""
    return Impression(user, kind, "v1", against, trained, movies)


def let_days_pass(store: Store, days: int) -> None:
    """Make all impressions older."""
    with store.write_transaction() as connection:
        values = {"day": SHOWN.c.day - days, "at": SHOWN.c.at - days * DAY_MS}
        connection.execute(update(SHOWN).values(values))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_outcomes_by_hand(kind: str, database: Callable[[str], str]) -> None:
    """Ann rates one movie high and one low, refuses one and wants one; imports and earlier events don't count."""
    store = Store.open(database(kind))
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "before", 6), Rating("ben", "9", 6)])
        connection.execute(update(RATINGS).values(received=RATINGS.c.received - 1))
    save_impressions(store, [show("ann", *"12345678", "before"), show("ben", "1"), show("made up", "1")])
    save_impressions(store, [show("ann", "1", "9"), show("ann", "1", kind="similar"), show("zoe", "1", trained=True)])
    with store.write_transaction() as connection:
        rated = [Rating("ann", "1", 6), Rating("ann", "2", 5), Rating("ann", "3", 9, source="letterboxd")]
        store.rate(connection, [*rated, Rating("ann", "elsewhere", 9)])
        for movie, what in (("4", "not_interested"), ("5", "watchlist"), ("6", "seen"), ("7", "like")):
            store.note(connection, "ann", movie, what)
        store.note(connection, "ann", "8", "seen", given=1_000)
    count_outcomes(store, lambda user: 6.0)
    expected = [ListOutcomes("main", "v1", 12, 2, 1, 1, 1, 1), ListOutcomes("similar", "v1", 1, 1, 0, 0, 0, 0)]
    assert list_outcomes(store) == expected
    asked: list[str] = []
    count_outcomes(store, lambda user: asked.append(user))
    assert not asked, "nobody has changed anything"
    let_days_pass(store, 14)
    move_old_impressions(store)
    with store.engine.connect() as connection:
        assert len(connection.execute(select(SHOWN)).all()) == 4, "their last day isn't over"
    let_days_pass(store, 1)
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ben", "1", 9)])
    count_outcomes(store, lambda user: 6.0)
    move_old_impressions(store)
    assert list_outcomes(store) == expected, "what is rated later doesn't count"
    with store.engine.connect() as connection:
        assert not connection.execute(select(SHOWN)).all()
        assert len(connection.execute(select(FOLLOWED)).all()) == 2
    store.close()


def test_deleted_users_are_not_shown_anything_any_more(database: Callable[[str], str]) -> None:
    """A list sent before the deletion and stored after it, even of a user whom the model was trained on."""
    store = Store.open(database("sqlite"))
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "1", 6)])
    save_impressions(store, [show("ann", "1", against="v2")])
    let_days_pass(store, 20)
    move_old_impressions(store)
    save_impressions(store, [show("ann", "2", against="v2")])
    with store.engine.connect() as connection:
        assert connection.execute(select(TRIALS)).all() == []  # no list of the comparison was left
    store.forget("ann", "key 1")
    save_impressions(store, [show("ann", "3", against="v2", trained=True)])
    with store.engine.connect() as connection:
        assert not connection.execute(select(SHOWN)).all()
    assert list_outcomes(store) == [ListOutcomes("main", "v1", 1, 0, 0, 0, 0, 0)], "no name is in the counts"
    store.close()
