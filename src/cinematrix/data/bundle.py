"""Ratings and catalog as a folder, to pass to another process without pickle or parsing.

ratings.safetensors   ID maps and columns
scale.json            scale of the ratings
catalog.parquet       catalog, if there is one; its ID map is in ratings.safetensors
"""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import load_file, save_file

from cinematrix.common.atomic_files import write_atomically
from cinematrix.data.catalog import Catalog
from cinematrix.data.ids import IdMap
from cinematrix.data.ratings import Ratings, Scale, fingerprint

COLUMNS = ("user", "movie", "rating", "time", "count")


def write_bundle(folder: Path, ratings: Ratings, catalog: Catalog | None) -> None:
    """Write ratings and catalog to `folder`, replacing it if it exists."""
    maps = {"users": ratings.users, "movies": ratings.movies} | ({} if catalog is None else {"catalog": catalog.movies})
    arrays = {f"{name}.{key}": array for name, ids in maps.items() for key, array in ids.arrays().items()}
    arrays |= {name: column for name in COLUMNS if (column := getattr(ratings, name)) is not None}
    with write_atomically(folder, force=True) as temporary:
        temporary.mkdir()
        save_file(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary / "ratings.safetensors"
        )
        scale = ratings.scale and dataclasses.asdict(ratings.scale)
        (temporary / "scale.json").write_text(json.dumps(scale), encoding="utf-8")
        if catalog is not None:
            catalog.frame.write_parquet(temporary / "catalog.parquet")


def read_bundle(folder: Path) -> tuple[Ratings, Catalog | None]:
    """Read ratings and catalog that `write_bundle` wrote."""
    arrays = load_file(folder / "ratings.safetensors")

    def ids(name: str) -> IdMap:
        return IdMap.from_arrays(
            {key.removeprefix(f"{name}."): arrays[key] for key in arrays if key.startswith(f"{name}.")}
        )

    scale = json.loads((folder / "scale.json").read_text(encoding="utf-8"))
    user, movie, rating, time, count = (arrays.get(name) for name in COLUMNS)
    assert user is not None, "a table has users"
    assert movie is not None, "a table has movies"
    ratings = Ratings(ids("users"), ids("movies"), user, movie, rating, time, count, scale and Scale(**scale))
    file = folder / "catalog.parquet"
    return ratings, Catalog(ids("catalog"), pl.read_parquet(file)) if file.exists() else None


def fingerprint_data(ratings: Ratings, catalog: Catalog | None) -> str:
    """SHA-256 of ratings and catalog: equal for equal data, whatever the file format."""
    rows = "" if catalog is None else catalog.frame.with_columns(id=catalog.movies.ids).write_ndjson()
    return hashlib.sha256(f"{fingerprint(ratings)}{rows}".encode()).hexdigest()
