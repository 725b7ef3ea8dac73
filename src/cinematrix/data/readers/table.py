"""Collector of the rows of a table, chunk by chunk, which are validated as whole columns and become `Ratings`."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.data.ids import IdMap, Numbers
from cinematrix.data.ratings import Ratings, Scale, grid_step, infer_scale
from cinematrix.data.readers.log import ReadLog, RuleViolation
from cinematrix.data.readers.values import Converter
from cinematrix.errors import DataError

FIXED_SCALES = {
    "ml-100k": Scale(1, 5, 1),
    "ml-1m": Scale(1, 5, 1),
    "ml-10m": Scale(0.5, 5, 0.5),
    "movietweetings": Scale(0, 10, 1),
}
"""Scales of the formats that document them."""


class RatingsTable:
    """Rows of a file or a frame, with their line numbers: first as they were written, after `validate` good ones only.

    Attributes:
        file: name of the file, for messages.
        log: bad rows, notes and warnings.
        n_rows: number of well-formed rows.
        columns: columns by role, once validated.
    """

    def __init__(self, log: ReadLog) -> None:
        self.file, self.log = log.file, log
        self.n_rows = 0
        self.columns: dict[str, pl.Series] = {}
        self._top: float | None = None
        self._pieces: list[pl.DataFrame] = []
        self._malformed: list[RuleViolation] = []
        self._starts: list[int] = []
        self._lines: list[int | NDArray[np.int64]] = []
        self._good: NDArray[np.int64] | None = None

    def add(self, frame: pl.DataFrame, lines: int | NDArray[np.int64]) -> None:
        """Add the rows of `frame` (columns by role) with their line numbers, or the first of consecutive ones."""
        if len(frame):
            self._starts.append(self.n_rows)
            self._lines.append(lines)
            self._pieces.append(frame)
            self.n_rows += len(frame)

    def refuse(self, faults: list[RuleViolation]) -> None:
        """Add rows that aren't well-formed."""
        self._malformed += faults

    def lines_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the line numbers of rows as they were added."""
        lines = np.empty(len(rows), np.int64)
        pieces = np.searchsorted(self._starts, rows, side="right") - 1
        for piece in np.unique(pieces).tolist():
            here, known = pieces == piece, self._lines[piece]
            inside = rows[here] - self._starts[piece]
            lines[here] = known + inside if isinstance(known, int) else known[inside]
        return lines

    @property
    def n_malformed(self) -> int:
        """Number of lines that are no rows."""
        return sum(len(fault.lines) for fault in self._malformed)

    def validate(self, missing: tuple[str, ...] | None = None) -> None:
        """Convert the columns to internal types and drop bad rows; `missing` are the ratings that mean "not rated".

        Raises:
            DataError: there is no good row, or there is a bad one and the log doesn't skip them.
        """
        n_read = self.n_rows + self.n_malformed
        converter = Converter(self.lines_of, self.log, missing, np.zeros(self.n_rows, bool), [*self._malformed])
        converter.counted = bool(self._pieces) and "count" in self._pieces[0].columns
        for role in self._pieces[0].columns if self._pieces else ():
            self.columns[role] = converter.convert(role, _whole([piece[role] for piece in self._pieces]))
            self._pieces = [piece.drop(role) for piece in self._pieces]
        self.log.add(converter.faults)
        self._top, self._pieces = converter.top, []
        if converter.bad.any():
            self._good = np.flatnonzero(~converter.bad)
            self._keep(~converter.bad)
        if not self.n_rows:
            dropped = f" ({n_read:,} dropped)" if n_read else ""
            raise DataError(f"{self.file} has no good row{dropped}; at least one rating is needed")

    def _keep(self, mask: NDArray[np.bool_]) -> None:
        self.columns = {role: column.filter(pl.Series(mask)) for role, column in self.columns.items()}
        self.n_rows = int(mask.sum())

    def column(self, role: str) -> NDArray[Any] | None:
        """Return the column of a role as an array; None if the table doesn't have it."""
        return self.columns[role].to_numpy() if role in self.columns else None

    def scale(self, name: str = "") -> tuple[Scale | None, bool]:
        """Return the scale of format `name` or else the inferred one, and True if it was inferred.

        The scale is None for plain interactions.
        """
        rating = self.column("rating")
        if rating is None:
            return None, False
        fixed = _movielens_scale(rating) if name == "ml-csv" else FIXED_SCALES.get(name)
        if fixed is None and len(rating) > 1 and rating.min() == rating.max():
            self.log.notes.append(
                f"every rating is {rating[0]:g}, so there is nothing to tell liking from; read the rows as plain "
                "interactions with --columns rating=-"
            )
        return fixed or infer_scale(rating, self._top), fixed is None

    def has_half_stars(self) -> bool:
        """Return True if any rating isn't an integer."""
        return "rating" in self.columns and bool((self.columns["rating"] % 1 != 0).any())

    def drop_off_scale(self, scale: Scale, *, given: bool = True) -> None:
        """Drop the rows whose rating is off the scale, which is `given` or was chosen here.

        Raises:
            DataError: there is such a row and the log doesn't skip bad rows.
        """
        rating = self.column("rating")
        if rating is None:
            return
        on_scale = scale.contains(rating)
        off = np.flatnonzero(~on_scale)
        if len(off):
            lines = self.lines_of(off if self._good is None else self._good[off])
            problem = (
                f"the rating {rating[off[0]]:g} is off the scale {scale}{'' if given else ', which --scale changes'}"
            )
            self.log.add([RuleViolation("rating is off the scale", lines, problem)])
            self._keep(on_scale)

    def ratings(self, scale: Scale | None, movies: type[pl.DataType] | None = None) -> Ratings:
        """Convert the rows to `Ratings`, with movie IDs of type `movies`; the table is empty afterwards.

        Raises:
            DataError: there is no row, or a rating is off the scale.
        """
        if scale is not None:
            self.drop_off_scale(scale)
        if not self.n_rows:
            raise DataError(f"{self.file} has no good row; at least one rating is needed")
        rating, time, count = (self.column(role) for role in ("rating", "time", "count"))
        if rating is None and count is not None and (count != 1).any():
            self.log.warnings.append(
                f"the counts (up to {count.max():g}) aren't weighed by any model: a movie watched a hundred times "
                "counts as watched once"
            )
        user_map, user = _numbered(self.columns.pop("user"))
        movie_map, movie = _numbered(self.columns.pop("movie"), movies)
        self.columns = {}
        return Ratings.from_numbers(
            user_map, movie_map, user, movie, rating, time, counts=None if rating is not None else count, scale=scale
        )  # fmt: skip


