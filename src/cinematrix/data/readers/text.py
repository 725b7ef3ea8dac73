"""Parser of text files of ratings in chunks: by Polars if a chunk is well-formed, else row by row."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.data.readers.encodings import Recoder
from cinematrix.data.readers.id_columns import plain_integers
from cinematrix.data.readers.layouts import Layout
from cinematrix.data.readers.log import RuleViolation
from cinematrix.data.readers.opening import READ_ERRORS, open_bytes
from cinematrix.data.readers.table import RatingsTable
from cinematrix.errors import DataError

CHUNK_BYTES = 1 << 24
"""Bytes of a chunk; also the maximum length of a line."""

BLOCK_BYTES = 1 << 18
"""Bytes that are parsed row by row around a bad line."""

MAX_ROW_LINES = 1000
"""Maximum lines of a row whose quoted fields span lines."""

_UNIT = "\x1f"
"""Replacement for `::` during parsing, because Polars accepts only separators of one character."""

_FAST = {"user": pl.String, "movie": pl.String, "rating": pl.Float32, "time": pl.Float64, "count": pl.Float32}


def read_chunks(path: Path, layout: Layout, recode: Recoder) -> Iterator[tuple[bytes, int]]:
    """Yield chunks of complete rows, about `CHUNK_BYTES` each, with the number of the first line.

    They are UTF-8 with the line ends `\\n`. A chunk ends outside of quotes, if its quotes allow.

    Raises:
        DataError: a packed file is truncated or damaged, or a line is longer than `CHUNK_BYTES`.
    """
    line, rest = layout.first_line, b""
    try:
        with open_bytes(path) as file:
            file.seek(layout.start)
            while block := file.read(CHUNK_BYTES):
                rest += block
                end = _end_of_rows(rest, layout)
                if not end and len(rest) >= CHUNK_BYTES:
                    raise DataError(
                        f"{path}, line {line} has more than {CHUNK_BYTES:,} bytes; that is no table of ratings"
                    )
                chunk, rest = _plain_ends(rest[:end]), rest[end:]
                if chunk:
                    yield recode(chunk), line
                line += chunk.count(b"\n")
    except READ_ERRORS as error:
        raise DataError(f"{path} is damaged or cut off ({error}); fetch it again") from error
    if rest:
        yield recode(_plain_ends(rest)), line


def read_wide(path: Path, layout: Layout, recode: Recoder) -> pl.DataFrame:
    """Read a wide table, whose columns are movies, as text.

    Raises:
        DataError: a line has another number of fields than the header.
    """
    content = b"".join(chunk for chunk, _ in read_chunks(path, layout, recode))
    separator = layout.separator
    if separator == "::":
        content, separator = content.replace(b"::", _UNIT.encode()), _UNIT
    try:
        return pl.read_csv(
            io.BytesIO(content), has_header=False, separator=separator, infer_schema=False,
            new_columns=list(layout.header),
        )  # fmt: skip
    except (pl.exceptions.PolarsError, OSError) as error:  # OSError: it begins like compressed data
        raise DataError(f"{path} isn't a whole table ({str(error).splitlines()[0][:100]}); correct the line") from error


def _end_of_rows(content: bytes, layout: Layout) -> int:
    """Return the place after the last row that ends in `content`; 0 if none does."""
    end = content.rfind(b"\n") + 1 or content.rfind(b"\r", 0, -1) + 1
    last = end
    while layout.quoted and last and content.count(b'"', 0, last) % 2:
        last = content.rfind(b"\n", 0, max(content.rfind(b'"', 0, last), 0)) + 1
    return last or end


def _plain_ends(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def add_chunk(table: RatingsTable, chunk: bytes, first_line: int, layout: Layout) -> None:
    """Add the rows of a chunk to `table`; a block with a bad line is parsed row by row."""
    frame = _parse_fast(chunk, layout)
    if frame is not None:
        table.add(frame, first_line)
        return
    for block, line in _blocks(chunk, first_line, layout):
        frame = _parse_fast(block, layout)
        if frame is not None:
            table.add(frame, line)
        else:
            frame, lines, faults = _parse_rows(block, line, layout)
            table.add(frame, lines)
            table.refuse(faults)


def _blocks(chunk: bytes, line: int, layout: Layout) -> Iterator[tuple[bytes, int]]:
    """Split a chunk into blocks of complete rows, about `BLOCK_BYTES` each, with the number of the first line."""
    start = 0
    while start < len(chunk):
        end = chunk.find(b"\n", start + BLOCK_BYTES) + 1 or len(chunk)
        while layout.quoted and end < len(chunk) and chunk.count(b'"', start, end) % 2:
            end = chunk.find(b"\n", end) + 1 or len(chunk)
        yield chunk[start:end], line
        line += chunk.count(b"\n", start, end)
        start = end


def _parse_fast(chunk: bytes, layout: Layout) -> pl.DataFrame | None:
    """Parse the fields of a chunk by Polars; return None if a line is malformed or a value is missing."""
    separator = layout.separator
    if b"\0" in chunk or separator == " ":
        return None
    if separator == "::":
        chunk, separator = chunk.replace(b"::", _UNIT.encode()), _UNIT
    names = [f"column_{i + 1}" for i in range(layout.n_fields)]
    roles = {names[place]: role for role, place in layout.places.items()}
    types = {name: _FAST[roles[name]] if name in roles else pl.String for name in names}
    types |= {name: pl.String for name, role in roles.items() if role in layout.text}
    try:
        frame = pl.read_csv(
            io.BytesIO(chunk), has_header=False, separator=separator, quote_char='"' if layout.quoted else None,
            schema=types, columns=list(roles),
        ).rename(roles)  # fmt: skip
    except (pl.exceptions.PolarsError, OSError):  # OSError: the chunk begins like compressed data
        return None
    n_lines = chunk.count(b"\n") + (not chunk.endswith(b"\n"))
    if len(frame) != n_lines or any(frame[role].null_count() for role in frame.columns):
        return None
    integers = {role: plain_integers(frame[role]) for role in ("user", "movie") if role in frame.columns}
    return frame.with_columns(**{role: column for role, column in integers.items() if column is not None})


def _parse_rows(
    chunk: bytes, first_line: int, layout: Layout
) -> tuple[pl.DataFrame, NDArray[np.int64], list[RuleViolation]]:
    """Return the fields of the well-formed rows as text, their line numbers, and the rules that other lines break."""
    rows: list[list[str]] = []
    lines: list[int] = []
    broken: dict[str, tuple[list[int], str]] = {}
    for line, fields in _rows(chunk.removesuffix(b"\n").split(b"\n"), first_line, layout):
        if isinstance(fields, list):
            rows.append([fields[place] for place in layout.places.values()])
            lines.append(line)
        else:
            broken.setdefault(fields[0], ([], fields[1]))[0].append(line)
    raw = pl.DataFrame(rows, schema=dict.fromkeys(layout.places, pl.String), orient="row")
    faults = [RuleViolation(reason, np.array(at, np.int64), problem) for reason, (at, problem) in broken.items()]
    return raw, np.array(lines, np.int64), faults


Fields = list[str] | tuple[str, str]
"""The fields of a row, or the violated rule and the problem."""


def _rows(lines: list[bytes], first_line: int, layout: Layout) -> Iterator[tuple[int, Fields]]:
    """Yield the rows with the number of their first line; a row goes on while a quote is open."""
    place = 0
    while place < len(lines):
        fields, n_lines = _fields(lines[place], layout), 1
        if isinstance(fields, tuple) and fields[0] == _OPEN_QUOTE[0]:
            fields, n_lines = _longer_row(lines[place : place + MAX_ROW_LINES], layout)
        if lines[place].strip():
            yield first_line + place, fields
        place += n_lines


def _longer_row(lines: list[bytes], layout: Layout) -> tuple[Fields, int]:
    """Return the fields of a row over several lines and their number; the fault of the first line if it never ends."""
    open_ = lines[0].count(b'"') % 2
    for n_lines in range(2, len(lines) + 1):
        open_ ^= lines[n_lines - 1].count(b'"') % 2
        if not open_:
            fields = _fields(b"\n".join(lines[:n_lines]), layout)
            if isinstance(fields, list):
                return fields, n_lines
    return _OPEN_QUOTE, 1


_OPEN_QUOTE = ("quote not closed", "a quote isn't closed, or is out of place")


def _fields(text: bytes, layout: Layout) -> Fields:
    """Return the fields of one row, or the violated rule and the problem."""
    if b"\0" in text:
        return "NUL byte", "there is a NUL byte, which no text has"
    try:
        line = text.decode()
    except UnicodeDecodeError as error:
        byte = text[error.start]
        return "not UTF-8", f"byte 0x{byte:02x} at place {error.start + 1} isn't UTF-8; save the file as UTF-8"
    try:
        fields = _split(line, layout)
    except csv.Error:
        return _OPEN_QUOTE
    if len(fields) > layout.n_fields or len(fields) <= max(layout.places.values()):
        problem = f"{len(fields)} fields separated by {layout.separator!r} instead of {layout.n_fields}: {line[:60]!r}"
        return "wrong number of fields", problem
    return fields


def _split(line: str, layout: Layout) -> list[str]:
    if layout.separator == " ":
        return line.split()
    if not layout.quoted:
        return line.split(layout.separator)
    return next(csv.reader(io.StringIO(line, newline=""), delimiter=layout.separator, strict=True), [])
