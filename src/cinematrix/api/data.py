"""Ratings from files and frames, and their splits."""

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from cinematrix.api.inputs import require_number
from cinematrix.data import splits
from cinematrix.data.catalog import Catalog
from cinematrix.data.dataset import Dataset
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.readers import read as read_file
from cinematrix.data.readers.frames import read_frame
from cinematrix.data.readers.matching import note_untitled
from cinematrix.data.readers.memory import catalog_from_frame
from cinematrix.errors import DataError, DataWarning, SettingError

SPLITS: dict[str, Callable[..., splits.Split]] = {
    "random": splits.random,
    "per-user": splits.per_user,
    "time": splits.global_time,
    "half": splits.half,
    "new-users": splits.new_users,
    "new-movies": splits.new_movies,
}
"""The splits by name; their parameters are those of the functions in `cinematrix.data.splits`."""


def read(path: str | PathLike[str], **options: Any) -> Dataset:
    """Read ratings, and the movies beside them, from a file or folder.

    Args:
        path: a folder or file in any MovieLens format, or a table in text, Parquet, Arrow, Avro or JSON.
        options: those of `cinematrix.data.readers.read`: `movies`, `columns`, `scale`, `missing`, `skip_bad`.

    Raises:
        DataError: a file can't be read, a column is missing, or a row breaks a rule (the message names the line).
    """
    if not isinstance(path, str | PathLike) or not str(path):
        raise DataError(
            f"a value of type {type(path).__name__} is no path; give a file or folder, or use cinematrix.ratings"
        )
    if options.get("missing") is not None:
        options["missing"] = tuple(map(str, options["missing"]))
    return _warned(read_file(Path(path), **options))


def ratings(
    frame: Any,
    catalog: Any = None,
    *,
    columns: dict[str, str] | None = None,
    scale: Scale | None = None,
    skip_bad: bool = False,
    missing: Sequence[Any] | None = None,
) -> Dataset:
    """Take ratings from a table in memory.

    Args:
        frame: a pandas, Polars or Arrow table, a DuckDB relation, a NumPy record array, a mapping of columns, or a
            SciPy sparse matrix (users in rows, movies in columns, their numbers as IDs). Columns are found by the
            usual names, an index of pandas included. Without a rating column the rows are plain interactions.
        catalog: a `Catalog`, or a table with the movies' IDs and title, year, genres.
        columns: names of columns by role: user, movie, rating, time, count.
        scale: of the ratings; None: inferred.
        skip_bad: drop bad rows; by default the first is an error.
        missing: ratings that mean "not rated", such as [99]; []: none does; None: doubtful ones are an error.

    Raises:
        DataError: a needed column is missing or stands twice, or a value breaks a rule (the message names the row).
    """
    if isinstance(frame, Dataset | Ratings):
        found = frame if isinstance(frame, Dataset) else Dataset(frame)
        return found if catalog is None else replace(found, catalog=as_catalog(catalog))
    marks = None if missing is None else tuple(map(str, missing))
    rated, report = read_frame(frame, columns=columns, scale=scale, skip_bad=skip_bad, missing=marks)
    known = as_catalog(catalog)
    note_untitled(rated, known, report, "the catalog")
    return _warned(Dataset(rated, known, report=report))


def _warned(dataset: Dataset) -> Dataset:
    """Return the data set, with Python warnings of what is doubtful in it."""
    for sentence in dataset.report.warnings:
        warnings.warn(sentence, DataWarning, stacklevel=3)
    return dataset


def as_catalog(catalog: Any) -> Catalog | None:
    """Return a catalog from a `Catalog`, a `Dataset` or a table of movies.

    Raises:
        DataError: the table has no column of movie IDs.
    """
    if isinstance(catalog, Dataset):
        return catalog.catalog
    return catalog if catalog is None or isinstance(catalog, Catalog) else catalog_from_frame(catalog)


def split(data: Any, how: str = "random", **options: Any) -> tuple[Dataset, Dataset]:
    """Cut ratings into a training part and a test part.

    Args:
        data: a `Dataset`, or whatever `ratings` takes.
        how: random, per-user, time, half, new-users or new-movies.
        options: those of the split: `test_size` and `seed`; `share`, `k` and `seed` for new-users.

    Raises:
        SettingError: there is no such split or option.
        DataError: the ratings can't be split so.
    """
    if how not in SPLITS:
        raise SettingError(f"there is no split {how!r}; the splits are {', '.join(SPLITS)}")
    allowed = list(inspect.signature(SPLITS[how]).parameters)[1:]
    for name in options:
        if name not in allowed:
            raise SettingError(f"the split {how} has no option {name!r}; its options are {', '.join(allowed)}")
    for name in ("seed", "k"):
        if name in options:
            require_number(name, options[name], 0, whole=True)
    for name in ("test_size", "share"):
        if name in options:
            require_number(name, options[name], 0, 1)
    dataset = ratings(data)
    return dataset.parts(SPLITS[how](dataset.ratings, **options))


def as_test(test: Any, scale: Scale | None) -> Dataset:
    """Return test data as a `Dataset`; ratings of a frame are taken for ratings on the model's `scale`.

    Raises:
        DataError: it isn't data to test on, or it is on another scale.
    """
    if isinstance(test, tuple):
        raise DataError("test is a pair of parts; unpack it first: train, test = cinematrix.split(ratings)")
    return test if isinstance(test, Dataset) else ratings(test, scale=scale)
