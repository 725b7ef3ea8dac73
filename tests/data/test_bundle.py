"""Bundles of ratings and catalog: `cinematrix.data.bundle`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cinematrix.data.bundle import fingerprint_data, read_bundle, write_bundle
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, fingerprint
from worlds import as_interactions


@pytest.mark.parametrize("what", ["whole", "without catalog", "without times", "interactions", "text IDs", "counts"])
def test_what_is_packed_comes_out(what: str, world: tuple[Ratings, Catalog], tmp_path: Path) -> None:
    """Columns, ID maps, scale, catalog and fingerprint are the same after a round trip."""
    ratings, catalog = world
    if what == "without times":
        ratings = replace(ratings, time=None)
    if what == "interactions":
        ratings = as_interactions(ratings)
    if what == "text IDs":
        ratings = Ratings.from_arrays([f"«{u}»" for u in ratings.user], ratings.movie, ratings.rating)
    if what == "counts":
        ratings = Ratings.from_arrays(ratings.user, ratings.movie, counts=np.ones(len(ratings)))
    written = None if what == "without catalog" else catalog
    write_bundle(tmp_path / "bundle", ratings, written)
    read_ratings, read_catalog = read_bundle(tmp_path / "bundle")
    assert fingerprint(read_ratings) == fingerprint(ratings)
    assert read_ratings.scale == ratings.scale
    assert (read_catalog is None) == (written is None)
    assert read_catalog is None or read_catalog.frame.equals(catalog.frame)
    assert fingerprint_data(read_ratings, read_catalog) == fingerprint_data(ratings, written)


def test_the_seal_tells_data_apart(world: tuple[Ratings, Catalog]) -> None:
    """The fingerprint differs for other ratings, another catalog, or no catalog."""
    ratings, catalog = world
    others = [
        (ratings.take(np.arange(len(ratings) - 1)), catalog),
        (ratings, Catalog.empty(catalog.movies)),
        (ratings, None),
    ]
    assert len({fingerprint_data(ratings, catalog), *(fingerprint_data(*other) for other in others)}) == 4
