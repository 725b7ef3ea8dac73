"""Collector of the valid rows of a table of ratings, chunk by chunk, before they become `Ratings`."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.data.ids import IdMap, Numbers
from cinematrix.data.ratings import Ratings, Scale, grid_step, infer_scale
from cinematrix.data.readers.violations import RuleViolation, ViolationLog
from cinematrix.errors import DataError

FIXED_SCALES = {
    "ml-100k": Scale(1, 5, 1),
    "ml-1m": Scale(1, 5, 1),
    "ml-10m": Scale(0.5, 5, 0.5),
    "movietweetings": Scale(0, 10, 1),
}
"""Scales of the formats that document them."""


class RatingsTable:
    """Valid rows of a file or a frame, with their line numbers.

    Attributes:
        file: name of the file, for messages.
        n_rows: number of rows.
        milliseconds: number of times that were in milliseconds or finer.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.n_rows = self.milliseconds = 0
        self._pieces: list[pl.DataFrame] = []
        self._lines: list[tuple[int, int, NDArray[np.int64] | None]] = []

    def add(self, frame: pl.DataFrame, lines: NDArray[np.int64], milliseconds: int) -> None:
        """Add the rows of `frame` (columns by role) with their line numbers."""
        if len(frame):
            consecutive = int(lines[-1]) - int(lines[0]) + 1 == len(lines)
            self._lines.append((self.n_rows, int(lines[0]), None if consecutive else lines))
            self._pieces.append(frame)
            self.n_rows += len(frame)
            self.milliseconds += milliseconds

    def line(self, row: int) -> int:
        """Return the line number of a row."""
        start, first, lines = next(piece for piece in reversed(self._lines) if piece[0] <= row)
        return first + row - start if lines is None else int(lines[row - start])

    def movie_id_type(self) -> type[pl.DataType]:
        """Return Int64 if every movie ID is a plain integer, else String."""
        return pl.Int64 if all(piece["movie"].dtype == pl.Int64 for piece in self._pieces) else pl.String

    def column(self, role: str) -> NDArray[Any] | None:
        """Return the column of a role as an array; None if the table doesn't have it."""
        if role not in self._pieces[0].columns:
            return None
        return np.concatenate([piece[role].to_numpy() for piece in self._pieces])

    def scale(self, name: str = "") -> tuple[Scale | None, bool]:
        """Return the scale of format `name` or else the inferred one, and True if it was inferred.

        The scale is None for plain interactions.
        """
        rating = self.column("rating") if self._pieces else None
        if rating is None:
            return None, False
        fixed = _movielens_scale(rating) if name == "ml-csv" else FIXED_SCALES.get(name)
        return fixed or infer_scale(rating), fixed is None

    def has_half_stars(self) -> bool:
        """Return True if any rating isn't an integer."""
        return any(bool((piece["rating"] % 1 != 0).any()) for piece in self._pieces if "rating" in piece.columns)

    def drop_off_scale(self, scale: Scale, tally: ViolationLog) -> None:
        """Drop the rows whose rating is off the scale.

        Raises:
            DataError: there is such a row and `tally` doesn't skip bad rows.
        """
        rating = self.column("rating")
        off = np.zeros(0) if rating is None else np.flatnonzero(~scale.contains(rating))
        if rating is None or not len(off):
            return
        lines = np.array([self.line(int(row)) for row in off], np.int64)
        problem = f"the rating {rating[off[0]]:g} is off the scale {scale}"
        tally.add([RuleViolation("rating is off the scale", lines, problem)])
        mask = np.ones(self.n_rows, bool)
        mask[off] = False
        starts = [start for start, _, _ in self._lines[1:]]
        masks = np.split(mask, starts)
        self._pieces = [piece.filter(pl.Series(mask)) for piece, mask in zip(self._pieces, masks, strict=True)]
        self.n_rows -= len(off)

    def ratings(self, scale: Scale | None, movies: type[pl.DataType] | None = None) -> Ratings:
        """Convert the rows to `Ratings`, with movie IDs of type `movies`; the table is empty afterwards.

        Raises:
            DataError: there is no row, or a rating is off the scale.
        """
        if not self.n_rows:
            raise DataError(f"{self.file} has no good row; at least one rating is needed")
        if scale is not None:
            self.drop_off_scale(scale, ViolationLog(self.file, "row"))
        rating, time, count = (self.column(role) for role in ("rating", "time", "count"))
        self._pieces = [piece.select("user", "movie") for piece in self._pieces]
        user_map, user = _numbered([piece["user"] for piece in self._pieces])
        self._pieces = [piece.select("movie") for piece in self._pieces]
        movie_map, movie = _numbered([piece["movie"] for piece in self._pieces], movies)
        self._pieces = []
        return Ratings.from_numbers(
            user_map,
            movie_map,
            user,
            movie,
            rating,
            time,
            counts=None if rating is not None else count,
            scale=scale,
        )


def _numbered(pieces: list[pl.Series], kind: type[pl.DataType] | None = None) -> tuple[IdMap, Numbers]:
    """Return the map of the IDs in a column, given in pieces, and their numbers in it."""
    if kind != pl.String and all(piece.dtype == pl.Int64 for piece in pieces):
        ids = np.concatenate([piece.to_numpy() for piece in pieces])
        id_map = IdMap.of(ids)
        return id_map, id_map.numbers(ids)
    text = pl.concat([piece.cast(pl.String) for piece in pieces])
    distinct = text.unique().sort()
    numbers = text.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int32)
    return IdMap(np.array(distinct.to_list(), np.str_)), numbers


def _movielens_scale(rating: NDArray[Any]) -> Scale | None:
    """Return MovieLens' scale 0.5 to 5 if more than two thirds of the ratings are on its half-star grid, else None."""
    stars = rating.astype(np.float32)
    inside = (stars >= 0.5) & (stars <= 5)
    on_grid = inside & (stars * 2 == np.round(stars * 2))
    return Scale(0.5, 5, grid_step(stars[inside]) and 0.5) if on_grid.mean() > 2 / 3 else None
