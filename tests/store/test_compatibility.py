"""Backward compatibility: a store written by an earlier version opens with all its records."""

import shutil
from pathlib import Path

from cinematrix.data.catalog import MovieMetadata
from cinematrix.data.ratings import Scale
from cinematrix.store.movies import list_movies
from cinematrix.store.records import Store, StoredRating
from places import ROOT


def test_a_store_of_an_earlier_version_opens(tmp_path: Path) -> None:
    """Its ratings, a deleted one included, its events, its added movie and its scale are unchanged."""
    file = shutil.copy(ROOT / "tests" / "fixtures" / "store.db", tmp_path / "store.db")
    store = Store.open(f"sqlite:///{file}")
    store.fix_scale(Scale(0.5, 5, 0.5))
    ann, zoe = store.person("ann"), store.person("zoë")
    assert [(rating.movie, rating.steps, rating.given) for rating in ann.ratings] == [
        ("1", 7, None),
        ("318", 10, 1_600_000_000),
    ]
    assert [(rating.movie, rating.steps) for rating in zoe.ratings] == [("2", None), ("318", 3)]
    assert isinstance(zoe.ratings[0], StoredRating)
    assert (ann.events["watchlist"], zoe.events["seen"]) == (["50"], ["1"])
    assert list_movies(store) == [MovieMetadata("99999", "Neuer Film", 2026, ["Drama"])]
    store.close()
