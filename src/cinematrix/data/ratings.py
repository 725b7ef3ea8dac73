"""Immutable table of ratings, validated on creation.

Everything that trains, splits or measures takes a `Ratings`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.text import count_of
from cinematrix.data.histories import Histories
from cinematrix.data.ids import IdMap, Ids, Numbers, as_ids
from cinematrix.errors import DataError


@dataclass(frozen=True)
class Scale:
    """Rating scale: lowest and highest rating, and the step between them (0: continuous)."""

    low: float
    high: float
    step: float = 0.0

    def __str__(self) -> str:
        return f"{self.low:g}–{self.high:g}"

    def clip(self, stars: NDArray[Any]) -> NDArray[np.float32]:
        """Clip `stars` to the scale. float32."""
        return np.asarray(np.clip(stars, self.low, self.high), np.float32)

    @property
    def n_levels(self) -> int:
        """Number of possible ratings; 21 on a continuous scale."""
        return round((self.high - self.low) / self.step) + 1 if self.step else 21

    def levels(self) -> NDArray[np.float32]:
        """Return all possible ratings, ascending; evenly spaced ones on a continuous scale."""
        return np.linspace(self.low, self.high, self.n_levels, dtype=np.float32)

    def contains(self, stars: NDArray[Any]) -> NDArray[np.bool_]:
        """Return a mask of the `stars` within low…high (False for NaN)."""
        inside: NDArray[np.bool_] = (stars >= self.low) & (stars <= self.high)
        return inside


COMMON_MAXIMA = (5, 10, 100)
COMMON_MINIMA = (1, 0.5, 0)
"""Ends of common scales, narrowest first."""

MAX_OFF_SCALE_SHARE = 0.001
"""Maximum share of ratings off the inferred scale; these count as errors."""


PERCENT = 100
"""Top of ratings in percent, whose lowest is 0."""

RARE_MAXIMA = (3, 4, 6, 7, 20)
"""Tops of less common scales, which need `MIN_RARE` ratings: with so many, a higher step would have been given."""

MIN_RARE = 1000
MIN_TOP_SHARE = 0.02
"""Least share of the highest rating for it to be such a top."""


def infer_scale(stars: NDArray[Any], top: float | None = None) -> Scale:
    """Infer the scale of ratings.

    It is `top` where that is known (5 for "4/5"); 0–1 or -1–1 for ratings within; else the narrowest common
    scale (½, 0 or 1 up to 5, 10 or 100) that holds the ratings; else their own range. A thousandth of them may lie
    above it or below 0: a typing error (55 for 5.5) in a large table is reported and doesn't widen the scale.
    """
    finite = stars[np.isfinite(stars)]
    if finite.size == 0:
        return Scale(1, 5, 1)
    if top is None:
        narrow = _narrow_scale(finite)
        if narrow is not None:
            return narrow
        top = _rare_top(finite)
    for high in COMMON_MAXIMA if top is None else (top,):
        inside = finite[(finite >= 0) & (finite <= high)]
        if len(inside) >= (1 - MAX_OFF_SCALE_SHARE) * len(finite):
            low = 0 if top == PERCENT else next(low for low in COMMON_MINIMA if low <= inside.min())
            return Scale(low, high, grid_step(inside))
    return Scale(float(finite.min()), float(finite.max()), grid_step(finite))


def _rare_top(stars: NDArray[Any]) -> float | None:
    """Return the highest of many ratings if it is the top of a less common scale and not rare itself; else None."""
    high = float(stars.max())
    often = len(stars) >= MIN_RARE and float((stars == high).mean()) >= MIN_TOP_SHARE
    return high if often and high in RARE_MAXIMA else None


def _narrow_scale(stars: NDArray[Any]) -> Scale | None:
    """Return the scale 0–1 (likes, shares) or -1–1 (thumbs) if the ratings are on it; else None."""
    low, high = float(stars.min()), float(stars.max())
    if high != 1 and not (low >= 0 and high < 1 and high > 0):
        return None
    step = grid_step(stars)
    if low == -1 and step == 1:
        return Scale(-1, 1, 1)
    return Scale(0, 1, step) if low == 0 or (low > 0 and step == 0) else None


def grid_step(stars: NDArray[Any]) -> float:
    """Return the step of the scale of `stars`: 1 or ½ if every rating is a multiple of it, else 0 (continuous)."""
    for step in (1.0, 0.5):
        if np.all(stars / step == np.round(stars / step)):
            return step
    return 0.0


MIN_EPOCH_SECONDS = -62_135_596_800
MAX_EPOCH_SECONDS = 253_402_300_799
"""Ends of the calendar in epoch seconds: the years 1 to 9999."""


@dataclass(frozen=True, eq=False, repr=False)
class Ratings:
    """Ratings of movies by users: immutable columns, one row a (user, movie) pair, in the file's order.

    Attributes:
        users: the users' IDs; a split keeps the whole map, so some users may have no row here.
        movies: the movies' IDs, likewise.
        user: int32 `[n]`, user numbers.
        movie: int32 `[n]`, movie numbers.
        rating: float32 `[n]` on the data's own scale; None for plain interactions (views, plays, clicks).
        count: float32 `[n]`, times of each plain interaction; None where there are ratings or each counts once.
        time: int64 `[n]`, UTC epoch seconds; None if the data have no time.
        scale: the scale of `rating`; None for plain interactions.

    Memory: 20 bytes a rating with time, plus 8 for each of the views `by_user` and `by_movie` (created on first use).
    """

    users: IdMap
    movies: IdMap
    user: Numbers
    movie: Numbers
    rating: NDArray[np.float32] | None
    time: NDArray[np.int64] | None = None
    count: NDArray[np.float32] | None = None
    scale: Scale | None = None
    merged: int = field(default=0)
    """Repeated (user, movie) rows that were merged into the remaining ones."""

    @classmethod
    def from_arrays(
        cls,
        users: Iterable[Any] | Ids,
        movies: Iterable[Any] | Ids,
        ratings: Iterable[float] | NDArray[Any] | None = None,
        times: Iterable[int] | NDArray[Any] | None = None,
        *,
        counts: Iterable[float] | NDArray[Any] | None = None,
        scale: Scale | None = None,
    ) -> "Ratings":
        """Create ratings from columns of equal length, with the caller's IDs.

        Of a repeated (user, movie) pair, the row that is latest by time (by row order without times) remains. Counts
        of plain interactions add up. `scale` is inferred by default.

        Raises:
            DataError: no row, unequal lengths, a rating that is NaN, infinite or off the scale.
        """
        user_ids, movie_ids = as_ids(users), as_ids(movies)
        user_map, movie_map = IdMap.of(user_ids), IdMap.of(movie_ids)
        return cls.from_numbers(
            user_map, movie_map, user_map.numbers(user_ids), movie_map.numbers(movie_ids), ratings, times,
            counts=counts, scale=scale,
        )  # fmt: skip

    @classmethod
    def from_numbers(
        cls,
        users: IdMap,
        movies: IdMap,
        user: Numbers,
        movie: Numbers,
        ratings: Iterable[float] | NDArray[Any] | None = None,
        times: Iterable[int] | NDArray[Any] | None = None,
        *,
        counts: Iterable[float] | NDArray[Any] | None = None,
        scale: Scale | None = None,
    ) -> "Ratings":
        """Create ratings as `from_arrays` does, from numbers: `user` and `movie` are numbers under the given maps."""
        rating, count = _column(ratings, np.float32), _column(counts, np.float32)
        time = _column(times, np.int64)
        columns = {"movies": movie, "ratings": rating, "times": time, "counts": count}
        for name, column in columns.items():
            if column is not None and len(column) != len(user):
                raise DataError(f"{name} has {len(column)} rows and users has {len(user)}; give equally many")
        if len(user) == 0:
            raise DataError("the table has no ratings; at least one row is needed")
        if time is not None:
            _check_times(time)
        if rating is not None:
            scale = scale or infer_scale(rating)
            _check_ratings(rating, scale)
            count = None
        elif count is not None:
            _check_counts(count)
        table = cls(users, movies, user, movie, rating, time, count, scale if rating is not None else None)
        return table._merge_repeated()

    def __len__(self) -> int:
        return len(self.user)

    def __repr__(self) -> str:
        users, movies = count_of(len(self.users), "user"), count_of(len(self.movies), "movie")
        what = count_of(len(self), "rating" if self.scale else "plain interaction")
        return f"Ratings({users} × {movies}, {what}{f', {self.scale}' if self.scale else ''})"

    @property
    def values(self) -> NDArray[np.float32] | None:
        """Ratings; for plain interactions the counts, or None where each counts once."""
        return self.rating if self.rating is not None else self.count

    @cached_property
    def by_user(self) -> Histories:
        """Movies and ratings of each user, by user number."""
        return Histories.of_pairs(self.user, self.movie, self.values, len(self.users))

    @cached_property
    def by_movie(self) -> Histories:
        """Raters and ratings of each movie, by movie number."""
        return Histories.of_pairs(self.movie, self.user, self.values, len(self.movies))

    def take(self, rows: NDArray[Any]) -> "Ratings":
        """Return the rows given by numbers or by a mask, in that order, with the same ID maps and scale."""

        def pick(column: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if column is None else column[rows]

        return replace(
            self, user=self.user[rows], movie=self.movie[rows], rating=pick(self.rating),
            time=pick(self.time), count=pick(self.count), merged=0,
        )  # fmt: skip

    def interactions(self) -> "Ratings":
        """Return the same rows as plain interactions, each counted once."""
        return replace(self, rating=None, count=None, scale=None)

    def stars(self, who: str) -> tuple[NDArray[np.float32], Scale]:
        """Return the ratings and their scale.

        Raises:
            DataError: these are plain interactions; the message says that `who` needs ratings.
        """
        if self.rating is None or self.scale is None:
            raise DataError(
                f"{who} needs ratings with stars, and these are plain interactions without a rating column; "
                "use a model or a measure that ranks (popular, deep-mf; ndcg, recall)"
            )
        return self.rating, self.scale

    def _merge_repeated(self) -> "Ratings":
        """Merge repeated pairs to the latest row by time (by row among equals), and add up their counts."""
        key = self.user.astype(np.int64) * len(self.movies) + self.movie
        in_order = np.sort(key)
        repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
        if len(repeated) == 0:
            return self
        rows = np.flatnonzero(np.isin(key, repeated))
        order = rows[np.lexsort((rows if self.time is None else self.time[rows], key[rows]))]
        first = np.append(True, key[order[1:]] != key[order[:-1]])
        latest = order[np.append(first[1:], True)]
        mask = np.ones(len(self), bool)
        mask[rows] = False
        mask[latest] = True
        count = self.count
        if self.rating is None:
            count = np.ones(len(self), np.float32) if self.count is None else self.count.copy()
            count[latest] = np.add.reduceat(count[order], np.flatnonzero(first))
        return replace(replace(self, count=count).take(mask), merged=len(self) - int(mask.sum()))


def fingerprint(ratings: Ratings) -> str:
    """SHA-256 of the IDs and columns of `ratings`: equal for equal data, whatever the file format."""
    digest = hashlib.sha256()
    for ids in (ratings.users, ratings.movies):
        for array in ids.arrays().values():
            digest.update(np.ascontiguousarray(array).tobytes())
    for column in (ratings.user, ratings.movie, ratings.rating, ratings.time, ratings.count):
        digest.update(b"-" if column is None else np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _column(values: Iterable[Any] | NDArray[Any] | None, dtype: Any) -> NDArray[Any] | None:
    if values is None:
        return None
    array = values if isinstance(values, np.ndarray) else np.array(list(values))
    if array.size and array.dtype.kind not in "iufb":
        raise DataError(f"a column holds {array.tolist()[0]!r} of type {array.dtype}; ratings and times are numbers")
    if array.ndim != 1:
        raise DataError(f"a column has {array.ndim} dimensions; give one number a row")
    if dtype is np.int64 and array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array))[0])
        raise DataError(f"row {row + 1}: time {array[row]:g} is not a finite number; give UTC epoch seconds")
    with np.errstate(over="ignore"):  # numbers beyond float32 become infinite and are rejected later
        return array.astype(dtype, copy=False)


def _check_ratings(rating: NDArray[np.float32], scale: Scale) -> None:
    bad = np.flatnonzero(~scale.contains(rating))
    if len(bad):
        value = rating[bad[0]]
        rule = f"outside the scale {scale}" if np.isfinite(value) else "not a finite number"
        raise DataError(
            f"row {bad[0] + 1}: rating {value:g} is {rule} ({len(bad):,} such rows); correct it or give the scale"
        )


def _check_times(time: NDArray[np.int64]) -> None:
    late = np.flatnonzero((time < MIN_EPOCH_SECONDS) | (time > MAX_EPOCH_SECONDS))
    if len(late):
        raise DataError(
            f"row {late[0] + 1}: time {time[late[0]]} is outside the years 1 to 9999; give UTC epoch seconds, "
            "not milliseconds or finer"
        )


def _check_counts(count: NDArray[np.float32]) -> None:
    bad = np.flatnonzero(~(np.isfinite(count) & (count > 0)))
    if len(bad):
        raise DataError(f"row {bad[0] + 1}: count {count[bad[0]]:g} must be a finite number above 0")


def nearest_levels(scale: Scale, ratings: NDArray[Any]) -> NDArray[np.int64]:
    """Return the index of the level nearest to each rating."""
    places = np.rint((np.asarray(ratings, np.float64) - scale.low) / level_spacing(scale))
    return np.clip(places, 0, scale.n_levels - 1).astype(np.int64)


def level_spacing(scale: Scale) -> float:
    """Return the distance between two levels, in stars; 1 if there is only one level."""
    width = (scale.high - scale.low) / max(scale.n_levels - 1, 1)
    return width if width > 0 else 1.0
