"""Tables that aren't lines of fields: Parquet, Arrow (Feather), Avro, JSON, JSON Lines, blocks of the Netflix prize."""

import ast
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from cinematrix.data.readers.columns import is_known_name
from cinematrix.data.readers.encodings import Recoder
from cinematrix.data.readers.opening import is_columnar, read_content, read_head
from cinematrix.data.readers.pipes import on_disk
from cinematrix.errors import DataError

MAX_JSON_INTEGER = 2**63

_JSON = rb"\{\s*[\"'}]|\[\s*[\[{\]]"
"""First characters of JSON (or Python) records."""

_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = re.compile(rf"(?<!\\)((?:\\\\)*)(?:{_HIGH}(?!{_LOW})|(?<!{_HIGH}){_LOW})")
"""Half of a character in JSON, as where a text was cut within an emoji."""

_BLOCK = r"^\s*(\d+):\s*$"


def read_frame(path: Path) -> tuple[str, pl.LazyFrame] | None:
    """Read a file, or a folder of Parquet files, as a frame with the format's name; None for lines of fields.

    The frame has a column `line` where the rows have line numbers of their own.

    Raises:
        DataError: the file can't be read.
    """
    if path.is_dir():
        return "parquet", _columnar(pl.scan_parquet, sorted(path.rglob("*.parquet")), path, "Parquet")
    head = read_head(path)
    for magic, name, scan in _COLUMNAR:
        if head.startswith(magic):
            return name.lower(), _columnar(scan, on_disk(path), path, name)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.match(_JSON, text):
        return "json", _json(_decode(Recoder()(read_content(path)), path), path).lazy()
    if re.match(_BLOCK, text.split(b"\n", 1)[0].decode("latin-1")):
        return "netflix-prize", _blocks(read_content(path)).lazy()
    return None


def _decode(content: bytes, path: Path) -> str:
    try:
        text = content.decode()
        return _HALF.sub(r"\1\\ufffd", text) if r"\ud" in text or r"\uD" in text else text
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise DataError(f"{path}, line {line}: byte 0x{byte:02x} isn't UTF-8; save the file as UTF-8") from error


def is_frame(path: Path) -> bool:
    """Return True if the rows of the file are numbered from 1, without lines of text.

    Raises:
        DataError: the file can't be read.
    """
    return path.is_dir() or is_columnar(read_head(path))


_COLUMNAR: tuple[tuple[bytes, str, Callable[[Any], pl.LazyFrame]], ...] = (
    (b"PAR1", "Parquet", pl.scan_parquet),
    (b"ARROW1", "Arrow", pl.scan_ipc),
    (b"Obj\x01", "Avro", lambda path: pl.read_avro(path).lazy()),
)
"""First bytes, name and reader of columnar formats."""


def _columnar(scan: Callable[[Any], pl.LazyFrame], source: Any, path: Path, name: str) -> pl.LazyFrame:
    try:
        frame = scan(source)
        frame.head(1).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} can't be read as {name} ({str(error).splitlines()[0][:100]}); is it whole?") from error
    return frame


def _json(text: str, path: Path) -> pl.DataFrame:
    """Read JSON Lines, or one JSON document: a list of records, columns by name, or users' ratings by movie."""
    first = text.lstrip().split("\n", 1)[0].strip()
    if first.startswith("{") and first.endswith("}") and text.count("\n") > 0:
        try:
            return pl.read_ndjson(io.BytesIO(text.encode()), infer_schema_length=None)
        except (pl.exceptions.PolarsError, OSError):
            return _records(_json_lines(text, path), path)
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise DataError(
            f"{path} is JSON nested too deep; give objects with fields for user, movie and rating"
        ) from error
    except ValueError as error:
        if not first.endswith("}"):
            raise DataError(f"{path} isn't whole JSON ({error}); fetch or save it again") from error
        return _records(_json_lines(text, path), path)
    return _document(document, path)


def _json_lines(text: str, path: Path) -> list[Any]:
    """Parse JSON Lines, also those with Python's quotes as in the old Amazon reviews."""
    rows = []
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            try:
                rows.append(json.loads(content))
            except (ValueError, RecursionError):
                try:
                    rows.append(ast.literal_eval(content.strip()))
                except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
                    raise DataError(f"{path}, line {line} isn't JSON: {content[:60]!r}; correct the line") from error
    return rows


