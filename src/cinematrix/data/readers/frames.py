"""Tables that come as columns: Parquet files, and frames of pandas, Polars or Arrow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.readers import columns as roles
from cinematrix.data.readers.report import ViolationLog
from cinematrix.data.readers.table import RatingsTable
from cinematrix.errors import DataError


def from_frame(frame: Any, *, columns: dict[str, str] | None = None, scale: Scale | None = None) -> Ratings:
    """Ratings from a pandas, Polars or Arrow table, or a mapping of names to columns.

    Columns are found by the usual names (user, userId, item_id, rating, timestamp, …) or by `columns`, from role
    (user, movie, rating, time, count) to name. Without a rating column the rows are plain interactions.
    Dates and times of any unit become seconds; those without a zone are taken for UTC.

    Raises:
        DataError: a needed column is missing, a value breaks a rule (the message names the row, from 1).
    """
    table = RatingsTable("the frame")
    add_frame(table, _as_polars(frame), columns, ViolationLog("the frame", "row"))
    return table.ratings(scale or table.scale()[0])


def read_parquet(path: Path, columns: dict[str, str] | None, tally: ViolationLog) -> RatingsTable:
    """The ratings of a Parquet file.

    Raises:
        DataError: it can't be read, a needed column is missing, a row is bad.
    """
    table = RatingsTable(str(path))
    try:
        names = list(pl.read_parquet_schema(path))
        places = roles.find_columns(names, columns, str(path))
        frame = pl.read_parquet(path, columns=[names[place] for place in places.values()])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} can't be read as Parquet ({str(error)[:100]}); is it whole?") from error
    add_frame(table, frame, columns, tally)
    return table


def add_frame(table: RatingsTable, frame: pl.DataFrame, columns: dict[str, str] | None, tally: ViolationLog) -> None:
    """Check a frame and add its good rows to `table`; row numbers stand in for lines."""
    places = roles.find_columns(frame.columns, columns, table.file)
    raw = pl.DataFrame({role: frame[frame.columns[place]] for role, place in places.items()})
    lines = np.arange(1, len(raw) + 1, dtype=np.int64)
    good, seen = roles.validate_rows(raw, lines)
    tally.add(seen.faults)
    table.add(good, lines[~seen.bad], seen.milliseconds)


def _as_polars(frame: Any) -> pl.DataFrame:
    """Any table as a Polars frame: pandas' column by column through NumPy, Arrow's by its own interface."""
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, Mapping):
        return pl.DataFrame(dict(frame), strict=False)
    if hasattr(frame, "to_numpy") and hasattr(frame, "columns"):
        return pl.DataFrame([_series(str(name), frame[name]) for name in frame.columns])
    if hasattr(frame, "__arrow_c_stream__"):
        return pl.DataFrame(frame)
    raise DataError(f"{type(frame).__name__} is no table; give a pandas, Polars or Arrow table, or named columns")


def _series(name: str, column: Any) -> pl.Series:
    values = column.to_numpy()
    if values.dtype.kind != "O":
        return pl.Series(name, values)
    gaps = column.isna().to_numpy()
    plain = [None if gap else value for value, gap in zip(values.tolist(), gaps.tolist(), strict=True)]
    try:
        return pl.Series(name, plain)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if value is None else str(value) for value in plain])
