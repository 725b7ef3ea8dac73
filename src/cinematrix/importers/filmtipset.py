"""Importer of Filmtipset's CSV: `VoteDate;MovieTitle;IMDB;Score`."""

from cinematrix.importers.entries import Entry, SkippedEntry, parse_timestamp
from cinematrix.importers.source import Reader, Source, build_entry
from cinematrix.importers.text import CsvRow, CsvTable

MAX_RATING = 5.0


def reader(_: CsvTable) -> Reader:
    """Return a reader of the rows. The IMDb ID of a movie that isn't at IMDb is -1 or blank."""

    def entry(row: CsvRow) -> Entry | SkippedEntry:
        return build_entry(
            row, "rating", title=row.text("movietitle"), rating=row.raw("score"), highest=MAX_RATING,
            moment=parse_timestamp(row.raw("votedate")), imdb=row.raw("imdb"),
        )  # fmt: skip

    return entry


SOURCE = Source("filmtipset", MAX_RATING, lambda header: header >= {"votedate", "movietitle", "imdb", "score"}, reader)