def _document(document: Any, path: Path) -> pl.DataFrame:
    if isinstance(document, list):
        return _records(document, path)
    lists = [value for value in document.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lists) == 1:
        return _records(lists[0], path)
    if set(document) >= {"columns", "data"}:
        return _records([dict(zip(document["columns"], row, strict=False)) for row in document["data"]], path)
    values = list(document.values())
    if not any(is_known_name(name) for name in document) and all(isinstance(each, dict) for each in values):
        rated = [(user, movie, rating) for user, movies in document.items() for movie, rating in movies.items()]
        return _records([{"user": user, "movie": movie, "rating": rating} for user, movie, rating in rated], path)
    if all(isinstance(each, dict | list) for each in values):
        columns = [list(each.values()) if isinstance(each, dict) else each for each in values]
        if len(set(map(len, columns))) > 1:
            lengths = ", ".join(f"{name} {len(each)}" for name, each in zip(document, columns, strict=True))
            raise DataError(f"{path} has columns of different lengths ({lengths[:100]}); they must be equal")
        return _records([dict(zip(document, row, strict=True)) for row in zip(*columns, strict=True)], path)
    return _records([document], path)


def _records(rows: list[Any], path: Path) -> pl.DataFrame:
    if not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path} is JSON without records; give objects with fields for user, movie and rating")
    rows = [{name: _plain(value) for name, value in row.items()} for row in rows]
    try:
        return pl.DataFrame(rows, infer_schema_length=None, strict=False)
    except (pl.exceptions.PolarsError, TypeError, OverflowError):
        return pl.DataFrame(
            [{k: None if v is None else str(v) for k, v in row.items()} for row in rows], infer_schema_length=None
        )


def _plain(value: Any) -> Any:
    big = isinstance(value, int) and not -MAX_JSON_INTEGER <= value < MAX_JSON_INTEGER
    return str(value) if big else value


def _blocks(content: bytes) -> pl.DataFrame:
    """Read blocks of a line `movie:` and lines `user,rating,date` (or `user` alone)."""
    lines = pl.DataFrame({"text": content.decode(errors="replace").splitlines()}).with_row_index("line", 1)
    fields = pl.col("text").str.split_exact(",", 2).struct.rename_fields(["user", "rating", "date"])
    table = (
        lines.with_columns(movie=pl.col("text").str.extract(_BLOCK).forward_fill())
        .filter(~pl.col("text").str.contains(_BLOCK) & (pl.col("text").str.strip_chars() != ""))
        .select(pl.col("line").cast(pl.Int64), "movie", fields).unnest("text")
    )  # fmt: skip
    return table.drop([name for name in ("rating", "date") if table[name].null_count() == len(table)])


def unpivot(frame: pl.DataFrame, user: str | None, where: str) -> pl.DataFrame:
    """Return the ratings of a wide table, whose columns are movies, as rows; blank cells are no ratings.

    `user` is the name of the users' column; by default the one of a usual name, else the first without a name.

    Raises:
        DataError: there is no column of users.
    """
    index = user or next((name for name in frame.columns if is_known_name(name, "user")), None)
    index = index or next((name for name in frame.columns if not name.strip() or name.startswith("Unnamed")), None)
    if index is None or index not in frame.columns:
        raise DataError(
            f"{where} has no column for the user beside those of the movies; name it with columns user=NAME"
        )
    if len(frame.columns) < 2 or not len(frame):
        raise DataError(f"{where} is no wide table: it needs a column for each movie and a row for each user")
    free = "\0" * (1 + max(map(len, frame.columns)))  # names that no column has
    movie, rating = f"{free}movie", f"{free}rating"
    cells = frame.unpivot(index=index, variable_name=movie, value_name=rating)
    rated = cells.filter(pl.col(rating).is_not_null())
    if rated[rating].dtype == pl.String:
        rated = rated.filter(pl.col(rating).str.strip_chars() != "")
    if rated[rating].dtype.is_float():
        rated = rated.filter(pl.col(rating).is_not_nan())
    return rated.select(user=pl.col(index), movie=pl.col(movie), rating=pl.col(rating))
