"""Export of ratings as the CSV that Letterboxd imports, split at its size limit."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Scale
from cinematrix.importers.entries import parse_external_id
from cinematrix.importers.scales import scale_to_half_stars
from cinematrix.importers.text import escape_formula

COLUMNS = ("tmdbID", "imdbID", "Title", "Year", "WatchedDate", "Rating")
MAX_FILE_BYTES = 1_000_000
"""Maximum bytes of a file that Letterboxd imports."""


class ExportedRating(NamedTuple):
    """A movie's number, its rating on the model's scale, if any, and when it was seen in epoch seconds."""

    number: int
    rating: float | None
    seen: int | None = None


def letterboxd_csv(ratings: Iterable[ExportedRating], catalog: Catalog, scale: Scale | None) -> list[str]:
    """Return the files, each with a header and at most `MAX_FILE_BYTES` long; at least one.

    Without a scale the stars are blank, and all movies count as watched.
    Text that a spreadsheet would read as a formula is quoted; numbers and dates aren't changed.
    """
    frame = catalog.frame.select("tmdb", "imdb", "title", "year").rows()
    header = _line(COLUMNS)
    parts, size = [[header]], len(header)
    for rated in ratings:
        line = _line(_fields(frame[rated.number], rated, scale))
        if size + len(line.encode()) > MAX_FILE_BYTES:
            parts.append([header])
            size = len(header)
        parts[-1].append(line)
        size += len(line.encode())
    return ["".join(part) for part in parts]


def _fields(
    movie: tuple[str | None, str | None, str | None, int | None], rated: ExportedRating, scale: Scale | None
) -> list[object]:
    tmdb, imdb, title, year = movie
    stars = f"{scale_to_half_stars([rated.rating], scale.high)[0] / 2:g}" if scale and rated.rating is not None else ""
    day = "" if rated.seen is None else f"{datetime.fromtimestamp(rated.seen, UTC):%Y-%m-%d}"
    number = parse_external_id(imdb or "")
    return [
        parse_external_id(tmdb or ""),
        f"tt{number:07d}" if number else "",
        escape_formula(title or ""),
        year,
        day,
        stars,
    ]


def _line(fields: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(fields)
    return text.getvalue()
