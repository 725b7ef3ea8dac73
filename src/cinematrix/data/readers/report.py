"""What a reader hands over: the ratings, the catalog, and an honest account of the way there."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import DataError

FIRST_LINES = 5
"""How many line numbers a report keeps for each reason."""


@dataclass(frozen=True, eq=False)
class RuleViolation:
    """Rows of a table that break one rule.

    Attributes:
        reason: the rule in a few words, the same for all such rows.
        lines: int64, ascending, where they are (1-based, the header counts).
        problem: what is wrong with the first of them, its value included.
    """

    reason: str
    lines: NDArray[np.int64]
    problem: str


@dataclass(frozen=True)
class DroppedRows:
    """Rows left out for one reason: how many, and the lines of the first ones."""

    count: int
    lines: list[int]

    def __add__(self, other: "DroppedRows") -> "DroppedRows":
        return DroppedRows(self.count + other.count, (self.lines + other.lines)[:FIRST_LINES])


@dataclass(frozen=True)
class ReadReport:
    """What happened to a table on its way in.

    Attributes:
        rows: how many rows of data the file has, bad ones included and blank lines not.
        dropped: rows left out, by reason.
        merged: rows merged into another one of the same user and movie.
        milliseconds: times that were given in milliseconds (or finer) and brought to seconds.
        scale: of the ratings; None for plain interactions.
        scale_inferred: whether `scale` was read off the ratings, not known from the format or given.
        movies: rows of the catalog; None where there is no movies file.
        titles_without_year: movies whose year is told neither by the title nor by another column.
        without_imdb: movies with a links file that leaves their IMDb ID blank.
        without_tmdb: likewise the TMDB ID.
        blank_tags: rows of the tags file that have no tag, or are for no movie in the catalog.
    """

    rows: int
    dropped: dict[str, DroppedRows] = field(default_factory=dict)
    merged: int = 0
    milliseconds: int = 0
    scale: Scale | None = None
    scale_inferred: bool = False
    movies: int | None = None
    titles_without_year: int = 0
    without_imdb: int = 0
    without_tmdb: int = 0
    blank_tags: int = 0

    @property
    def n_dropped(self) -> int:
        """Rows left out for any reason."""
        return sum(dropped.count for dropped in self.dropped.values())

    def as_dict(self) -> dict[str, Any]:
        """The report in plain types, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "ReadReport":
        """The report that `as_dict` took apart."""
        scale = None if plain["scale"] is None else Scale(**plain["scale"])
        dropped = {reason: DroppedRows(**each) for reason, each in plain["dropped"].items()}
        return cls(**{**plain, "scale": scale, "dropped": dropped})


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as read.

    Attributes:
        name: the format: ml-100k, ml-1m, ml-10m, ml-csv, movietweetings, csv or parquet.
        source: the file of ratings.
        ratings: in the order of the file.
        catalog: None where there is no movies file.
        report: what was dropped, merged, converted.
    """

    name: str
    source: str
    ratings: Ratings
    catalog: Catalog | None
    report: ReadReport


class ViolationLog:
    """Bad rows of one file: the first is an error, or all are dropped and counted."""

    def __init__(self, file: str, unit: str = "line", skip_bad: bool = False) -> None:
        self.file, self.unit, self.skip_bad = file, unit, skip_bad
        self.dropped: dict[str, DroppedRows] = {}

    def add(self, faults: Iterable[RuleViolation], *, whole: bool = True) -> None:
        """Take note of `faults`, found in the `whole` file or in a part of it.

        Raises:
            DataError: there are any and bad rows aren't to be skipped; it names the first.
        """
        found = sorted((f for f in faults if len(f.lines)), key=lambda f: int(f.lines[0]))
        if found and not self.skip_bad:
            raise DataError(self._message(found, whole))
        for fault in found:
            more = DroppedRows(len(fault.lines), fault.lines[:FIRST_LINES].tolist())
            self.dropped[fault.reason] = self.dropped.get(fault.reason, DroppedRows(0, [])) + more

    def _message(self, found: list[RuleViolation], whole: bool) -> str:
        count = sum(len(fault.lines) for fault in found)
        bad = "" if count == 1 and whole else f" ({'' if whole else 'at least '}{count:,} bad {self.unit}s)"
        first = f"{self.file}, {self.unit} {found[0].lines[0]}: {found[0].problem}{bad}"
        return f"{first}; correct the {self.unit}, or drop bad ones with --skip-bad (skip_bad=True)"
