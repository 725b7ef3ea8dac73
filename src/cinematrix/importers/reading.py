"""From the bytes of an upload to a journal: what it is is told by its content, never by its name alone."""

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
MAX_ROWS = 20_000

TABLES: tuple[Source, ...] = (
    *(letterboxd.EXPORTED, letterboxd.IMPORTABLE, imdb.SOURCE, tmdb.SOURCE, filmtipset.SOURCE),
    *(movielens.SITE, movielens.DATA_SET),
)
"""Asked one after the other whether a header is theirs."""

HEADLESS = (movietweetings.FORMAT, jellyfin.FORMAT)
"""Asked before them whether the first line is theirs."""

ALL = "a Letterboxd, IMDb, Trakt, MovieLens, TMDB, Criticker, Filmtipset, MovieTweetings or Jellyfin export"


def read(
    content: bytes, name: str = "", columns: Mapping[str, str] | None = None, highest: float | None = None
) -> ParsedImport:
    """The journal in a file.

    Args:
        content: its bytes.
        name: of the file, which tells apart what nothing else does: Letterboxd's watched.csv and watchlist.csv.
        columns: where title, year, rating, date, imdb, tmdb and movie stand in a CSV that isn't a known one.
        highest: the best rating of such a CSV; None: the narrowest of 5, 10 and 100 that holds all ratings.

    Raises:
        DataError: it is no journal that we know, is damaged, or is too large. The message repeats nothing of it.
        SettingError: `columns` maps what there isn't.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise DataError(f"the file has more than {MAX_UPLOAD_BYTES:,} bytes, which no export has")
    if not content.strip():
        raise DataError(f"the file is empty; give {ALL}")
    name = PurePosixPath(name.replace("\\", "/")).name.lower()
    if content.startswith((b"PK\3\4", b"PK\5\6")):
        return _of_archive(ZipExport.open(content), columns, highest)
    return _of_file(content, name, columns, highest)


def _of_archive(archive: ZipExport, columns: Mapping[str, str] | None, highest: float | None) -> ParsedImport:
    warnings: list[str] = []
    if letterboxd.is_export(archive.names):
        return _journal("letterboxd", letterboxd.MAX_RATING, letterboxd.read_archive(archive, warnings), warnings)
    if trakt.is_export(archive.names):
        return _journal(trakt.NAME, trakt.HIGHEST, trakt.read_archive(archive, warnings), warnings)
    tables = [name for name in archive.names if name.lower().endswith((".csv", ".xml"))]
    if len(tables) == 1 and "/" not in tables[0]:
        return _of_file(archive.read(tables[0]), tables[0].lower(), columns, highest)
    raise DataError(f"the ZIP isn't {ALL}")


def _of_file(content: bytes, name: str, columns: Mapping[str, str] | None, highest: float | None) -> ParsedImport:
    start = content[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        return _journal(criticker.NAME, criticker.HIGHEST, criticker.read_entries(content), [], relative=True)
    if start in (b"[", b"{"):
        return _journal(trakt.NAME, trakt.HIGHEST, trakt.read_single_file(content), [])
    text, warnings = decode(content)
    for each in () if columns else HEADLESS:
        if rows := each.table(text, name):
            return _journal(
                each.source.name, each.source.highest, read_table_entries(rows, each.source.reader(rows)), warnings
            )
    found = parse_table(text, name)
    header = set(found.header)
    mapped = generic_csv.build_source(columns or {})
    source = mapped if columns else next((each for each in (*TABLES, mapped) if each.fits(header)), None)
    if source is None:
        wanted = "or name the columns of its titles and ratings"
        raise DataError(f"the file isn't {ALL}; give one, {wanted}")
    journal = _journal(source.name, source.highest, read_table_entries(found, source.reader(found)), warnings)
    return journal if source.highest else _with_scale(journal, highest)


def _journal(
    source: str, highest: float, entries: Entries, warnings: list[str], *, relative: bool = False
) -> ParsedImport:
    rows = list(islice(entries, MAX_ROWS + 1))
    if len(rows) > MAX_ROWS:
        raise DataError(f"the file has more than {MAX_ROWS:,} rows; import it in parts")
    kept = [row for row in rows if isinstance(row, Entry)]
    return ParsedImport(
        source, highest, relative, kept, [row for row in rows if isinstance(row, SkippedEntry)], warnings
    )


def _with_scale(journal: ParsedImport, highest: float | None) -> ParsedImport:
    """The journal on the scale that is given, or else on the one that its ratings seem to be on."""
    ratings = np.array([entry.rating for entry in journal.entries])
    scale = highest or infer_scale(ratings).high if len(ratings) else 5.0
    off = f"the rating isn't between 0 and {scale:g}"
    wrong = [entry for entry in journal.entries if entry.rating is not None and entry.rating > scale]
    skipped = [*journal.skipped, *(SkippedEntry(entry.row, off, entry.title) for entry in wrong)]
    kept = [entry for entry in journal.entries if entry.rating is not None and entry.rating <= scale]
    return ParsedImport(journal.source, scale, False, kept, skipped, journal.warnings)
