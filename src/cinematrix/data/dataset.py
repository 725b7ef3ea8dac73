"""A data set: ratings together with what is known of the movies."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from cinematrix.common.html import html_table
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.splits import Split

SHOWN_ROWS = 10
"""Rows that a notebook shows."""


FIRST_LINES = 5
"""Line numbers in a report for each reason."""


@dataclass(frozen=True)
class DroppedRows:
    """Rows dropped for one reason: their count, and the line numbers of the first ones."""

    count: int
    lines: list[int]

    def __add__(self, other: "DroppedRows") -> "DroppedRows":
        return DroppedRows(self.count + other.count, (self.lines + other.lines)[:FIRST_LINES])


@dataclass(frozen=True)
class ReadReport:
    """Report on reading a data set.

    Attributes:
        rows: rows of data in the file, including bad ones, without blank lines.
        dropped: dropped rows, by reason.
        merged: rows merged into another row of the same user and movie.
        milliseconds: times converted from milliseconds (or finer) to seconds.
        scale: rating scale; None for plain interactions.
        scale_inferred: whether `scale` was inferred from the ratings, and not given or part of the format.
        movies: movies in the file of movies; None without one.
        titles_without_year: movies without a year, in the title or in a column.
        without_imdb: movies without an IMDb ID; 0 without a file of links.
        without_tmdb: movies without a TMDB ID; 0 without a file of links.
        blank_tags: rows of the tags file without a tag, or of a movie that isn't in the catalog.
        unread_runtimes: running times in the file of movies that aren't understood, and count as missing.
        unread_certifications: certifications in the file of movies whose age isn't known.
        untitled: rated movies that aren't in the file of movies; 0 without one.
        notes: sentences on what was taken, converted and left out.
        warnings: sentences on what was guessed or is doubtful.
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
    unread_runtimes: int = 0
    unread_certifications: int = 0
    untitled: int = 0
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def n_dropped(self) -> int:
        """Rows dropped for any reason."""
        return sum(dropped.count for dropped in self.dropped.values())

    def sentences(self) -> list[str]:
        """Return what was dropped, merged, converted, taken and left out, a sentence each; warnings aside."""
        dropped = []
        for why, each in self.dropped.items():
            lines = ", ".join(map(str, each.lines)) + ", …" * (each.count > len(each.lines))
            dropped.append(f"{each.count:,} rows dropped: {why} (lines {lines})")
        merged = [f"{self.merged:,} repeated (user, movie) merged"] * bool(self.merged)
        times = [f"{self.milliseconds:,} times were in milliseconds or finer"] * bool(self.milliseconds)
        scale = [f"the scale {self.scale} is taken from the ratings; --scale sets another"] * self.scale_inferred
        return dropped + merged + times + scale + self._unread() + self.notes

    def _unread(self) -> list[str]:
        runtimes = f"{self.unread_runtimes:,} running times of movies aren't understood; write minutes, such as 107"
        ages = f"{self.unread_certifications:,} certifications of movies aren't known; write such as PG-13 or FSK 12"
        return [runtimes] * bool(self.unread_runtimes) + [ages] * bool(self.unread_certifications)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain types, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "ReadReport":
        """Restore a report; inverse of `as_dict`."""
        scale = None if plain["scale"] is None else Scale(**plain["scale"])
        dropped = {reason: DroppedRows(**each) for reason, each in plain["dropped"].items()}
        return cls(**{**plain, "scale": scale, "dropped": dropped})


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Ratings with their catalog, and where they come from.

    Attributes:
        ratings: in the order of the file.
        catalog: titles, years, genres and tags; None where there is no movies file.
        name: the format: ml-100k, ml-1m, ml-10m, ml-csv, movietweetings, csv, parquet or frame.
        source: the file of ratings.
        report: what was dropped, merged and converted on the way in; empty for a table in memory.
        given: of a test part, the users' histories at the time of the test; None: those that a model was trained on.
        protocol: of a part of a split, the split in words.
    """

    ratings: Ratings
    catalog: Catalog | None = None
    name: str = "frame"
    source: str = ""
    report: ReadReport = field(default_factory=lambda: ReadReport(0))
    given: Ratings | None = None
    protocol: str = ""

    def __len__(self) -> int:
        return len(self.ratings)

    def __repr__(self) -> str:
        return f"Dataset({self._summary()})"

    def parts(self, split: Split) -> "tuple[Dataset, Dataset]":
        """Return the training part and the test part of a split of these ratings."""
        train = replace(self, ratings=split.train, protocol=split.protocol)
        given = None if split.given is split.train else split.given
        return train, replace(self, ratings=split.test, given=given, protocol=split.protocol)

    def to_frame(self) -> pl.DataFrame:
        """Return a frame: user, movie, rating (or count), time, and title where there is a catalog."""
        return self._frame(np.arange(len(self)))

    def _repr_html_(self) -> str:
        frame = self._frame(np.arange(min(len(self), SHOWN_ROWS)))
        more = len(self) - len(frame)
        return html_table(frame.columns, frame.rows(), self._summary(), f"… and {more:,} more rows" if more else "")

    def _summary(self) -> str:
        ratings = self.ratings
        users, movies = (len(np.unique(column)) for column in (ratings.user, ratings.movie))
        what = f"ratings from {ratings.scale.low:g} to {ratings.scale.high:g}" if ratings.scale else "interactions"
        protocol = f"; {self.protocol}" if self.protocol else ""
        return f"{users:,} users × {movies:,} movies, {len(self):,} {what}{protocol}"

    def _frame(self, rows: Any) -> pl.DataFrame:
        ratings = self.ratings
        movies = ratings.movies.ids[ratings.movie[rows]]
        columns: dict[str, Any] = {"user": ratings.users.ids[ratings.user[rows]], "movie": movies}
        named = {"rating": ratings.rating, "count": ratings.count, "time": ratings.time}
        columns |= {name: values[rows] for name, values in named.items() if values is not None}
        if self.catalog is not None:
            numbers = self.catalog.movies.numbers(movies)
            titles = [self.catalog.label(number) if number >= 0 else None for number in numbers.tolist()]
            columns["title"] = pl.Series(titles, dtype=pl.String)
        return pl.DataFrame(columns)
