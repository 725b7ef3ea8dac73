"""Values of a table's columns, validated and converted to internal types, one whole column at a time.

A whole column is needed to tell what its values mean: 03/04/2014, 20140506, 99. Text from a file, columns of Parquet
and of a frame all pass through `convert`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.data.ids import MAX_EXACT_FLOAT, WHOLE_WITH_ZEROS
from cinematrix.data.ratings import MAX_EPOCH_SECONDS, MIN_EPOCH_SECONDS
from cinematrix.data.readers import times
from cinematrix.data.readers.log import ReadLog, RuleViolation
from cinematrix.data.readers.missing import is_missing_mark, refuse_missing_marks
from cinematrix.data.readers.notation import MISSING, MISSING_IDS, parse_ratings
from cinematrix.errors import DataError

Mask = NDArray[np.bool_]

HEAD = 100
"""First IDs of a column that must be integers before all are tried."""

DAY_NUMBERS = (20_000, 80_000)
"""Range of a spreadsheet's numbers of days from 1954 to 2119."""


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
            instead = ", and there are counts, which --columns rating=- reads instead"
            return f"the {role} {what}{instead if role == 'rating' and self.counted else ''}"

        self.refuse(missing, f"{role} is missing", problem)
        return missing

    def _ids(self, column: pl.Series, role: str) -> pl.Series:
        ids, rounded = as_id_column(column, role)
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
            raise DataError(f"the column of the {role} holds {column.dtype}; it must hold numbers")
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
            self._doubt_day_numbers(seconds[good])
        return pl.Series(np.floor(seconds), nan_to_null=True).cast(pl.Int64, strict=False)

    def _doubt_day_numbers(self, seconds: NDArray[np.float64]) -> None:
        """Warn of small numbers, which look like the days since 1900 of a spreadsheet."""
        if len(seconds) and seconds.min() > DAY_NUMBERS[0] and seconds.max() < DAY_NUMBERS[1]:
            self.log.warnings.append(
                f"times such as {seconds[0]:g} look like a spreadsheet's day numbers and are read as seconds of "
                "1970-01-01; write them as dates"
            )

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
        return seconds


def _shown(value: object) -> str:
    return repr(str(value)[:40])


def as_id_column(column: pl.Series, role: str = "movie") -> tuple[pl.Series, str]:
    """Return a column of IDs by the rule of `data.ids`: Int64 if all are integers of 64 bits, else text or null.

    The text beside it is an ID that a spreadsheet has rounded, such as 1.23457E+12, or blank.

    Raises:
        DataError: the column holds neither whole numbers nor text.
    """
    if column.dtype in (pl.Categorical, pl.Enum) or column.dtype.is_decimal():
        column = column.cast(pl.String)
    if column.dtype.is_float():
        column = column.fill_nan(None)
        if (column.abs() > MAX_EXACT_FLOAT).any():
            raise DataError(
                f"the column of the {role} holds {column.dtype} beyond 2^53, which have lost digits; give the IDs as "
                "integers or text"
            )
        if (column.is_null() | (column == column.round())).all():
            column = column.cast(pl.Int64)  # pandas turns a column of integers with a gap into floats
    if column.dtype.is_integer():
        numbers = column.cast(pl.Int64, strict=False)
        if numbers.null_count() == column.null_count():
            return numbers, ""
        column = column.cast(pl.String)
    if column.dtype not in (pl.String, pl.Null):
        raise DataError(f"the column of the {role} holds {column.dtype}; IDs must be integers or text")
    return _text_ids(column.cast(pl.String))


def _text_ids(column: pl.Series) -> tuple[pl.Series, str]:
    """Return text IDs in their one form; only the distinct ones are looked at."""
    raw = column.drop_nulls().unique(maintain_order=False)
    text = raw.str.strip_chars()
    if (text.str.len_bytes() != text.str.len_chars()).any():
        text = text.str.normalize("NFC")
    text = text.str.replace(WHOLE_WITH_ZEROS, "$1")
    text = pl.select(pl.when((text != "") & ~text.is_in(list(MISSING_IDS))).then(text)).to_series()
    rounded = text.filter(text.str.contains(r"^\d\.\d+[eE]\+\d+$"))
    if not (text.null_count() == 0 and (text == raw).all()):
        changed = text.is_null() | (text != raw)
        column = column.replace(raw.filter(changed), text.filter(changed))
    numbers = plain_integers(text)
    return (column if numbers is None else column.cast(pl.Int64)), (rounded[0] if len(rounded) else "")


def plain_integers(text: pl.Series) -> pl.Series | None:
    """Return text as Int64 if all values are integers without leading zeros or plus; else None."""
    head = text.head(HEAD)
    if head.cast(pl.Int64, strict=False).null_count() != head.null_count():
        return None
    numbers = text.cast(pl.Int64, strict=False)
    if numbers.null_count() != text.null_count() or text.str.contains(r"^(-?0\d|\+|-0$)").any():
        return None
    return numbers
