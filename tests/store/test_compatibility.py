"""Backward compatibility: a store written by any earlier version opens with all its records."""

from pathlib import Path

import pytest
from sqlalchemy import inspect, select

from cinematrix.data.catalog import MovieMetadata
from cinematrix.data.ratings import Scale
from cinematrix.store.keys import list_keys
from cinematrix.store.migrations import MIGRATIONS
from cinematrix.store.movies import list_movies
from cinematrix.store.records import Rating, Store, StoredRating
from cinematrix.store.refits import list_refits
from cinematrix.store.tables import METADATA, TOKENS
from old_stores import OLD_STORES, restore

DELETED_USER = "gone-4711"


def version_of(dump: Path) -> int:
    """Return the version of a dump."""
    return int(dump.name.removeprefix("version").partition("-")[0])


def test_every_version_has_a_store() -> None:
    """Version 6 never was: two steps came at once. Whoever adds a migration adds a store of the version before."""
    assert {*map(version_of, OLD_STORES), 6} == set(range(1, len(MIGRATIONS)))


@pytest.mark.fault(35)
@pytest.mark.parametrize("dump", OLD_STORES, ids=lambda dump: dump.stem)
def test_a_store_of_an_earlier_version_opens(tmp_path: Path, dump: Path) -> None:
    """All its records are unchanged, it has all columns, and the ID of its deleted user is in no file."""
    store, version = Store.open(restore(dump, tmp_path / "store.db")), version_of(dump)
    store.fix_scale(Scale(0.5, 5, 0.5))
    ann, zoe = store.person("ann"), store.person("zoë")
    assert [(rating.movie, rating.steps, rating.given) for rating in ann.ratings] == [
        ("1", 7, None),
        ("318", 10, 1_600_000_000),
    ]
    assert [(rating.movie, rating.steps) for rating in zoe.ratings] == [("2", None), ("318", 3)]
    assert isinstance(zoe.ratings[0], StoredRating)
    assert (ann.events["watchlist"], zoe.events["seen"]) == (["50"], ["1"])
    assert [key.role for key in list_keys(store)] == ["write"]
    assert list_movies(store) == [MovieMetadata("99999", "Neuer Film", 2026, ["Drama"])] * (version >= 4)
    assert len(list_refits(store)) == (version >= 2)
    assert store.person(DELETED_USER).forgotten
    assert store.n_users() == 2
    with store.engine.connect() as connection:
        assert len(connection.execute(select(TOKENS.c.user)).all()) == (version >= 4)
        for table in METADATA.tables.values():
            columns = {column["name"] for column in inspect(connection).get_columns(table.name)}
            assert columns == set(table.columns.keys()), table.name
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "2", 5, source="letterboxd")])
        assert (store.answered(connection, "again") is None) == (version < 4)
    store.close()
    assert not any(DELETED_USER.encode() in file.read_bytes() for file in tmp_path.iterdir())
