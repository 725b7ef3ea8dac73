"""Times of a column: epoch numbers of any unit, compact dates, years, ISO and local dates, as UTC epoch seconds."""

import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.data.months import month_of

FIRST_YEAR = 1888
"""Year of the oldest film; earlier times are doubtful."""

MAX_UNIT_SECONDS = 10**11
"""Numbers above are milliseconds or finer; in seconds they would lie beyond the year 5138."""

COMPACT_DIGITS = (14, 12, 8, 6, 4)
"""Digits of compact dates: YYYYMMDDhhmmss, YYYYMMDDhhmm, YYYYMMDD, YYYYMM, YYYY."""

COMPACT_SHARE = 0.9
"""Least share of the numbers of a column that are dates when read as compact dates, for them to be compact dates."""

SAMPLE = 1000
"""Numbers of a long column that must look like compact dates before all are tried."""

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]

_YEAR_FIRST = r"^(?P<y>\d{4})[-/.年\s]+(?P<m>\d{1,2})[-/.月\s]+(?P<d>\d{1,2})[日.]*(?:[T,\s]+(?P<clock>.*))?$"
_YEAR_MONTH = r"^(?P<y>\d{4})[-/.年](?P<m>\d{1,2})月?$"
_PACKED = r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})[T\s](?P<clock>\d{1,2}:?\d{2}.*)$"
_LOCAL = (
    r"^(?P<a>\d{1,2})(?P<sep>[-/.\s]+)(?P<b>\d{1,2})(?P<sep2>[-/.,\s]+)(?P<y>\d{4}|\d{2})(?:[T,\s]+(?P<clock>.*))?$"
)
_WEEKDAY = r"^(?:.*\bon |[^\W\d]{2,}\.?,?\s+)?"  # "Reviewed in Canada on May 5, 2014"
_THEN_CLOCK = r"(?:[T,:\s]+(?P<clock>.*))?$"
_DAY_NAME = (
    _WEEKDAY + r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|º)?[.\s\-/]*(?:de |of )?(?P<name>[^\W\d]{3,})"
    r"[.,\s\-/]*(?:de )?(?P<y>\d{4}|\d{2})(?:г\.)?" + _THEN_CLOCK
)  # fmt: skip
_NAME_DAY = _WEEKDAY + r"(?P<name>[^\W\d]{3,})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})" + _THEN_CLOCK
_UNIX = (
    _WEEKDAY + r"(?P<name>[^\W\d]{3,})\s+(?P<d>\d{1,2})\s+(?P<clock>\d{1,2}:\d{2}:\d{2})(?:\s+(?P<zone>\S+))?\s+"
    r"(?P<y>\d{4})$"
)  # fmt: skip
_DATES = (_YEAR_FIRST, _LOCAL, _PACKED, _YEAR_MONTH, _UNIX, _NAME_DAY, _DAY_NAME)
"""Patterns of dates in text, by group: year, month (or its name), day, clock; `a` and `b` are day and month."""

_CLOCK = (
    r"^(?:at |um |à )?(?P<h>\d{1,2})[:.h]?(?P<min>\d{2})(?:[:.]?(?P<s>\d{2})(?:[.,:]\d+)?)?\s*(?:Uhr)?"
    r"(?P<half>[AaPp])?\.?(?:[Mm]\.?)?\s*(?:Z|UTC|GMT)?\s*(?P<zone>[+-]\d{2}(?::?\d{2})?)?(?:\s*[\[(].*)?$"
)


def next_year() -> int:
    """Return the year after this one; later times are doubtful."""
    return datetime.now(UTC).year + 1


def days_since_1970(year: Int64, month: Int64, day: Int64) -> tuple[Int64, NDArray[np.bool_]]:
    """Return the days from 1970-01-01 to each date, and a mask of the dates that exist."""
    months = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    first: Int64 = months.astype("datetime64[D]").astype(np.int64)
    after: Int64 = (months + 1).astype("datetime64[D]").astype(np.int64)
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (day <= after - first) & (year >= 1)
    return np.asarray(first + day - 1, np.int64), np.asarray(exists)


