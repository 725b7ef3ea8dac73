"""Layout detection of a text file of ratings by its first lines: format, separator, header and fields."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from cinematrix.data.readers import columns, headerless
from cinematrix.data.readers.encodings import Recoder
from cinematrix.data.readers.opening import HEAD_BYTES, HEAD_LINES, is_utf_16, read_head
from cinematrix.errors import DataError, SettingError

MOVIELENS_HEADER = ("userId", "movieId", "rating", "timestamp")

SEPARATORS = ("::", "\t", ";", ",", "|", "\x01", " ")
"""Separators of fields, in the order in which they are preferred; the blank stands for runs of blanks and TABs."""

SAMPLE_ROWS = 1000
"""Rows by which a layout is told."""


@dataclass(frozen=True)
class Layout:
    """Layout of a file of ratings.

    Attributes:
        name: the format, such as ml-1m or csv.
        separator: text between fields: `::`, one character, or a blank for runs of blanks.
        n_fields: fields of a line.
        places: index of the field of each role.
        start: bytes before the first line of data (byte order mark, blank lines, header).
        first_line: number of the first line of data, from 1.
        quoted: whether `"` encloses fields.
        header: column names; empty without a header.
        text: roles whose values aren't all plain numbers, and IDs.
        notes: what the detection took and left out.
    """

    name: str
    separator: str
    n_fields: int
    places: dict[str, int]
    start: int = 0
    first_line: int = 1
    quoted: bool = False
    header: tuple[str, ...] = ()
    text: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def detect_layout(
    path: Path,
    named: dict[str, str] | None = None,
    *,
    has_tags: bool = False,
    needed: tuple[str, ...] = ("user", "movie"),
    wanted: tuple[str, ...] | None = None,
) -> Layout:
    """Detect the layout of a file of ratings.

    Args:
        named: column names by role (user, movie, …); in a table without a header, their numbers from 1.
        has_tags: whether there is a file of tags beside it, which distinguishes ml-10m from ml-1m.
        needed: roles whose column must be there.
        wanted: roles whose columns are read; None: all.

    Raises:
        DataError: it isn't a table of ratings; the message says what it looks like and what to do.
        SettingError: `named` gives names for a table without a header.
    """
    head = read_head(path)
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    lines = re.split(r"\r\n|\n|\r", Recoder()(head[start:]).decode(errors="replace"))
    lines = lines[:-1] if len(head) >= HEAD_BYTES and len(lines) > HEAD_LINES else lines
    first, separator = _first_line(lines)
    if lines[first].count("|") >= 20:
        raise DataError(f"{path} looks like u.item, the movies of ml-100k; give u.data or its folder")
    separator = separator or find_separator(lines[first : first + 50])
    rows = split_rows(lines[first : first + SAMPLE_ROWS], separator)
    roles = columns.check_roles(named)
    notes = ("the text is UTF-16 and is read as such",) if is_utf_16(path) else ()
    if headerless.has_header(rows, roles):
        layout = _with_header(path, rows, separator, roles, needed, whole=wanted is None)
        first += 1
    else:
        layout = _without_header(path, rows, separator, roles, has_tags, needed)
    places = {role: place for role, place in layout.places.items() if wanted is None or role in wanted}
    return replace(
        layout, start=start + _offset(head[start:], first), first_line=first + 1, places=places,
        notes=notes + layout.notes, quoted=layout.quoted and len(separator) == 1 and separator != " ",
    )  # fmt: skip


def _first_line(lines: list[str]) -> tuple[int, str]:
    """Return the index of the first line of the table, and the separator in Excel's `sep=;`.

    Blank lines, comments, and the sizes of a Matrix Market file stand before.
    """
    separator, sizes = "", lines[0].lower().startswith("%%matrixmarket")
    for i, line in enumerate(lines):
        if match := re.fullmatch(r'"?sep=(.)"?\s*', line):
            separator = match[1]
        elif line.strip() and not _is_comment(line):
            if not sizes:
                return i, separator
            sizes = False
    return 0, separator


def _is_comment(line: str) -> bool:
    """Return True for `# ` and for `#` before a single field, unless they name the columns."""
    marked = line.startswith("# ") or (line.startswith("#") and not _any_other(line))
    return line.startswith("%") or (marked and not _is_header(line))


def _is_header(comment: str) -> bool:
    names = re.split(r"[,;|\s]+", comment)
    return all(any(columns.is_known_name(name, role) for name in names) for role in ("user", "movie"))


def find_separator(lines: Sequence[str]) -> str:
    """Return the separator that cuts most lines into as many fields as the first one, and it into most."""

    def fit(separator: str) -> tuple[bool, float, int]:
        counts = [len(row) for row in split_rows(lines, separator)]
        consistent = sum(count == counts[0] for count in counts) / len(counts)
        return counts[0] > 1 and (consistent > 0.5 or separator != " "), round(consistent, 1), counts[0]

    return max((separator for separator in SEPARATORS if separator != " " or not _any_other(lines[0])), key=fit)


def _any_other(line: str) -> bool:
    return any(separator in line for separator in SEPARATORS[:-1])


def split_rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Return the fields of lines that aren't blank; quoted fields may span lines."""
    if separator == " ":
        return [line.split() for line in lines if line.strip()]
    if len(separator) > 1:
        return [line.split(separator) for line in lines if line.strip()]
    try:
        rows = list(csv.reader((line + "\n" for line in lines), delimiter=separator))
    except csv.Error:
        rows = [line.split(separator) for line in lines]
    return [row for row in rows if row and (len(row) > 1 or row[0].strip())]


