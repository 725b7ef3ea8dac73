"""Cache of large data sets as Parquet files in the user's cache folder; loading takes a second or two."""

import contextlib
import hashlib
import json
import zlib
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.common.atomic_files import write_atomically
from cinematrix.common.paths import cache_folder
from cinematrix.data.catalog import Catalog
from cinematrix.data.dataset import Dataset, ReadReport
from cinematrix.data.ids import IdMap
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers.files import DatasetPaths
from cinematrix.errors import InputError

MIN_CACHED_BYTES = 1 << 24
"""Bytes above which a file of ratings is cached (16 MB)."""

VERSION = 4
"""Version of the cache; it increases when the cached content or the parsing of files changes."""

_PARTS = ("ratings", "users", "movies", "catalog")


class CacheEntry:
    """Cache entry of one data set read with given options, with the current sizes and times of its files."""

    def __init__(self, sources: DatasetPaths, options: dict[str, Any]) -> None:
        files = [path.resolve() for path in sources.all_files()]
        name = json.dumps([[str(path) for path in files], options], sort_keys=True)
        self.path = cache_folder() / "ratings" / hashlib.sha256(name.encode()).hexdigest()[:32]
        self.stamp = [VERSION, name, *([path.stat().st_size, path.stat().st_mtime_ns] for path in files)]

    def load(self) -> Dataset | None:
        """Return the cached data set; None if it isn't there, is damaged, or its files have changed since."""
        try:
            metadata = json.loads((self.path / "about.json").read_text())
            if metadata["stamp"] != self.stamp:
                return None
            parts = {name: self._part(name, metadata["crc32"]) for name in _PARTS if name in metadata["crc32"]}
            return _restore_dataset(metadata, parts)
        except (OSError, ValueError, KeyError, TypeError, InputError, pl.exceptions.PolarsError):
            return None

    def _part(self, name: str, crc32: dict[str, int]) -> pl.DataFrame:
        content = (self.path / f"{name}.parquet").read_bytes()
        if zlib.crc32(content) != crc32[name]:
            raise ValueError(f"{name} is damaged")
        return pl.read_parquet(content)

    def save(self, dataset: Dataset) -> None:
        """Cache a data set; do nothing where the folder can't be written to."""
        parts = _split_dataset(dataset)
        with contextlib.suppress(InputError, OSError), write_atomically(self.path, force=True) as temporary:
            temporary.mkdir(parents=True)
            checksums = {}
            for name, frame in parts.items():
                file = temporary / f"{name}.parquet"
                frame.write_parquet(file, compression="lz4")
                checksums[name] = zlib.crc32(file.read_bytes())
            metadata = {
                "stamp": self.stamp, "crc32": checksums, "name": dataset.name, "source": dataset.source,
                "report": dataset.report.as_dict(),
            }  # fmt: skip
            (temporary / "about.json").write_text(json.dumps(metadata))


def _split_dataset(dataset: Dataset) -> dict[str, pl.DataFrame]:
    ratings = dataset.ratings
    columns: dict[str, NDArray[Any] | None] = {
        "user": ratings.user, "movie": ratings.movie, "rating": ratings.rating, "time": ratings.time,
        "count": ratings.count,
    }  # fmt: skip
    parts = {
        "ratings": pl.DataFrame({name: column for name, column in columns.items() if column is not None}),
        "users": _id_frame(ratings.users),
        "movies": _id_frame(ratings.movies),
    }
    if dataset.catalog is not None:
        parts["catalog"] = dataset.catalog.frame.hstack(_id_frame(dataset.catalog.movies))
    return parts


def _restore_dataset(metadata: dict[str, Any], parts: dict[str, pl.DataFrame]) -> Dataset:
    report = ReadReport.from_dict(metadata["report"])
    columns = {name: parts["ratings"][name].to_numpy() for name in parts["ratings"].columns}
    users, movies = _id_map(parts["users"]), _id_map(parts["movies"])
    ratings = Ratings(
        users, movies, columns["user"], columns["movie"], columns.get("rating"), columns.get("time"),
        columns.get("count"), report.scale, report.merged,
    )  # fmt: skip
    rows = parts.get("catalog")
    catalog = None if rows is None else Catalog(_id_map(rows), rows.drop("id"))
    return Dataset(ratings, catalog, metadata["name"], metadata["source"], report)


def _id_frame(ids: IdMap) -> pl.DataFrame:
    return pl.DataFrame({"id": ids.ids if ids.ids.dtype.kind == "i" else ids.ids.tolist()})


def _id_map(frame: pl.DataFrame) -> IdMap:
    ids = frame["id"]
    return IdMap(ids.to_numpy() if ids.dtype == pl.Int64 else np.array(ids.to_list(), np.str_))
