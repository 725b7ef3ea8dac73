"""Readers of tables with columns: files of a columnar format or JSON, and frames of pandas, Polars or Arrow."""

from typing import Any

import polars as pl

from cinematrix.data.dataset import ReadReport
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.readers import columns as roles
from cinematrix.data.readers.formats import unpivot
from cinematrix.data.readers.log import ReadLog
from cinematrix.data.readers.memory import as_polars
from cinematrix.data.readers.table import RatingsTable
from cinematrix.errors import DataError

SAMPLE_ROWS = 1000
"""Rows by which columns of other names are told."""


def from_frame(frame: Any, **options: Any) -> Ratings:
    """Create ratings from any table in memory; `read_frame` without its report.

    Raises:
        DataError: a required column is missing, or a value breaks a rule; the message names the row, from 1.
    """
    return read_frame(frame, **options)[0]


def read_frame(
    frame: Any,
    *,
    columns: dict[str, str] | None = None,
    scale: Scale | None = None,
    skip_bad: bool = False,
    missing: tuple[str, ...] | None = None,
) -> tuple[Ratings, ReadReport]:
    """Create ratings from any table in memory that `memory.as_polars` takes, with a report.

    Columns are found by the usual names (user, userId, item_id, rating, timestamp, …) or by `columns`, from role
    (user, movie, rating, time, count) to name. Without a rating column the rows are plain interactions.
    `skip_bad` drops bad rows instead of stopping at the first; `missing` are ratings that mean "not rated". Dates and
    times of any unit become seconds; times without a zone are UTC.

    Raises:
        DataError: a required column is missing, or a value breaks a rule; the message names the row, from 1.
    """
    log = ReadLog("the frame", "row", skip_bad)
    table = RatingsTable(log)
    add_frame(table, as_polars(frame), columns)
    n_rows = table.n_rows
    table.validate(missing)
    final, inferred = (scale, False) if scale else table.scale()
    ratings = table.ratings(final)
    report = ReadReport(
        n_rows, log.dropped, ratings.merged, log.milliseconds, ratings.scale, scale_inferred=inferred,
        notes=log.notes, warnings=log.warnings,
    )  # fmt: skip
    return ratings, report


def add_frame(
    table: RatingsTable,
    frame: pl.DataFrame | pl.LazyFrame,
    columns: dict[str, str] | None,
    needed: tuple[str, ...] = ("user", "movie"),
    wanted: tuple[str, ...] | None = None,
) -> None:
    """Add the rows of a frame to `table`: the columns of the roles in `wanted` (default: all).

    Rows are numbered from 1, or by the column `line` of a frame with blocks.

    Raises:
        DataError: a column is missing, or the file of the frame is damaged.
    """
    named = roles.check_roles(columns)
    if named.get("movie") == roles.ALL_OTHERS:
        frame = unpivot(frame.lazy().collect(), named.get("user"), table.file)
        named = {role: name for role, name in named.items() if role not in ("user", "movie")}
    try:
        lazy = _flat(frame.lazy())
        names = lazy.collect_schema().names()
        sample = _sample(lazy.head(SAMPLE_ROWS).collect()) if wanted is None else None
        blocks = names[:2] == ["line", "movie"]
        places = roles.find_columns(names, named, table.file, needed, sample)
        chosen = {role: names[place] for role, place in places.items() if wanted is None or role in wanted}
        found = lazy.select(pl.col(name).alias(role) for role, name in chosen.items()).collect()
        lines = lazy.select("line").collect()["line"].to_numpy() if blocks else 1
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{table.file} is damaged ({str(error).splitlines()[0][:100]}); fetch it again") from error
    table.log.notes += () if blocks else roles.note_unused(names, places)
    table.add(found, lines)


def _flat(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return a frame with the fields of records as columns, such as `user.id`."""
    while nested := [name for name, kind in frame.collect_schema().items() if isinstance(kind, pl.Struct)]:
        frame = frame.with_columns(pl.col(name).name.prefix_fields(f"{name}.") for name in nested).unnest(nested)
    return frame


def _sample(head: pl.DataFrame) -> pl.DataFrame | None:
    """Return the first rows as text, without what is neither text nor numbers."""
    gaps = pl.Series([None] * len(head), dtype=pl.String)
    plain = [(column.cast(pl.String) if _is_plain(column.dtype) else gaps).alias(column.name) for column in head]
    return pl.DataFrame(plain) if len(head) else None


def _is_plain(kind: pl.DataType) -> bool:
    return kind.is_numeric() or kind in (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Categorical, pl.Enum)
