"""What a source is: how its files are told from others, and what a row of them says."""

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
    """Tables of one origin.

    Attributes:
        name: as the result calls it.
        highest: the best rating; 0: to be told from the ratings.
        fits: whether a header (its names in lower case) is one of this source's.
        reader: of a table, what reads its rows; raises DataError for a table that isn't what is needed.
    """

    name: str
    highest: float
    fits: Callable[[set[str]], bool]
    reader: Callable[[CsvTable], Reader]


@dataclass(frozen=True)
class HeadlessSource:
    """Tables of one origin that have no header.

    Attributes:
        source: of whom they are.
        line: what their first line is like, which tells them.
        columns: what their fields are called here.
        delimiter: between fields, which hold none.
    """

    source: Source
    line: re.Pattern[str]
    columns: tuple[str, ...]
    delimiter: str

    def table(self, text: str, name: str) -> CsvTable | None:
        """The table in a text; None if it is none of these."""
        return CsvTable(name, list(self.columns), self._rows(text)) if self.line.match(text.lstrip()) else None

    def _rows(self, text: str) -> Iterator[CsvRow]:
        for number, line in enumerate(text.splitlines(), start=1):
            fields = line.split(self.delimiter)
            if line.strip():
                named = dict(zip(self.columns, fields, strict=False))
                yield CsvRow(f"{number}", named, max(0, len(fields) - len(self.columns)))


def single_user_check() -> Callable[[str], None]:
    """What is shown the user of each row; at the second one it raises DataError, since that is a data set."""
    users: set[str] = set()

    def check(user: str) -> None:
        users.add(user)
        if len(users) > 1:
            raise DataError("the file has rows of several users; import one person's, or train with it")

    return check


def read_table_entries(table: CsvTable, reader: Reader) -> Entries:
    """Each row of a table as an entry, or skipped with its reason."""
    for row in table.rows:
        if row.surplus:
            yield SkippedEntry(row.at, "more fields than the header has")
        else:
            yield require_movie(reader(row))


def require_movie(entry: Entry | SkippedEntry) -> Entry | SkippedEntry:
    """`entry`, if it names a film."""
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
    """The entry that a row's fields make; the year may stand in the title. Skipped if it should rate and doesn't."""
    plain, in_title = split_title(title)
    stars = parse_number(rating) if kind == "rating" else None
    if kind == "rating" and (fault := find_rating_problem(stars, highest, rating)):
        return SkippedEntry(row.at, fault, title)
    others = (other,) if other and other != title else ()
    return Entry(
        row.at, kind, plain, parse_year(year) or in_title, stars, *moment, parse_external_id(imdb), parse_external_id(tmdb), movie.strip(), others,
        rank,
    )  # fmt: skip
