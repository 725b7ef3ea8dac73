"""Tests of `cinematrix.store.merging`: merging imports into a user's stored records."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cinematrix.importers.result import ImportRecords, MergeCounts
from cinematrix.store.merging import merge_import, merge_records
from cinematrix.store.records import Rating, Store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, database: Callable[[str], str]) -> Iterator[Store]:
    """Yield an empty store on each database."""
    store = Store.open(database(request.param))
    yield store
    store.close()


def ratings(*rows: tuple[str, int, int | None]) -> list[Rating]:
    """Return Ann's ratings from movie, steps and time."""
    return [Rating("ann", *row) for row in rows]


def merge(store: Store, *rows: tuple[str, int, int | None], events: list[tuple[str, str]] | None = None) -> MergeCounts:
    """Merge Ann's records in a transaction."""
    with store.write_transaction() as connection:
        return merge_records(connection, "ann", ratings(*rows), [(*event, None) for event in events or []])


def stored(store: Store) -> dict[str, tuple[int | None, int | None]]:
    """Return Ann's stored ratings: steps and time by movie."""
    return {row.movie: (row.steps, row.given) for row in store.person("ann").ratings}


def test_the_newest_wins(store: Store) -> None:
    """New ratings are stored; different ones replace if newer or equally new; older and undated ones don't."""
    assert merge(store, ("1", 8, 100), ("2", 8, 100), ("3", 8, 100), ("4", 8, None)) == MergeCounts(4, 0, 0)
    assert merge(store, ("1", 9, 200), ("2", 9, 50), ("3", 9, None), ("4", 9, 100)) == MergeCounts(0, 1, 3)
    assert merge(store, ("1", 10, 200)) == MergeCounts(0, 1, 0)
    assert stored(store) == {"1": (10, 200), "2": (8, 100), "3": (8, 100), "4": (8, None)}


@pytest.mark.fault(18)
def test_a_repeated_merge_changes_nothing(store: Store) -> None:
    """A repeated merge changes nothing, times and events included."""
    rows, events = [("1", 8, 100), ("2", 3, None)], [("1", "like"), ("5", "seen")]
    assert merge(store, *rows, events=events) == MergeCounts(4, 0, 0)
    before = store.person("ann")
    assert merge(store, *rows, events=events) == MergeCounts(0, 0, 4)
    assert replace(store.person("ann"), revision=before.revision) == before
    assert before.events == {"like": ["1"], "seen": ["5"]}


def test_an_older_import_does_not_replace_ratings_of_the_service(store: Store) -> None:
    """A rating saved or deleted in the service today wins over an export's."""
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "1", 2), Rating("ann", "2", None)])
    assert merge(store, ("1", 8, 100), ("2", 8, 100)) == MergeCounts(0, 0, 2)
    assert stored(store) == {"1": (2, None), "2": (None, None)}


def test_a_merge_that_fails_keeps_nothing(store: Store) -> None:
    """A merge is part of the caller's transaction."""
    with suppress(RuntimeError), store.write_transaction() as connection:
        merge_records(connection, "ann", ratings(("1", 8, 100)), [("2", "seen", None)])
        raise RuntimeError
    assert not store.person("ann").known


def test_two_merges_at_once_come_one_after_the_other(store: Store) -> None:
    """If sixteen merges of the same rows run at once, each row is new exactly once."""
    rows = [(str(at), 8, 100) for at in range(50)]
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: merge(store, *rows), range(16)))
    assert sum(each.created for each in counts) == 50
    assert sum(each.unchanged for each in counts) == 15 * 50


ROWS = st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(1, 10), st.none() | st.integers(0, 5)))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=4))
def test_merging_agrees_with_a_dictionary(
    database: Callable[[str], str], imports: list[dict[str, tuple[int, int | None]]]
) -> None:
    """The counts of each import and the final ratings agree with a second implementation."""
    store = Store.open(database("sqlite"))
    model: dict[str, tuple[int, int | None]] = {}
    for rows in imports:
        created = updated = 0
        for movie, (steps, given_at) in rows.items():
            if movie not in model:
                created, model[movie] = created + 1, (steps, given_at)
                continue
            old_steps, old_time = model[movie]
            if steps != old_steps and given_at is not None and old_time is not None and given_at >= old_time:
                updated, model[movie] = updated + 1, (steps, given_at)
        counts = merge(store, *((movie, *row) for movie, row in rows.items()))
        assert counts == MergeCounts(created, updated, len(rows) - created - updated)
    assert stored(store) == model
    store.close()


def test_an_undated_rating_is_replaced_by_the_same_source_only(store: Store) -> None:
    """A later upload of the same file corrects it; another file, and one after a rating given here, doesn't."""

    def upload(steps: int, source: str, given: int | None = None) -> MergeCounts:
        with store.write_transaction() as connection:
            return merge_import(connection, "ann", ImportRecords([("1", steps, given)], [], source))

    assert upload(5, "csv") == MergeCounts(1, 0, 0)
    assert upload(10, "imdb") == MergeCounts(0, 0, 1)
    assert upload(10, "csv") == MergeCounts(0, 1, 0)
    assert stored(store) == {"1": (10, None)}
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "1", 2)])
    assert upload(10, "csv") == MergeCounts(0, 0, 1)


def test_events_keep_the_newest_of_their_days(store: Store) -> None:
    """A later day of the same film is an update; an earlier one and none change nothing."""

    def see(time: int | None) -> MergeCounts:
        with store.write_transaction() as connection:
            return merge_records(connection, "ann", [], [("1", "seen", time)])

    assert [see(time) for time in (None, 100, 50, None, 200)] == [
        *(MergeCounts(1, 0, 0), MergeCounts(0, 1, 0), MergeCounts(0, 0, 1), MergeCounts(0, 0, 1), MergeCounts(0, 1, 0)),
    ]
    assert store.person("ann").event_times == {"seen": {"1": 200}}


def test_a_movie_rated_or_seen_is_not_on_the_watchlist(store: Store) -> None:
    """It leaves the watchlist by an import, a rating or an event, and an import doesn't put it there again."""
    wanted = [(movie, "watchlist") for movie in "123456"]
    assert merge(store, events=wanted) == MergeCounts(6, 0, 0)
    assert merge(store, ("1", 8, 100), events=[("2", "seen"), ("2", "watchlist"), ("9", "watchlist")]).created == 3
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "3", 8), Rating("ann", "4", None)])
        store.note(connection, "ann", "5", "not_interested")
        store.note(connection, "bob", "6", "seen")
    assert store.person("ann").events["watchlist"] == ["4", "6", "9"]
    assert merge(store, events=wanted) == MergeCounts(0, 0, 6)
    assert store.person("ann").events["watchlist"] == ["4", "6", "9"]
