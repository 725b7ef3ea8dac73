"""Readers of columnar tables: Parquet files, and frames of pandas, Polars or Arrow."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.readers import columns as roles
from cinematrix.data.readers.memory import as_polars
from cinematrix.data.readers.table import RatingsTable
from cinematrix.data.readers.violations import ViolationLog
from cinematrix.errors import DataError


def from_frame(
    frame: Any, *, columns: dict[str, str] | None = None, scale: Scale | None = None, skip_bad: bool = False
) -> Ratings:
    """Create ratings from any table in memory that `memory.as_polars` takes.

    Columns are found by the usual names (user, userId, item_id, rating, timestamp, …) or by `columns`, from role
    (user, movie, rating, time, count) to name. Without a rating column the rows are plain interactions.
    `skip_bad` drops bad rows instead of stopping at the first. Dates and times of any unit become seconds; times
    without a zone are UTC.

    Raises:
        DataError: a required column is missing, or a value breaks a rule; the message names the row, from 1.
    """
    table = RatingsTable("the frame")
    add_frame(table, as_polars(frame), columns, ViolationLog("the frame", "row", skip_bad))
    return table.ratings(scale or table.scale()[0])


def read_parquet(path: Path, columns: dict[str, str] | None, tally: ViolationLog) -> RatingsTable:
    """Read the ratings of a Parquet file.

    Raises:
        DataError: the file can't be read, a required column is missing, or a row is bad.
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
    """Validate a frame and add its good rows to `table`; row numbers serve as line numbers."""
    places = roles.find_columns(frame.columns, columns, table.file)
    raw = pl.DataFrame({role: frame[frame.columns[place]] for role, place in places.items()})
    lines = np.arange(1, len(raw) + 1, dtype=np.int64)
    good, validator = roles.validate_rows(raw, lines)
    tally.add(validator.faults)
    table.add(good, lines[~validator.bad], validator.milliseconds)