def compact_dates(numbers: Float64) -> tuple[Float64, int] | None:
    """Return the epoch seconds of compact dates (NaN where a number is none) and their digits; None if they are none.

    `numbers` are finite. They are compact dates if nine tenths are dates when read so, and most from 1888 to next year.
    """
    if len(numbers) > SAMPLE and compact_dates(numbers[:SAMPLE]) is None:
        return None
    for digits in COMPACT_DIGITS:
        fits = (numbers >= 10.0 ** (digits - 1)) & (numbers < 10.0**digits) & (numbers == np.floor(numbers))
        if fits.sum() < COMPACT_SHARE * len(numbers) or not fits.any():
            continue
        seconds, usual = _compact(np.where(fits, numbers, 0).astype(np.int64), digits)
        dates = fits & np.isfinite(seconds)
        if dates.sum() >= COMPACT_SHARE * len(numbers) and 2 * (dates & usual).sum() > len(numbers):
            return np.where(fits, seconds, np.nan), digits
    return None


def _compact(numbers: Int64, digits: int) -> tuple[Float64, NDArray[np.bool_]]:
    def part(start: int, length: int) -> Int64:
        return np.asarray(numbers // 10 ** max(digits - start - length, 0) % 10**length, np.int64)

    year, one, zero = part(0, 4), np.ones_like(numbers), np.zeros_like(numbers)
    month, day = (part(4, 2) if digits > 4 else one), (part(6, 2) if digits > 6 else one)
    hour, minute = (part(8, 2), part(10, 2)) if digits > 8 else (zero, zero)
    second = part(12, 2) if digits > 12 else zero
    days, exists = days_since_1970(year, month, day)
    exists &= (hour < 24) & (minute < 60) & (second < 60)
    seconds = np.where(exists, days * float(DAY_SECONDS) + hour * 3600 + minute * 60 + second, np.nan)
    return seconds, (year >= FIRST_YEAR) & (year <= next_year())


def epoch_seconds(numbers: Float64) -> tuple[Float64, int]:
    """Return epoch numbers of any unit as seconds, and how many were in milliseconds or finer."""
    seconds, large = numbers, np.abs(numbers) > MAX_UNIT_SECONDS
    for _ in range(3):
        if not large.any():
            break
        seconds = np.where(np.abs(seconds) > MAX_UNIT_SECONDS, seconds / 1000, seconds)
    return seconds, int(large.sum())


class DateReading:
    """Dates of a column in text.

    Attributes:
        seconds: float64, UTC epoch seconds; NaN where the text is no date.
        local: number of dates whose order of day and month was decided by the column.
        day_first: the order that was taken.
        doubt: the first date that could be read both ways, where nothing in the column decides; else None.
    """

    def __init__(self, texts: pl.Series) -> None:
        self.seconds: Float64 = np.full(len(texts), np.nan)
        self.local, self.day_first, self.doubt = 0, True, None
        standard = _standard_dates(texts)
        self.seconds[:] = standard.to_numpy()
        for pattern in _DATES:
            rows = np.flatnonzero(np.isnan(self.seconds))
            if not len(rows):
                break
            groups = texts.gather(rows).str.strip_chars().str.extract_groups(pattern).struct.unnest()
            found = groups["y"].is_not_null().to_numpy()
            if found.any():
                self._take(groups.filter(pl.Series(found)), rows[found], texts)

    def _take(self, groups: pl.DataFrame, rows: Int64, texts: pl.Series) -> None:
        year = _integers(groups["y"])
        short = groups["y"].str.len_chars().to_numpy() == 2
        year = np.where(short, year + np.where(year <= next_year() % 100, 2000, 1900), year)
        if "a" in groups.columns:
            day, month = self._local_order(groups, rows, texts)
        else:
            ones = np.ones(len(rows), np.int64)
            day = _integers(groups["d"]) if "d" in groups.columns else ones
            month = _months(groups["name"]) if "name" in groups.columns else _integers(groups["m"])
        days, exists = days_since_1970(year, month, day)
        clock = _clock_seconds(groups) if "clock" in groups.columns else np.zeros(len(rows))
        self.seconds[rows] = np.where(exists, days * float(DAY_SECONDS) + clock, np.nan)

    def _local_order(self, groups: pl.DataFrame, rows: Int64, texts: pl.Series) -> tuple[Int64, Int64]:
        """Return days and months of dates such as 05/14/2014: a number above 12 anywhere decides for the column."""
        a, b = _integers(groups["a"]), _integers(groups["b"])
        first, second = int((a > 12).sum()), int((b > 12).sum())
        separators = set(groups["sep"].str.strip_chars().unique().to_list())
        if first or second:
            self.day_first = first >= second
        else:
            american = separators == {""} or separators == {"/"}  # "05 14, 2014", as in Amazon's reviews
            self.day_first = not american
            unsure = np.flatnonzero(a != b)
            if len(unsure) and separators not in ({"."}, {""}):
                self.doubt = texts[int(rows[unsure[0]])]
        self.local += len(rows)
        return (a, b) if self.day_first else (b, a)


STANDARD_FORMS = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%:z"),
    *("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%d"),
)
"""Forms of ISO dates and times that Polars parses fast."""


