"""Ratings that a head of `deep-mf` learns from, which can be cut into the parts of several workers."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.world import Part, World
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.models.components.biases import Biases

MIN_SIGMA = 2e-4
"""Minimum standard deviation of residuals, as a share of the scale's width."""


@dataclass(frozen=True, eq=False)
class MovieRatings:
    """Ratings of all users for some consecutive movies, which count from the first of these.

    Attributes:
        places: place of each rating among all ratings of its user.
    """

    histories: Histories
    places: Numbers

    @classmethod
    def of(cls, histories: Histories, movies: slice) -> "MovieRatings":
        """Select the ratings for some movies."""
        selected = (histories.items >= movies.start) & (histories.items < movies.stop)
        starts = np.append(0, np.cumsum(selected))[histories.starts]
        entries = np.flatnonzero(selected)
        places = entries - histories.starts[histories.rows[entries]]
        values = None if histories.values is None else histories.values[entries]
        items = histories.items[entries] - np.int32(movies.start)
        return cls(Histories(starts, items, values), places.astype(np.int32))


@dataclass(frozen=True, eq=False)
class HeadData:
    """Ratings of some consecutive users, content of some consecutive movies, and what all workers know of the rest.

    Attributes:
        users, movies: which of all these are.
        histories, held_out: these users' ratings, to learn from and for validation.
        counts, tested: numbers of both of all users. int64 `[n_users]`.
        content: features of these movies; None without content.
        biases: those of all ratings; None for plain interactions.
        min_sigma: minimum standard deviation of residuals.
        of_movies: ratings for these movies, to learn from; None where `histories` has those of all users.
    """

    users: Part
    movies: Part
    histories: Histories
    held_out: Histories
    counts: NDArray[np.int64]
    tested: NDArray[np.int64]
    content: sparse.csr_matrix | None
    biases: Biases | None
    min_sigma: float
    of_movies: MovieRatings | None = None

    @classmethod
    def of(
        cls, ratings: Ratings, validation: Ratings, content: sparse.csr_matrix | None, n_movies: int,
        biases: Biases | None = None,
    ) -> "HeadData":  # fmt: skip
        """Return the data of all users; `biases` are estimated unless they are given."""
        if ratings.rating is not None and biases is None:
            biases = Biases.of(ratings, n_movies)
        width = ratings.scale.high - ratings.scale.low if ratings.scale else 0
        histories, held_out = ratings.by_user, validation.by_user
        return cls(
            Part.whole(len(histories)), Part.whole(n_movies), histories, held_out, histories.counts, held_out.counts,
            content if content is not None and content.nnz else None, biases, MIN_SIGMA * (width or 1),
        )  # fmt: skip

    @property
    def n_movies(self) -> int:
        """Number of all movies."""
        return self.movies.total

    def of_worker(self, world: World, rank: int) -> "HeadData":
        """Return the part of a worker of `world`: users with about as many ratings as the others', and movies."""
        users = world.cut(self.counts).of_worker(rank)
        movies = world.cut(np.ones(self.n_movies)).of_worker(rank)
        own = np.arange(users.rows.start, users.rows.stop)
        return replace(
            self, users=users, movies=movies, histories=self.histories.take(own), held_out=self.held_out.take(own),
            content=None if self.content is None else self.content[movies.rows],
            of_movies=MovieRatings.of(self.histories, movies.rows),
        )  # fmt: skip
