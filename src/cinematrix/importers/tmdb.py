"""TMDB: the CSV of an account's ratings."""

from cinematrix.importers.entries import NOT_A_FILM, Entry, SkippedEntry, parse_timestamp
from cinematrix.importers.source import Reader, Source, build_entry
from cinematrix.importers.text import CsvRow, CsvTable

MAX_RATING = 10.0


def reader(table: CsvTable) -> Reader:
    """What reads the rows. TMDB's numbers of films and of series mean different things, so the type must be there.

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
