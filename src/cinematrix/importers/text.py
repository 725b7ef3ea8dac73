"""Bytes as text, and text as rows with their lines: what strangers' files need before anybody can read them."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cinematrix.errors import DataError
from cinematrix.importers.entries import clean_text

FORMULA = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
"""Text that a spreadsheet would have taken for a formula, made harmless by a quote before it."""

DELIMITERS = ",;\t"
MOST_COLUMNS = 200


class CsvRow(NamedTuple):
    """A row of a table: where it stands, its fields by the header's names in lower case, and how many have no name."""

    at: str
    fields: dict[str, str]
    surplus: int = 0

    def text(self, *names: str) -> str:
        """The first of these fields that holds something, fit to be shown."""
        return clean_text(unescape_formula(self.raw(*names)))

    def raw(self, *names: str) -> str:
        """The first of these fields that holds something, as it stands; for numbers and dates."""
        for name in names:
            field = self.fields.get(name, "")
            if field and not field.isspace():
                return field
        return ""


@dataclass(frozen=True)
class CsvTable:
    """A CSV with a header.

    Attributes:
        name: of the file, in lower case, without folders.
        header: the columns' names in lower case, in their order.
        rows: read as they are asked for, once.
    """

    name: str
    header: list[str]
    rows: Iterator[CsvRow]

    def need(self, *names: str) -> None:
        """Make sure of columns.

        Raises:
            DataError: one isn't there.
        """
        missing = [name for name in names if name not in self.header]
        if missing:
            raise DataError(f"{self.name or 'the file'} has no column {missing[0]!r}; export it once more")


def decode(content: bytes) -> tuple[str, list[str]]:
    """The text, by its byte order mark, or as UTF-8, or as Windows-1252 with a warning.

    Raises:
        DataError: it is none of these, or holds a NUL, which no text does.
    """
    warnings = []
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        else:
            text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.encoding.startswith("utf-16"):
            raise DataError("the file begins as UTF-16 and isn't; save it as UTF-8") from error
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            line = content.count(b"\n", 0, error.start) + 1
            raise DataError(f"line {line} is neither UTF-8 nor Windows-1252; save the file as UTF-8") from error
        warnings.append("not UTF-8: read as Windows-1252, so look at the accents in the titles")
    if "\0" in text:
        raise DataError(f"line {text.count(chr(10), 0, text.index(chr(0))) + 1} holds a NUL byte; that is no text")
    return text, warnings


def parse_table(text: str, name: str = "", at: str = "") -> CsvTable:
    """The rows of a CSV under its header; the delimiter is what the header has most of.

    Raises:
        DataError: it has no header; later, as rows are read: a quote isn't closed, a field is too long.
    """
    text = text.lstrip("\r\n")
    first = re.split("[\r\n]", text[:10_000], maxsplit=1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    records = _records(text, delimiter)
    header = [clean_text(unescape_formula(field)).lower() for field in next(records, (0, [""]))[1]]
    if header == [""] or len(header) > MOST_COLUMNS:
        raise DataError("the file has no header, or one of too many columns")
    return CsvTable(name.lower(), header, _rows(records, header, at))


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line that it begins on; blank lines are none."""
    reader, begins = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1
    try:
        for fields in reader:
            if any(fields):
                yield begins, fields
            begins = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"line {begins}: a quote is out of place or isn't closed, or a field is too long") from error


def _rows(records: Iterator[tuple[int, list[str]]], header: list[str], at: str) -> Iterator[CsvRow]:
    """Fields by name, the first of a name that stands twice; what is missing at the end is blank."""
    names = list(dict.fromkeys(header))
    places = [header.index(name) for name in names]
    for line, fields in records:
        padded = fields + [""] * (len(header) - len(fields))
        surplus = sum(bool(field.strip()) for field in padded[len(header) :]) if len(padded) > len(header) else 0
        yield CsvRow(f"{at}{line}", {name: padded[place] for name, place in zip(names, places, strict=True)}, surplus)


def unescape_formula(text: str) -> str:
    """Text as it was before `escape_formula`."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def escape_formula(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP: CSV injection); `unescape_formula` is the way back, exactly."""
    return f"'{text}" if FORMULA.match(f"'{text}") else text
