"""Reader of small tables whose rows keep their order: pairs to predict, and one user's history."""

from pathlib import Path

import numpy as np
import polars as pl

from cinematrix.data.readers.columns import find_columns, validate_rows
from cinematrix.data.readers.files import is_parquet
from cinematrix.data.readers.violations import ViolationLog
from cinematrix.errors import DataError


def read_pairs(path: Path, needed: tuple[str, ...], columns: dict[str, str] | None = None) -> pl.DataFrame:
    """Read a CSV (`,` `;` TAB) or Parquet file; its columns are found and checked as those of a table of ratings.

    Args:
        needed: roles whose column must be there: user, movie, rating.
        columns: names of columns by role.

    Returns:
        A frame with a column for each role that the file has, in the order of the file.

    Raises:
        DataError: the file is missing or isn't a table, a column is missing, or a row breaks a rule.
        SettingError: `columns` has a role that doesn't exist.
    """
    if not path.is_file():
        raise DataError(f"{path} isn't a file; give a CSV or Parquet file with the columns {', '.join(needed)}")
    raw = _read(path)
    places = find_columns(raw.columns, columns, str(path), needed)
    first_line = 1 if is_parquet(path) else 2
    lines = np.arange(first_line, first_line + len(raw), dtype=np.int64)
    named = pl.DataFrame({role: raw[raw.columns[place]] for role, place in places.items()})
    frame, validator = validate_rows(named, lines)
    ViolationLog(str(path), "row" if is_parquet(path) else "line", skippable=False).add(validator.faults)
    return frame


def _read(path: Path) -> pl.DataFrame:
    try:
        if is_parquet(path):
            return pl.read_parquet(path)
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline()
        return pl.read_csv(path, separator=max(",;\t", key=header.count), infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} isn't a readable table: {str(error).splitlines()[0]}") from error
