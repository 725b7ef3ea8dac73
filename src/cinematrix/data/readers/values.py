"""Values of a table's columns, validated and converted to internal types, one whole column at a time.

A whole column is needed to tell what its values mean: 03/04/2014, 20140506, 99. Text from a file, columns of Parquet
and of a frame all pass through `convert`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.data.ratings import MAX_EPOCH_SECONDS, MIN_EPOCH_SECONDS
from cinematrix.data.readers import times
from cinematrix.data.readers.id_columns import as_id_column, describe_type
from cinematrix.data.readers.log import ReadLog, RuleViolation
from cinematrix.data.readers.missing import is_missing_mark, refuse_missing_marks
from cinematrix.data.readers.notation import MISSING, parse_ratings
from cinematrix.errors import DataError

Mask = NDArray[np.bool_]

FIRST_RATINGS = 788_918_400
"""Epoch seconds of 1995-01-01, about when ratings were first collected; earlier ones are rather another unit."""

MIN_EPOCH = 5_000
"""Numbers up to which times are taken for a mere order (1, 2, 3, …)."""

SPREADSHEET_DAYS = (34_700, 60_000)
"""Range of a spreadsheet's numbers of days (since 1899-12-30), from 1995 to 2064."""

SPREADSHEET_EPOCH = 25_569
"""A spreadsheet's number of 1970-01-01."""


