"""Small tables that the commands take: pairs to predict, a stranger's history."""

from pathlib import Path

import polars as pl

from cinematrix.errors import DataError

COLUMN_ALIASES = {
    "user": ("user", "userid", "user_id"),
    "movie": ("movie", "movieid", "movie_id", "item", "itemid", "item_id"),
    "rating": ("rating", "stars", "score"),
}


def read_table(path: Path, *wanted: str, numeric: str = "") -> pl.DataFrame:
    """The columns `wanted` of a CSV, found by name, as text (the column `numeric` as numbers, if it is there).

    Raises:
        DataError: no such file, a column that isn't there, an empty field, a number that isn't one.
    """
    if not path.is_file():
        raise DataError(f"{path} isn't a file; give a CSV with the columns {', '.join(wanted)}")
    try:
        raw = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} isn't a readable CSV: {str(error).splitlines()[0]}") from error
    places = {name.strip().lower(): name for name in raw.columns}
    found = {role: next((places[n] for n in COLUMN_ALIASES[role] if n in places), None) for role in COLUMN_ALIASES}
    for role in wanted:
        if found[role] is None:
            raise DataError(f"{path} has no column {role}; it has {', '.join(raw.columns)}")
    table = raw.select(pl.col(name).str.strip_chars().alias(role) for role, name in found.items() if name)
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
