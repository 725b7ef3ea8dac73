"""What a person brings from elsewhere, added to what is there: `cinematrix.store.merging`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cinematrix.importers.result import MergeCounts
from cinematrix.store.merging import merge_records
from cinematrix.store.records import Rating, Store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, database: Callable[[str], str]) -> Iterator[Store]:
    """An empty store of each kind."""
    opened = Store.open(database(request.param))
    yield opened
    opened.close()


def ratings(*rows: tuple[str, int, int | None]) -> list[Rating]:
    """Ann's ratings: movie, steps, when."""
    return [Rating("ann", *row) for row in rows]


def merged(
    store: Store, *rows: tuple[str, int, int | None], events: list[tuple[str, str]] | None = None
) -> MergeCounts:
    """Merge in a transaction."""
    with store.write_transaction() as connection:
        return merge_records(connection, "ann", ratings(*rows), events or [])


def kept(store: Store) -> dict[str, tuple[int | None, int | None]]:
    """Ann's ratings as they stand."""
    return {row.movie: (row.steps, row.given) for row in store.person("ann").ratings}


def test_the_newest_wins(store: Store) -> None:
    """New ones are kept; a different one that is newer, or as new, replaces; older and undated ones don't."""
    assert merged(store, ("1", 8, 100), ("2", 8, 100), ("3", 8, 100), ("4", 8, None)) == MergeCounts(4, 0, 0)
    assert merged(store, ("1", 9, 200), ("2", 9, 50), ("3", 9, None), ("4", 9, 100)) == MergeCounts(0, 1, 3)
    assert merged(store, ("1", 10, 200)) == MergeCounts(0, 1, 0)
    assert kept(store) == {"1": (10, 200), "2": (8, 100), "3": (8, 100), "4": (8, None)}


@pytest.mark.fault(18)
def test_twice_is_once(store: Store) -> None:
    """The same again changes nothing at all, times and events included."""
    rows, events = [("1", 8, 100), ("2", 3, None)], [("1", "like"), ("5", "seen")]
    assert merged(store, *rows, events=events) == MergeCounts(4, 0, 0)
    before = store.person("ann")
    assert merged(store, *rows, events=events) == MergeCounts(0, 0, 4)
    assert store.person("ann") == before
    assert before.events == {"like": ["1"], "seen": ["5"]}


def test_what_was_said_here_is_not_overruled_by_what_is_older(store: Store) -> None:
    """A rating given or taken back on the service today stands before an export's."""
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "1", 2), Rating("ann", "2", None)])
    assert merged(store, ("1", 8, 100), ("2", 8, 100)) == MergeCounts(0, 0, 2)
    assert kept(store) == {"1": (2, None), "2": (None, None)}


def test_a_merge_that_fails_keeps_nothing(store: Store) -> None:
    """All in one transaction."""
    with suppress(RuntimeError), store.write_transaction() as connection:
        merge_records(connection, "ann", ratings(("1", 8, 100)), [("2", "seen")])
        raise RuntimeError
    assert not store.person("ann").known


def test_two_merges_at_once_come_one_after_the_other(store: Store) -> None:
    """Sixteen times the same at once: each row is new exactly once."""
    rows = [(str(at), 8, 100) for at in range(50)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: merged(store, *rows), range(16)))
    assert sum(each.created for each in done) == 50
    assert sum(each.unchanged for each in done) == 15 * 50


ROWS = st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(1, 10), st.none() | st.integers(0, 5)))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=4))
def test_merging_is_what_a_dictionary_would_do(
    database: Callable[[str], str], imports: list[dict[str, tuple[int, int | None]]]
) -> None:
    """Against a second implementation: the counts of each import, and what stands at the end."""
    store = Store.open(database("sqlite"))
    model: dict[str, tuple[int, int | None]] = {}
    for rows in imports:
        created = updated = 0
        for movie, (steps, given_at) in rows.items():
            if movie not in model:
                created, model[movie] = created + 1, (steps, given_at)
                continue
            had, when = model[movie]
            if steps != had and given_at is not None and when is not None and given_at >= when:
                updated, model[movie] = updated + 1, (steps, given_at)
        done = merged(store, *((movie, *row) for movie, row in rows.items()))
        assert done == MergeCounts(created, updated, len(rows) - created - updated)
    assert kept(store) == model
    store.close()
