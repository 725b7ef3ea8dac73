"""Letterboxd: the ZIP of Settings → Data, a file out of it, and the CSV that Letterboxd itself imports."""

from collections.abc import Iterable

from cinematrix.errors import DataError
from cinematrix.importers.archives import ZipExport
from cinematrix.importers.entries import Entries, Entry, Kind, SkippedEntry, parse_timestamp
from cinematrix.importers.source import Reader, Source, build_entry, read_table_entries
from cinematrix.importers.text import CsvRow, CsvTable, decode, parse_table

MAX_RATING = 5.0
DIARIES = ("diary.csv", "reviews.csv")
MARKS: dict[str, Kind] = {"watched.csv": "seen", "watchlist.csv": "watchlist", "likes/films.csv": "like"}
"""Files with one header among them, which only their names tell apart."""

FILES = ("ratings.csv", *DIARIES, *MARKS)
"""What is read of the archive; the profile (it holds an e-mail address), comments, lists and deleted things aren't."""

OURS = {"title", "year", "rating", "imdbid", "tmdbid"}


def is_export(names: Iterable[str]) -> bool:
    """Whether an archive is Letterboxd's, by the names in it."""
    return not {"ratings.csv", "watched.csv", "diary.csv"}.isdisjoint(names)


def read_archive(found: ZipExport, warnings: list[str]) -> Entries:
    """All that is read of the archive."""
    for name in FILES:
        if name in found.names:
            text, doubts = decode(found.read(name))
            warnings += [f"{name}: {doubt}" for doubt in doubts]
            if text.strip():
                rows = parse_table(text, name, f"{name}:")
                yield from read_table_entries(rows, reader(rows))


def reader(found: CsvTable) -> Reader:
    """What reads the rows of one file, by its header and, where that is shared, by its name.

    Raises:
        DataError: a column is missing, or name and header don't tell what the rows say.
    """
    found.need("date", "name", "year", "letterboxd uri", *["rating"] * (found.name in ("ratings.csv", *DIARIES)))
    marks = {**MARKS, "films.csv": MARKS["likes/films.csv"]}
    if found.name in marks:
        return lambda row: _film(row, marks[found.name], rank=2)
    if "rating" not in found.header:
        raise DataError("the columns are those of Letterboxd's watched.csv and watchlist.csv alike; keep the name")
    return _diary if "watched date" in found.header else _rating


def _rating(row: CsvRow) -> Entry | SkippedEntry:
    return _film(row, "rating")


def _diary(row: CsvRow) -> Entry | SkippedEntry:
    """A viewing: its rating counts where ratings.csv has none; without one the film was seen."""
    return _film(row, "rating" if row.raw("rating") else "seen", rank=1)


def _film(row: CsvRow, kind: Kind, rank: int = 0) -> Entry | SkippedEntry:
    return build_entry(
        row, kind, title=row.text("name"), year=row.raw("year"), rating=row.raw("rating"), highest=MAX_RATING,
        moment=parse_timestamp(row.raw("watched date", "date")), rank=rank,
    )  # fmt: skip


def _of_import(_: CsvTable) -> Reader:
    """The CSV that Letterboxd imports, which is what we export."""

    def entry(row: CsvRow) -> Entry | SkippedEntry:
        return build_entry(
            row, "rating" if row.raw("rating") else "seen", title=row.text("title"), year=row.raw("year"),
            rating=row.raw("rating"), highest=MAX_RATING, moment=parse_timestamp(row.raw("watcheddate")),
            imdb=row.raw("imdbid"), tmdb=row.raw("tmdbid"),
        )  # fmt: skip

    return entry


EXPORTED = Source("letterboxd", MAX_RATING, lambda header: "letterboxd uri" in header, reader)
IMPORTABLE = Source("letterboxd", MAX_RATING, lambda header: header >= OURS and "userid" not in header, _of_import)