@dataclass
class Converter:
    """Conversion of the columns of one table; each bad row is listed for the first rule that it breaks.

    Attributes:
        lines_of: line numbers of rows.
        log: receiver of notes and warnings.
        missing: values of the rating column that mean "not rated"; None: such values are asked about.
        bad: mask of the bad rows.
        faults: violated rules with their rows.
        counted: whether the table has counts, which could be read instead of ratings.
        top: top of the scale that the ratings' notation names (5 for "4/5"); None if it names none.
    """

    lines_of: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    log: ReadLog
    missing: tuple[str, ...] | None
    bad: Mask
    faults: list[RuleViolation]
    counted: bool = False
    top: float | None = None

    def convert(self, role: str, column: pl.Series) -> pl.Series:
        """Return a role's column in its internal type: IDs Int64 or text, rating and count Float32, time Int64.

        Raises:
            DataError: the column has an unsuitable type, or a value that may mean "not rated".
        """
        if column.dtype in (pl.Categorical, pl.Enum, pl.Binary):
            column = column.cast(pl.String, strict=False)
        return {"user": self._ids, "movie": self._ids, "rating": self._ratings, "time": self._times,
                "count": self._counts}[role](column, role)  # fmt: skip

    def refuse(
        self, wrong: pl.Series | Mask, reason: str, problem: Callable[[int], str], *, requested: bool = False
    ) -> None:
        """Mark the rows where `wrong` is true; `problem(row)` describes one."""
        mask = wrong if isinstance(wrong, np.ndarray) else wrong.fill_null(False).to_numpy()
        if mask.any():
            rows = np.flatnonzero(mask & ~self.bad)
            if len(rows):
                self.faults.append(RuleViolation(reason, self.lines_of(rows), problem(int(rows[0])), requested))
                self.bad[rows] = True

    def _refuse_missing(self, column: pl.Series, role: str) -> pl.Series:
        missing = column.is_null()
        if column.dtype == pl.String:
            missing = missing | column.str.to_lowercase().is_in(list(MISSING))

        def problem(row: int) -> str:
            text = column[row]
            what = "is missing" if text in (None, "") else f"{text!r} stands for a missing value"
            return f"the {role} {what}{self._instead(role)}"

        self.refuse(missing, f"{role} is missing", problem)
        return missing

    def _instead(self, role: str) -> str:
        """Return a way to read the table without the column of a role, if it may do without."""
        if role == "rating" and self.counted:
            return ", and there are counts, which --columns rating=- reads instead"
        return "; --columns time=- reads the table without times" if role == "time" else ""

    def _ids(self, column: pl.Series, role: str) -> pl.Series:
        ids, rounded = as_id_column(column, f"{self.log.file}: the column of the {role}")
        if rounded:
            self.log.warnings.append(
                f"the {role} IDs look rounded by a spreadsheet ({rounded}), so several may have become one; export "
                "them as text"
            )
        self.refuse(ids.is_null(), f"{role} is missing", lambda _: f"the {role} is missing")
        return ids

    def _numbers(self, column: pl.Series, role: str, rule: str = "is not a number") -> pl.Series:
        """Return a column as Float64 (Float32 stays); refuse what is missing, no number or not finite."""
        if not (column.dtype.is_numeric() or column.dtype in (pl.String, pl.Boolean, pl.Null)):
            raise DataError(
                f"{self.log.file}: the column of the {role} holds {describe_type(column)}; it must hold numbers"
            )
        values = column.str.strip_chars() if column.dtype == pl.String else column
        missing = self._refuse_missing(values, role)
        numbers = values.cast(pl.Float64 if column.dtype != pl.Float32 else pl.Float32, strict=False)
        self.refuse(
            numbers.is_null() & ~missing, f"{role} {rule}", lambda row: f"the {role} {_shown(values[row])} {rule}"
        )
        self.refuse(
            ~numbers.is_finite(), f"{role} is not finite", lambda row: f"the {role} {values[row]} is not finite"
        )
        return numbers

    def _ratings(self, column: pl.Series, role: str) -> pl.Series:
        if column.dtype == pl.Boolean:
            self.log.notes.append("ratings true and false are read as 1 and 0")
        if self.missing:
            marked = is_missing_mark(column, self.missing)
            reason = f"rating {'/'.join(self.missing)} means not rated"
            self.refuse(marked, reason, lambda row: f"the rating {column[row]}", requested=True)
        if column.dtype == pl.String:
            texts = column.str.strip_chars()
            if texts.cast(pl.Float64, strict=False).null_count():
                column = self._in_notation(texts)
        ratings = self._numbers(column, role)
        good = ratings.filter(pl.Series(~self.bad)) if self.bad.any() else ratings
        if self.missing is None:
            refuse_missing_marks(good, self.log.file)
        return ratings.cast(pl.Float32, strict=False)

    def _in_notation(self, texts: pl.Series) -> pl.Series:
        """Return ratings written as 4/5, 90 %, ★★★½, 3,5 or with words as numbers in text; others stay as they are."""
        parsed = parse_ratings(texts)
        self.top = parsed.top
        of = f" of {parsed.top:g}" if parsed.top else ""
        for notation, rows in parsed.notations.items():
            self.log.notes.append(
                f"{rows:,} ratings written as {notation}{of if notation != 'decimal comma' else ''} are read as numbers"
            )
        return pl.select(pl.coalesce(parsed.values.cast(pl.String), texts)).to_series()

    def _counts(self, column: pl.Series, role: str) -> pl.Series:
        if column.dtype == pl.String and column.str.contains(r"^\s*\d{1,3}([,.' ]\d{3})+\s*$").any():
            self.log.notes.append("counts with a separator of thousands are read as whole numbers")
            thousands = column.str.contains(r"^\s*\d{1,3}([,.' ]\d{3})+\s*$")
            column = pl.select(
                pl.when(thousands).then(column.str.replace_all(r"[,.' ]", "")).otherwise(column)
            ).to_series()
        counts = self._numbers(column, role)
        self.refuse(counts <= 0, "count is not above 0", lambda row: f"the count {counts[row]:g} is not above 0")
        return counts.cast(pl.Float32, strict=False)

    def _times(self, column: pl.Series, role: str) -> pl.Series:
        if column.dtype in (pl.Date, pl.Datetime):
            self._refuse_missing(column, role)
            return self._doubt_times(column.dt.epoch("s"))
        if column.dtype == pl.String:
            texts = column.str.strip_chars()
            numbers = texts.cast(pl.Float64, strict=False)
            if numbers.null_count():
                return self._dates(texts, numbers, role)
            column = numbers
        return self._doubt_times(self._seconds(self._numbers(column, role), column))

    def _dates(self, texts: pl.Series, numbers: pl.Series, role: str) -> pl.Series:
        """Return a column of dates in text, among which may be epoch numbers, as seconds."""
        missing = self._refuse_missing(texts, role)
        dated = numbers.is_null() & ~missing
        reading = times.DateReading(pl.select(pl.when(dated).then(texts)).to_series())
        wrong = np.isnan(reading.seconds) & dated.to_numpy()
        problem = "is neither a date nor a number"
        self.refuse(wrong, f"time {problem}", lambda row: f"the time {_shown(texts[row])} {problem}")
        if reading.local:
            how = f"with the {times.order_in_words(reading.day_first)}"
            if reading.doubt is None:
                self.log.notes.append(f"{reading.local:,} times are read {how}, such as {texts.filter(dated)[0]}")
            else:
                self.log.warnings.append(
                    f"{reading.local:,} times such as {reading.doubt} can be {times.both_readings(reading.doubt)}, and "
                    f"nothing in the file decides; they are read {how}; write them as YYYY-MM-DD to be sure"
                )
        epoch = self._seconds(numbers, texts) if numbers.null_count() < len(numbers) else None
        seconds = pl.Series(reading.seconds, nan_to_null=True)
        both = (
            pl.select(pl.coalesce(seconds.cast(pl.Int64), epoch)).to_series()
            if epoch is not None
            else seconds.floor().cast(pl.Int64)
        )
        return self._doubt_times(both)

    def _seconds(self, numbers: pl.Series, original: pl.Series) -> pl.Series:
        """Return numbers as seconds: compact dates and years if all are such, else epoch numbers of any unit."""
        values = numbers.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        good = np.isfinite(values) & ~self.bad
        compact = times.compact_dates(values[good]) if good.any() else None
        if compact is not None:
            seconds = np.full(len(values), np.nan)
            seconds[good], digits = compact
            form = "YYYYMMDDhhmmss"[:digits]
            self.log.notes.append(f"times are read as {form}, such as {int(values[good][0])}")
            wrong = good & np.isnan(seconds)
            self.refuse(
                wrong, "time is no date", lambda row: f"the time {_shown(original[row])} is no date like {form}"
            )
        else:
            seconds, large = times.epoch_seconds(np.where(good, values, np.nan))
            self.log.milliseconds += large
            beyond = seconds > MAX_EPOCH_SECONDS
            self.refuse(
                beyond, "time is out of range", lambda row: f"the time {_shown(original[row])} is beyond any calendar"
            )
            before = seconds < MIN_EPOCH_SECONDS
            self.refuse(
                before, "time is out of range", lambda row: f"the time {_shown(original[row])} is before the year 1"
            )
            seconds = self._doubt_units(seconds, good, original)
        return pl.Series(np.floor(seconds), nan_to_null=True).cast(pl.Int64, strict=False)

    def _doubt_units(self, seconds: NDArray[np.float64], good: Mask, original: pl.Series) -> NDArray[np.float64]:
        """Return a spreadsheet's day numbers as seconds; warn of them, and of times that are all before 1995."""
        known = seconds[good]
        if not len(known) or not MIN_EPOCH < known.min() <= known.max() < FIRST_RATINGS:
            return seconds
        days = SPREADSHEET_DAYS[0] < known.min() and known.max() < SPREADSHEET_DAYS[1]
        unit = "a spreadsheet's day numbers" if days else "epoch times"
        seconds = (seconds - SPREADSHEET_EPOCH) * DAY_SECONDS if days else seconds
        self.log.warnings.append(
            f"times such as {_shown_number(original.filter(pl.Series(good))[0])} are read as {unit}, which gives "
            f"{times.as_day(seconds[good][0])}; write them as YYYY-MM-DD if that is wrong"
        )
        return seconds

    def _doubt_times(self, seconds: pl.Series) -> pl.Series:
        """Warn of times before the first film or after next year."""
        first, last = times.FIRST_YEAR, times.next_year()
        low, high = (int(np.datetime64(f"{year}-01-01", "s").astype(np.int64)) for year in (first, last + 1))
        odd = seconds.filter(((seconds < low) | (seconds >= high)) & pl.Series(~self.bad))
        if len(odd):
            self.log.warnings.append(
                f"{len(odd):,} times are before {first} or after {last}, such as {times.as_day(odd[0])}; check the "
                "column of times"
            )
        unknown = int(seconds.is_between(-1, 0).sum())
        if unknown and (seconds.max() or 0) > FIRST_RATINGS:  # type: ignore[operator]
            self.log.warnings.append(
                f"{unknown:,} times are 0 or -1, which often stands for an unknown time; they count as the oldest"
            )
        return seconds


def _shown(value: object) -> str:
    return repr(str(value)[:40])


def _shown_number(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
