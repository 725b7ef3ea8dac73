"""Reader of data sets in any supported format: `read`."""

from dataclasses import asdict
from os import PathLike
from pathlib import Path

import polars as pl

from cinematrix.common.progress import Progress
from cinematrix.data.dataset import Dataset, ReadReport
from cinematrix.data.ratings import Scale
from cinematrix.data.readers import cache as dataset_cache
from cinematrix.data.readers import files
from cinematrix.data.readers.frames import read_parquet
from cinematrix.data.readers.layouts import detect_layout
from cinematrix.data.readers.movies import MovieTable
from cinematrix.data.readers.table import RatingsTable
from cinematrix.data.readers.text import parse_chunk, read_chunks
from cinematrix.data.readers.violations import ViolationLog
from cinematrix.errors import DataError


def read(
    path: str | PathLike[str],
    *,
    movies: str | PathLike[str] | None = None,
    columns: dict[str, str] | None = None,
    scale: Scale | None = None,
    skip_bad: bool = False,
    cache: bool = True,
    progress: Progress | None = None,
) -> Dataset:
    """Read ratings and catalog from a folder or a file; the format is detected by the content.

    Args:
        path: folder or file of ml-100k, ml-1m, ml-10m, a MovieLens CSV or MovieTweetings; or a CSV (`,` `;` TAB) or
            Parquet file with columns for user, movie and optionally rating, time, count. Without a rating column the
            rows are plain interactions. Text files may be packed with gzip.
        movies: file of movies; by default the one that belongs to the ratings by its name.
        columns: column names by role (user, movie, rating, time, count).
        scale: rating scale; by default that of the format, or inferred from the ratings.
        skip_bad: drop and count bad lines; by default the first is an error.
        cache: cache data sets with more than 16 MB of ratings in the user's cache folder, and read them from there.
        progress: receiver of progress in bytes.

    Raises:
        DataError: there are no ratings, or a line breaks a rule; the message names the file and the line.
        SettingError: `columns` names a role that doesn't exist.
    """
    paths = files.find_dataset_files(Path(path), None if movies is None else Path(movies))
    entry = None
    if cache and paths.ratings.stat().st_size > dataset_cache.MIN_CACHED_BYTES:
        options = {"columns": columns, "scale": None if scale is None else asdict(scale), "skip_bad": skip_bad}
        entry = dataset_cache.CacheEntry(paths, options)
        dataset = entry.load()
        if dataset is not None:
            return dataset
    dataset = _read(paths, columns, scale, skip_bad, progress)
    if entry is not None:
        entry.save(dataset)
    return dataset


def _read(
    paths: files.DatasetPaths,
    columns: dict[str, str] | None,
    scale: Scale | None,
    skip_bad: bool,
    progress: Progress | None,
) -> Dataset:
    in_parquet = files.is_parquet(paths.ratings)
    tally = ViolationLog(str(paths.ratings), "row" if in_parquet else "line", skip_bad)
    if in_parquet:
        name, table = "parquet", read_parquet(paths.ratings, columns, tally)
    else:
        name, table = _read_text(paths, columns, tally, progress)
    n_rows = table.n_rows + sum(dropped.count for dropped in tally.dropped.values())
    final, inferred = (scale, False) if scale else table.scale(name)
    if final is not None:
        table.drop_off_scale(final, tally)
    rows = None if paths.movies is None else MovieTable(paths, ViolationLog(str(paths.movies), "line", skip_bad))
    integers = table.movie_id_type() == pl.Int64 and (rows is None or rows.ids.dtype == pl.Int64)
    kind = pl.Int64 if integers else pl.String
    milliseconds = table.milliseconds
    ratings = table.ratings(final, kind)
    report = ReadReport(
        n_rows, tally.dropped, ratings.merged, milliseconds, ratings.scale,
        scale_inferred=inferred,
        **({} if rows is None else rows.counts),
    )  # fmt: skip
    catalog = None if rows is None else rows.catalog(kind, imdb=name == "movietweetings")
    return Dataset(ratings, catalog, name, str(paths.ratings), report)


def _read_text(
    paths: files.DatasetPaths, columns: dict[str, str] | None, tally: ViolationLog, progress: Progress | None
) -> tuple[str, RatingsTable]:
    layout = detect_layout(paths.ratings, columns, has_tags=paths.tags is not None)
    table = RatingsTable(str(paths.ratings))
    size = paths.ratings.stat().st_size
    if progress:
        progress.start(f"reading {paths.ratings.name}", size)
    for chunk, line in read_chunks(paths.ratings, layout):
        whole = line == layout.first_line and len(chunk) + layout.start >= size
        for part in parse_chunk(chunk, line, layout, tally, whole=whole):
            table.add(*part)
        if progress:
            progress.advance(len(chunk))
    if progress:
        progress.stop()
    if not table.n_rows:
        dropped = sum(each.count for each in tally.dropped.values())
        raise DataError(f"{paths.ratings} has no good row ({dropped:,} dropped); at least one rating is needed")
    return "ml-10m" if layout.name == "ml-1m" and table.has_half_stars() else layout.name, table
