"""Tables without a header: told by their first row, with roles by the columns' order or their numbers."""

import re
from dataclasses import dataclass
from pathlib import Path

from cinematrix.data.readers.columns import ABSENT, ALL_OTHERS, is_known_name
from cinematrix.data.readers.lookalikes import looks_like_times
from cinematrix.data.readers.notation import parse_rating
from cinematrix.errors import DataError, SettingError

ORDER = ("user", "movie", "rating", "time")
"""Order of the fields in formats without a header; the time may be missing."""

MAX_RATING = 100
"""Number up to which the third column of a table without a header is taken for ratings."""


PUBLIC_SHARE = 0.9
"""Least share of ratings up to 5 stars in a public data set of MovieLens; others are errors."""


@dataclass(frozen=True)
class Headerless:
    """Table without a header.

    Attributes:
        name: the format; csv if it is none of the public data sets'.
        n_fields: fields of a line.
        places: index of the field of each role.
        official: whether the format is one of the public data sets'.
        notes: the order that was taken, unless the format has one.
    """

    name: str
    n_fields: int
    places: dict[str, int]
    official: bool
    notes: tuple[str, ...] = ()


def is_number(text: str) -> bool:
    """Return True if the text is a plain number."""
    return re.fullmatch(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", text) is not None


def _is_value(text: str) -> bool:
    return is_number(text) or looks_like_times([text]) or (parse_rating(text) is not None and not text.isalpha())


def has_header(rows: list[list[str]], named: dict[str, str]) -> bool:
    """Return True if the first of `rows` is a header.

    It isn't one if it has a number or a date where the rows below have them, unless a name in it is known.
    """
    first, below = rows[0], rows[1:]
    names = {name.strip() for name in first}
    if named.get("movie") == ALL_OTHERS or any(name in names and not name.isdigit() for name in named.values()):
        return True
    if any(is_known_name(name, "user", "movie") for name in first):
        return True
    if not below:
        return not any(_is_value(cell) for cell in first)
    for place, cell in enumerate(first):
        column = [row[place] for row in below if place < len(row)]
        if _is_value(cell) and 2 * sum(map(_is_value, column)) > len(column):
            return False
    numbers = any(name.isdigit() for name in named.values())
    return not numbers or any(sum(map(is_number, column)) for column in zip(*below, strict=False))


def detect(
    path: Path, rows: list[list[str]], separator: str, named: dict[str, str], *, has_tags: bool, needed: tuple[str, ...]
) -> Headerless:
    """Return the format, fields and roles of a table without a header.

    Raises:
        DataError: its columns can't be told; the message says how to give their numbers.
        SettingError: `named` gives names, which it doesn't have.
    """
    given = {role: text for role, text in named.items() if text != ABSENT}
    n_fields = max(len(row) for row in rows)
    if given:
        return Headerless("csv", n_fields, _by_number(path, given, n_fields), official=False)
    if separator == "::":
        good = [row for row in rows if len(row) in (3, 4) and is_number(row[2])]
        if not good:
            raise DataError(
                f"{path} is no table of ratings: its first line is {'::'.join(rows[0])[:80]!r}, where ratings.dat has "
                "UserID::MovieID::Rating::Timestamp; give ratings.dat or its folder"
            )
        rows, n_fields = good, max(len(row) for row in good)
    else:
        n_fields = len(rows[0])
    places = _by_order(path, rows, n_fields, needed)
    places = {role: place for role, place in places.items() if named.get(role) != ABSENT}
    name = _public_format(rows, separator, has_tags) if list(places) == list(ORDER[: len(places)]) else "csv"
    if name != "csv":
        return Headerless(name, n_fields, places, official=True)
    order = ", ".join(f"{place + 1} the {role}" for role, place in places.items())
    note = f"there is no header; column {order}; for another order give the numbers, such as --columns user=2,movie=1"
    return Headerless("csv", n_fields, places, official=False, notes=(note,))


def _by_number(path: Path, named: dict[str, str], n_fields: int) -> dict[str, int]:
    for role, text in named.items():
        if not text.isdigit() or not 1 <= int(text) <= n_fields:
            raise SettingError(
                f"{path} has no header, so {role}={text} can't be found; give the numbers of its columns, from 1 to "
                f"{n_fields}, such as columns user=1,movie=2"
            )
    return {role: int(text) - 1 for role, text in named.items()}


def _by_order(path: Path, rows: list[list[str]], n_fields: int, needed: tuple[str, ...]) -> dict[str, int]:
    """Return the places of user, movie, then rating and time in either order, told by the numbers in them."""
    ids: tuple[str, ...] = ORDER[:2] if "user" in needed or n_fields == len(ORDER) else ORDER[1:2]
    if len(ids) == 2 and _are_products([row[0] for row in rows]) and not _are_products([row[1] for row in rows]):
        ids = ids[::-1]
    kinds: list[str | None] = []
    for place in range(len(ids), n_fields):
        column = [row[place] for row in rows if place < len(row)]
        kinds.append(_kind(column, late=kinds == ["rating"]))
    if len(ids) + len(kinds) > len(ORDER) or n_fields < len(ids) or None in kinds or len(set(kinds)) < len(kinds):
        shown = " | ".join(" ".join(cell.split())[:20] for cell in rows[0][:6])
        wide = (
            f"; a table with a column for each movie is read with movie={ALL_OTHERS}" if n_fields > len(ORDER) else ""
        )
        example = ",".join(f"{role}={i}" for i, role in enumerate(ORDER[: max(2, min(n_fields, 3))], 1))
        raise DataError(
            f"{path} has no header and its columns can't be told ({shown}); give their numbers, such as --columns "
            f"{example}, or put a header above{wide}"
        )
    return {role: place for place, role in enumerate([*ids, *kinds]) if role is not None}


def _are_products(column: list[str]) -> bool:
    """Return True for Amazon's product codes, which stand before the users in its tables."""
    return all(re.fullmatch(r"B0[0-9A-Z]{8}|\d{9}[\dX]", text.strip()) for text in column)


def _kind(column: list[str], *, late: bool) -> str | None:
    """Return the role of a column after the IDs: rating or time (`late`: after a rating); None if unclear."""
    values = [text for text in column if _is_value(text)]
    if not _is_value(column[0]) or 2 * len(values) < len(column):
        return None
    if looks_like_times(values) or (late and all(map(is_number, values))):
        return "time"
    parsed = [parse_rating(text) for text in values]
    return "rating" if all(each is not None and abs(each.value) <= MAX_RATING for each in parsed) else None


def _public_format(rows: list[list[str]], separator: str, has_tags: bool) -> str:
    """Return the public data set's format of a table user, movie, rating and time without a header; csv if none."""
    numbers = [row for row in rows if len(row) in (3, 4) and all(map(is_number, row[2:]))]
    stars = [float(row[2]) for row in numbers]
    if separator == "::":
        if all(len(row[1]) >= 7 for row in numbers) or any(re.match(r"0\d", row[1]) for row in numbers):
            return "movietweetings"
        halves = any(not star.is_integer() for star in stars)
        return ("ml-10m" if has_tags or halves else "ml-1m") if _mostly_to_five(stars) else "csv"
    whole = all(star.is_integer() for star in stars)
    ids = all(is_number(cell) for cell in rows[0][:2])
    return "ml-100k" if separator == "\t" and whole and ids and _mostly_to_five(stars) else "csv"


def _mostly_to_five(stars: list[float]) -> bool:
    return bool(stars) and sum(0.5 <= star <= 5 for star in stars) >= PUBLIC_SHARE * len(stars)
