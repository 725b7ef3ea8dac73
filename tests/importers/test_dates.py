"""Tests of `cinematrix.importers.dates`: the forms of dates, and the reading that all dates of a file decide."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.importers.dates import DateReader, parse_timestamp


def read_days(*texts: str) -> list[str | None]:
    """Return the days of the dates of one file, None where a date isn't understood."""
    reader = DateReader(texts)
    times = [reader.read(text).time for text in texts]
    return [None if time is None else f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}" for time in times]


FORMS = {
    "2024-01-15": [
        "2024-01-15T20:00:00.123Z",
        "2024-01-15 20:00:00 UTC",
        "20240115",
        "20240115T200000",
        "20240115200000",
        "2024/01/15",
        "15.01.2024",
        "15.1.24",
        "01/15/2024",
        "1/15/24 8:05 PM",
        "15/01/2024 20:11",
        "2024-1-15",
        "Jan 15, 2024",
        "15 Jan 2024",
        "2024-Jan-15",
        "Jan-15-2024",
        "Monday, January 15th, 2024 8:00 PM",
        "Mon Jan 15 00:00:00 2024",
        "Mon, 15 Jan 2024 20:00:00 GMT",
        "15 de enero de 2024",
        "15. Januar 2024",
        "15 janvier 2024",
        "15 stycznia 2024",
        "15 января 2024 г.",
        "15 Ocak 2024",
        "2024年1月15日",
        "2024년 1월 15일",
        "2024. 01. 15.",
        "45306",
        "1705348800",
        "1705348800000",
        "1705348800000000",
        "1705348800000000000",
        "1705348800.5",
        "watch-date-1705348800",
        "Mon Jan 15 2024 20:00:00 GMT+0100 (Central European Standard Time)",
    ],
}


@pytest.mark.parametrize("text", FORMS["2024-01-15"])
def test_a_form_of_date_is_read(text: str) -> None:
    """ISO, epoch times, spreadsheet days, JavaScript's and C's dates, local forms that have one reading."""
    assert read_days(text) == ["2024-01-15"]


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["05/06/2024", "13/06/2024"], ["2024-06-05", "2024-06-13"]),
        (["05/06/2024", "06/13/2024"], ["2024-05-06", "2024-06-13"]),
        (["6/9/25", "6/5/25", "5/11/25"], ["2025-06-09", "2025-06-05", "2025-05-11"]),
        (["9/6/25", "6/6/25", "12/5/25"], ["2025-06-09", "2025-06-06", "2025-05-12"]),
        (["05/06/2024", "04/03/2024"], [None, None]),
        (["05/05/2024"], ["2024-05-05"]),
        (["25. 6. 19.", "25. 6. 18."], ["2025-06-19", "2025-06-18"]),
        (["15.01.2024", "01/16/2024"], ["2024-01-15", "2024-01-16"]),
    ],
)
def test_all_dates_of_a_file_decide(texts: list[str], days: list[str | None]) -> None:
    """A 13th month, the order of the file, or else neither; each separator by itself."""
    assert read_days(*texts) == days


def test_a_date_that_is_left_out_says_why() -> None:
    """Both readings of an ambiguous one; blanks are no problem."""
    texts = ["05/06/2024", "yesterday", "2999-01-01", "1960-01-01", "", "0000-00-00", "n/a"]
    reader = DateReader(texts)
    for row, text in enumerate(texts):
        reader.read(text, f"{row}")
    assert reader.problems == [
        ("0", "could be 2024-06-05 or 2024-05-06"),
        ("1", "isn't understood"),
        ("2", "is in the future"),
        ("3", "is before 1970"),
    ]


@given(st.lists(st.dates(date(1990, 1, 1), date.today() - timedelta(1)), min_size=1), st.sampled_from("/.-"))
def test_a_day_is_never_another(days: list[date], separator: str) -> None:
    """In a file of day-first dates each is read right or left out, if one day is beyond the twelfth."""
    texts = [f"{day:%d}{separator}{day:%m}{separator}{day:%Y}" for day in [*days, date(2020, 12, 31)]]
    assert read_days(*texts) == [f"{day:%Y-%m-%d}" for day in [*days, date(2020, 12, 31)]]


@given(st.text(max_size=30) | st.integers().map(str) | st.from_regex(r"\d{1,4}[-./ ]\d{1,3}[-./ ]\d{1,5}( \d+:\d+)?"))
def test_any_text_is_a_date_or_none(text: str) -> None:
    """No text and no integer ends in an error."""
    time = parse_timestamp(text).time
    assert time is None or time >= 0
