"""Held-out ratings, joined by ID with the measured model and with the users' histories."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories, find_entries, select_entries
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import DataError


class UserBlock(NamedTuple):
    """Block of tested users, in the model's movie numbers.

    Attributes:
        users: int64, numbers of the users in the test set.
        given: each user's history, the input of the model.
        tested: each user's tested ratings; numbers from the model's number of movies on stand for movies that the
            model doesn't know.
    """

    users: NDArray[np.int64]
    given: Histories
    tested: Histories

    def pairs(self, n_movies: int) -> tuple[Histories, Numbers, Numbers]:
        """Return the tested pairs as `Recommender.predict_pairs` of a model of `n_movies` movies takes them.

        These are histories, rows, and movies, `UNKNOWN` for movies that the model doesn't know.
        """
        movies = self.tested.items
        return self.given, self.tested.rows, np.where(movies < n_movies, movies, UNKNOWN).astype(np.int32)


@dataclass(frozen=True, eq=False)
class HeldOutRatings:
    """Test set and histories, joined with a model.

    Attributes:
        data: the model's training data.
        test: the test set.
        users: int64, numbers in `test` of the users with a rating there.
        movies: the model's number of each movie of `test`; from `len(data.movies)` on for movies that it doesn't know.
        past: the histories.
        past_movies: the model's number of each movie of `past`; `UNKNOWN` for movies that it doesn't know.
        past_rows: the row of `past` of each of `users`; `UNKNOWN` for users without one.
        given_stars: True if the values of the histories are stars.
    """

    data: TrainingData
    test: Ratings
    users: NDArray[np.int64]
    movies: Numbers
    past: Histories
    past_movies: Numbers
    past_rows: Numbers
    given_stars: bool

    @classmethod
    def of(cls, data: TrainingData, test: Ratings, given: Ratings | None) -> Self:
        """Join a test set with a model; `given` None: the model's own training ratings are the histories."""
        users = np.flatnonzero(test.by_user.counts)
        movies = data.movies.numbers(test.movies.ids)
        unknown = movies == UNKNOWN
        movies[unknown] = len(data.movies) + np.arange(unknown.sum())
        source = data if given is None else given
        past = data.history if given is None else given.by_user
        rows = source.users.numbers(test.users.ids[users])
        given_stars = data.scale is not None if given is None else given.rating is not None
        return cls(data, test, users, movies, past, data.movies.numbers(source.movies.ids), rows, given_stars)

    def blocks(self, size: int) -> Iterator[UserBlock]:
        """Yield the tested users in blocks of `size`."""
        for start in range(0, len(self.users), size):
            users, rows = self.users[start : start + size], self.past_rows[start : start + size]
            owners = self.data.users.numbers(self.test.users.ids[users])
            given = replace(_renumber(self.past.take(rows), self.past_movies), owners=owners)
            yield UserBlock(users, given, _renumber(self.test.by_user.take(users), self.movies))

    @property
    def unknown_users(self) -> int:
        """Number of tested users without a training rating, though the model may have their ID."""
        numbers = self.data.users.numbers(self.test.users.ids[self.users])
        return int(np.count_nonzero(_take_counts(self.data.history.counts, numbers) == 0))

    @property
    def ratings_of_unknown_movies(self) -> NDArray[np.int64]:
        """Number of tested ratings of each tested movie without a training rating. int64 `[unknown movies]`."""
        numbers = self.data.movies.numbers(self.test.movies.ids)
        unknown = _take_counts(self.data.raters, numbers) == 0
        counts = np.bincount(self.test.movie[unknown[self.test.movie]])
        return np.asarray(counts[counts > 0])

    def check(self, size: int) -> None:
        """Check that no tested rating is in the histories, `size` users at a time.

        Raises:
            DataError: a tested pair of user and movie is in the histories.
        """
        n_leaked, example = 0, ""
        for block in self.blocks(size):
            leaked = np.flatnonzero(find_entries(block.given, block.tested.rows, block.tested.items) >= 0)
            n_leaked += len(leaked)
            if len(leaked) and not example:
                user = self.test.users.ids[block.users[block.tested.rows[leaked[0]]]]
                example = f"user {user}, movie {self.data.movies.ids[block.tested.items[leaked[0]]]}"
        if n_leaked:
            raise DataError(
                f"{n_leaked:,} of {len(self.test):,} tested ratings are also in the histories that the model is "
                f"given, such as {example}; test on ratings that it hasn't seen"
            )


def _take_counts(counts: NDArray[np.int64], numbers: Numbers) -> NDArray[np.int64]:
    """Return the counts of `numbers`; 0 for `UNKNOWN`."""
    return np.append(counts, 0)[numbers]  # the last is at -1, `UNKNOWN`


def _renumber(histories: Histories, numbers: Numbers) -> Histories:
    """Replace each item by `numbers[item]`; drop items whose number is `UNKNOWN`."""
    items = numbers[histories.items]
    return select_entries(Histories(histories.starts, items, histories.values), items != UNKNOWN)
