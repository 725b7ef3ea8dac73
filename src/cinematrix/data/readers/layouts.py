"""Layout detection of a file of ratings by its first lines: format, separator and fields."""

import csv
import gzip
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cinematrix.data.readers import columns
from cinematrix.errors import DataError, SettingError

HEAD_BYTES = 1 << 16
"""Bytes of a file that layout detection reads."""

READ_ERRORS = (OSError, EOFError, zlib.error)
"""Exceptions of reading a file, a damaged gzip file included."""

MOVIELENS_HEADER = ("userId", "movieId", "rating", "timestamp")
HEADERLESS = ("user", "movie", "rating", "time")
"""Order of the fields in formats without a header; the time may be missing."""


@dataclass(frozen=True)
class Layout:
    """Layout of a file of ratings.

    Attributes:
        name: the format, such as ml-1m or csv.
        separator: text between fields; two characters in `::` files.
        n_fields: fields of a line.
        places: index of the field of each role.
        start: bytes before the first line of data (byte order mark, blank lines, header).
        first_line: number of the first line of data, from 1.
        quoted: whether `"` encloses fields.
        header: column names; empty without a header.
        text_time: whether times are written as dates.
    """

    name: str
    separator: str
    n_fields: int
    places: dict[str, int]
    start: int
    first_line: int
    quoted: bool
    header: tuple[str, ...] = ()
    text_time: bool = False


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file as bytes, unpacked if it is a gzip file."""
    file = path.open("rb")
    if file.read(2) == b"\x1f\x8b":
        file.close()
        return gzip.open(path, "rb")  # type: ignore[return-value]
    file.seek(0)
    return file


def read_head(path: Path) -> bytes:
    """Read the first `HEAD_BYTES` bytes of a text file.

    Raises:
        DataError: the file can't be read, is empty, or isn't a text table.
    """
    try:
        with open_bytes(path) as file:
            head = file.read(HEAD_BYTES)
    except READ_ERRORS as error:
        raise DataError(f"{path} can't be read: {error}") from error
    for matches, problem in _NO_TABLES:
        if matches(head):
            raise DataError(f"{path} {problem}")
    return head


_NO_TABLES: list[tuple[Callable[[bytes], bool], str]] = [
    (lambda head: head.startswith((b"\xff\xfe", b"\xfe\xff")), "is UTF-16; save it as UTF-8"),
    (lambda head: head.startswith(b"PK\x03\x04"), "is a zip archive; unpack it and give the folder"),
    (lambda head: head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")), "is a web page, not a table"),
    (
        lambda head: len(head) > 8 and head.count(b"\0") > len(head) // 4,
        "is binary or UTF-16; save it as UTF-8 text",
    ),
    (lambda head: not head.removeprefix(b"\xef\xbb\xbf").strip(), "is empty; a table of ratings is needed"),
]


def detect_layout(path: Path, named: dict[str, str] | None = None, *, has_tags: bool = False) -> Layout:
    """Detect the layout of a file of ratings.

    `named` maps roles (user, movie, …) to column names. `has_tags` means that there is a file of tags beside it,
    which distinguishes ml-10m from ml-1m.

    Raises:
        DataError: it isn't a table of ratings; the message says what it looks like and what to do.
        SettingError: `named` is given for a format without a header.
    """
    head = read_head(path)
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    lines = re.split(r"\r\n|\n|\r", head[start:].decode("latin-1"))
    lines = lines if len(head) < HEAD_BYTES else lines[:-1] or lines
    first = next(i for i, line in enumerate(lines) if line.strip())
    layout = _headerless(path, lines[first:], has_tags)
    if layout is None:
        return _with_header(path, head[start:], lines, first, named, start)
    if named:
        raise SettingError(f"{path} has no header, as {layout[0]} files don't; columns can't be named in it")
    name, separator, n_fields = layout
    places = {role: i for i, role in enumerate(HEADERLESS[:n_fields])}
    return Layout(name, separator, n_fields, places, start + _offset(head[start:], first), first + 1, quoted=False)


def _headerless(path: Path, lines: list[str], has_tags: bool) -> tuple[str, str, int] | None:
    """Return format, separator and number of fields if the format has no header, else None."""
    if "::" in lines[0]:
        rows = [line.split("::") for line in lines if line.strip()]
        good = [row for row in rows if len(row) in (3, 4) and _is_number(row[2])]
        if not good:
            raise DataError(
                f"{path} is no table of ratings: its first line is {lines[0][:80]!r}, where ratings.dat has "
                "UserID::MovieID::Rating::Timestamp; give ratings.dat or its folder"
            )
        return _double_colon(good, has_tags), "::", max(len(row) for row in good)
    if lines[0].count("|") >= 20:
        raise DataError(f"{path} looks like u.item, the movies of ml-100k; give u.data or its folder")
    rows = [line.split("\t") for line in lines[:50] if line.strip()]
    if len(rows[0]) in (3, 4) and all(_is_number(text) for text in rows[0]):
        return "ml-100k", "\t", len(rows[0])
    return None


def _double_colon(rows: list[list[str]], has_tags: bool) -> str:
    """Return the format of lines `user::movie::rating::time`; MovieTweetings has IMDb IDs of seven digits or more."""
    if all(len(row[1]) >= 7 for row in rows) or any(re.match(r"0\d", row[1]) for row in rows):
        return "movietweetings"
    return "ml-10m" if has_tags or any(not float(row[2]).is_integer() for row in rows) else "ml-1m"


def _is_number(text: str) -> bool:
    return re.fullmatch(r" *-?[0-9]+(\.[0-9]+)? *", text) is not None


def _with_header(
    path: Path, text: bytes, lines: list[str], first: int, named: dict[str, str] | None, start: int
) -> Layout:
    separator = max(",;\t|", key=lines[first].count)
    row = lines[first].encode("latin-1").decode(errors="replace")
    names = next(csv.reader([row], delimiter=separator))
    if all(_is_number(name) for name in names):
        raise DataError(
            f"{path}, line {first + 1}: {lines[first][:60]!r} is no header; put one above it, such as "
            + separator.join(MOVIELENS_HEADER[: len(names)])
        )
    places = columns.find_columns(names, named, str(path))
    plain = tuple(name.strip() for name in names)
    begin = start + _offset(text, first + 1)
    data = [line for line in lines[first + 1 :] if line.strip()]
    if not data:
        raise DataError(f"{path} has a header and no ratings; at least one row is needed")
    return Layout(
        "ml-csv" if plain == MOVIELENS_HEADER and not named else "csv", separator, len(names), places, begin,
        first + 2, quoted=True, header=plain, text_time=_writes_dates(data[0], separator, places.get("time")),
    )  # fmt: skip


def _writes_dates(line: str, separator: str, place: int | None) -> bool:
    fields = next(csv.reader([line], delimiter=separator))
    return place is not None and place < len(fields) and "-" in fields[place].strip()[1:]


def _offset(text: bytes, n_lines: int) -> int:
    """Return the position in bytes at which line `n_lines` (from 0) begins."""
    position = 0
    for _ in range(n_lines):
        end = re.search(rb"\r\n|\n|\r", text[position:])
        position = len(text) if end is None else position + end.end()
    return position
