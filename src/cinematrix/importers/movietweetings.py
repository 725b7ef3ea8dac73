"""MovieTweetings: `user::imdb::rating::seconds` without a header, 0 to 10, of one user."""

import re

from cinematrix.importers.entries import Entry, Skipped, as_moment
from cinematrix.importers.source import Headless, Reader, Source, film, one_user
from cinematrix.importers.text import Row, Table

HIGHEST = 10.0


def reader(_: Table) -> Reader:
    """What reads the rows, which name films by IMDb's number alone."""
    check = one_user()

    def entry(row: Row) -> Entry | Skipped:
        check(row.raw("user"))
        moment = as_moment(row.raw("time"))
        return film(
            row, "rating", title="", rating=row.raw("rating"), highest=HIGHEST, moment=moment, imdb=row.raw("imdb")
        )

    return entry


FORMAT = Headless(
    Source("movietweetings", HIGHEST, lambda _: False, reader),
    re.compile(r"\d+::\d{7,8}::\d{1,2}::\d+\s*$", re.ASCII | re.MULTILINE),
    ("user", "imdb", "rating", "time"),
    "::",
)
