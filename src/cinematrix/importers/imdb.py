"""Importer of IMDb's ratings, in all forms since before 2017, and of its watchlist."""

from cinematrix.importers.entries import NOT_A_FILM, Entry, Kind, SkippedEntry, parse_timestamp
from cinematrix.importers.source import Reader, Source, build_entry
from cinematrix.importers.text import CsvRow, CsvTable

MAX_RATING = 10.0
RATING = ("your rating", "you rated")
DATE = ("date rated", "created")
NON_MOVIE_TYPES = {
    *("tvseries", "tvminiseries", "tvepisode", "tvpilot", "videogame", "musicvideo", "podcastseries"),
    "podcastepisode",
}
"""Skipped title types, without spaces, in lower case. All others pass: exports in other languages translate them."""


def reader(table: CsvTable) -> Reader:
    """Return a reader of the rows of ratings or of a watchlist. Ratings in a watchlist don't count.

    A watchlist has positions and today's column names. Before 2017, ratings had positions too.

    Raises:
        DataError: the column of ratings is missing.
    """
    watchlist = "watchlist" in table.name or ("position" in table.header and "you rated" not in table.header)
    if not (watchlist or "you rated" in table.header):
        table.need("your rating")
    kind: Kind = "watchlist" if watchlist else "rating"

    def entry(row: CsvRow) -> Entry | SkippedEntry:
        title = row.text("title")
        if row.raw("title type").replace(" ", "").lower() in NON_MOVIE_TYPES:
            return SkippedEntry(row.at, NOT_A_FILM, title)
        return build_entry(
            row, kind, title=title, other=row.text("original title"), year=row.raw("year"), rating=row.raw(*RATING),
            highest=MAX_RATING, moment=parse_timestamp(row.raw(*DATE)), imdb=row.raw("const"),
        )  # fmt: skip

    return entry


SOURCE = Source("imdb", MAX_RATING, lambda header: "const" in header, reader)
