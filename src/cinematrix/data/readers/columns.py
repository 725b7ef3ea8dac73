"""Columns of a table of ratings: found by name, validated and converted to internal types.

Text from a CSV, columns of a Parquet file and of a frame all pass through `validate_rows`.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.data.ratings import MAX_EPOCH_SECONDS
from cinematrix.data.readers.violations import RuleViolation
from cinematrix.errors import DataError, SettingError

COLUMN_ALIASES = {
    "user": ("user", "userid", "user_id"),
    "movie": ("movie", "movieid", "movie_id", "item", "itemid", "item_id"),
    "rating": ("rating", "stars", "score"),
    "time": ("timestamp", "time"),
    "count": ("count", "plays", "views"),
}
"""Column names, in lower case, that are recognised for each role."""


def find_columns(
    names: list[str], columns: dict[str, str] | None, where: str, needed: tuple[str, ...] = ("user", "movie")
) -> dict[str, int]:
    """Find the index of each role's column in `names`: by `columns` (role to name), else by the usual names.

    Raises:
        SettingError: `columns` has a role that doesn't exist.
        DataError: a column named in `columns`, or one for a `needed` role, is missing; a role has two columns.
    """
    wanted = dict(columns or {})
    unknown = sorted(set(wanted) - set(COLUMN_ALIASES))
    if unknown:
        raise SettingError(f"columns name the role {unknown[0]!r}; the roles are {', '.join(COLUMN_ALIASES)}")
    plain = [name.strip().split(":")[0].casefold() for name in names]  # "user_id:token" in RecBole's files
    places: dict[str, int] = {}
    for role, usual in COLUMN_ALIASES.items():
        if role in wanted:
            matches = [i for i, name in enumerate(names) if name.strip() == wanted[role]]
            missing = f"{where} has no column {wanted[role]!r} for the {role}; it has {format_names(names)}"
            _expect(bool(matches), missing)
        else:
            matches = [i for i, name in enumerate(plain) if name in usual]
        both = " and ".join(names[i].strip() for i in matches)
        _expect(len(matches) < 2, f"{where} has two columns for the {role}, {both}; choose with columns {role}=NAME")
        places |= {role: matches[0]} if matches else {}
    twice = {names[place] for place in places.values() if list(places.values()).count(place) > 1}
    _expect(not twice, f"{where}: the column {'/'.join(twice)} can't have two roles; give each its own")
    for role in needed:
        _expect(
            role in places, f"{where} has no column for the {role}; it has {format_names(names)}{_hint(plain, role)}"
        )
    return places


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise DataError(message)


def format_names(names: list[str]) -> str:
    """Format the names of columns for a message."""
    shown = ", ".join(" ".join(name.split()) or "a blank one" for name in names[:20])
    return shown[:300] + (", …" if len(names) > 20 or len(shown) > 300 else "")


def _hint(names: list[str], role: str) -> str:
    if "letterboxd uri" in names or "const" in names or "imdb_id" in names:
        return ", and looks like one person's export, which 'cinematrix import' takes"
    if "title" in names and "rating" not in names:
        return ", and looks like a table of movies: give the table of ratings, and this one with --movies"
    return f"; name it with columns {role}=NAME"


class RowValidator:
    """Validation of a table's rows; each bad row is listed for the first rule that it breaks.

    Attributes:
        lines: int64, line of each row in the file.
        bad: bool, mask of the bad rows.
        faults: violated rules with their rows.
        milliseconds: number of times that were in milliseconds or finer.
    """

    def __init__(self, lines: NDArray[np.int64]) -> None:
        self.lines = lines
        self.bad = np.zeros(len(lines), bool)
        self.faults: list[RuleViolation] = []
        self.milliseconds = 0

    def refuse(self, wrong: pl.Series, reason: str, problem: Callable[[int], str]) -> None:
        """Mark the rows where `wrong` is true; `problem(row)` describes one."""
        if wrong.any():
            rows = np.flatnonzero(wrong.fill_null(False).to_numpy() & ~self.bad)
            if len(rows):
                self.faults.append(RuleViolation(reason, self.lines[rows], problem(int(rows[0]))))
                self.bad[rows] = True


def validate_rows(raw: pl.DataFrame, lines: NDArray[np.int64]) -> tuple[pl.DataFrame, RowValidator]:
    """Return the valid rows of `raw` in internal types, and the validator with the rules that other rows break.

    `raw` has columns named by role; `lines` are the line numbers of the rows. User and movie become Int64 if all are
    plain integers, else text; rating and count Float32; time Int64 in seconds.

    Raises:
        DataError: a column has an unsuitable type.
    """
    validator = RowValidator(lines)
    typed = {role: _TYPED[role](raw[role], role, validator) for role in raw.columns}
    frame = pl.DataFrame(typed)
    return (frame.filter(pl.Series(~validator.bad)) if validator.bad.any() else frame), validator


def _missing(column: pl.Series, role: str, validator: RowValidator) -> pl.Series:
    missing = column.is_null()
    if column.dtype == pl.String:
        missing = missing | (column == "")
    validator.refuse(missing, f"{role} is missing", lambda _: f"the {role} is missing")
    return missing


def _ids(column: pl.Series, role: str, validator: RowValidator) -> pl.Series:
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if column.dtype.is_float() and (column.is_null() | (column == column.round())).all():
        column = column.cast(pl.Int64)  # pandas turns a column of integers with a gap into floats
    if column.dtype.is_integer() and column.cast(pl.Int64, strict=False).null_count() == column.null_count():
        _missing(column, role, validator)
        return column.cast(pl.Int64)
    if column.dtype != pl.String:
        if column.dtype != pl.Null and not column.dtype.is_integer():
            raise DataError(f"the column of the {role} holds {column.dtype}; IDs must be integers or text")
        column = column.cast(pl.String)
    typed = plain_integers(column)
    if typed.dtype == pl.String and (typed == "").any():
        typed = plain_integers(typed.replace("", None))
    _missing(typed, role, validator)
    return typed


def plain_integers(column: pl.Series) -> pl.Series:
    """Convert text to Int64 if all values are integers without leading zeros or plus; else return stripped text."""
    for text in (column, column.str.strip_chars()):
        numbers = text.cast(pl.Int64, strict=False)
        if numbers.null_count() == text.null_count() and not (text.str.contains(r"^(-?0\d|\+|-0$)").any()):
            return numbers
    return text


def _numbers(column: pl.Series, role: str, validator: RowValidator) -> pl.Series:
    """Convert a column to Float64 (Float32 stays); refuse values that are missing, not a number or not finite."""
    if not (column.dtype.is_numeric() or column.dtype in (pl.String, pl.Boolean, pl.Null)):
        raise DataError(f"the column of the {role} holds {column.dtype}; it must hold numbers")
    values = column.str.strip_chars() if column.dtype == pl.String else column
    missing = _missing(values, role, validator)
    numbers = values.cast(pl.Float64 if column.dtype != pl.Float32 else pl.Float32, strict=False)

    def problem(row: int) -> str:
        comma = " (a decimal comma?)" if "," in str(values[row]) else ""
        return f"the {role} {str(values[row])[:40]!r} is not a number{comma}"

    validator.refuse(numbers.is_null() & ~missing, f"{role} is not a number", problem)
    validator.refuse(
        ~numbers.is_finite(), f"{role} is not finite", lambda row: f"the {role} {values[row]} is not finite"
    )
    return numbers


def _ratings(column: pl.Series, role: str, validator: RowValidator) -> pl.Series:
    return _numbers(column, role, validator).cast(pl.Float32, strict=False)


def _counts(column: pl.Series, role: str, validator: RowValidator) -> pl.Series:
    counts = _numbers(column, role, validator)
    validator.refuse(counts <= 0, "count is not above 0", lambda row: f"the count {counts[row]:g} is not above 0")
    return counts.cast(pl.Float32, strict=False)


def _times(column: pl.Series, role: str, validator: RowValidator) -> pl.Series:
    if column.dtype in (pl.Date, pl.Datetime):
        _missing(column, role, validator)
        return column.dt.epoch("s")
    if column.dtype == pl.String:
        column = _dates_as_seconds(column.str.strip_chars())
    seconds = _numbers(column, role, validator)
    largest = seconds.filter(pl.Series(~validator.bad)).abs().max() if len(seconds) else None
    if isinstance(largest, int | float) and largest > MAX_EPOCH_SECONDS:
        validator.milliseconds += int((seconds.abs() > MAX_EPOCH_SECONDS).sum())
        for _ in range(3):
            seconds = pl.select(
                pl.when(seconds.abs() > MAX_EPOCH_SECONDS).then(seconds / 1000).otherwise(seconds)
            ).to_series()
        beyond = seconds.abs() > MAX_EPOCH_SECONDS
        validator.refuse(beyond, "time is out of range", lambda row: f"the time {column[row]} is beyond any calendar")
    return seconds.floor().cast(pl.Int64, strict=False)


def _dates_as_seconds(text: pl.Series) -> pl.Series:
    """Convert ISO dates and date-times (UTC by default) in a column of text to epoch seconds, as text again."""
    if text.cast(pl.Float64, strict=False).null_count() == text.null_count():
        return text
    plain = text.str.replace("T", " ", literal=True).str.replace(r"Z$", "+00:00")
    candidates = [
        plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False).dt.epoch("s"),
        plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%:z", strict=False).dt.epoch("s"),
        plain.str.to_datetime("%Y-%m-%d %H:%M", strict=False).dt.epoch("s"),
        plain.str.to_date("%Y-%m-%d", strict=False).dt.epoch("s"),
    ]
    return pl.select(pl.coalesce(*[seconds.cast(pl.String) for seconds in candidates], text)).to_series()


_TYPED = {"user": _ids, "movie": _ids, "rating": _ratings, "time": _times, "count": _counts}
