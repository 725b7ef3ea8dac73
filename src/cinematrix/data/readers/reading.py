"""Reader of data sets in any supported format: `read`."""

from dataclasses import asdict
from os import PathLike
from pathlib import Path

import polars as pl

from cinematrix.common.progress import Progress
from cinematrix.data.dataset import Dataset, ReadReport
from cinematrix.data.ratings import Scale
from cinematrix.data.readers import cache as dataset_cache
from cinematrix.data.readers import files, formats
from cinematrix.data.readers.columns import ALL_OTHERS
from cinematrix.data.readers.encodings import Recoder
from cinematrix.data.readers.frames import add_frame
from cinematrix.data.readers.layouts import check_wide, detect_layout
from cinematrix.data.readers.log import ReadLog
from cinematrix.data.readers.matching import note_untitled
from cinematrix.data.readers.movies import MovieTable
from cinematrix.data.readers.pipes import copying_pipes, on_disk
from cinematrix.data.readers.remote import as_url, scan_url
from cinematrix.data.readers.table import RatingsTable
from cinematrix.data.readers.text import add_chunk, read_chunks, read_wide
from cinematrix.errors import DataError


@copying_pipes()
def read(
    path: str | PathLike[str],
    *,
    movies: str | PathLike[str] | None = None,
    columns: dict[str, str] | None = None,
    scale: Scale | None = None,
    missing: tuple[str, ...] | None = None,
    skip_bad: bool = False,
    cache: bool = True,
    progress: Progress | None = None,
) -> Dataset:
    """Read ratings and catalog from a folder or a file; the format is detected by the content.

    Args:
        path: folder or file of ml-100k, ml-1m, ml-10m, a MovieLens CSV or MovieTweetings; or a text table, Parquet,
            Arrow, Avro or JSON with columns for user, movie and optionally rating, time, count. Without a rating column
            the rows are plain interactions. Text files may be packed with gzip, bzip2 or xz; pipes are read like files.
            A URL is of a Parquet file or a folder of them (s3://, gs://, az://, https:// and others), or
            postgresql://HOST/DATABASE#TABLE.
        movies: file of movies; by default the one that belongs to the ratings by its name.
        columns: column names by role (user, movie, rating, time, count), or their numbers in a table without a header.
            `-` means that there is none; `movie=*` that every other column is a movie.
        scale: rating scale; by default that of the format, or inferred from the ratings.
        missing: ratings that mean "not rated", whose rows are dropped; (): none does; None: doubtful ones are an error.
        skip_bad: drop and count bad lines; by default the first is an error.
        cache: cache data sets with more than 16 MB of ratings in the user's cache folder, and read them from there.
        progress: receiver of progress in bytes.

    Raises:
        DataError: there are no ratings, or a line breaks a rule; the message names the file and the line.
        SettingError: `columns` names a role that doesn't exist.
    """
    if not Path(path).exists() and (url := as_url(path)):
        return _read_url(url, movies, columns, scale, missing, ReadLog(url, "row", skip_bad))
    paths = files.find_dataset_files(Path(path), None if movies is None else Path(movies))
    entry = None
    if cache and files.n_bytes(paths.ratings) > dataset_cache.MIN_CACHED_BYTES:
        options = {
            "columns": columns, "scale": None if scale is None else asdict(scale), "skip_bad": skip_bad,
            "missing": missing,
        }  # fmt: skip
        entry = dataset_cache.CacheEntry(paths, options)
        dataset = entry.load()
        if dataset is not None:
            return dataset
    log = ReadLog(str(paths.ratings), "row" if formats.is_frame(paths.ratings) else "line", skip_bad)
    dataset = _read(paths, columns, scale, missing, log, progress)
    if entry is not None:
        entry.save(dataset)
    return dataset


def _read(
    paths: files.DatasetPaths,
    columns: dict[str, str] | None,
    scale: Scale | None,
    missing: tuple[str, ...] | None,
    log: ReadLog,
    progress: Progress | None,
) -> Dataset:
    name, table = read_table(paths.ratings, columns, log, has_tags=paths.tags is not None, progress=progress)
    return _make_dataset(name, table, paths, scale, missing)


def _read_url(
    url: str,
    movies: str | PathLike[str] | None,
    columns: dict[str, str] | None,
    scale: Scale | None,
    missing: tuple[str, ...] | None,
    log: ReadLog,
) -> Dataset:
    """Read ratings that aren't a file here; the movies are one, if they are given."""
    name, frame = scan_url(url)
    table = RatingsTable(log)
    add_frame(table, frame, columns)
    companion = None if movies is None else Path(movies)
    if companion is not None and not companion.exists():
        raise DataError(f"{companion} doesn't exist; give a file of movies")
    return _make_dataset(name, table, files.DatasetPaths(Path(url), companion), scale, missing)


def _make_dataset(
    name: str,
    table: RatingsTable,
    paths: files.DatasetPaths,
    scale: Scale | None,
    missing: tuple[str, ...] | None,
) -> Dataset:
    """Validate the rows of a table of ratings, and read the movies."""
    log = table.log
    n_well_formed = table.n_rows
    table.validate(missing)
    name = "ml-10m" if name == "ml-1m" and table.has_half_stars() else name
    n_rows = n_well_formed + table.n_malformed
    final, inferred = (scale, False) if scale else table.scale(name)
    if final is not None:
        table.drop_off_scale(final, given=scale is not None)
    rows = None if paths.movies is None else MovieTable(paths, ReadLog(str(paths.movies), "line", log.skip_bad))
    kind: type[pl.DataType] = pl.Int64
    if table.columns["movie"].dtype != pl.Int64 or (rows is not None and rows.ids.dtype != pl.Int64):
        kind = pl.String
    ratings = table.ratings(final, kind)
    catalog = None if rows is None else rows.catalog(kind, imdb=name == "movietweetings")
    untitled = note_untitled(ratings, catalog, log, str(paths.movies))
    report = ReadReport(
        n_rows, log.dropped, ratings.merged, log.milliseconds, ratings.scale, scale_inferred=inferred,
        **({} if rows is None else rows.counts), untitled=untitled, notes=log.notes, warnings=log.warnings,
    )  # fmt: skip
    return Dataset(ratings, catalog, name, log.file, report)


def read_table(
    path: Path,
    columns: dict[str, str] | None,
    log: ReadLog,
    *,
    has_tags: bool = False,
    needed: tuple[str, ...] = ("user", "movie"),
    wanted: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> tuple[str, RatingsTable]:
    """Read the rows of a table in any format, not validated yet, with the format's name.

    `needed` are the roles that must be there, `wanted` those that are read (default: all).

    Raises:
        DataError: the file isn't a table of ratings; the message says what it looks like.
    """
    table = RatingsTable(log)
    found = formats.read_frame(path)
    if found is not None:
        add_frame(table, found[1], columns, needed, wanted)
        return found[0], table
    layout = detect_layout(path, columns, has_tags=has_tags, needed=needed, wanted=wanted)
    recode = Recoder()
    log.notes += layout.notes
    if (columns or {}).get("movie") == ALL_OTHERS:
        check_wide(path, layout)
        add_frame(table, read_wide(path, layout, recode), columns, needed)
    else:
        if progress:
            progress.start(f"reading {path.name}", on_disk(path).stat().st_size)
        for chunk, line in read_chunks(path, layout, recode):
            add_chunk(table, chunk, line, layout)
            if progress:
                progress.advance(len(chunk))
        if progress:
            progress.stop()
    log.notes += recode.notes()
    return layout.name, table
