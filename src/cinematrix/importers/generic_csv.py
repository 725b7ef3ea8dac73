"""Importer of any CSV, by common column names or by a column mapping."""

from collections.abc import Mapping

from cinematrix.common.text import parse_pairs
from cinematrix.data.readers.columns import COLUMN_ALIASES
from cinematrix.errors import SettingError
from cinematrix.importers.entries import Entry, SkippedEntry, parse_timestamp
from cinematrix.importers.source import Reader, Source, build_entry
from cinematrix.importers.text import CsvRow, CsvTable

FIELD_ALIASES: dict[str, tuple[str, ...]] = {
    "title": ("title", "name", "film", "movie title", "movie_title", "movie"),
    "year": ("year", "release year", "release_year", "released", "release date", "release_date"),
    "rating": (*COLUMN_ALIASES["rating"], "my rating", "your rating"),
    "date": ("date", "watched date", "date rated", "rated at", *COLUMN_ALIASES["time"]),
    "imdb": ("imdb", "imdb id", "imdb_id", "imdbid"),
    "tmdb": ("tmdb", "tmdb id", "tmdb_id", "tmdbid"),
    "movie": ("movieid", "movie id", "movie_id"),
}
"""Fields that a mapping may name, and the column names detected without one."""

MOVIE_FIELDS = ("title", "imdb", "tmdb", "movie")
UNKNOWN_MAXIMUM = 1e6
"""Placeholder for the best rating until all ratings are read."""


def parse_mapping(text: str) -> dict[str, str]:
    """Parse `title=Film,rating=Score` into a mapping from field to column; empty if `text` is blank.

    Raises:
        SettingError: `text` has another form.
    """
    pairs = parse_pairs(text, "the columns aren't understood; write title=NAME,rating=NAME") if text.strip() else []
    return {field.lower(): column for field, column in pairs}


def build_source(columns: Mapping[str, str]) -> Source:
    """Return the source for a mapping from field to column; fields not mapped are detected by column name.

    Raises:
        SettingError: the mapping names an unknown field.
    """
    unknown = sorted(set(columns) - set(FIELD_ALIASES))
    if unknown:
        raise SettingError(
            f"columns: there is no field {unknown[0]!r} to map; the fields are {', '.join(FIELD_ALIASES)}"
        )
    aliases = {**FIELD_ALIASES, **{field: (column.strip().lower(),) for field, column in columns.items()}}

    def reader(table: CsvTable) -> Reader:
        table.need(*(aliases[field][0] for field in columns))
        return lambda row: _entry(row, aliases)

    return Source("csv", 0, lambda header: bool(columns) or _is_ratings_header(header), reader)


def _is_ratings_header(header: set[str]) -> bool:
    return not header.isdisjoint(FIELD_ALIASES["rating"]) and any(
        not header.isdisjoint(FIELD_ALIASES[name]) for name in MOVIE_FIELDS
    )


def _entry(row: CsvRow, aliases: Mapping[str, tuple[str, ...]]) -> Entry | SkippedEntry:
    return build_entry(
        row, "rating", title=row.text(*aliases["title"]), year=row.raw(*aliases["year"]),
        rating=row.raw(*aliases["rating"]), highest=UNKNOWN_MAXIMUM,
        moment=parse_timestamp(row.raw(*aliases["date"])), imdb=row.raw(*aliases["imdb"]),
        tmdb=row.raw(*aliases["tmdb"]), movie=row.raw(*aliases["movie"]),
    )  # fmt: skip
