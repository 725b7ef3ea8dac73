"""Importer of one user's MovieTweetings: `user::imdb::rating::seconds` without a header, 0 to 10."""

import re

from cinematrix.importers.entries import Entry, SkippedEntry, parse_timestamp
from cinematrix.importers.source import HeadlessSource, Reader, Source, build_entry, single_user_check
from cinematrix.importers.text import CsvRow, CsvTable

MAX_RATING = 10.0


def reader(_: CsvTable) -> Reader:
    """Return a reader of the rows, whose movies have only an IMDb ID."""
    check = single_user_check()

    def entry(row: CsvRow) -> Entry | SkippedEntry:
        check(row.raw("user"))
        moment = parse_timestamp(row.raw("time"))
        return build_entry(
            row, "rating", title="", rating=row.raw("rating"), highest=MAX_RATING, moment=moment, imdb=row.raw("imdb")
        )

    return entry


FORMAT = HeadlessSource(
    Source("movietweetings", MAX_RATING, lambda _: False, reader),
    re.compile(r"\d+::\d{7,8}::\d{1,2}::\d+\s*$", re.ASCII | re.MULTILINE),
    ("user", "imdb", "rating", "time"),
    "::",
)
