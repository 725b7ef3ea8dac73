"""Tables of an upload in text: CSV in the forms that programs and people save it in, tables without a header, lists."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from cinematrix.common.text import without_accents
from cinematrix.errors import DataError
from cinematrix.importers.entries import clean_text
from cinematrix.importers.text import MAX_COLUMNS, CsvRow, decode, unescape_formula

DELIMITERS = ",;\t|"
MAX_NAME_LETTERS = 100
"""Letters of the name of a column by which it is known."""

HEAD_LETTERS = 10_000
"""Letters of a text in which its form is detected."""


@dataclass(frozen=True)
class Table:
    """A table of an upload.

    Attributes:
        name: name of the file, with its folders, or of the list in it.
        header: names of the columns as `column_key` returns them.
        rows: iterator over the rows, read lazily.
        group: key of the list in a JSON that holds the rows, such as `shows`; else empty.
        size: number of rows, if it is known before they are read.
    """

    name: str
    header: frozenset[str]
    rows: Iterator[CsvRow]
    group: str = ""
    size: int | None = None


def column_key(name: str) -> str:
    """Return the name of a column without case, accents, spaces and signs; dots between levels of JSON stay.

    >>> [column_key(name) for name in ("Date Rated", "watched_at", "Título", "movie.ids.imdb", "# Year")]
    ['daterated', 'watchedat', 'titulo', 'movie.ids.imdb', 'year']
    """
    return _column_key(name[:MAX_NAME_LETTERS])


@lru_cache(maxsize=4096)
def _column_key(name: str) -> str:
    return re.sub(r"[^\w.]|_", "", without_accents(clean_text(unescape_formula(name)))).strip(".")


class _Headless(NamedTuple):
    """A form of tables without a header: the pattern of a line, names for the fields, and their separator."""

    line: re.Pattern[str]
    columns: tuple[str, ...]
    delimiter: str


HEADLESS_LETTERS = 600
"""Letters of a text in which a table without a header is recognised."""

HEADLESS = (
    _Headless(
        re.compile(r"\d+::\d{7,8}::\d{1,2}::\d+\s*$", re.ASCII | re.MULTILINE),
        ("user", "tweetedimdb", "rating", "time"),
        "::",
    ),
    _Headless(
        re.compile(
            r"\d{4}-\d\d-\d\d[ T][^\t\r\n]*\t[0-9a-f-]{32,36}\t[0-9a-f-]{32,36}\t[a-z]+\t", re.ASCII | re.IGNORECASE
        ),
        (
            "datecreated",
            "userid",
            "itemid",
            "itemtype",
            "itemname",
            "playbackmethod",
            "clientname",
            "devicename",
            "playduration",
        ),
        "\t",
    ),
    _Headless(re.compile(r"(?:https?://\S*/)?tt\d{6,10}/?\s*$", re.ASCII | re.MULTILINE), ("imdb",), "\n"),
)
"""MovieTweetings, the backup of Jellyfin's plugin Playback Reporting, and a list of IMDb numbers."""

_TITLE_YEAR = re.compile(
    r'\s*(?:"[^"\r\n]*"|[^,;\t"\r\n]+)([,;\t])"?(?:18|19|20)\d\d"?(?:\1[^,;\t\r\n]{1,8})?\s*?(?:[\r\n]|$)'
)
"""First line of a table without a header: title, year and perhaps a rating."""


def parse_text(text: str, name: str, at: str, *, mapped: bool = False) -> Table:
    """Parse a table in text.

    `at`: beginning of the positions of rows. `mapped`: the user names columns, so there is a header.

    Raises:
        DataError: the text has no header. While rows are read: a quote isn't closed, or a field is too long.
    """
    for headless in () if mapped else HEADLESS:
        if headless.line.match(text.lstrip()[:HEADLESS_LETTERS]):
            return Table(name, frozenset(headless.columns), _headless_rows(text, headless, at))
    if not mapped and (row := _TITLE_YEAR.match(text)):
        header = row[1].join(("title", "year", "rating"))
        return parse_csv(f"{header}\n{text}", name, at, line=0)
    return parse_csv(text, name, at)


