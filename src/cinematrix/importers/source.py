"""What a source is: how its files are told from others, and what a row of them says."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cinematrix.data.catalog import split_title
from cinematrix.errors import DataError
from cinematrix.importers.entries import (
    MOST_LETTERS,
    NO_FILM,
    Entries,
    Entry,
    Kind,
    Moment,
    Skipped,
    as_id,
    as_number,
    as_year,
    fault_of_rating,
)
from cinematrix.importers.text import Row, Table

NEVER = Moment(None)
Reader = Callable[[Row], Entry | Skipped]


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
    reader: Callable[[Table], Reader]


@dataclass(frozen=True)
class Headless:
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

    def table(self, text: str, name: str) -> Table | None:
        """The table in a text; None if it is none of these."""
        return Table(name, list(self.columns), self._rows(text)) if self.line.match(text.lstrip()) else None

    def _rows(self, text: str) -> Iterator[Row]:
        for number, line in enumerate(text.splitlines(), start=1):
            fields = line.split(self.delimiter)
            if line.strip():
                named = dict(zip(self.columns, fields, strict=False))
                yield Row(f"{number}", named, max(0, len(fields) - len(self.columns)))


def one_user() -> Callable[[str], None]:
    """What is shown the user of each row; at the second one it raises DataError, since that is a data set."""
    users: set[str] = set()

    def check(user: str) -> None:
        users.add(user)
        if len(users) > 1:
            raise DataError("the file has rows of several users; import one person's, or train with it")

    return check


def rows_of(table: Table, reader: Reader) -> Entries:
    """Each row of a table as an entry, or skipped with its reason."""
    for row in table.rows:
        if row.surplus:
            yield Skipped(row.at, "more fields than the header has")
        else:
            yield checked(reader(row))


def checked(entry: Entry | Skipped) -> Entry | Skipped:
    """`entry`, if it names a film."""
    if len(entry.title) > MOST_LETTERS:
        return Skipped(entry.row, f"the title has more than {MOST_LETTERS} letters", entry.title[:50])
    if isinstance(entry, Entry) and not (entry.title or entry.imdb or entry.tmdb or entry.movie):
        return Skipped(entry.row, NO_FILM)
    return entry


def film(
    row: Row,
    kind: Kind,
    *,
    title: str,
    year: str = "",
    rating: str = "",
    highest: float = 0,
    moment: Moment = NEVER,
    imdb: str = "",
    tmdb: str = "",
    movie: str = "",
    other: str = "",
    rank: int = 0,
) -> Entry | Skipped:
    """The entry that a row's fields make; the year may stand in the title. Skipped if it should rate and doesn't."""
    plain, in_title = split_title(title)
    stars = as_number(rating) if kind == "rating" else None
    if kind == "rating" and (fault := fault_of_rating(stars, highest, rating)):
        return Skipped(row.at, fault, title)
    others = (other,) if other and other != title else ()
    return Entry(
        row.at, kind, plain, as_year(year) or in_title, stars, *moment, as_id(imdb), as_id(tmdb), movie.strip(), others,
        rank,
    )  # fmt: skip
