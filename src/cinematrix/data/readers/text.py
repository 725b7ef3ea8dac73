"""Reading a text file of ratings piece by piece: fast while all is well, line by line where it isn't."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.data.readers import columns
from cinematrix.data.readers.layouts import READ_ERRORS, Layout, open_bytes
from cinematrix.data.readers.report import RuleViolation, ViolationLog
from cinematrix.errors import DataError

CHUNK_BYTES = 1 << 24
"""Bytes read at once; also the longest line allowed."""

BLOCK_BYTES = 1 << 18
"""Bytes that are read line by line around a bad line."""

_UNIT = "\x1f"
"""Stands for `::` while Polars reads, since it takes separators of one character only."""

_FAST = {"user": pl.String, "movie": pl.String, "rating": pl.Float32, "time": pl.Float64, "count": pl.Float32}


def read_chunks(path: Path, layout: Layout) -> Iterator[tuple[bytes, int]]:
    """Whole lines of data, about `CHUNK_BYTES` bytes at a time, with the number of the first; line ends are `\\n`.

    Raises:
        DataError: a gzip file that is cut off or damaged; a line longer than `CHUNK_BYTES`.
    """
    line, rest = layout.first_line, b""
    try:
        with open_bytes(path) as file:
            file.seek(layout.start)
            while block := file.read(CHUNK_BYTES):
                rest += block
                end = rest.rfind(b"\n") + 1 or rest.rfind(b"\r", 0, -1) + 1
                if not end and len(rest) >= CHUNK_BYTES:
                    raise DataError(
                        f"{path}, line {line} has more than {CHUNK_BYTES:,} bytes; that is no table of ratings"
                    )
                piece, rest = _plain_ends(rest[:end]), rest[end:]
                if piece:
                    yield piece, line
                line += piece.count(b"\n")
    except READ_ERRORS as error:
        raise DataError(f"{path} is damaged or cut off ({error}); fetch it again") from error
    if rest:
        yield _plain_ends(rest), line


def _plain_ends(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


ParsedRows = tuple[pl.DataFrame, NDArray[np.int64], int]
"""Good rows in our types, their lines, and how many of their times were in milliseconds."""


def parse_chunk(piece: bytes, first_line: int, layout: Layout, tally: ViolationLog, *, whole: bool) -> list[ParsedRows]:
    """The good rows of a piece, which may be the `whole` file. Where a line is bad, its block is read line by line.

    Raises:
        DataError: from `tally`, for the first bad line.
    """
    part = _well_formed(piece, first_line, layout)
    if part is not None:
        return [part]
    parts: list[ParsedRows] = []
    faults: list[RuleViolation] = []
    for block, line in _blocks(piece, first_line):
        part = _well_formed(block, line, layout)
        if part is None:
            raw, lines, broken = _parse_line_by_line(block, line, layout)
            frame, seen = columns.validate_rows(raw, lines)
            part = frame, lines[~seen.bad], seen.milliseconds
            faults += [*broken, *seen.faults]
        parts.append(part)
    tally.add(faults, whole=whole)
    return parts


def _blocks(piece: bytes, line: int) -> Iterator[tuple[bytes, int]]:
    """A piece in blocks of whole lines, about `BLOCK_BYTES` bytes each, with the number of the first."""
    start = 0
    while start < len(piece):
        end = piece.find(b"\n", start + BLOCK_BYTES) + 1 or len(piece)
        yield piece[start:end], line
        line += piece.count(b"\n", start, end)
        start = end


def _well_formed(piece: bytes, first_line: int, layout: Layout) -> ParsedRows | None:
    """The rows of a piece without any bad line, else None."""
    raw = _parse_fast(piece, layout)
    if raw is None:
        return None
    lines = np.arange(first_line, first_line + len(raw), dtype=np.int64)
    frame, seen = columns.validate_rows(raw, lines)
    return None if seen.faults else (frame, lines, seen.milliseconds)


def _parse_fast(piece: bytes, layout: Layout) -> pl.DataFrame | None:
    """The fields of a piece as Polars reads them; None if anything in it isn't as it should be."""
    if b"\0" in piece:
        return None
    separator = layout.separator
    if separator == "::":
        piece, separator = piece.replace(b"::", _UNIT.encode()), _UNIT
    names = [f"column_{i + 1}" for i in range(layout.n_fields)]
    roles = {names[place]: role for role, place in layout.places.items()}
    types = {name: _FAST[roles[name]] if name in roles else pl.String for name in names}
    if layout.text_time:
        types[names[layout.places["time"]]] = pl.String
    try:
        raw = pl.read_csv(
            io.BytesIO(piece), has_header=False, separator=separator, quote_char='"' if layout.quoted else None,
            schema=types, columns=list(roles),
        ).rename(roles)  # fmt: skip
    except (pl.exceptions.PolarsError, OSError):  # OSError: the piece begins as if it were compressed
        return None
    n_lines = piece.count(b"\n") + (not piece.endswith(b"\n"))
    complete = len(raw) == n_lines and not any(raw[role].null_count() for role in raw.columns)
    return raw if complete else None


def _parse_line_by_line(
    piece: bytes, first_line: int, layout: Layout
) -> tuple[pl.DataFrame, NDArray[np.int64], list[RuleViolation]]:
    """The fields of the well-formed lines as text, the numbers of these lines, and what the other lines break."""
    rows: list[list[str]] = []
    lines: list[int] = []
    broken: dict[str, tuple[list[int], str]] = {}
    for line, text in enumerate(piece.removesuffix(b"\n").split(b"\n"), first_line):
        if not text.strip():
            continue
        fields = _fields(text, layout)
        if isinstance(fields, list):
            rows.append([fields[place] for place in layout.places.values()])
            lines.append(line)
        else:
            broken.setdefault(fields[0], ([], fields[1]))[0].append(line)
    raw = pl.DataFrame(rows, schema=dict.fromkeys(layout.places, pl.String), orient="row")
    faults = [RuleViolation(reason, np.array(at, np.int64), problem) for reason, (at, problem) in broken.items()]
    return raw, np.array(lines, np.int64), faults


def _fields(text: bytes, layout: Layout) -> list[str] | tuple[str, str]:
    """The fields of one line, or the rule that it breaks and how."""
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
        return "quote not closed", "a quote isn't closed on its line, and no row may span lines"
    if len(fields) > layout.n_fields or len(fields) <= max(layout.places.values()):
        problem = f"{len(fields)} fields separated by {layout.separator!r} instead of {layout.n_fields}: {line[:60]!r}"
        return "wrong number of fields", problem
    return fields


def _split(line: str, layout: Layout) -> list[str]:
    if not layout.quoted:
        return line.split(layout.separator)
    return next(csv.reader([line], delimiter=layout.separator, strict=True))
