"""Small CSV tables that the commands read: pairs to predict, and the history of a new user."""

from pathlib import Path

import polars as pl

from cinematrix.data.readers.columns import COLUMN_ALIASES
from cinematrix.errors import DataError


def read_table(path: Path, *wanted: str, numeric: str = "") -> pl.DataFrame:
    """Read columns of a CSV, found by the usual names of their roles.

    Args:
        wanted: roles of the required columns, read as text.
        numeric: role of a column to read as numbers, if it exists.

    Raises:
        DataError: a missing file or column, an empty field, or an invalid number.
    """
    if not path.is_file():
        raise DataError(f"{path} isn't a file; give a CSV with the columns {', '.join(wanted)}")
    try:
        raw = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} isn't a readable CSV: {str(error).splitlines()[0]}") from error
    names = {name.strip().lower(): name for name in raw.columns}
    columns = {}
    for role in dict.fromkeys([*wanted, *[numeric] * bool(numeric)]):
        name = next((names[alias] for alias in COLUMN_ALIASES[role] if alias in names), None)
        if name is not None:
            columns[role] = name
        elif role in wanted:
            raise DataError(f"{path} has no column {role}; it has {', '.join(raw.columns)}")
    table = raw.select(pl.col(name).str.strip_chars().alias(role) for role, name in columns.items())
    for role in wanted:
        empty = table[role].is_null().arg_max() if table[role].is_null().any() else None
        if empty is not None:
            raise DataError(f"{path}, line {empty + 2}: {role} is empty; every row needs {' and '.join(wanted)}")
    return _with_numbers(table, numeric, path) if numeric in table.columns else table


def _with_numbers(table: pl.DataFrame, role: str, path: Path) -> pl.DataFrame:
    numbers = table[role].cast(pl.Float32, strict=False)
    if numbers.is_null().any():
        row = int(numbers.is_null().arg_max() or 0)
        raise DataError(f"{path}, line {row + 2}: {role} {table[role][row]!r} isn't a number")
    return table.with_columns(numbers)
