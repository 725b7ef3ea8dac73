"""Ratings of `deep-mf` on the device where it trains. Needs torch."""

import torch

from cinematrix.common.world import ALONE, World
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.pooling import ContentMatrix, SparsePattern


class DeviceRatings:
    """Ratings of own users on the device, with what they build on.

    Attributes:
        own_users, own_movies: its part of both.
    """

    def __init__(self, data: HeadData, device: torch.device, world: World = ALONE) -> None:
        self.device, self.world, self.n_movies, histories = device, world, data.n_movies, data.histories
        self.own_users, self.own_movies = data.users, data.movies
        self.pattern = SparsePattern.of(histories, self.n_movies, device)
        self.content = None if data.content is None else ContentMatrix(data.content, device)
        self.users, self.movies = self.pattern.pairs
        self.biases = biases = data.biases
        self.centred: torch.Tensor | None = None
        self.adjusted: torch.Tensor | None = None
        self.sigma = 1.0
        if biases is not None and histories.values is not None:
            user = torch.from_numpy(biases.of_users(histories)).to(device)
            self.centred = torch.from_numpy(histories.values).to(device) - biases.mean
            self.adjusted = self.centred - user.index_select(0, self.users)
        self.totals = self.sum_by_movie(self.movies, self.adjusted)
        if self.adjusted is not None:
            residual = self.adjusted - self.movie_bias(self.totals).index_select(0, self.movies)
            self.sigma = max(float(self.world.std(residual)), data.min_sigma)

    def __len__(self) -> int:
        return len(self.users)

    def sum_by_movie(self, movies: torch.Tensor, adjusted: torch.Tensor | None) -> torch.Tensor:
        """Return the totals of each movie's pairs of all workers, added up in double precision.

        They are the number of pairs, and for ratings the sum over mean and users' biases and that of the squares.
        `[n_movies, 3]`, for plain interactions `[n_movies, 1]`.
        """

        def total(values: torch.Tensor) -> torch.Tensor:
            empty = torch.zeros(self.n_movies, dtype=torch.float64, device=movies.device)
            return empty.index_add_(0, movies, values.double())

        counts = total(torch.ones(len(movies), device=movies.device))
        own = [counts] if adjusted is None else [counts, total(adjusted), total(adjusted.square())]
        return self.world.sum(torch.stack(own, 1)).float()

    def movie_bias(self, totals: torch.Tensor) -> torch.Tensor:
        """Return the movies' biases from their totals (`sum_by_movie`). `[n_movies]`."""
        assert self.biases is not None, "only ratings have biases"
        return totals[:, 1] / (totals[:, 0] + self.biases.movie_shrinkage)

    @property
    def all_movies(self) -> torch.Tensor:
        """Numbers of all movies."""
        return torch.arange(self.n_movies, dtype=torch.int32, device=self.device)
