"""Large tables, read once, are kept as Parquet in the user's cache folder and come back in a second or two."""

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
from cinematrix.data.ids import IdMap
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers.files import DatasetPaths
from cinematrix.data.readers.report import Dataset, ReadReport
from cinematrix.errors import InputError

MIN_CACHED_BYTES = 1 << 24
"""Files of ratings larger than this (16 MB) are kept in the cache."""

VERSION = 1
"""Changes when what is kept, or how a file is understood, changes."""

_PARTS = ("ratings", "users", "movies", "catalog")


class CacheEntry:
    """Where one data set, read with given options, is kept, and the state of its files now."""

    def __init__(self, sources: DatasetPaths, options: dict[str, Any]) -> None:
        files = [path.resolve() for path in sources.files()]
        name = json.dumps([[str(path) for path in files], options], sort_keys=True)
        self.path = cache_folder() / "ratings" / hashlib.sha256(name.encode()).hexdigest()[:32]
        self.stamp = [VERSION, name, *([path.stat().st_size, path.stat().st_mtime_ns] for path in files)]

    def load(self) -> Dataset | None:
        """The data set as kept; None if it isn't there, is damaged, or its files have changed since."""
        try:
            about = json.loads((self.path / "about.json").read_text())
            if about["stamp"] != self.stamp:
                return None
            parts = {name: self._part(name, about["crc32"]) for name in _PARTS if name in about["crc32"]}
            return _restore_dataset(about, parts)
        except (OSError, ValueError, KeyError, TypeError, InputError, pl.exceptions.PolarsError):
            return None

    def _part(self, name: str, crc32: dict[str, int]) -> pl.DataFrame:
        content = (self.path / f"{name}.parquet").read_bytes()
        if zlib.crc32(content) != crc32[name]:
            raise ValueError(f"{name} is damaged")
        return pl.read_parquet(content)

    def save(self, dataset: Dataset) -> None:
        """Keep a data set; where the folder can't be written to, it is read anew next time."""
        parts = _split_dataset(dataset)
        with contextlib.suppress(InputError, OSError), write_atomically(self.path, force=True) as beside:
            beside.mkdir(parents=True)
            sums = {}
            for name, frame in parts.items():
                file = beside / f"{name}.parquet"
                frame.write_parquet(file, compression="lz4")
                sums[name] = zlib.crc32(file.read_bytes())
            about = {
                "stamp": self.stamp, "crc32": sums, "name": dataset.name, "source": dataset.source,
                "report": dataset.report.as_dict(),
            }  # fmt: skip
            (beside / "about.json").write_text(json.dumps(about))


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


def _restore_dataset(about: dict[str, Any], parts: dict[str, pl.DataFrame]) -> Dataset:
    report = ReadReport.from_dict(about["report"])
    columns = {name: parts["ratings"][name].to_numpy() for name in parts["ratings"].columns}
    users, movies = _id_map(parts["users"]), _id_map(parts["movies"])
    ratings = Ratings(
        users, movies, columns["user"], columns["movie"], columns.get("rating"), columns.get("time"),
        columns.get("count"), report.scale, report.merged,
    )  # fmt: skip
    rows = parts.get("catalog")
    catalog = None if rows is None else Catalog(_id_map(rows), rows.drop("id"))
    return Dataset(about["name"], about["source"], ratings, catalog, report)


def _id_frame(ids: IdMap) -> pl.DataFrame:
    return pl.DataFrame({"id": ids.ids if ids.ids.dtype.kind == "i" else ids.ids.tolist()})


def _id_map(frame: pl.DataFrame) -> IdMap:
    ids = frame["id"]
    return IdMap(ids.to_numpy() if ids.dtype == pl.Int64 else np.array(ids.to_list(), np.str_))