def _with_header(
    path: Path, rows: list[list[str]], separator: str, named: dict[str, str], needed: tuple[str, ...], *, whole: bool
) -> Layout:
    """Return the layout of a table with a header; a `whole` table of ratings has rows, and no columns of odd names."""
    names, data = rows[0], rows[1:]
    if whole and not data:
        raise DataError(f"{path} has a header and no ratings; at least one row is needed")
    header = tuple(name.strip() for name in names)
    if named.get("movie") == columns.ALL_OTHERS:
        return Layout("csv", separator, len(names), {}, quoted=True, header=header)
    full = [row for row in data if len(row) == len(names)]
    sample = pl.DataFrame({str(i): [row[i] for row in full] for i in range(len(names))}) if full else None
    places = columns.find_columns(names, named, str(path), needed, sample if whole else None)
    name = "ml-csv" if header == MOVIELENS_HEADER and not named else "csv"
    return Layout(
        name, separator, len(names), places, quoted=True, header=header, text=_text_roles(data, places),
        notes=columns.note_unused(names, places),
    )  # fmt: skip


def _without_header(
    path: Path, rows: list[list[str]], separator: str, named: dict[str, str], has_tags: bool, needed: tuple[str, ...]
) -> Layout:
    found = headerless.detect(path, rows, separator, named, has_tags=has_tags, needed=needed)
    text = _text_roles(rows, found.places)
    return Layout(
        found.name, separator, found.n_fields, found.places, quoted=not found.official, text=text, notes=found.notes
    )


def _text_roles(rows: list[list[str]], places: dict[str, int]) -> frozenset[str]:
    """Return the roles of numbers whose values in the sample aren't all plain numbers."""
    texts = {role: [row[place] for row in rows if place < len(row)] for role, place in places.items()}
    odd = {role for role, values in texts.items() if not all(headerless.is_number(value) for value in values if value)}
    return frozenset(odd - {"user", "movie"})


def _offset(text: bytes, n_lines: int) -> int:
    """Return the position in bytes at which line `n_lines` (from 0) begins."""
    position = 0
    for _ in range(n_lines):
        end = re.search(rb"\r\n|\n|\r", text[position:])
        position = len(text) if end is None else position + end.end()
    return position


def check_wide(path: Path, layout: Layout) -> None:
    """Refuse a wide table in a file without a header.

    Raises:
        SettingError: there is no header.
    """
    if not layout.header:
        raise SettingError(f"{path} has no header, which names the movies of a wide table (movie=*); put one above it")