def _standard_dates(texts: pl.Series) -> pl.Series:
    """Return the seconds of ISO dates and times in a column that has only one of their forms, else NaN; fast."""
    for form in STANDARD_FORMS:
        for part in (texts.head(SAMPLE), texts):
            parsed = (part.str.to_date if form == "%Y-%m-%d" else part.str.to_datetime)(form, strict=False)
            if parsed.null_count() != part.null_count():
                break
        else:
            return parsed.dt.epoch("s").cast(pl.Float64).fill_null(float("nan"))
    return pl.repeat(float("nan"), len(texts), eager=True)


def _integers(texts: pl.Series) -> Int64:
    return texts.cast(pl.Int64, strict=False).fill_null(0).to_numpy()


def _months(names: pl.Series) -> Int64:
    months = {name: month_of(name) or 0 for name in names.unique()}
    return names.replace_strict(months, return_dtype=pl.Int64).to_numpy()


def _clock_seconds(groups: pl.DataFrame) -> Float64:
    """Return the seconds after midnight UTC; 0 without a clock, NaN for text that is none."""
    text = groups["clock"].fill_null("").str.strip_chars()
    parts = text.str.extract_groups(_CLOCK).struct.unnest()
    hour, minute, second = (_integers(parts[name]).astype(np.float64) for name in ("h", "min", "s"))
    half = parts["half"].fill_null("").str.to_lowercase().to_numpy()
    hour = np.where(half == "p", hour % 12 + 12, np.where(half == "a", hour % 12, hour))
    zone = (
        parts["zone"]
        if "zone" not in groups.columns
        else parts["zone"].fill_null(groups["zone"].str.extract(r"^([+-]\d{2}:?\d{2})$"))
    )
    shift = (
        zone.fill_null("+0000")
        .str.replace(":", "")
        .str.pad_end(5, "0")
        .cast(pl.Int64, strict=False)
        .fill_null(0)
        .to_numpy()
    )
    offset = np.sign(shift) * (np.abs(shift) // 100 * 3600 + np.abs(shift) % 100 * 60)
    seconds = hour * 3600 + minute * 60 + second - offset
    wrong = parts["h"].is_null().to_numpy() | (hour > 24) | (minute > 59) | (second > 60)
    return np.where((text == "").to_numpy(), 0.0, np.where(wrong, np.nan, seconds))


def order_in_words(day_first: bool) -> str:
    """Return the order of day and month in words."""
    return "day before month" if day_first else "month before day"


def both_readings(text: str) -> str:
    """Return both readings of a date such as 03/04/2014 in words."""
    a, b, year = re.findall(r"\d+", text)[:3]
    return f"{year}-{int(b):02}-{int(a):02} (day first) or {year}-{int(a):02}-{int(b):02} (month first)"


def as_day(seconds: Any) -> str:
    """Return the day of epoch seconds."""
    return str(np.datetime64(int(seconds), "s"))[:10]
