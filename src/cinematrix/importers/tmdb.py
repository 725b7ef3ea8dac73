"""Importer of TMDB's CSV of an account's ratings."""

from cinematrix.importers.entries import NOT_A_FILM, Entry, SkippedEntry, parse_timestamp
from cinematrix.importers.source import Reader, Source, build_entry
from cinematrix.importers.text import CsvRow, CsvTable

MAX_RATING = 10.0


def reader(table: CsvTable) -> Reader:
    """Return a reader of the rows. Movies and series share TMDB IDs, so the column of types is required.

    Raises:
        DataError: a column is missing.
    """
    table.need("tmdb id", "type", "your rating")

    def entry(row: CsvRow) -> Entry | SkippedEntry:
        title = row.text("name")
        if row.raw("type").strip().lower() != "movie":
            return SkippedEntry(row.at, NOT_A_FILM, title)
        return build_entry(
            row, "rating", title=title, year=row.raw("release date"), rating=row.raw("your rating"), highest=MAX_RATING,
            moment=parse_timestamp(row.raw("date rated")), imdb=row.raw("imdb id"), tmdb=row.raw("tmdb id"),
        )  # fmt: skip

    return entry


SOURCE = Source("tmdb", MAX_RATING, lambda header: "tmdb id" in header, reader)
