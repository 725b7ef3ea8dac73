"""Importer of Letterboxd's ZIP (Settings → Data), of a file from it, and of the CSV that Letterboxd imports."""

from collections.abc import Iterable

from cinematrix.errors import DataError
from cinematrix.importers.archives import ZipExport
from cinematrix.importers.entries import Entries, Entry, Kind, SkippedEntry, parse_timestamp
from cinematrix.importers.source import Reader, Source, build_entry, read_table_entries
from cinematrix.importers.text import CsvRow, CsvTable, decode, parse_table

MAX_RATING = 5.0
DIARIES = ("diary.csv", "reviews.csv")
MARKS: dict[str, Kind] = {"watched.csv": "seen", "watchlist.csv": "watchlist", "likes/films.csv": "like"}
"""Files with the same header, distinguished by name only."""

FILES = ("ratings.csv", *DIARIES, *MARKS)
"""Members read. The profile (it holds an e-mail address), comments, lists and deleted entries aren't read."""

IMPORT_COLUMNS = {"title", "year", "rating", "imdbid", "tmdbid"}


def is_export(names: Iterable[str]) -> bool:
    """Return whether an archive with these member names is Letterboxd's."""
    return not {"ratings.csv", "watched.csv", "diary.csv"}.isdisjoint(names)


def read_archive(archive: ZipExport, warnings: list[str]) -> Entries:
    """Yield the entries of the archive. Warnings about the encoding are appended to `warnings`."""
    for name in FILES:
        if name in archive.names:
            text, problems = decode(archive.read(name))
            warnings += [f"{name}: {problem}" for problem in problems]
            if text.strip():
                table = parse_table(text, name, f"{name}:")
                yield from read_table_entries(table, reader(table))


def reader(table: CsvTable) -> Reader:
    """Return a reader of the rows of one file, chosen by its header and, where that is shared, by its name.

    Raises:
        DataError: a column is missing, or the kind of the rows can't be known from name and header.
    """
    table.need("date", "name", "year", "letterboxd uri", *["rating"] * (table.name in ("ratings.csv", *DIARIES)))
    marks = {**MARKS, "films.csv": MARKS["likes/films.csv"]}
    if table.name in marks:
        return lambda row: _build_entry(row, marks[table.name], rank=2)
    if "rating" not in table.header:
        raise DataError(
            "the columns fit both watched.csv and watchlist.csv of Letterboxd; keep the name of the file in the export"
        )
    return _read_diary_row if "watched date" in table.header else _read_rating_row


def _read_rating_row(row: CsvRow) -> Entry | SkippedEntry:
    return _build_entry(row, "rating")


def _read_diary_row(row: CsvRow) -> Entry | SkippedEntry:
    """Read a viewing. Its rating counts if ratings.csv has none; without a rating the movie is seen."""
    return _build_entry(row, "rating" if row.raw("rating") else "seen", rank=1)


def _build_entry(row: CsvRow, kind: Kind, rank: int = 0) -> Entry | SkippedEntry:
    return build_entry(
        row, kind, title=row.text("name"), year=row.raw("year"), rating=row.raw("rating"), highest=MAX_RATING,
        moment=parse_timestamp(row.raw("watched date", "date")), rank=rank,
    )  # fmt: skip


def _import_reader(_: CsvTable) -> Reader:
    """Return a reader of the CSV that Letterboxd imports and `letterboxd_csv` writes."""

    def entry(row: CsvRow) -> Entry | SkippedEntry:
        return build_entry(
            row, "rating" if row.raw("rating") else "seen", title=row.text("title"), year=row.raw("year"),
            rating=row.raw("rating"), highest=MAX_RATING, moment=parse_timestamp(row.raw("watcheddate")),
            imdb=row.raw("imdbid"), tmdb=row.raw("tmdbid"),
        )  # fmt: skip

    return entry


EXPORTED = Source("letterboxd", MAX_RATING, lambda header: "letterboxd uri" in header, reader)
IMPORTABLE = Source(
    "letterboxd", MAX_RATING, lambda header: header >= IMPORT_COLUMNS and "userid" not in header, _import_reader
)
