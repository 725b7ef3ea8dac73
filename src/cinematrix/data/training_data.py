"""The data that a fitted model keeps: ID maps, scale, catalog and histories."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, IdMap, Ids, Numbers
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import SettingError

RATINGS_PER_COUNT = 2_000_000
"""Ratings counted at a time, since counting copies them."""


@dataclass(frozen=True)
class TrainingData:
    """What a fitted model keeps of its data: the ID maps, the scale, the catalog and the users' histories.

    Attributes:
        users: the users of the training ratings.
        movies: the movies of the training ratings, followed by those that only the catalog knows.
        catalog: one row for each of `movies`.
        history: each user's training ratings, by user number.
        scale: of the ratings; None if the model learned from plain interactions.
        times: int64, UTC epoch seconds of each entry of `history`, so that a refit can learn from them; None if the
            data have no time, or the model was saved before times were kept.
    """

    users: IdMap
    movies: IdMap
    catalog: Catalog
    history: Histories
    scale: Scale | None
    times: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, ratings: Ratings, catalog: Catalog | None) -> Self:
        movies = ratings.movies if catalog is None else ratings.movies.extend(catalog.movies.ids)
        aligned = Catalog.empty(movies) if catalog is None else catalog.align(movies)
        times = None
        if ratings.time is not None:
            times = ratings.time[np.lexsort((ratings.movie, ratings.user))]  # in the order of `by_user`
        return cls(ratings.users, movies, aligned, ratings.by_user.owned(), ratings.scale, times)

    @cached_property
    def raters(self) -> NDArray[np.int64]:
        """How many training ratings each movie has. int64 `[len(movies)]`."""
        parts = np.array_split(self.history.items, 1 + len(self.history.items) // RATINGS_PER_COUNT)
        return sum((np.bincount(part, minlength=len(self.movies)) for part in parts), np.zeros(1, np.int64))

    def raters_with(self, movie: int) -> NDArray[np.int64]:
        """How many have rated the movie with the number `movie` and each other. int64 `[len(movies)]`."""
        places = np.flatnonzero(self.history.items == movie)
        raters = np.searchsorted(self.history.starts, places, side="right") - 1
        return np.bincount(self.history.take(raters).items, minlength=len(self.movies))

    def histories_of(self, users: Iterable[Any] | Ids) -> Histories:
        """The histories of users given by ID; an unknown user's is empty."""
        return self.history.take(self.users.numbers(users))

    def needs_fold_in(self, histories: Histories) -> NDArray[np.bool_]:
        """Which histories nobody owns whom training has met: models that learn users' vectors fold these in. `[n]`."""
        if histories.owners is None:
            return np.ones(len(histories), bool)
        return np.asarray(~np.append(self.history.counts > 0, False)[histories.owners])

    def pairs(self, users: Iterable[Any] | Ids, movies: Iterable[Any] | Ids) -> tuple[Histories, Numbers, Numbers]:
        """Pairs of IDs as `Recommender.predict_pairs` takes them: histories, each pair's row there, its movie."""
        distinct, rows = np.unique(self.users.numbers(users), return_inverse=True)
        return self.history.take(distinct), rows.astype(np.int32), self.movies.numbers(movies)

    def histories(self, strangers: Iterable[Mapping[Any, float]]) -> tuple[Histories, list[Any]]:
        """Histories of strangers, each a mapping from movie ID to rating (to count, for plain interactions).

        Returns the histories and the IDs in them that aren't among `movies` (they are left out).

        Raises:
            SettingError: a rating off the scale, or one that isn't a number.
        """
        lists, unknown = [], []
        for stranger in strangers:
            ids, values = list(stranger), self._checked(stranger)
            numbers = self.movies.numbers(ids)
            unknown += [id_ for id_, number in zip(ids, numbers.tolist(), strict=True) if number == UNKNOWN]
            known = numbers != UNKNOWN
            lists.append((numbers[known].tolist(), values[known].tolist()))
        return Histories.of_lists(lists), unknown

    def _checked(self, stranger: Mapping[Any, Any]) -> NDArray[np.float32]:
        """The ratings (or counts) of a stranger, float32, if they are what they must be."""
        rule = f"on the model's scale {self.scale}" if self.scale else "a count above 0"
        for movie, value in stranger.items():
            if not isinstance(value, int | float | np.number):
                raise SettingError(f"movie {movie}: rating {value!r} must be a number, {rule}")
        values = np.array(list(stranger.values()), np.float64)
        good = self.scale.contains(values) if self.scale else (values > 0) & (values <= np.finfo(np.float32).max)
        if not good.all():
            place = int(np.flatnonzero(~good)[0])
            raise SettingError(f"movie {list(stranger)[place]}: rating {values[place]:g} must be {rule}")
        return values.astype(np.float32)
