"""Held-out ratings, joined by ID with the model that is measured on them and with what it is told of the users."""

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
    """Some of the users, in the model's movie numbers.

    Attributes:
        users: their numbers in the test set.
        given: what the model is told of each.
        tested: what is tested; a movie that the model doesn't know has a number beyond all of the model's.
    """

    users: NDArray[np.int64]
    given: Histories
    tested: Histories

    def pairs(self, n_movies: int) -> tuple[Histories, Numbers, Numbers]:
        """What is tested, as a model of `n_movies` movies is asked for it: histories, rows, and known movies."""
        movies = self.tested.items
        return self.given, self.tested.rows, np.where(movies < n_movies, movies, UNKNOWN).astype(np.int32)


@dataclass(frozen=True, eq=False)
class HeldOutRatings:
    """A test set and the users' histories, joined with a model.

    Attributes:
        known: what the model knows.
        test: the test set.
        users: numbers in it of those who have a rating there.
        movies: the model's number of each movie of `test`; from `len(known.movies)` on for those it doesn't know.
        past: the given histories.
        past_movies: the model's number of each movie of `past`, `UNKNOWN` for those it doesn't know.
        past_rows: the row of `past` for each of `users`, `UNKNOWN` for one who isn't in it.
    """

    data: TrainingData
    test: Ratings
    users: NDArray[np.int64]
    movies: Numbers
    past: Histories
    past_movies: Numbers
    past_rows: Numbers

    @classmethod
    def of(cls, known: TrainingData, test: Ratings, given: Ratings | None) -> Self:
        """`given` None: the model's own training ratings are the histories."""
        users = np.flatnonzero(test.by_user.counts)
        movies = known.movies.numbers(test.movies.ids)
        unknown = movies == UNKNOWN
        movies[unknown] = len(known.movies) + np.arange(unknown.sum())
        source = known if given is None else given
        past = known.history if given is None else given.by_user
        rows = source.users.numbers(test.users.ids[users])
        return cls(known, test, users, movies, past, known.movies.numbers(source.movies.ids), rows)

    def blocks(self, size: int) -> Iterator[UserBlock]:
        """The tested users, `size` at a time."""
        for start in range(0, len(self.users), size):
            users, rows = self.users[start : start + size], self.past_rows[start : start + size]
            owners = self.data.users.numbers(self.test.users.ids[users])
            given = replace(_renumber(self.past.take(rows), self.past_movies), owners=owners)
            yield UserBlock(users, given, _renumber(self.test.by_user.take(users), self.movies))

    @property
    def unknown_users(self) -> int:
        """How many of the users the model has never heard of."""
        return int(np.count_nonzero(self.data.users.numbers(self.test.users.ids[self.users]) == UNKNOWN))

    @property
    def ratings_of_unknown_movies(self) -> NDArray[np.int64]:
        """How many tested ratings each tested movie has that the model has never heard of."""
        counts = np.bincount(self.test.movie, minlength=len(self.movies))[self.movies >= len(self.data.movies)]
        return counts[counts > 0]

    def check(self, size: int) -> None:
        """Refuse a test set of which the model is told the answers.

        Raises:
            DataError: a tested pair of user and movie stands in the histories.
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
                f"{n_leaked:,} of {len(self.test):,} tested ratings stand in the histories that the model is "
                f"given, such as {example}; test on ratings that it hasn't seen"
            )


def _renumber(histories: Histories, numbers: Numbers) -> Histories:
    """The histories with `numbers[item]` in place of each item; those that are `UNKNOWN` are left out."""
    items = numbers[histories.items]
    return select_entries(Histories(histories.starts, items, histories.values), items != UNKNOWN)
