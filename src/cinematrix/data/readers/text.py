"""Parser of text files of ratings in chunks: by Polars if a chunk is valid, else line by line."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.data.readers import columns
from cinematrix.data.readers.layouts import READ_ERRORS, Layout, open_bytes
from cinematrix.data.readers.violations import RuleViolation, ViolationLog
from cinematrix.errors import DataError

CHUNK_BYTES = 1 << 24
"""Bytes of a chunk; also the maximum length of a line."""

BLOCK_BYTES = 1 << 18
"""Bytes that are parsed line by line around a bad line."""

_UNIT = "\x1f"
"""Replacement for `::` during parsing, because Polars accepts only separators of one character."""

_FAST = {"user": pl.String, "movie": pl.String, "rating": pl.Float32, "time": pl.Float64, "count": pl.Float32}


def read_chunks(path: Path, layout: Layout) -> Iterator[tuple[bytes, int]]:
    """Yield chunks of complete lines, about `CHUNK_BYTES` each, with the number of the first; line ends are `\\n`.

    Raises:
        DataError: a gzip file is truncated or damaged, or a line is longer than `CHUNK_BYTES`.
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
                chunk, rest = _plain_ends(rest[:end]), rest[end:]
                if chunk:
                    yield chunk, line
                line += chunk.count(b"\n")
    except READ_ERRORS as error:
        raise DataError(f"{path} is damaged or cut off ({error}); fetch it again") from error
    if rest:
        yield _plain_ends(rest), line


def _plain_ends(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


ParsedRows = tuple[pl.DataFrame, NDArray[np.int64], int]
"""Valid rows in internal types, their line numbers, and the number of times that were in milliseconds."""


def parse_chunk(chunk: bytes, first_line: int, layout: Layout, tally: ViolationLog, *, whole: bool) -> list[ParsedRows]:
    """Parse the valid rows of a chunk, which may be the `whole` file; a block with a bad line is parsed line by line.

    Raises:
        DataError: there is a bad line and `tally` doesn't skip bad rows.
    """
    part = _well_formed(chunk, first_line, layout)
    if part is not None:
        return [part]
    parts: list[ParsedRows] = []
    faults: list[RuleViolation] = []
    for block, line in _blocks(chunk, first_line):
        part = _well_formed(block, line, layout)
        if part is None:
            raw, lines, broken = _parse_line_by_line(block, line, layout)
            frame, validator = columns.validate_rows(raw, lines)
            part = frame, lines[~validator.bad], validator.milliseconds
            faults += [*broken, *validator.faults]
        parts.append(part)
    tally.add(faults, whole=whole)
    return parts


def _blocks(chunk: bytes, line: int) -> Iterator[tuple[bytes, int]]:
    """Split a chunk into blocks of complete lines, about `BLOCK_BYTES` each, with the number of the first line."""
    start = 0
    while start < len(chunk):
        end = chunk.find(b"\n", start + BLOCK_BYTES) + 1 or len(chunk)
        yield chunk[start:end], line
        line += chunk.count(b"\n", start, end)
        start = end


def _well_formed(chunk: bytes, first_line: int, layout: Layout) -> ParsedRows | None:
    """Parse a chunk without a bad line; return None if there is one."""
    raw = _parse_fast(chunk, layout)
    if raw is None:
        return None
    lines = np.arange(first_line, first_line + len(raw), dtype=np.int64)
    frame, validator = columns.validate_rows(raw, lines)
    return None if validator.faults else (frame, lines, validator.milliseconds)


def _parse_fast(chunk: bytes, layout: Layout) -> pl.DataFrame | None:
    """Parse the fields of a chunk by Polars; return None if any line or value is invalid."""
    if b"\0" in chunk:
        return None
    separator = layout.separator
    if separator == "::":
        chunk, separator = chunk.replace(b"::", _UNIT.encode()), _UNIT
    names = [f"column_{i + 1}" for i in range(layout.n_fields)]
    roles = {names[place]: role for role, place in layout.places.items()}
    types = {name: _FAST[roles[name]] if name in roles else pl.String for name in names}
    if layout.text_time:
        types[names[layout.places["time"]]] = pl.String
    try:
        raw = pl.read_csv(
            io.BytesIO(chunk), has_header=False, separator=separator, quote_char='"' if layout.quoted else None,
            schema=types, columns=list(roles),
        ).rename(roles)  # fmt: skip
    except (pl.exceptions.PolarsError, OSError):  # OSError: the chunk begins like compressed data
        return None
    n_lines = chunk.count(b"\n") + (not chunk.endswith(b"\n"))
    complete = len(raw) == n_lines and not any(raw[role].null_count() for role in raw.columns)
    return raw if complete else None


def _parse_line_by_line(
    chunk: bytes, first_line: int, layout: Layout
) -> tuple[pl.DataFrame, NDArray[np.int64], list[RuleViolation]]:
    """Return the fields of the well-formed lines as text, their line numbers, and the rules that other lines break."""
    rows: list[list[str]] = []
    lines: list[int] = []
    broken: dict[str, tuple[list[int], str]] = {}
    for line, text in enumerate(chunk.removesuffix(b"\n").split(b"\n"), first_line):
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
    """Return the fields of one line, or the violated rule and the problem."""
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
