"""Data that a trained model stores: ID maps, scale, catalog and histories."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.common.text import count_of
from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories, find_entries, order_pairs
from cinematrix.data.ids import UNKNOWN, IdMap, Ids, Numbers
from cinematrix.data.rating_updates import RatingUpdates, apply_updates
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import DataError, SettingError

RATINGS_PER_COUNT = 2_000_000
"""Ratings counted at a time, because counting copies them."""

TREND_SECONDS, TREND_PRIOR = 2 * 365.25 * DAY_SECONDS, 10.0
"""Age at which a rating counts 1/e in a movie's trend, and the weight, in recent ratings, of no trend."""


@dataclass(frozen=True)
class TrainingData:
    """Training data that a model stores: ID maps, scale, catalog and the users' histories.

    Attributes:
        users: IDs of the users in the training ratings.
        movies: IDs of the movies in the training ratings, followed by those that are only in the catalog.
        catalog: metadata of `movies`, row by row.
        history: training ratings of each user, by user number.
        scale: rating scale; None if the model was trained on plain interactions.
        times: int64, UTC epoch seconds of each entry of `history`, for retraining; None if the data have no time, or
            the model was saved by a version without times.
    """

    users: IdMap
    movies: IdMap
    catalog: Catalog
    history: Histories
    scale: Scale | None
    times: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, ratings: Ratings, catalog: Catalog | None) -> Self:
        """Create the training data of a model that is trained on `ratings`."""
        movies = ratings.movies if catalog is None else ratings.movies.extend(catalog.movies.ids)
        aligned = Catalog.empty(movies) if catalog is None else catalog.align(movies)
        times = None
        if ratings.time is not None:
            times = ratings.time[order_pairs(ratings.user, ratings.movie)]  # in the order of `by_user`
        return cls(ratings.users, movies, aligned, ratings.by_user.owned(), ratings.scale, times)

    @cached_property
    def raters(self) -> NDArray[np.int64]:
        """Number of training ratings of each movie. int64 `[len(movies)]`."""
        parts = np.array_split(self.history.items, 1 + len(self.history.items) // RATINGS_PER_COUNT)
        return sum((np.bincount(part, minlength=len(self.movies)) for part in parts), np.zeros(1, np.int64))

    @cached_property
    def trends(self) -> NDArray[np.float32]:
        """Trend of each movie: above 0 if it was rated more often lately than before. float32 `[len(movies)]`.

        It is ln((r + a) / (e + a)): r counts the movie's ratings by exp(−age / 2 years), with the age at the latest
        rating of all; e is what r would be if its ratings were as old as all movies' are. 0 without times.
        """
        if self.times is None or not len(self.times):
            return np.zeros(len(self.movies), np.float32)
        latest, recent = int(self.times.max()), np.zeros(len(self.movies))
        for start in range(0, len(self.times), RATINGS_PER_COUNT):
            part = slice(start, start + RATINGS_PER_COUNT)
            weights = np.exp((self.times[part] - latest) / TREND_SECONDS)
            recent += np.bincount(self.history.items[part], weights, len(self.movies))
        expected = self.raters * (recent.sum() / len(self.times))
        return np.asarray(np.log((recent + TREND_PRIOR) / (expected + TREND_PRIOR)), np.float32)

    @cached_property
    def popularity(self) -> NDArray[np.float32]:
        """Logarithm of 1 + the number of training ratings of each movie. `[len(movies)]`."""
        return np.log1p(self.raters).astype(np.float32)

    @cached_property
    def rating_level(self) -> tuple[float, float]:
        """Mean of all ratings, and standard deviation of ratings around their users' means; (0, 1) without ratings."""
        values, counts = self.history.values, self.history.counts
        if self.scale is None or values is None or not len(values):
            return 0.0, 1.0
        rated = counts > 0
        sums = np.add.reduceat(values, self.history.starts[:-1][rated], dtype=np.float64)
        squares = float(np.einsum("n,n->", values, values, dtype=np.float64))
        variance = (squares - float((sums**2 / counts[rated]).sum())) / len(values)
        return float(sums.sum()) / len(values), max(variance, 1e-6) ** 0.5

    def raters_with(self, movie: int) -> NDArray[np.int64]:
        """Count the users who rated both the movie with number `movie` and each movie. int64 `[len(movies)]`."""
        places = np.flatnonzero(self.history.items == movie)
        raters = np.searchsorted(self.history.starts, places, side="right") - 1
        return np.bincount(self.history.take(raters).items, minlength=len(self.movies))

    def histories_of(self, users: Iterable[Any] | Ids) -> Histories:
        """Return the histories of users given by ID; an unknown ID has an empty history."""
        return self.history.take(self.users.numbers(users))

    def with_ratings(self, ratings: Ratings) -> "TrainingData":
        """Return the data with `ratings` added to the users' histories; new users are appended.

        A rating replaces an earlier one of the same pair; counts of plain interactions add up. The users of `ratings`
        count as users whom training has not seen from now on: their vectors follow from their histories.

        Raises:
            DataError: `ratings` are on another scale, or have no stars where the model has.
        """
        values = self._values_of(ratings)
        users = self.users.extend(ratings.users.ids[np.unique(ratings.user)])
        user = users.numbers(ratings.users.ids)[ratings.user]
        movie = self.movies.numbers(ratings.movies.ids)[ratings.movie]
        times = np.zeros(len(self.history.items), np.int64) if self.times is None else self.times
        new_times = np.zeros(len(ratings), np.int64) if ratings.time is None else ratings.time
        given = self.history.values if self.history.values is not None else np.ones(len(self.history.items), np.float32)
        zeros = np.zeros(len(ratings), np.int64)
        before = RatingUpdates(self.history.rows, self.history.items, given, times, np.zeros(len(times), np.int64))
        since = RatingUpdates(user, movie, values, new_times, zeros)
        if self.scale is None:
            since = since._replace(rating=values + _values_at(self.history, given, user, movie))
        merged = apply_updates(before, since)
        order = order_pairs(merged.user, merged.movie)
        histories = Histories.of_pairs(merged.user, merged.movie, merged.rating, len(users))
        owners = np.full(len(users), UNKNOWN, np.int32)
        owners[: len(self.users)] = np.arange(len(self.users)) if self.history.owners is None else self.history.owners
        owners[user] = UNKNOWN
        timed = None if self.times is None and ratings.time is None else merged.time[order]
        return replace(self, users=users, history=replace(histories, owners=owners), times=timed)

    def _values_of(self, ratings: Ratings) -> NDArray[np.float32]:
        """Return the ratings (or counts) on this data's scale."""
        if self.scale is None:
            counts = ratings.count if ratings.count is not None else np.ones(len(ratings), np.float32)
            return counts if ratings.rating is None else np.ones(len(ratings), np.float32)
        if ratings.rating is None:
            raise DataError("the new rows have no ratings and the model was trained on ratings; add a column rating")
        outside = ratings.rating[~self.scale.contains(ratings.rating)]
        if len(outside):
            raise DataError(f"a new rating is {outside[0]:g}; it must be on the model's scale {self.scale}")
        return ratings.rating

    def needs_fold_in(self, histories: Histories) -> NDArray[np.bool_]:
        """Return a mask of the histories without a trained owner, which need fold-in. bool `[n]`."""
        if histories.owners is None:
            return np.ones(len(histories), bool)
        return np.asarray(~np.append(self.history.counts > 0, False)[histories.owners])

    def pairs(self, users: Iterable[Any] | Ids, movies: Iterable[Any] | Ids) -> tuple[Histories, Numbers, Numbers]:
        """Convert pairs of IDs for `Recommender.predict_pairs`: histories, and each pair's row and movie number.

        Raises:
            DataError: the two have unequal lengths.
        """
        distinct, rows = np.unique(self.users.numbers(users), return_inverse=True)
        numbers = self.movies.numbers(movies)
        if len(rows) != len(numbers):
            given = f"{count_of(len(rows), 'user')} and {count_of(len(numbers), 'movie')}"
            raise DataError(f"there are {given}; give one user and movie a pair")
        return self.history.take(distinct), rows.astype(np.int32), numbers

    def histories(self, strangers: Iterable[Mapping[Any, float]]) -> tuple[Histories, list[Any]]:
        """Create histories of users outside the training data, from their ratings.

        Args:
            strangers: one mapping a user, from movie ID to rating (to count, for plain interactions).

        Returns:
            The histories, and the IDs that aren't among `movies`; these are left out.

        Raises:
            SettingError: a rating off the scale, or one that isn't a number.
        """
        lists, unknown = [], []
        for rated in strangers:
            ids, values = list(rated), self._check(rated)
            numbers = self.movies.numbers(ids)
            unknown += [id_ for id_, number in zip(ids, numbers.tolist(), strict=True) if number == UNKNOWN]
            inside = numbers != UNKNOWN
            lists.append((numbers[inside].tolist(), values[inside].tolist()))
        return Histories.of_lists(lists), unknown

    def _check(self, rated: Mapping[Any, Any]) -> NDArray[np.float32]:
        """Return the ratings (or counts) of a mapping, float32, after checking them."""
        rule = f"on the model's scale {self.scale}" if self.scale else "a count above 0"
        for movie, value in rated.items():
            if not isinstance(value, int | float | np.number):
                raise SettingError(f"movie {movie}: rating {value!r} must be a number, {rule}")
        values = np.array(list(rated.values()), np.float64)
        valid = self.scale.contains(values) if self.scale else (values > 0) & (values <= np.finfo(np.float32).max)
        if not valid.all():
            place = int(np.flatnonzero(~valid)[0])
            raise SettingError(f"movie {list(rated)[place]}: rating {values[place]:g} must be {rule}")
        return values.astype(np.float32)


def _values_at(histories: Histories, values: NDArray[np.float32], rows: Numbers, items: Numbers) -> NDArray[np.float32]:
    """Return the values of pairs in histories, 0 where there is none. `[n]`."""
    places = find_entries(histories, rows, items)
    return np.where(places < 0, np.float32(0), np.append(values, np.float32(0))[places]).astype(np.float32)
