"""Filmtipset: `VoteDate;MovieTitle;IMDB;Score`."""

from cinematrix.importers.entries import Entry, Skipped, as_moment
from cinematrix.importers.source import Reader, Source, film
from cinematrix.importers.text import Row, Table

HIGHEST = 5.0


def reader(_: Table) -> Reader:
    """What reads the rows; where the film isn't at IMDb the file has -1 or nothing."""

    def entry(row: Row) -> Entry | Skipped:
        return film(
            row, "rating", title=row.text("movietitle"), rating=row.raw("score"), highest=HIGHEST,
            moment=as_moment(row.raw("votedate")), imdb=row.raw("imdb"),
        )  # fmt: skip

    return entry


SOURCE = Source("filmtipset", HIGHEST, lambda header: header >= {"votedate", "movietitle", "imdb", "score"}, reader)
