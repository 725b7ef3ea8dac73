"""IMDb: Your Ratings → Export in its forms since before 2017, and the watchlist."""

from cinematrix.importers.entries import NOT_A_FILM, Entry, Kind, Skipped, as_moment
from cinematrix.importers.source import Reader, Source, film
from cinematrix.importers.text import Row, Table

HIGHEST = 10.0
RATING = ("your rating", "you rated")
DATE = ("date rated", "created")
NO_FILMS = {
    *("tvseries", "tvminiseries", "tvepisode", "tvpilot", "videogame", "musicvideo", "podcastseries"),
    "podcastepisode",
}
"""Title types without spaces, in lower case. All others are kept: exports in other languages name films otherwise."""


def reader(table: Table) -> Reader:
    """What reads the rows of ratings, or of a watchlist, whose ratings, if any, don't count.

    A list has positions and today's names of columns; before 2017 ratings had positions too.

    Raises:
        DataError: there is no column of ratings.
    """
    watchlist = "watchlist" in table.name or ("position" in table.header and "you rated" not in table.header)
    if not (watchlist or "you rated" in table.header):
        table.need("your rating")
    kind: Kind = "watchlist" if watchlist else "rating"

    def entry(row: Row) -> Entry | Skipped:
        title = row.text("title")
        if row.raw("title type").replace(" ", "").lower() in NO_FILMS:
            return Skipped(row.at, NOT_A_FILM, title)
        return film(
            row, kind, title=title, other=row.text("original title"), year=row.raw("year"), rating=row.raw(*RATING),
            highest=HIGHEST, moment=as_moment(row.raw(*DATE)), imdb=row.raw("const"),
        )  # fmt: skip

    return entry


SOURCE = Source("imdb", HIGHEST, lambda header: "const" in header, reader)
