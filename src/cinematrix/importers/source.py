"""Sources of tables: detection of their files and conversion of their rows to entries."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cinematrix.data.catalog import split_title
from cinematrix.errors import DataError
from cinematrix.importers.entries import (
    MAX_TEXT_LENGTH,
    NO_FILM,
    Entries,
    Entry,
    Kind,
    SkippedEntry,
    Timestamp,
    find_rating_problem,
    parse_external_id,
    parse_number,
    parse_year,
)
from cinematrix.importers.text import CsvRow, CsvTable

NO_TIMESTAMP = Timestamp(None)
Reader = Callable[[CsvRow], Entry | SkippedEntry]


@dataclass(frozen=True)
class Source:
    """A source of tables with a header.

    Attributes:
        name: name in the result.
        highest: the best rating; 0: inferred from the ratings.
        fits: predicate for a header (names in lower case): whether it is this source's.
        reader: factory of a table's row reader; raises DataError if the table lacks a column.
    """

    name: str
    highest: float
    fits: Callable[[set[str]], bool]
    reader: Callable[[CsvTable], Reader]


@dataclass(frozen=True)
class HeadlessSource:
    """A source of tables without a header.

    Attributes:
        source: the source.
        line: pattern of the first line, by which the format is detected.
        columns: names for the fields.
        delimiter: separator of the fields; there is no quoting.
    """

    source: Source
    line: re.Pattern[str]
    columns: tuple[str, ...]
    delimiter: str

    def table(self, text: str, name: str) -> CsvTable | None:
        """Return the table in a text; None if its first line doesn't fit."""
        return CsvTable(name, list(self.columns), self._rows(text)) if self.line.match(text.lstrip()) else None

    def _rows(self, text: str) -> Iterator[CsvRow]:
        for number, line in enumerate(text.splitlines(), start=1):
            fields = line.split(self.delimiter)
            if line.strip():
                by_name = dict(zip(self.columns, fields, strict=False))
                yield CsvRow(f"{number}", by_name, max(0, len(fields) - len(self.columns)))


def single_user_check() -> Callable[[str], None]:
    """Return a check to be called with each row's user; a second user raises DataError, since that is a data set."""
    users: set[str] = set()

    def check(user: str) -> None:
        users.add(user)
        if len(users) > 1:
            raise DataError("the file has rows of several users; import one user's, or train a model with it")

    return check


def read_table_entries(table: CsvTable, reader: Reader) -> Entries:
    """Yield each row of a table as an entry, or as skipped with a reason."""
    for row in table.rows:
        if row.surplus:
            yield SkippedEntry(row.at, "more fields than the header has")
        else:
            yield require_movie(reader(row))


def require_movie(entry: Entry | SkippedEntry) -> Entry | SkippedEntry:
    """Return `entry` if it identifies a movie by title or ID; skipped otherwise."""
    if len(entry.title) > MAX_TEXT_LENGTH:
        return SkippedEntry(entry.row, f"the title has more than {MAX_TEXT_LENGTH} letters", entry.title[:50])
    if isinstance(entry, Entry) and not (entry.title or entry.imdb or entry.tmdb or entry.movie):
        return SkippedEntry(entry.row, NO_FILM)
    return entry


def build_entry(
    row: CsvRow,
    kind: Kind,
    *,
    title: str,
    year: str = "",
    rating: str = "",
    highest: float = 0,
    moment: Timestamp = NO_TIMESTAMP,
    imdb: str = "",
    tmdb: str = "",
    movie: str = "",
    other: str = "",
    rank: int = 0,
) -> Entry | SkippedEntry:
    """Build an entry from a row's fields; skipped if `kind` is rating and the rating is invalid.

    The year may also be in the title. `other`: an alternative title. `rank`: priority, as in `Entry`.
    """
    plain, in_title = split_title(title)
    stars = parse_number(rating) if kind == "rating" else None
    if kind == "rating" and (problem := find_rating_problem(stars, highest, rating)):
        return SkippedEntry(row.at, problem, title)
    others = (other,) if other and other != title else ()
    return Entry(
        row.at, kind, plain, parse_year(year) or in_title, stars, *moment, parse_external_id(imdb),
        parse_external_id(tmdb), movie.strip(), others, rank,
    )  # fmt: skip
