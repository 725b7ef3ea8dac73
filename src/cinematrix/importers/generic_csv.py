"""Any CSV: its columns found by the names that are in use, or by those that the person gives."""

from collections.abc import Mapping

from cinematrix.errors import SettingError
from cinematrix.importers.entries import Entry, Skipped, as_moment
from cinematrix.importers.source import Reader, Source, film
from cinematrix.importers.text import Row, Table

NAMES: dict[str, tuple[str, ...]] = {
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
UNTOLD = 1e6
"""Stands for the best rating until all ratings are read."""


def mapping(text: str) -> dict[str, str]:
    """`title=Film,rating=Score` as a mapping from our names to the file's.

    Raises:
        SettingError: it isn't written so.
    """
    pairs = [part.partition("=") for part in text.split(",")] if text.strip() else []
    if not all(name.strip() and column.strip() for name, _, column in pairs):
        raise SettingError("the columns aren't understood; write title=NAME,rating=NAME")
    return {name.strip().lower(): column.strip() for name, _, column in pairs}


def source(columns: Mapping[str, str]) -> Source:
    """Tables with these columns, from our names to the file's, found by name where one isn't mapped.

    Raises:
        SettingError: a mapping names what there isn't.
    """
    unknown = sorted(set(columns) - set(NAMES))
    if unknown:
        raise SettingError(f"columns: there is no {unknown[0]!r} to map; there is {', '.join(NAMES)}")
    found = {**NAMES, **{name: (theirs.strip().lower(),) for name, theirs in columns.items()}}

    def reader(table: Table) -> Reader:
        table.need(*(found[name][0] for name in columns))
        return lambda row: _entry(row, found)

    return Source("csv", 0, lambda header: bool(columns) or _fits(header), reader)


def _fits(header: set[str]) -> bool:
    return not header.isdisjoint(NAMES["rating"]) and any(not header.isdisjoint(NAMES[name]) for name in FILM)


def _entry(row: Row, names: Mapping[str, tuple[str, ...]]) -> Entry | Skipped:
    return film(
        row, "rating", title=row.text(*names["title"]), year=row.raw(*names["year"]), rating=row.raw(*names["rating"]),
        highest=UNTOLD, moment=as_moment(row.raw(*names["date"])), imdb=row.raw(*names["imdb"]),
        tmdb=row.raw(*names["tmdb"]), movie=row.raw(*names["movie"]),
    )  # fmt: skip
