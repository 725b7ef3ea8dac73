"""Worlds with a known answer, and the real data where they are at hand."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cinematrix.catalog import Catalog
from cinematrix.ratings import Ratings, Scale
from databases import Postgres
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


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """A function that gives the URL of a new, empty database of a kind; PostgreSQL starts when first asked for."""
    servers: list[Postgres] = []

    def new(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('db')}/store.db"
        if not servers:
            servers.append(Postgres())
        return servers[0].database()

    yield new
    for server in servers:
        server.stop()
