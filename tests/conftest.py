"""Worlds with a known answer, and the real data where they are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest

from cinematrix.catalog import Catalog
from cinematrix.ratings import Ratings, Scale
from worlds import taste_world

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def world() -> tuple[Ratings, Catalog]:
    """Ratings with planted tastes and a catalog that tells of them."""
    return taste_world(np.random.default_rng(5))


@pytest.fixture(scope="session")
def small_scale() -> Scale:
    """Half stars from 0.5 to 5."""
    return Scale(0.5, 5, 0.5)


@pytest.fixture(scope="session")
def movielens() -> Path:
    """The folder of MovieLens latest-small; the fall-back set inside a package where it isn't at hand."""
    given = os.environ.get("CINEMATRIX_DATA")
    folder = Path(given) if given else SHARED / "ml-latest-small"
    if folder.is_dir():
        return folder
    from cinematrix.datasets import default

    return default().path
