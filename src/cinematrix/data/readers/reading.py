"""`read`: from a path to a data set, whatever the format."""

from dataclasses import asdict
from os import PathLike
from pathlib import Path

import polars as pl

from cinematrix.common.progress import Progress
from cinematrix.data.ratings import Scale
from cinematrix.data.readers import cache as kept
from cinematrix.data.readers import files as folders
from cinematrix.data.readers.frames import read_parquet
from cinematrix.data.readers.layouts import detect_layout
from cinematrix.data.readers.movies import MovieTable
from cinematrix.data.readers.report import Dataset, ReadReport, ViolationLog
from cinematrix.data.readers.table import RatingsTable
from cinematrix.data.readers.text import parse_chunk, read_chunks
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
    """Ratings and catalog from a folder or a file, its format told by the content.

    Args:
        path: a folder or file of ml-100k, ml-1m, ml-10m, a MovieLens CSV, MovieTweetings; a CSV (`,` `;` TAB) or
            Parquet file with columns for user, movie and perhaps rating, time, count. Without a rating column the
            rows are plain interactions. Any of the text files may be packed with gzip.
        movies: a file of movies; by default the one that belongs to the ratings by its name.
        columns: from role (user, movie, rating, time, count) to the name of its column.
        scale: of the ratings, where the one known from the format or read off the ratings isn't right.
        skip_bad: drop and count bad lines; by default the first is an error.
        cache: keep what was read of files over 16 MB in the user's cache folder, and take it from there.
        progress: hears about the bytes read.

    Raises:
        DataError: there are no ratings, or a line breaks a rule; the message names the file and the line.
        SettingError: `columns` names a role that doesn't exist.
    """
    found = folders.find_dataset_files(Path(path), None if movies is None else Path(movies))
    place = None
    if cache and found.ratings.stat().st_size > kept.MIN_CACHED_BYTES:
        options = {"columns": columns, "scale": None if scale is None else asdict(scale), "skip_bad": skip_bad}
        place = kept.CacheEntry(found, options)
        dataset = place.load()
        if dataset is not None:
            return dataset
    dataset = _read(found, columns, scale, skip_bad, progress)
    if place is not None:
        place.save(dataset)
    return dataset


def _read(
    found: folders.DatasetPaths,
    columns: dict[str, str] | None,
    scale: Scale | None,
    skip_bad: bool,
    progress: Progress | None,
) -> Dataset:
    in_parquet = folders.is_parquet(found.ratings)
    tally = ViolationLog(str(found.ratings), "row" if in_parquet else "line", skip_bad)
    if in_parquet:
        name, table = "parquet", read_parquet(found.ratings, columns, tally)
    else:
        name, table = _read_text(found, columns, tally, progress)
    n_rows = table.n_rows + sum(dropped.count for dropped in tally.dropped.values())
    final, inferred = (scale, False) if scale else table.scale(name)
    if final is not None:
        table.drop_off_scale(final, tally)
    rows = None if found.movies is None else MovieTable(found, ViolationLog(str(found.movies), "line", skip_bad))
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
    return Dataset(name, str(found.ratings), ratings, catalog, report)


def _read_text(
    found: folders.DatasetPaths, columns: dict[str, str] | None, tally: ViolationLog, progress: Progress | None
) -> tuple[str, RatingsTable]:
    layout = detect_layout(found.ratings, columns, has_tags=found.tags is not None)
    table = RatingsTable(str(found.ratings))
    size = found.ratings.stat().st_size
    if progress:
        progress.start(f"reading {found.ratings.name}", size)
    for piece, line in read_chunks(found.ratings, layout):
        whole = line == layout.first_line and len(piece) + layout.start >= size
        for part in parse_chunk(piece, line, layout, tally, whole=whole):
            table.add(*part)
        if progress:
            progress.advance(len(piece))
    if progress:
        progress.stop()
    if not table.n_rows:
        dropped = sum(each.count for each in tally.dropped.values())
        raise DataError(f"{found.ratings} has no good row ({dropped:,} dropped); at least one rating is needed")
    return "ml-10m" if layout.name == "ml-1m" and table.has_half_stars() else layout.name, table
