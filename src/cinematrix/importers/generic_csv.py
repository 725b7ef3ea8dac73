"""Any CSV: its columns found by the names that are in use, or by those that the person gives."""

from collections.abc import Mapping

from cinematrix.errors import SettingError
from cinematrix.importers.entries import Entry, SkippedEntry, parse_timestamp
from cinematrix.importers.source import Reader, Source, build_entry
from cinematrix.importers.text import CsvRow, CsvTable

COLUMN_ALIASES: dict[str, tuple[str, ...]] = {
    "title": ("title", "name", "film", "movie title", "movie_title", "movie"),
    "year": ("year", "release year", "release_year", "released", "release date", "release_date"),
    "rating": ("rating", "my rating", "your rating", "stars", "score"),
    "date": ("date", "watched date", "date rated", "rated at", "timestamp", "time"),
    "imdb": ("imdb", "imdb id", "imdb_id", "imdbid"),
    "tmdb": ("tmdb", "tmdb id", "tmdb_id", "tmdbid"),
    "movie": ("movieid", "movie id", "movie_id"),
}
"""What a mapping may name, and the columns' names that are found without one."""

FILM = ("title", "imdb", "tmdb", "movie")
UNKNOWN_MAXIMUM = 1e6
"""Stands for the best rating until all ratings are read."""


def parse_mapping(text: str) -> dict[str, str]:
    """`title=Film,rating=Score` as a mapping from our names to the file's.

    Raises:
        SettingError: it isn't written so.
    """
    pairs = [part.partition("=") for part in text.split(",")] if text.strip() else []
    if not all(name.strip() and column.strip() for name, _, column in pairs):
        raise SettingError("the columns aren't understood; write title=NAME,rating=NAME")
    return {name.strip().lower(): column.strip() for name, _, column in pairs}


def build_source(columns: Mapping[str, str]) -> Source:
    """Tables with these columns, from our names to the file's, found by name where one isn't mapped.

    Raises:
        SettingError: a mapping names what there isn't.
    """
    unknown = sorted(set(columns) - set(COLUMN_ALIASES))
    if unknown:
        raise SettingError(f"columns: there is no {unknown[0]!r} to map; there is {', '.join(COLUMN_ALIASES)}")
    found = {**COLUMN_ALIASES, **{name: (theirs.strip().lower(),) for name, theirs in columns.items()}}

    def reader(table: CsvTable) -> Reader:
        table.need(*(found[name][0] for name in columns))
        return lambda row: _entry(row, found)

    return Source("csv", 0, lambda header: bool(columns) or _fits(header), reader)


def _fits(header: set[str]) -> bool:
    return not header.isdisjoint(COLUMN_ALIASES["rating"]) and any(
        not header.isdisjoint(COLUMN_ALIASES[name]) for name in FILM
    )


def _entry(row: CsvRow, names: Mapping[str, tuple[str, ...]]) -> Entry | SkippedEntry:
    return build_entry(
        row, "rating", title=row.text(*names["title"]), year=row.raw(*names["year"]), rating=row.raw(*names["rating"]),
        highest=UNKNOWN_MAXIMUM, moment=parse_timestamp(row.raw(*names["date"])), imdb=row.raw(*names["imdb"]),
        tmdb=row.raw(*names["tmdb"]), movie=row.raw(*names["movie"]),
    )  # fmt: skip
