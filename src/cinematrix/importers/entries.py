"""One shape for what every journal of films says, and how its fields become values."""

import re
import time as clock
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

Kind = Literal["rating", "seen", "watchlist", "like"]

MAX_TEXT_LENGTH = 500
"""Of a title; what is longer is none."""

DAY = 86_400
MILLISECONDS = 10**11
"""A time above it is in milliseconds: in seconds it would lie beyond the year 5000."""

NOT_A_FILM, NO_RATING, NO_FILM = "not a film", "no rating", "neither a title nor an ID"
"""Reasons to skip a row that are no fault of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that says something of a film.

    Attributes:
        row: where it stands: `ratings.csv:12`, member and line, or the line alone.
        kind: what it says.
        title, year: of the film; the title may be empty where an ID is given.
        rating: on the scale of the source, above 0; None unless `kind` is rating.
        time: UTC epoch seconds, of the day's first moment where `day`; None if it isn't told.
        day: the source tells the day only.
        imdb, tmdb: the film's numbers there, and `movie` its ID in the catalog or at MovieLens, if told.
        others: more titles of the same film.
        rank: which of two ratings of a film counts, the lower, whatever their times.
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


@dataclass(frozen=True, slots=True)
class SkippedEntry:
    """A row that was read and says nothing to keep, and why."""

    row: str
    reason: str
    title: str = ""


Entries = Iterator[Entry | SkippedEntry]


@dataclass(frozen=True)
class ParsedImport:
    """All that one upload says.

    Attributes:
        source: whose format it is, as `letterboxd`.
        highest: the best rating there.
        relative: people use different parts of the scale, so that a rating means its place among the person's own.
        entries, skipped: every row read is in one of them.
        warnings: what went wrong without spoiling the rest.
    """

    source: str
    highest: float
    relative: bool
    entries: list[Entry]
    skipped: list[SkippedEntry]
    warnings: list[str]

    @property
    def read(self) -> int:
        """How many rows were read."""
        return len(self.entries) + len(self.skipped)


class Timestamp(NamedTuple):
    """When, in UTC epoch seconds, and whether only the day is known."""

    time: int | None
    day: bool = False


def clean_text(text: str) -> str:
    """Text without control characters and without what turns the direction of writing, spaces made one."""
    if text.isprintable():
        return " ".join(text.split())
    kept = (" " if letter in "\t\r\n" else letter for letter in text)
    return " ".join("".join(c for c in kept if c.isprintable() or unicodedata.category(c) == "Zs").split())


_YEAR = re.compile(r"((?:18[7-9]|19\d|20\d|21\d)\d)(?!\d)", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,6}(\.\d{1,6})?", re.ASCII)
_ID = re.compile(r"(?:tt)?(\d{1,12})", re.ASCII)
_EPOCH = re.compile(r"\d{6,14}", re.ASCII)


def parse_year(text: str) -> int | None:
    """A year from 1870 on; None for anything else."""
    found = _YEAR.match(text.strip())
    return int(found[1]) if found else None


def parse_number(text: str) -> float | None:
    """A plain number, with a point or a comma; None for anything else."""
    plain = text.strip().replace(",", ".")
    return float(plain) if _NUMBER.fullmatch(plain) else None


def parse_external_id(text: str) -> int | None:
    """The number in `tt0111161`, `0111161` or `278`; None for blank, 0, -1 and anything else."""
    found = _ID.fullmatch(text.strip())
    return int(found[1]) or None if found else None


def parse_timestamp(text: str) -> Timestamp:
    """An ISO date or time, or epoch seconds or milliseconds; no moment for what is none, or lies ahead."""
    plain = text.strip()
    try:
        if _EPOCH.fullmatch(plain):
            seconds = int(plain) // 1000 if int(plain) > MILLISECONDS else int(plain)
        else:
            found = datetime.fromisoformat(plain)
            seconds = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return Timestamp(None)
    return timestamp_at(seconds, day=len(plain) == len("2024-12-31") and "-" in plain)


def timestamp_at(seconds: float, *, day: bool) -> Timestamp:
    """The moment so many seconds after 1970; none if that is before 1970, or later than tomorrow."""
    return Timestamp(int(seconds), day) if 0 <= seconds <= clock.time() + DAY else Timestamp(None)


def find_rating_problem(rating: float | None, highest: float, text: str = "") -> str:
    """Why this is no rating on a scale up to `highest`; empty if it is one. A 0 never is one."""
    if rating is None:
        return "the rating isn't a number" if text.strip() else NO_RATING
    if rating == 0:
        return NO_RATING
    return "" if 0 < rating <= highest else f"the rating isn't between 0 and {highest:g}"
