"""Decoding of uploaded text files, CSV parsing with line numbers, and quoting of spreadsheet formulas."""

import csv
import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cinematrix.errors import DataError
from cinematrix.importers.entries import clean_text

FORMULA = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
"""Pattern of a quote before text that a spreadsheet would read as a formula."""

DELIMITERS = ",;\t"
MAX_COLUMNS = 200
"""Maximum columns of a table."""


class CsvRow(NamedTuple):
    """A row of a table: its position, its fields by column name in lower case, and the number of surplus fields."""

    at: str
    fields: dict[str, str]
    surplus: int = 0

    def text(self, *names: str) -> str:
        """Return the first of these fields that isn't blank, repaired and cleaned for display."""
        return clean_text(repair_text(unescape_formula(self.raw(*names))))

    def raw(self, *names: str) -> str:
        """Return the first of these fields that isn't blank, unchanged; for numbers and dates."""
        for name in names:
            field = self.fields.get(name, "")
            if field and not field.isspace():
                return field
        return ""


@dataclass(frozen=True)
class CsvTable:
    """A CSV with a header.

    Attributes:
        name: name of the file, in lower case, without folders.
        header: column names in lower case, in file order.
        rows: iterator over the rows, read lazily.
    """

    name: str
    header: list[str]
    rows: Iterator[CsvRow]

    def need(self, *names: str) -> None:
        """Check that the columns exist.

        Raises:
            DataError: a column is missing.
        """
        missing = [name for name in names if name not in self.header]
        if missing:
            raise DataError(f"{self.name or 'the file'} has no column {missing[0]!r}; export it once more")


def decode(content: bytes) -> tuple[str, list[str]]:
    """Decode text as UTF-16 (by its byte order mark), UTF-8 or Windows-1252, and return it with the warnings.

    Raises:
        DataError: the encoding is none of these, or there is a NUL byte.
    """
    warnings = []
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        else:
            text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.encoding.startswith("utf-16"):
            raise DataError("the file has UTF-16's byte order mark but isn't UTF-16; save it as UTF-8") from error
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            line = content.count(b"\n", 0, error.start) + 1
            raise DataError(f"line {line} is neither UTF-8 nor Windows-1252; save the file as UTF-8") from error
        warnings.append("not UTF-8, so read as Windows-1252; check the accents in the titles")
    if "\0" in text:
        raise DataError(f"line {text.count(chr(10), 0, text.index(chr(0))) + 1} holds a NUL byte, which no text has")
    return text, warnings


def parse_table(text: str, name: str = "", at: str = "") -> CsvTable:
    """Parse a CSV with a header. The delimiter is the most frequent one in the header.

    `name`: name of the file. `at`: prefix of the row positions.

    Raises:
        DataError: the header is missing or has too many columns. While rows are read: a quote isn't closed, or a field
            is too long.
    """
    text = text.lstrip("\r\n")
    first_line = re.split("[\r\n]", text[:10_000], maxsplit=1)[0]
    delimiter = max(DELIMITERS, key=first_line.count)
    records = _records(text, delimiter)
    header = [clean_text(unescape_formula(field)).lower() for field in next(records, (0, [""]))[1]]
    if header == [""] or len(header) > MAX_COLUMNS:
        raise DataError(f"the file has no header, or one of more than {MAX_COLUMNS} columns")
    return CsvTable(name.lower(), header, _rows(records, header, at))


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with its first line's number; blank lines are skipped."""
    reader, line = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1
    try:
        for fields in reader:
            if any(fields):
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"line {line}: a quote is out of place or isn't closed, or a field is too long") from error


def _rows(records: Iterator[tuple[int, list[str]]], header: list[str], at: str) -> Iterator[CsvRow]:
    """Yield rows with their fields by name; the first of a duplicate name counts, missing last fields are blank."""
    names = list(dict.fromkeys(header))
    places = [header.index(name) for name in names]
    for line, fields in records:
        padded = fields + [""] * (len(header) - len(fields))
        surplus = sum(bool(field.strip()) for field in padded[len(header) :]) if len(padded) > len(header) else 0
        yield CsvRow(f"{at}{line}", {name: padded[place] for name, place in zip(names, places, strict=True)}, surplus)


def unescape_formula(text: str) -> str:
    """Undo `escape_formula`."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def escape_formula(text: str) -> str:
    """Quote text that a spreadsheet would read as a formula (OWASP: CSV injection). Inverse of `unescape_formula`."""
    return f"'{text}" if FORMULA.match(f"'{text}") else text


_LATER_BYTE = "[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
_MANGLED = re.compile(
    f"[\u00c2-\u00c5\u00ce-\u00d1\u00d7-\u00d9]{_LATER_BYTE}|[\u00e0-\u00ef]{_LATER_BYTE}{{2}}|[\u00f0-\u00f4]{_LATER_BYTE}{{3}}"
)
_MANGLED_A = re.compile(r"(?<![A-Z\u00c0-\u00de])\u00c3(?= \S)|(?<=[a-z])\u00c3$")
_MANGLED_I = re.compile("(?<=[a-z])\u00c3(?=[a-z])")
"""An à and an í whose second byte, a space without a break or a soft hyphen, was lost."""


def repair_text(text: str) -> str:
    """Return text with HTML entities decoded, and with UTF-8 that was read as Windows-1252 read as UTF-8.

    >>> repair_text("Schindler&#39;s List"), repair_text("AmÃ©lie")
    ("Schindler's List", 'Amélie')
    """
    if "&" in text:
        text = html.unescape(text)
    if text.isascii():
        return text
    repaired = _MANGLED.sub(_read_as_utf8, text)
    return _MANGLED_I.sub("\u00ed", _MANGLED_A.sub("\u00e0", repaired)) if "\u00c3" in repaired else repaired


def _read_as_utf8(run: re.Match[str]) -> str:
    try:
        return b"".join(_to_byte(letter) for letter in run[0]).decode("utf-8")
    except UnicodeDecodeError:
        return run[0]


def _to_byte(letter: str) -> bytes:
    return letter.encode("latin-1" if letter < "\u0100" else "cp1252")
