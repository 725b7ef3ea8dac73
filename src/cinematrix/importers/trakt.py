"""Importer of Trakt's ZIP of JSON files, in both its layouts, or of one of the files."""

import json
import re
from collections.abc import Iterable
from typing import Any

from cinematrix.errors import DataError
from cinematrix.importers.archives import ZipExport
from cinematrix.importers.entries import (
    NOT_A_FILM,
    Entries,
    Entry,
    Kind,
    SkippedEntry,
    clean_text,
    find_rating_problem,
    parse_timestamp,
)
from cinematrix.importers.source import require_movie

NAME, HIGHEST = "trakt", 10.0
LAYOUTS: dict[Kind, tuple[str, ...]] = {
    "rating": ("ratings-movies", "ratings/ratings-movies"),
    "seen": (
        "watched-history",
        "watched-movies",
        "watched/history",
        "watched/watched-history",
        "watched/watched-movies",
    ),
    "watchlist": ("lists-watchlist", "lists/watchlist"),
    "like": ("lists-favorites",),
}
"""Member names by kind, without page number and `.json`: in the root, or (older layout) in the user's folder."""

PATTERNS = {
    kind: [
        re.compile(rf"{'(?:[^/]+/)?' if '/' in stem else ''}{stem}(?:-(?P<page>\d{{1,3}}))?\.json") for stem in stems
    ]
    for kind, stems in LAYOUTS.items()
}
"""Patterns of member names by kind. A page has at most three digits: watchlist-2025 is a user's own list."""

TIME_KEYS: dict[Kind, tuple[str, ...]] = {
    "rating": ("rated_at",),
    "seen": ("watched_at", "last_watched_at"),
    "watchlist": ("listed_at",),
}
"""Keys of an item's time, by the kind of item that has them."""


def is_export(names: Iterable[str]) -> bool:
    """Return whether an archive with these member names is Trakt's."""
    return any(pattern.fullmatch(name) for name in names for patterns in PATTERNS.values() for pattern in patterns)


def read_archive(archive: ZipExport, warnings: list[str]) -> Entries:
    """Yield the entries of the archive, pages in order. A file that can't be read appends to `warnings`."""
    for kind, patterns in PATTERNS.items():
        for name in _list_pages(archive.names, patterns):
            content = archive.read(name)
            try:
                items = _parse_items(content) if content.strip() else []
            except DataError as error:
                warnings.append(f"{name}: {error}")
                continue
            for number, item in enumerate(items, start=1):
                yield _build_entry(f"{name}:{number}", kind, item)


def read_single_file(content: bytes) -> Entries:
    """Yield the entries of a file from the archive; the kind of an item is detected by its keys."""
    for number, item in enumerate(_parse_items(content), start=1):
        kinds = [
            kind for kind, keys in TIME_KEYS.items() if isinstance(item, dict) and not item.keys().isdisjoint(keys)
        ]
        yield (
            _build_entry(f"{number}", kinds[0], item) if kinds else SkippedEntry(f"{number}", "not an item of Trakt's")
        )


def _list_pages(names: Iterable[str], patterns: list[re.Pattern[str]]) -> list[str]:
    pages = [
        (place, int(match["page"] or 0), name)
        for name in names
        for place, pattern in enumerate(patterns)
        if (match := pattern.fullmatch(name))
    ]
    return [name for _, _, name in sorted(pages)]


def _parse_items(content: bytes) -> list[Any]:
    try:
        items = json.loads(content.decode("utf-8-sig"), parse_int=_parse_integer)
    except (ValueError, RecursionError) as error:
        raise DataError("it isn't JSON") from error
    if not isinstance(items, list):
        raise DataError("it isn't a list of items")
    return items


def _parse_integer(text: str) -> int:
    """Parse an integer; one with more digits than any rating or ID becomes 0."""
    return int(text) if len(text) <= 15 else 0


def _build_entry(row: str, kind: Kind, item: Any) -> Entry | SkippedEntry:
    movie = item.get("movie") if isinstance(item, dict) else None
    if not isinstance(movie, dict) or item.get("type", "movie") != "movie":
        return SkippedEntry(row, NOT_A_FILM, _title(item))
    ids = value if isinstance(value := movie.get("ids"), dict) else {}
    rating = _number(item.get("rating")) if kind == "rating" else None
    if kind == "rating" and (problem := find_rating_problem(rating, HIGHEST)):
        return SkippedEntry(row, problem, _title(item))
    keys = (key for group in TIME_KEYS.values() for key in group)
    time = next((item[key] for key in keys if isinstance(item.get(key), str)), "")
    year = movie.get("year")
    return require_movie(
        Entry(
            row, kind, _title(item), year if isinstance(year, int) and 1870 <= year < 2200 else None, rating,
            *parse_timestamp(time), _imdb(ids.get("imdb")), _id(ids.get("tmdb")),
        )
    )  # fmt: skip


def _title(item: Any) -> str:
    """Return the title or name of the item's movie, show or person; empty if missing."""
    about = [item.get(name) for name in ("movie", "show", "person")] if isinstance(item, dict) else []
    titles = [each.get("title", each.get("name")) for each in about if isinstance(each, dict)]
    return clean_text(titles[0]) if titles and isinstance(titles[0], str) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _id(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _imdb(value: Any) -> int | None:
    match = re.fullmatch(r"tt(\d{1,12})", value, re.ASCII) if isinstance(value, str) else None
    return int(match[1]) or None if match else None
