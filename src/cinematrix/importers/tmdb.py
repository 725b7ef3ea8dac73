"""TMDB: the CSV of an account's ratings."""

from cinematrix.importers.entries import NOT_A_FILM, Entry, Skipped, as_moment
from cinematrix.importers.source import Reader, Source, film
from cinematrix.importers.text import Row, Table

HIGHEST = 10.0


def reader(table: Table) -> Reader:
    """What reads the rows. TMDB's numbers of films and of series mean different things, so the type must be there.

    Raises:
        DataError: a column is missing.
    """
    table.need("tmdb id", "type", "your rating")

    def entry(row: Row) -> Entry | Skipped:
        title = row.text("name")
        if row.raw("type").strip().lower() != "movie":
            return Skipped(row.at, NOT_A_FILM, title)
        return film(
            row, "rating", title=title, year=row.raw("release date"), rating=row.raw("your rating"), highest=HIGHEST,
            moment=as_moment(row.raw("date rated")), imdb=row.raw("imdb id"), tmdb=row.raw("tmdb id"),
        )  # fmt: skip

    return entry


SOURCE = Source("tmdb", HIGHEST, lambda header: "tmdb id" in header, reader)