def _whole(pieces: list[pl.Series]) -> pl.Series:
    """Return the pieces of a column as one; text if some are text."""
    types = {piece.dtype for piece in pieces}
    return pl.concat(pieces if len(types) == 1 else [piece.cast(pl.String) for piece in pieces], rechunk=True)


def _numbered(ids: pl.Series, kind: type[pl.DataType] | None = None) -> tuple[IdMap, Numbers]:
    """Return the map of the IDs in a column and their numbers in it."""
    if kind != pl.String and ids.dtype == pl.Int64:
        id_map = IdMap.of(ids.to_numpy())
        return id_map, id_map.numbers(ids.to_numpy())
    text = ids.cast(pl.String)
    distinct = text.unique().sort()
    numbers = text.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int32)
    return IdMap(np.array(distinct.to_list(), np.str_)), numbers


def _movielens_scale(rating: NDArray[Any]) -> Scale | None:
    """Return MovieLens' scale 0.5 to 5 if more than two thirds of the ratings are on its half-star grid, else None."""
    stars = rating.astype(np.float32)
    inside = (stars >= 0.5) & (stars <= 5)
    on_grid = inside & (stars * 2 == np.round(stars * 2))
    if stars.min() == 0 and stars.max() <= 1:
        return None
    return Scale(0.5, 5, grid_step(stars[inside]) and 0.5) if on_grid.mean() > 2 / 3 else None
