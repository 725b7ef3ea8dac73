"""Importer of the backup of Jellyfin's plugin Playback Reporting, a table of played items without a header."""

import re

from cinematrix.importers.entries import NOT_A_FILM, Entry, SkippedEntry, parse_timestamp
from cinematrix.importers.source import HeadlessSource, Reader, Source, build_entry, single_user_check
from cinematrix.importers.text import CsvRow, CsvTable

MIN_PLAY_SECONDS = 600
"""Minimum seconds played for a movie to count as seen."""


def reader(_: CsvTable) -> Reader:
    """Return a reader of the rows: played movies are seen. Times are local without a zone, so only the day counts."""
    check = single_user_check()

    def entry(row: CsvRow) -> Entry | SkippedEntry:
        check(row.raw("user"))
        title, seconds = row.text("name"), row.raw("seconds").strip()
        if row.raw("type").strip().lower() != "movie":
            return SkippedEntry(row.at, NOT_A_FILM, title)
        if not seconds.isdecimal() or int(seconds[:9]) < MIN_PLAY_SECONDS:
            return SkippedEntry(row.at, "played for less than ten minutes", title)
        return build_entry(row, "seen", title=title, moment=parse_timestamp(row.raw("date")[:10]))

    return entry


FORMAT = HeadlessSource(
    Source("jellyfin", 0, lambda _: False, reader),
    re.compile(r"\d{4}-\d\d-\d\d[ T][^\t\r\n]*\t[0-9a-f]{32}\t[0-9a-f]{32}\t[A-Za-z]+\t", re.ASCII | re.IGNORECASE),
    ("date", "user", "item", "type", "name", "method", "client", "device", "seconds"),
    "\t",
)