def decode_text(content: bytes) -> tuple[str, list[str]]:
    """Decode a text as `decode` does; UTF-16 without a byte order mark and Windows-1251 are read as well.

    In Windows-1251 whole words consist of bytes that are rare accented letters in Windows-1252.
    """
    head = content[:HEAD_LETTERS]
    if len(head) > 3 and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        for zeros, encoding in ((head[1::2], "utf-16-le"), (head[::2], "utf-16-be")):
            if zeros.count(0) > 0.6 * len(zeros) and head.count(0) < 0.7 * len(head):
                mark = b"\xff\xfe" if encoding == "utf-16-le" else b"\xfe\xff"
                return decode(mark + content)
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        in_words = sum(map(len, re.findall(rb"[\xc0-\xff\xa8\xb8]{3,}", content)))
        if in_words > 0.6 * sum(byte > 127 for byte in content) and b"\0" not in content and b"\x98" not in content:
            return content.decode("cp1251"), ["not UTF-8, so read as Windows-1251; check the letters in the titles"]
    return decode(content)


def _headless_rows(text: str, form: _Headless, at: str) -> Iterator[CsvRow]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            fields = [line.strip()] if form.delimiter == "\n" else line.split(form.delimiter)
            by_name = dict(zip(form.columns, fields, strict=False))
            yield CsvRow(f"{at}{number}", by_name, max(0, len(fields) - len(form.columns)))


_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*\r?\n', re.IGNORECASE)
_LIST_HEADER = re.compile(r"^Letterboxd list export[^\r\n]*\r?\n.*?(?=^Position,)", re.DOTALL | re.MULTILINE)
_VOTE_COMMA = re.compile(r"^(\d{4}-\d\d-\d\d),", re.MULTILINE)


def parse_csv(text: str, name: str, at: str = "", line: int = 1) -> Table:
    """Parse a CSV with a header; the delimiter is the most frequent one in the header.

    These are undone: a line `sep=;` before the header, whole lines in quotes, blanks before quoted fields, the lines
    about the list in a Letterboxd list, and Filmtipset's comma after the date.

    `line`: number of the first line.

    Raises:
        DataError: as `parse_text`.
    """
    body = text.lstrip("\r\n")
    delimiter = ""
    if separator := _SEPARATOR_LINE.match(body):
        delimiter, body = separator[1], body[separator.end() :]
    elif heading := _LIST_HEADER.match(body):
        body = body[heading.end() :]
    first_line = re.split("[\r\n]", body[:HEAD_LETTERS], maxsplit=1)[0]
    delimiter = delimiter or max(DELIMITERS, key=first_line.count)
    line += text.count("\n", 0, len(text) - len(body))
    if re.fullmatch(r'"(?:[^"]|"")*"\s*', first_line) and delimiter in first_line:
        body = "\n".join(fields[0] for _, fields in _records(body, "\0", line))
    if f"{delimiter} " in first_line:
        body = re.sub(rf'(?<={re.escape(delimiter)}) +(?=")', "", body)
    if first_line.strip().casefold() == "votedate;movietitle;imdb;score":
        body = _VOTE_COMMA.sub(r"\1;", body)
    records = _records(body, delimiter, line)
    header = [column_key(field) for field in next(records, (0, [""]))[1]]
    if not any(header) or len(header) > MAX_COLUMNS:
        raise DataError(f"the file has no header, or one of more than {MAX_COLUMNS} columns")
    return Table(name, frozenset(header), _rows(records, header, at))


def _records(text: str, delimiter: str, line: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with its first line's number; blank lines are skipped. `line`: number of the first line."""
    options = {"delimiter": delimiter} if delimiter != "\0" else {"delimiter": "\x1f"}
    reader, first = csv.reader(io.StringIO(text, newline=""), strict=True, **options), line  # type: ignore[arg-type]
    try:
        for fields in reader:
            if any(fields):
                yield line, fields
            line = reader.line_num + first
    except csv.Error as error:
        raise DataError(f"line {line}: a quote is out of place or isn't closed, or a field is too long") from error


def _rows(records: Iterable[tuple[int, list[str]]], header: list[str], at: str) -> Iterator[CsvRow]:
    """Yield rows with their fields by name; the first of a duplicate name counts, missing last fields are blank."""
    names = list(reversed(header))
    for line, fields in records:
        surplus = sum(bool(field.strip()) for field in fields[len(header) :])
        padded = fields[: len(header)] + [""] * (len(header) - len(fields))
        yield CsvRow(f"{at}{line}", dict(zip(names, reversed(padded), strict=True)), surplus)
