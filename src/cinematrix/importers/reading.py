"""Reading of an upload: the format is detected by content, never by the file's name alone."""

from collections.abc import Mapping
from itertools import islice
from pathlib import PurePosixPath

import numpy as np

from cinematrix.data.ratings import infer_scale
from cinematrix.errors import DataError
from cinematrix.importers import (
    criticker,
    filmtipset,
    generic_csv,
    imdb,
    jellyfin,
    letterboxd,
    movielens,
    movietweetings,
    tmdb,
    trakt,
)
from cinematrix.importers.archives import ZipExport
from cinematrix.importers.entries import Entries, Entry, ParsedImport, SkippedEntry
from cinematrix.importers.source import Source, read_table_entries
from cinematrix.importers.text import decode, parse_table

MAX_UPLOAD_BYTES = 20_000_000
"""Maximum bytes of an upload."""

MAX_ROWS = 20_000
"""Maximum rows of an upload."""

TABLES: tuple[Source, ...] = (
    *(letterboxd.EXPORTED, letterboxd.IMPORTABLE, imdb.SOURCE, tmdb.SOURCE, filmtipset.SOURCE),
    *(movielens.SITE, movielens.DATA_SET),
)
"""Sources of tables with a header; the first that fits is used."""

HEADLESS = (movietweetings.FORMAT, jellyfin.FORMAT)
"""Sources of tables without a header, detected by the first line before `TABLES` are tried."""

SUPPORTED_EXPORTS = (
    "a Letterboxd, IMDb, Trakt, MovieLens, TMDB, Criticker, Filmtipset, MovieTweetings or Jellyfin export"
)


def read(
    content: bytes, name: str = "", columns: Mapping[str, str] | None = None, highest: float | None = None
) -> ParsedImport:
    """Read an export.

    Args:
        content: the bytes of the file.
        name: name of the file; used where content is ambiguous, as in Letterboxd's watched.csv and watchlist.csv.
        columns: column by field (title, year, rating, date, imdb, tmdb, movie) of a generic CSV.
        highest: the best rating of a generic CSV; None: the narrowest of 5, 10 and 100 that holds all ratings.

    Raises:
        DataError: the format is unknown, or the file is damaged or too large. The message repeats none of its content.
        SettingError: `columns` maps an unknown field.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise DataError(f"the file has more than {MAX_UPLOAD_BYTES:,} bytes, which no export has")
    if not content.strip():
        raise DataError(f"the file is empty; give {SUPPORTED_EXPORTS}")
    name = PurePosixPath(name.replace("\\", "/")).name.lower()
    if content.startswith((b"PK\3\4", b"PK\5\6")):
        return _read_zip(ZipExport.open(content), columns, highest)
    return _read_file(content, name, columns, highest)


def _read_zip(archive: ZipExport, columns: Mapping[str, str] | None, highest: float | None) -> ParsedImport:
    warnings: list[str] = []
    if letterboxd.is_export(archive.names):
        return _parse("letterboxd", letterboxd.MAX_RATING, letterboxd.read_archive(archive, warnings), warnings)
    if trakt.is_export(archive.names):
        return _parse(trakt.NAME, trakt.HIGHEST, trakt.read_archive(archive, warnings), warnings)
    tables = [name for name in archive.names if name.lower().endswith((".csv", ".xml"))]
    if len(tables) == 1 and "/" not in tables[0]:
        return _read_file(archive.read(tables[0]), tables[0].lower(), columns, highest)
    raise DataError(f"the ZIP isn't {SUPPORTED_EXPORTS}")


def _read_file(content: bytes, name: str, columns: Mapping[str, str] | None, highest: float | None) -> ParsedImport:
    start = content[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        return _parse(criticker.NAME, criticker.HIGHEST, criticker.read_entries(content), [], relative=True)
    if start in (b"[", b"{"):
        return _parse(trakt.NAME, trakt.HIGHEST, trakt.read_single_file(content), [])
    text, warnings = decode(content)
    for headless in () if columns else HEADLESS:
        if headless_table := headless.table(text, name):
            source = headless.source
            entries = read_table_entries(headless_table, source.reader(headless_table))
            return _parse(source.name, source.highest, entries, warnings)
    table = parse_table(text, name)
    header = set(table.header)
    generic = generic_csv.build_source(columns or {})
    fitting = generic if columns else next((each for each in (*TABLES, generic) if each.fits(header)), None)
    if fitting is None:
        raise DataError(f"the file isn't {SUPPORTED_EXPORTS}; give one, or name the columns of its titles and ratings")
    journal = _parse(fitting.name, fitting.highest, read_table_entries(table, fitting.reader(table)), warnings)
    return journal if fitting.highest else _rescale(journal, highest)


def _parse(
    source: str, highest: float, entries: Entries, warnings: list[str], *, relative: bool = False
) -> ParsedImport:
    rows = list(islice(entries, MAX_ROWS + 1))
    if len(rows) > MAX_ROWS:
        raise DataError(f"the file has more than {MAX_ROWS:,} rows; import it in parts")
    imported = [row for row in rows if isinstance(row, Entry)]
    skipped = [row for row in rows if isinstance(row, SkippedEntry)]
    return ParsedImport(source, highest, relative, imported, skipped, warnings)


def _rescale(journal: ParsedImport, highest: float | None) -> ParsedImport:
    """Return the import on the given scale, or on the scale inferred from its ratings."""
    ratings = np.array([entry.rating for entry in journal.entries])
    scale = highest or infer_scale(ratings).high if len(ratings) else 5.0
    reason = f"the rating isn't between 0 and {scale:g}"
    invalid = [entry for entry in journal.entries if entry.rating is not None and entry.rating > scale]
    skipped = [*journal.skipped, *(SkippedEntry(entry.row, reason, entry.title) for entry in invalid)]
    valid = [entry for entry in journal.entries if entry.rating is not None and entry.rating <= scale]
    return ParsedImport(journal.source, scale, False, valid, skipped, journal.warnings)
