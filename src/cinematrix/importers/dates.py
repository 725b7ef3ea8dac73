"""Dates of an export: ISO, epoch times, spreadsheet days, local forms in numbers and with the names of months.

A form such as 5/6/25 has several readings. The one that fits all dates of a file with the same separator is used: a
13th month excludes a reading, and so does a date in the future. If several readings are left, the one that puts the
file in order of time is used, since most exports are sorted. If that decides nothing, the date is left out and both
readings are reported.
"""

import re
import time as clock
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.data.months import month_of
from cinematrix.importers.entries import Timestamp, clean_text

Parts = tuple[int, int, int]
Order = Callable[[int, int, int], Parts]

ORDERS: dict[str, Order] = {
    "day-month-year": lambda a, b, c: (c, b, a),
    "month-day-year": lambda a, b, c: (c, a, b),
    "year-month-day": lambda a, b, c: (a, b, c),
}
"""Orders of the numbers in a local date, each as a conversion to year, month and day."""

USUAL_ORDERS = {
    **dict.fromkeys((".", ".Y"), ("day-month-year",)),
    "..": ("year-month-day",),
    **dict.fromkeys(("/", "-"), ("day-month-year", "month-day-year")),
}
"""Orders that come before the others, by the separator as `_local_numbers` returns it."""

NO_DATE = frozenset({"", "-", "–", "—", "0", "null", "none", "nan", "nat", "n/a", "na", "false", "undefined", "never"})
MAX_DATE_LETTERS = 100
EXCEL_DAYS = range(20_000, 60_000)
"""Days since 1899-12-30 that are taken for a spreadsheet's dates: 1954 to 2064."""

_TIME = re.compile(
    r"[T,\s]*\b(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?(?:\s*([ap])\.?\s?m\b\.?)?", re.ASCII | re.IGNORECASE
)
_ZONE = re.compile(r"^\s*(?:GMT|UTC|Z)?\s*([+-])(\d\d):?(\d\d)\b", re.ASCII)
_NUMBERS = re.compile(r"(\d{1,4})\s*([-./年년 ])\s*(\d{1,2})\s*[-./月월 ]\s*(\d{1,4})(?:\s*[.日일])?", re.ASCII)
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?", re.ASCII)


class DateReader:
    """Reader of the dates of one file.

    Attributes:
        problems: for each date that wasn't understood, its row and the reason.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        """`texts`: all dates of the file, in file order, from which the local form is inferred."""
        numbers: dict[str, list[Parts]] = {}
        for text in texts:
            if len(text) <= MAX_DATE_LETTERS and (found := _local_numbers(clean_text(text))):
                numbers.setdefault(found[0], []).append(found[1])
        self._orders = {separator: _infer_orders(separator, found) for separator, found in numbers.items()}
        self.problems: list[tuple[str, str]] = []
        self._read: dict[str, Timestamp] = {}  # exports repeat days

    def read(self, text: str, row: str = "") -> Timestamp:
        """Return the timestamp of a date; without a time, and with a problem noted, if it isn't understood."""
        if text in self._read:
            return self._read[text]
        plain = clean_text(text)
        if plain.casefold() in NO_DATE or plain.startswith("0000-00-00"):
            return Timestamp(None)
        try:
            seconds, day = self._parse(plain[:MAX_DATE_LETTERS])
        except ValueError as error:
            self.problems.append((row, str(error) if isinstance(error, DateError) else "isn't understood"))
            return Timestamp(None)
        except OverflowError:
            self.problems.append((row, "isn't understood"))
            return Timestamp(None)
        if not 0 <= seconds <= clock.time() + DAY_SECONDS:
            self.problems.append((row, "is before 1970" if seconds < 0 else "is in the future"))
            return Timestamp(None)
        return self._read.setdefault(text, Timestamp(int(seconds), day))

    def _parse(self, text: str) -> tuple[float, bool]:
        """Return epoch seconds, and whether only the day is known."""
        if (digits := re.sub(r"^[a-z-]+-(?=\d{10,13}$)|(?<=\d)\.\d+$", "", text)).isascii() and digits.isdigit():
            return _from_digits(digits)
        if re.match(r"\d{4}-\d\d-\d\d(?!\d)", text, re.ASCII) and (moment := _from_iso(text)):
            return moment.timestamp(), len(text) == len("2024-12-31")
        if compact := re.fullmatch(r"(\d{8})T(\d{4,6})Z?", text, re.ASCII):
            return _from_digits(compact[1] + compact[2])
        found = _local_numbers(text)
        parts = self._in_order(*found) if found else _named_month(text)
        return _with_time(parts, text)

    def _in_order(self, separator: str, numbers: Parts) -> Parts:
        orders = self._orders.get(separator) or _valid_orders(separator, [numbers])
        readings = list(dict.fromkeys(_expand(*order(*numbers)) for order in orders))
        if not readings:
            raise DateError("isn't understood")
        if len(readings) > 1:
            raise DateError("could be " + " or ".join(date(*reading).isoformat() for reading in readings))
        return readings[0]


class DateError(ValueError):
    """A date that isn't understood; the message completes the sentence "the date …"."""


