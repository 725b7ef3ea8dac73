"""Tables of ratings that aren't files of this machine: Parquet in object storage, and tables of PostgreSQL.

Only the columns that are needed are read from Parquet. Rows of PostgreSQL come in parts through a server-side cursor.
"""

import re
from collections.abc import Iterator
from os import PathLike
from typing import Any

import polars as pl

from cinematrix.common.optional import require_storage_package
from cinematrix.errors import DataError

POLARS_SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "abfss", "hf", "http", "https", "file")
"""Schemes of URLs that Polars reads itself; those of other storages are read through fsspec."""

POSTGRESQL_SCHEMES = ("postgresql", "postgres")

PART_ROWS = 500_000
"""Rows of a database that are fetched at a time."""


def as_url(path: str | PathLike[str]) -> str | None:
    """Return the URL that `path` is; None for a path of this machine. `Path` has made one slash of two."""
    match = re.fullmatch(r"([a-z][a-z0-9+]+):/+(.+)", str(path))
    if match is None:
        return None
    return f"{match[1]}:///{match[2]}" if match[1] == "file" else f"{match[1]}://{match[2]}"


def scan_url(url: str) -> tuple[str, pl.LazyFrame]:
    """Return the format and the rows of a Parquet file, a folder of Parquet files, or `postgresql://…/DATABASE#TABLE`.

    Raises:
        DataError: there is no such table, or it can't be read.
        MissingExtraError: a package for this storage isn't installed.
    """
    scheme = url.partition(":")[0]
    try:
        if scheme in POSTGRESQL_SCHEMES:
            return "postgresql", _fetch_table(url).lazy()
        files = url if url.endswith((".parquet", ".pq")) else f"{url.rstrip('/')}/**/*.parquet"
        frame = pl.scan_parquet(files) if scheme in POLARS_SCHEMES else _open_files(files, scheme)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError, ValueError, ImportError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{_without_password(url)} can't be read as a table ({first[:200]})") from error
    return "parquet", frame


def _open_files(files: str, scheme: str) -> pl.LazyFrame:
    """Return the rows of the files that a pattern of fsspec names."""
    require_storage_package("fsspec", f"reading {scheme}://")
    import fsspec

    opened = fsspec.open_files(files, "rb")
    if not opened:
        raise FileNotFoundError("there are no Parquet files")
    contents = []
    for file in opened:
        with file as content:
            contents.append(pl.scan_parquet(content.read()))
    return pl.concat(contents)


def _fetch_table(url: str) -> pl.DataFrame:
    """Fetch all rows of the table that the URL names after `#`."""
    require_storage_package("psycopg", "reading PostgreSQL")
    import psycopg
    from psycopg.sql import SQL, Identifier

    address, _, name = url.partition("#")
    if not name:
        raise ValueError("it names no table; write #TABLE after the database")
    try:
        with psycopg.connect(address) as connection, connection.cursor(name="ratings") as cursor:
            cursor.execute(SQL("SELECT * FROM {}").format(Identifier(*name.split("."))))
            return pl.concat(_fetch_parts(cursor))
    except psycopg.Error as error:
        raise OSError(str(error)) from error


def _fetch_parts(cursor: Any) -> Iterator[pl.DataFrame]:
    """Yield the rows of a query part by part, all with the types of the first; an empty part for no rows."""
    rows = cursor.fetchmany(PART_ROWS)
    schema: Any = [column.name for column in cursor.description]
    while rows or isinstance(schema, list):
        part = pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)
        schema, rows = part.schema, cursor.fetchmany(PART_ROWS)
        yield part


def _without_password(url: str) -> str:
    return re.sub(r"(://[^/:@]*):[^@/]*@", r"\1:…@", url)
