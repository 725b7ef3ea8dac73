"""Jellyfin: the backup of its plugin Playback Reporting, a table without a header of what was played, and how long."""

import re

from cinematrix.importers.entries import NOT_A_FILM, Entry, Skipped, as_moment
from cinematrix.importers.source import Headless, Reader, Source, film, one_user
from cinematrix.importers.text import Row, Table

SHORT = 600
"""Seconds; whoever played less of a film hasn't seen it."""


def reader(_: Table) -> Reader:
    """What reads the rows: films that were played are seen. Times are local without a zone, so only the day counts."""
    check = one_user()

    def entry(row: Row) -> Entry | Skipped:
        check(row.raw("user"))
        title, seconds = row.text("name"), row.raw("seconds").strip()
        if row.raw("type").strip().lower() != "movie":
            return Skipped(row.at, NOT_A_FILM, title)
        if not seconds.isdecimal() or int(seconds[:9]) < SHORT:
            return Skipped(row.at, "played for less than ten minutes", title)
        return film(row, "seen", title=title, moment=as_moment(row.raw("date")[:10]))

    return entry


FORMAT = Headless(
    Source("jellyfin", 0, lambda _: False, reader),
    re.compile(r"\d{4}-\d\d-\d\d[ T][^\t\r\n]*\t[0-9a-f]{32}\t[0-9a-f]{32}\t[A-Za-z]+\t", re.ASCII | re.IGNORECASE),
    ("date", "user", "item", "type", "name", "method", "client", "device", "seconds"),
    "\t",
)
