"""Opening of files: unpacked, UTF-16 recoded, and refused by name if they are something else than a table."""

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from cinematrix.data.readers.pipes import on_disk
from cinematrix.errors import DataError

HEAD_BYTES = 1 << 16
"""Bytes of a file that detection reads."""

HEAD_LINES = 20
"""Lines of a file that detection reads even if they are longer, up to `MAX_HEAD_BYTES`."""

MAX_HEAD_BYTES = 1 << 24

READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""Exceptions of reading a file, a damaged packed file included."""

PACKED: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
"""First bytes of packed files that are read, with what opens them."""

PACKED_SUFFIXES = (".gz", ".bz2", ".xz")

_UTF_16 = re.compile(rb"(?s)(\xff\xfe|(?=[\t -~]\0[\t -~]\0))|(\xfe\xff|(?=\0[\t -~]\0[\t -~]))")
"""Start of UTF-16: the mark of its order of bytes, or two ASCII characters; first low bytes, then high ones."""

_SAVE = "save the table as CSV"
_REFUSED: list[tuple[bytes, str]] = [
    (b"PK\x03\x04", "is a zip archive; unpack it and give the folder"),
    (b"\xd0\xcf\x11\xe0", f"is an old Excel workbook; {_SAVE}"),
    (b"(\xb5/\xfd", "is packed with zstd; unpack it"),
    (b"7z\xbc\xaf", "is a 7-Zip archive; unpack it and give the folder"),
    (b"Rar!", "is a RAR archive; unpack it and give the folder"),
    (b"FEA1", "is a Feather file of version 1; save it as Feather version 2, Parquet or CSV"),
    (b"ORC", "is an ORC file; save the table as Parquet or CSV"),
    (b"SQLite format 3\0", f"is an SQLite database; {_SAVE}"),
    (b"\x89HDF", "is an HDF5 file; save the table as Parquet or CSV"),
    (b"\x80\x04", "is a Python pickle, which can run code; save the table as Parquet or CSV"),
    (b"\x80\x05", "is a Python pickle, which can run code; save the table as Parquet or CSV"),
    (b"\x93NUMPY", f"is a NumPy array without names; {_SAVE}"),
    (b"$FL2", f"is an SPSS file; {_SAVE}"),
    (b"<stata_dta>", f"is a Stata file; {_SAVE}"),
    (b"%PDF", f"is a PDF; {_SAVE}"),
    (b"RDX", f"is an R data file; {_SAVE}"),
]
"""First bytes of files that are no tables of ratings, with what they are and what to do."""


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file as bytes: unpacked if it is packed, as UTF-8 if it is UTF-16."""
    path = on_disk(path)
    with path.open("rb") as file:
        first = file.read(6)
    opener = next((opener for magic, opener in PACKED.items() if first.startswith(magic)), None)
    opened: IO[bytes] = path.open("rb") if opener is None else opener(path)
    try:
        start = _UTF_16.match(opened.read(4))
        opened.seek(0)
        if start is None:
            return opened
        with opened:
            text = opened.read()[start.end() :].decode("utf-16-be" if start[1] is None else "utf-16-le", "replace")
            return io.BytesIO(text.encode())
    except BaseException:
        opened.close()
        raise


def is_utf_16(path: Path) -> bool:
    """Return True if the file is UTF-16 by its first bytes."""
    with on_disk(path).open("rb") as file:
        return _UTF_16.match(file.read(4)) is not None


def read_head(path: Path) -> bytes:
    """Read the first bytes of a file, unpacked: `HEAD_BYTES`, and more if they hold fewer lines than `HEAD_LINES`.

    Raises:
        DataError: the file can't be read, is empty, or is something else than a table; the message says what.
    """
    try:
        with open_bytes(path) as file:
            head = file.read(HEAD_BYTES)
            while not _has_lines(head) and len(head) < MAX_HEAD_BYTES and (more := file.read(len(head))):
                head += more
    except READ_ERRORS as error:
        raise DataError(f"{path} can't be read: {error}") from error
    problem = _problem(head, path)
    if problem:
        raise DataError(f"{path} {problem}")
    return head


def _has_lines(head: bytes) -> bool:
    return head.count(b"\n") + head.count(b"\r") >= HEAD_LINES or b"\0" in head or is_columnar(head)


def read_content(path: Path) -> bytes:
    """Read a whole file, unpacked.

    Raises:
        DataError: the file can't be read.
    """
    try:
        with open_bytes(path) as file:
            return file.read().removeprefix(codecs.BOM_UTF8)
    except READ_ERRORS as error:
        raise DataError(f"{path} is damaged or cut off ({error}); fetch it again") from error


def _problem(head: bytes, path: Path) -> str:
    """Return what the file is instead of a table, and what to do; blank if it may be a table."""
    if head.startswith(b"PK\x03\x04") and (b"xl/" in head or path.suffix.lower() in (".xlsx", ".xlsm", ".ods")):
        return f"is a workbook of Excel or LibreOffice; {_SAVE}"
    if head.startswith(b"PK\x03\x04") and path.suffix.lower() == ".npz":
        return f"is a NumPy archive; {_SAVE}"
    for magic, problem in _REFUSED:
        if head.startswith(magic):
            return problem
    if head[257:262] == b"ustar":
        return "is a tar archive; unpack it and give the folder"
    text = head.removeprefix(codecs.BOM_UTF8).strip()
    if text[:9].lower().startswith((b"<!doctype", b"<html")):
        return "is a web page, not a table"
    if text.startswith(b"<?xml"):
        return f"is XML; {_SAVE}"
    if text.startswith((b"<<<<<<<", b"version https://git-lfs")):
        return "is a file of git (a merge conflict or a pointer to LFS), not a table; fetch the table itself"
    if not text:
        return "is empty; a table is needed"
    binary = len(head) > 8 and head.count(b"\0") > len(head) // 4
    return "is binary, not text; save the table as UTF-8 text" if binary and not is_columnar(head) else ""


def is_columnar(head: bytes) -> bool:
    """Return True for Parquet, Arrow (Feather) and Avro by the first bytes."""
    return head.startswith((b"PAR1", b"ARROW1", b"Obj\x01"))
