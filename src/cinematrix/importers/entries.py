"""Entries of an import, common to all sources, and parsers of their fields."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cinematrix.data.ratings import Scale

Kind = Literal["rating", "seen", "watchlist", "like", "not_interested", "deleted"]
"""Kind of an entry. Only the file of a whole history has movies that are `not_interested`, and `deleted` ratings."""

KindName = Literal["seen", "watchlist", "liked", "rated"]
KINDS: dict[KindName, Kind] = {"seen": "seen", "watchlist": "watchlist", "liked": "like", "rated": "rating"}
"""Kinds by the names that users give them."""

MAX_TEXT_LENGTH = 500
"""Maximum letters of a title; rows with longer ones are skipped."""

MAX_LISTED_SKIPS = 10_000
"""Maximum skipped rows that are listed one by one; series watchers have tens of thousands of episodes."""

NOT_A_FILM, NO_RATING, NO_FILM = "not a film", "no rating", "neither a title nor an ID"
"""Reasons to skip a valid row."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row about a movie.

    Attributes:
        row: position: `ratings.csv:12` (member and line), or the line alone.
        kind: rating, seen, watchlist, like, not_interested or deleted.
        title, year: of the movie; the title may be empty if there is an ID.
        rating: on the scale of the source, above 0; None unless `kind` is rating.
        time: UTC epoch seconds, the start of the day if `day`; None if the source gives none.
        day: the source gives only the day.
        imdb, tmdb: the movie's IDs at IMDb and TMDB; None if the source gives none.
        movie: the movie's ID in the catalog or at MovieLens; empty if the source gives none.
        others: alternative titles of the movie.
        rank: priority of the row; of several ratings of a movie the lowest rank counts, before the time.
        source: the export that once gave a rating without a date, in the file of a whole history.
    """

    row: str
    kind: Kind
    title: str
    year: int | None = None
    rating: float | None = None
    time: int | None = None
    day: bool = False
    imdb: int | None = None
    tmdb: int | None = None
    movie: str = ""
    others: tuple[str, ...] = ()
    rank: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class SkippedEntry:
    """A row that was read but not imported, and the reason."""

    row: str
    reason: str
    title: str = ""


@dataclass(frozen=True)
class ParsedImport:
    """The entries of one upload.

    Attributes:
        source: name of the format, such as `letterboxd`.
        highest: the best rating of the source's scale.
        relative: ratings are converted by rank, since users use different parts of the scale.
        entries, skipped: every row read is in one of them, or counted in `unlisted`.
        warnings: problems that didn't stop the import.
        unlisted: number of skipped rows by reason beyond the first `MAX_LISTED_SKIPS`.
        users: names of the users or profiles that the rows are of, if the file says it.
        scale: scale of the ratings, if they needn't be rounded to half stars.
        exact: the file is a whole history: each entry counts by itself, with its kind and time.
    """

    source: str
    highest: float
    relative: bool
    entries: list[Entry]
    skipped: list[SkippedEntry]
    warnings: list[str]
    unlisted: Counter[str] = field(default_factory=Counter)
    users: list[str] = field(default_factory=list)
    scale: Scale | None = None
    exact: bool = False

    def skip(self, row: SkippedEntry) -> None:
        """Add a skipped row; beyond `MAX_LISTED_SKIPS` it is only counted."""
        if len(self.skipped) < MAX_LISTED_SKIPS:
            self.skipped.append(row)
        else:
            self.unlisted[row.reason] += 1

    @property
    def n_skipped(self) -> int:
        """Number of skipped rows."""
        return len(self.skipped) + self.unlisted.total()

    @property
    def reasons(self) -> dict[str, int]:
        """Number of skipped rows by reason, the most frequent first."""
        return dict((Counter(row.reason for row in self.skipped) + self.unlisted).most_common())

    @property
    def read(self) -> int:
        """Number of rows read."""
        return len(self.entries) + self.n_skipped


class Timestamp(NamedTuple):
    """A time in UTC epoch seconds; `day`: only the day is known."""

    time: int | None
    day: bool = False


def clean_text(text: str) -> str:
    """Return the text without control and bidirectional characters, with runs of spaces made one."""
    if text.isprintable():
        return " ".join(text.split())
    letters = (" " if letter in "\t\r\n" else letter for letter in text)
    return " ".join("".join(c for c in letters if c.isprintable() or unicodedata.category(c) == "Zs").split())


_YEAR = re.compile(r"((?:18[7-9]|19\d|20\d|21\d)\d)(?!\d)", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,6}(\.\d{1,6})?", re.ASCII)
_ID = re.compile(r"(?:tt)?(\d{1,12})", re.ASCII)


def parse_year(text: str) -> int | None:
    """Parse a year from 1870 on; None for anything else."""
    match = _YEAR.match(text.strip())
    return int(match[1]) if match else None


def parse_number(text: str) -> float | None:
    """Parse a plain number with a decimal point or comma; None for anything else."""
    plain = text.strip().replace(",", ".")
    return float(plain) if _NUMBER.fullmatch(plain) else None


def parse_external_id(text: str) -> int | None:
    """Parse the number in `tt0111161`, `0111161` or `278`; None for blank, 0, -1 and anything else."""
    match = _ID.fullmatch(text.strip())
    return int(match[1]) or None if match else None


def find_rating_problem(rating: float | None, highest: float, text: str = "") -> str:
    """Return the reason why a rating is invalid on a scale up to `highest`; empty if valid. A 0 is no rating."""
    if rating is None:
        return "the rating isn't a number" if text.strip() else NO_RATING
    if rating == 0:
        return NO_RATING
    return "" if 0 < rating <= highest else f"the rating isn't between 0 and {highest:g}"