def _from_digits(digits: str) -> tuple[float, bool]:
    """Read compact dates, spreadsheet days, and epoch seconds, milliseconds, microseconds and nanoseconds."""
    if compact := _COMPACT.fullmatch(digits):
        parts = [int(part) for part in compact.groups() if part is not None]
        try:
            return datetime(*parts, tzinfo=UTC).timestamp(), len(parts) == 3  # type: ignore[arg-type,misc]
        except ValueError:
            pass  # epoch time
    if len(digits) == 5 and int(digits) in EXCEL_DAYS:
        return (date(1899, 12, 30) + timedelta(int(digits)) - date(1970, 1, 1)).days * DAY_SECONDS, True
    if not 9 <= len(digits) <= 20:
        raise DateError("isn't understood")
    return int(digits) // 10 ** (3 * max(0, (len(digits) - 9) // 3)), False


def _from_iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(re.sub(r"\s*(UTC|GMT)$", "Z", text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache(maxsize=65_536)
def _local_numbers(text: str) -> tuple[str, Parts] | None:
    """Return the separator and the three numbers of a local date; None if the text has another form.

    The separator of a date in which the year has four digits says so, since it has fewer readings.
    """
    found = _NUMBERS.match(re.sub(r"^[^\W\d_]+\.?,?\s+(?=\d)", "", text))
    if not found or re.match(r"\d|\s*[^\W\d_T]{3}", text[found.end() :]):
        return None
    first, last = found[1], found[4]
    if len(first) == 3 or len(last) == 3 or (len(first) == 4 and len(last) == 4):
        return None
    width = "y" if len(first) == 4 else "Y" if len(last) == 4 else "." if text[found.end() - 1] == "." else ""
    return found[2] + width, (int(first), int(found[3]), int(last))


def _valid_orders(separator: str, numbers: Sequence[Parts]) -> list[Order]:
    """Return the orders in which every date exists and isn't in the future; of several, those usual with a separator.

    Dots follow the day or, in Korea and Hungary, every number: `19.6.25`, `25. 6. 19.`
    """
    valid = {name: order for name, order in ORDERS.items() if all(_exists(order(*each)) for each in numbers)}
    usual = USUAL_ORDERS.get(separator, tuple(ORDERS))
    return [valid[name] for name in usual if name in valid] or list(valid.values())


def _exists(parts: Parts) -> bool:
    year, month, day = _expand(*parts)
    try:
        return date(1888, 1, 1) <= date(year, month, day) <= date.today() + timedelta(2)
    except ValueError:
        return False


def _infer_orders(separator: str, numbers: Sequence[Parts]) -> list[Order]:
    """Return the orders that all dates of a column may have: one, unless the column is ambiguous."""
    distinct = list(dict.fromkeys(numbers))
    valid = _valid_orders(separator, distinct)
    sorted_by = [order for order in valid if _is_sorted([_expand(*order(*each)) for each in distinct])]
    return sorted_by if len(distinct) > 2 and len(sorted_by) == 1 else valid


def _is_sorted(days: Sequence[Parts]) -> bool:
    return days == sorted(days) or days == sorted(days, reverse=True)


def _expand(year: int, month: int, day: int) -> Parts:
    """Return the date with a four-digit year: at most next year, else of the last century."""
    if year < 100:
        year += 2000 if 2000 + year <= date.today().year + 1 else 1900
    return year, month, day


def _named_month(text: str) -> Parts:
    """Read a date with the name of its month, such as `Jan 16, 2024` or `Sun Jan 29 00:00:00 2017`."""
    plain = _TIME.sub(" ", re.sub(r"\([^()]*\)", " ", text), count=1)
    plain = re.sub(r"(?:GMT|UTC|\s)[+-]\d\d:?\d\d\b", " ", plain)
    months = [month for word in _WORD.findall(plain) if (month := month_of(word))]
    numbers = re.findall(r"(?<!\d)\d{1,4}(?!\d)", plain, re.ASCII)
    if len(set(months)) != 1 or len(numbers) < 2:
        raise DateError("isn't understood")
    numbers.sort(key=lambda number: len(number) == 4)
    return _expand(int(numbers[-1] if len(numbers[-1]) == 4 else numbers[1]), months[0], int(numbers[0]))


def _with_time(parts: Parts, text: str) -> tuple[float, bool]:
    found = _TIME.search(text)
    if not found:
        return datetime(*parts, tzinfo=UTC).timestamp(), True
    hour = int(found[1])
    if found[4]:
        hour = hour % 12 + 12 * (found[4].lower() == "p")
    zone = _ZONE.match(text[found.end() :])
    offset = timedelta(hours=int(zone[2]), minutes=int(zone[3])) if zone else timedelta()
    tz = timezone(-offset if zone and zone[1] == "-" else offset)
    return datetime(*parts, hour, int(found[2]), int(found[3] or 0), tzinfo=tz).timestamp(), False


def parse_timestamp(text: str) -> Timestamp:
    """Parse one date by itself; without a time if it is invalid, ambiguous or in the future."""
    return DateReader([text]).read(text)
