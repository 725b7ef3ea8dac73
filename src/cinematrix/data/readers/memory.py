"""Tables in memory, brought to Polars frames: pandas, Arrow, DuckDB, NumPy records, SciPy sparse, mappings, records."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from cinematrix.data.catalog import Catalog
from cinematrix.data.readers.columns import plain_name
from cinematrix.data.readers.genres import split_genres
from cinematrix.data.readers.id_columns import as_id_column
from cinematrix.data.readers.movies import MOVIE_ALIASES
from cinematrix.errors import DataError

ACCEPTED = (
    "a pandas, Polars or Arrow table, a DuckDB relation, a NumPy record array, a SciPy sparse matrix, a mapping of "
    "names to columns, or a list of records; a file is read by cinematrix.read"
)
"""The kinds of tables, for errors."""


def as_polars(frame: Any) -> pl.DataFrame:
    """Return any table in memory as a Polars frame; named levels of a pandas index are columns too.

    A SciPy sparse matrix has users in rows and movies in columns; their numbers become the IDs.

    Raises:
        DataError: it is no table, has a column twice, or columns of unequal lengths.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    if sparse.issparse(frame):
        entries = frame.tocoo()
        return pl.DataFrame({"user": entries.row, "movie": entries.col, "rating": entries.data})
    if isinstance(frame, np.ndarray) and frame.dtype.names:
        return pl.DataFrame([_numpy_series(name, frame[name]) for name in frame.dtype.names])
    if isinstance(frame, Mapping):
        return _from_mapping(frame)
    if isinstance(frame, list) and frame and all(isinstance(row, Mapping) for row in frame):
        return pl.DataFrame(frame, infer_schema_length=None, strict=False)
    if _is_pandas(frame):
        return _from_pandas(frame)
    if hasattr(frame, "__arrow_c_stream__"):
        return _from_arrow(frame)
    if hasattr(frame, "pl"):  # a DuckDB relation
        return _from_arrow(frame.pl())
    raise DataError(f"{type(frame).__name__} is no table; give {ACCEPTED}")


def catalog_from_frame(frame: Any) -> Catalog:
    """Return a catalog from a table of movies: the movies' IDs, and title, year, genres and tags where they are there.

    Genres and tags are lists, or text as `genres.split_genres` takes it.

    Raises:
        DataError: it is no table, or has no column of movie IDs.
    """
    table = as_polars(frame)
    names = {plain_name(name): name for name in table.columns}
    key = next((names[plain_name(alias)] for alias in MOVIE_ALIASES["id"] if plain_name(alias) in names), None)
    if key is None:
        raise DataError(f"the movies have no column movie; they have {', '.join(table.columns)}")
    columns = {role: table[names[role]] for role in ("title", "year", "genres", "tags") if role in names}
    lists = {role: _lists(columns[role]) for role in ("genres", "tags") if role in columns}
    plain = {role: columns[role].to_list() for role in ("title", "year") if role in columns}
    return Catalog.of(as_id_column(table[key])[0].to_list(), **plain, **lists)


def _lists(column: pl.Series) -> list[Any]:
    return split_genres(column.to_list()) if column.dtype == pl.String else column.to_list()


def _from_mapping(columns: Mapping[Any, Any]) -> pl.DataFrame:
    lengths = {str(name): len(column) for name, column in columns.items() if hasattr(column, "__len__")}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
        raise DataError(f"the columns have unequal lengths ({told}); give one value a row in each")
    found = {
        name: _numpy_series(str(name), column) if isinstance(column, np.ndarray) else column
        for name, column in columns.items()
    }
    return pl.DataFrame(found, strict=False)


def _from_arrow(table: Any) -> pl.DataFrame:
    try:
        return pl.DataFrame(table)
    except pl.exceptions.DuplicateError as error:
        raise DataError(f"the table has two columns of one name ({error}); rename one") from error


def _is_pandas(frame: Any) -> bool:
    return hasattr(frame, "to_numpy") and hasattr(frame, "index") and not isinstance(frame, pl.Series)


def _from_pandas(frame: Any) -> pl.DataFrame:
    if not hasattr(frame, "columns"):
        if not any(frame.index.names):
            raise DataError(f"a pandas Series without a named index is no table of ratings; give {ACCEPTED}")
        frame = frame.rename(frame.name or "rating").reset_index()
    elif any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"the frame has {names.count(twice[0])} columns called {twice[0]!r}; rename or drop one")
    return pl.DataFrame([_series(str(name), frame[name]) for name in frame.columns])


def _series(name: str, column: Any) -> pl.Series:
    values = column.to_numpy()
    if values.dtype.kind != "O":
        return _numpy_series(name, values)
    gaps = column.isna().to_numpy()
    plain = [None if gap else value for value, gap in zip(values.tolist(), gaps.tolist(), strict=True)]
    try:
        series = pl.Series(name, plain)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        series = pl.Series(name, plain, dtype=pl.Object)
    if series.dtype != pl.Object:
        return series
    return pl.Series(name, [None if value is None else str(value) for value in plain])


def _numpy_series(name: str, values: np.ndarray[Any, Any]) -> pl.Series:
    """Return a NumPy column, with times in a unit that Polars has."""
    return pl.Series(name, values.astype("datetime64[us]") if values.dtype.kind == "M" else values)
