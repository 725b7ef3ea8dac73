"""Trakt: the ZIP of JSON files in both its layouts, or one of the files."""

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
"""Names without the page number and `.json`: those at the root, and those of the older layout, in the user's folder."""

PATTERNS = {
    kind: [
        re.compile(rf"{'(?:[^/]+/)?' if '/' in stem else ''}{stem}(?:-(?P<page>\d{{1,3}}))?\.json") for stem in stems
    ]
    for kind, stems in LAYOUTS.items()
}
"""A page has three digits at most: a list that somebody called watchlist-2025 is none."""

RATED, SEEN, LISTED = "rated_at", ("watched_at", "last_watched_at"), ("listed_at",)


def is_export(names: Iterable[str]) -> bool:
    """Whether an archive is Trakt's, by the names in it."""
    return any(pattern.fullmatch(name) for name in names for patterns in PATTERNS.values() for pattern in patterns)


def read_archive(found: ZipExport, warnings: list[str]) -> Entries:
    """All that is read of the archive, pages in their order; a file that can't be read is a warning."""
    for kind, patterns in PATTERNS.items():
        for name in _pages(found.names, patterns):
            content = found.read(name)
            try:
                items = _items(content) if content.strip() else []
            except DataError as error:
                warnings.append(f"{name}: {error}")
                continue
            for number, item in enumerate(items, start=1):
                yield _entry(f"{name}:{number}", kind, item)


def read_single_file(content: bytes) -> Entries:
    """A file out of the archive: items say themselves whether they are ratings, viewings or on a list."""
    for number, item in enumerate(_items(content), start=1):
        told: dict[Kind, tuple[str, ...]] = {"rating": (RATED,), "seen": SEEN, "watchlist": LISTED}
        kinds = [kind for kind, names in told.items() if isinstance(item, dict) and not item.keys().isdisjoint(names)]
        yield _entry(f"{number}", kinds[0], item) if kinds else SkippedEntry(f"{number}", "not an item of Trakt's")


def _pages(names: Iterable[str], patterns: list[re.Pattern[str]]) -> list[str]:
    found = [
        (place, int(match["page"] or 0), name)
        for name in names
        for place, pattern in enumerate(patterns)
        if (match := pattern.fullmatch(name))
    ]
    return [name for _, _, name in sorted(found)]


def _items(content: bytes) -> list[Any]:
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise DataError("it isn't JSON") from error
    if not isinstance(found, list):
        raise DataError("it isn't a list of items")
    return found


def _integer(text: str) -> int:
    """An integer; one of more digits than any number or ID has counts as 0."""
    return int(text) if len(text) <= 15 else 0


def _entry(row: str, kind: Kind, item: Any) -> Entry | SkippedEntry:
    movie = item.get("movie") if isinstance(item, dict) else None
    if not isinstance(movie, dict) or item.get("type", "movie") != "movie":
        return SkippedEntry(row, NOT_A_FILM, _title(item))
    ids = found if isinstance(found := movie.get("ids"), dict) else {}
    rating = _number(item.get("rating")) if kind == "rating" else None
    if kind == "rating" and (fault := find_rating_problem(rating, HIGHEST)):
        return SkippedEntry(row, fault, _title(item))
    told = next((item[name] for name in (RATED, *SEEN, *LISTED) if isinstance(item.get(name), str)), "")
    year = movie.get("year")
    return require_movie(
        Entry(
            row, kind, _title(item), year if isinstance(year, int) and 1870 <= year < 2200 else None, rating,
            *parse_timestamp(told), _imdb(ids.get("imdb")), _id(ids.get("tmdb")),
        )
    )  # fmt: skip


def _title(item: Any) -> str:
    """What the item is about, if it tells."""
    about = [item.get(name) for name in ("movie", "show", "person")] if isinstance(item, dict) else []
    titles = [each.get("title", each.get("name")) for each in about if isinstance(each, dict)]
    return clean_text(titles[0]) if titles and isinstance(titles[0], str) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _id(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _imdb(value: Any) -> int | None:
    found = re.fullmatch(r"tt(\d{1,12})", value, re.ASCII) if isinstance(value, str) else None
    return int(found[1]) or None if found else None
