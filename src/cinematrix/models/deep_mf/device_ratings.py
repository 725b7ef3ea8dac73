"""Ratings of `deep-mf` on the device where it trains. Needs torch."""

from dataclasses import dataclass

import torch

from cinematrix.common.world import ALONE, World
from cinematrix.data.histories import Histories
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.pooling import ContentMatrix, SparsePattern


@dataclass
class StoredRatings:
    """Ratings of some users for some movies, both numbered from the first of them.

    Attributes:
        pattern: which ratings there are, by user.
        centred: ratings less their mean; None for plain interactions, as the next.
        adjusted: the same less the users' biases.
        places: place of each among all ratings of its user; None if there are all of them.
    """

    pattern: SparsePattern
    centred: torch.Tensor | None = None
    adjusted: torch.Tensor | None = None
    places: torch.Tensor | None = None


class DeviceRatings:
    """Ratings of own users and for own movies on the device, with what they build on.

    Attributes:
        own_users, own_movies: its part of both.
        counts: number of the ratings of each user of all workers.
        of_users: ratings of own users.
        of_movies: ratings for own movies; in a single process the same.
        totals: totals of all movies (`sum_by_movie`).
    """

    def __init__(self, data: HeadData, device: torch.device, world: World = ALONE) -> None:
        self.device, self.world, self.n_movies = device, world, data.n_movies
        self.own_users, self.own_movies, self.biases = data.users, data.movies, data.biases
        self.counts = torch.from_numpy(data.counts.astype("int32")).to(device)
        self.content = None if data.content is None else ContentMatrix(data.content, device)
        user = None
        if data.biases is not None and data.histories.values is not None:
            user = torch.from_numpy(data.biases.of_users(data.histories)).to(device)
        self.of_users = self.of_movies = self._store(data.histories, self.n_movies, user)
        if data.of_movies is not None:
            user = None if user is None else world.join(user, data.users)
            self.of_movies = self._store(data.of_movies.histories, data.movies.size, user)
            self.of_movies.places = torch.from_numpy(data.of_movies.places).to(device)
        own_totals = self.sum_by_movie(self.of_movies.pattern.pairs[1], self.of_movies.adjusted)
        self.totals = world.join(own_totals, data.movies)
        self.sigma = 1.0
        if self.of_users.adjusted is not None:
            residual = self.of_users.adjusted - self.movie_bias(self.totals).index_select(0, self.movies)
            self.sigma = max(float(world.std(residual)), data.min_sigma)

    def _store(self, histories: Histories, n_movies: int, user: torch.Tensor | None) -> StoredRatings:
        """Return the ratings of `histories`; `user` has their biases, None for plain interactions."""
        pattern = SparsePattern.of(histories, n_movies, self.device)
        if self.biases is None or histories.values is None or user is None:
            return StoredRatings(pattern)
        centred = torch.from_numpy(histories.values).to(self.device) - self.biases.mean
        return StoredRatings(pattern, centred, centred - user.index_select(0, pattern.pairs[0]))

    def __len__(self) -> int:
        return len(self.users)

    @property
    def users(self) -> torch.Tensor:
        """User of each rating of own users."""
        return self.of_users.pattern.pairs[0]

    @property
    def movies(self) -> torch.Tensor:
        """Movie of each rating of own users."""
        return self.of_users.pattern.pairs[1]

    def sum_by_movie(self, movies: torch.Tensor, adjusted: torch.Tensor | None) -> torch.Tensor:
        """Return the totals of ratings for own movies, added up in double precision.

        They are the number of ratings, and for stars the sum over mean and users' biases and that of the squares.
        `[own movies, 3]`, for plain interactions `[own movies, 1]`.
        """

        def total(values: torch.Tensor) -> torch.Tensor:
            empty = torch.zeros(self.own_movies.size, dtype=torch.float64, device=movies.device)
            return empty.index_add_(0, movies, values.double())

        counts = total(torch.ones(len(movies), device=movies.device))
        own = [counts] if adjusted is None else [counts, total(adjusted), total(adjusted.square())]
        return torch.stack(own, 1).float()

    def movie_bias(self, totals: torch.Tensor) -> torch.Tensor:
        """Return the movies' biases from their totals (`sum_by_movie`). `[n_movies]`."""
        assert self.biases is not None, "only ratings have biases"
        return totals[:, 1] / (totals[:, 0] + self.biases.movie_shrinkage)

    @property
    def all_movies(self) -> torch.Tensor:
        """Numbers of all movies."""
        return torch.arange(self.n_movies, dtype=torch.int32, device=self.device)
