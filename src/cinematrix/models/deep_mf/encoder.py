"""Encoding of users and movies by the nets of `deep-mf` from histories of which some ratings are hidden. Needs torch.

A movie's history is all its raters. Its sums are exact in every step and yet cost little: they are computed once for a
cycle of steps, and each step takes its hidden ratings out of them. A step of all users adds up the visible ratings.
"""

from dataclasses import dataclass

import torch

from cinematrix.common.world import ALONE, World
from cinematrix.models.deep_mf.batches import BatchRatings, EncodedBatch, StepMovies, UserBatch
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.network import HistoryNet, history_statistics
from cinematrix.models.deep_mf.pooling import ContentMatrix, SparsePattern
from cinematrix.models.deep_mf.standing import StandingTensor


@dataclass
class StandingMovies:
    """The raters' tables, after row dropout, and their sums over each movie's raters, side by side by channel."""

    tables: StandingTensor
    sums: StandingTensor


class RatingEncoder:
    """Ratings on the device, and their encoding to both sides' vectors.

    A worker has its own users' ratings, and encodes its own users and movies.

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

    def stand(self, net: HistoryNet) -> StandingMovies:
        """Compute the sums of the raters of all own movies, for a cycle of steps."""
        tower, by_movie = net.movies, self.pattern.transposed
        tables = torch.cat(list(tower.tables), 1) * tower.row_dropout(tower.items)[:, None]
        sums = by_movie.pool(tables)
        if self.adjusted is not None:
            sums = torch.cat([by_movie.pool(tables[:, : net.shape.width], self.adjusted), sums], 1)
        return StandingMovies(StandingTensor(tables), StandingTensor(self.world.sum_own(sums, self.own_movies)))

    @property
    def all_movies(self) -> torch.Tensor:
        """Numbers of all movies."""
        return torch.arange(self.n_movies, dtype=torch.int32, device=self.device)

    def encode_movies(self, net: HistoryNet, standing: StandingMovies | None = None) -> torch.Tensor:
        """Return the vectors of all movies from all ratings. `[n_movies, members, factors + 1]`."""
        none = self.all_movies[:0]
        nobody = BatchRatings(self, UserBatch(none, none, self.own_users.among(none), self.own_users.among(none)))
        movies = StepMovies(self, self.all_movies, self.totals)
        sums = self._sums_without_hidden(net, standing or self.stand(net), nobody, movies, 1)
        return self.world.join(self._encode_movies(net, sums, movies), self.own_movies)

    def encode(
        self, net: HistoryNet, standing: StandingMovies | None, ratings: BatchRatings, movies: torch.Tensor,
        last_of: int = 1,
    ) -> EncodedBatch:  # fmt: skip
        """Return own users of the batch and the own of `movies`, encoded from visible ratings.

        Args:
            standing: None for a batch of all users.
            movies: distinct numbers, ascending; the movies of the hidden ratings are among them.
            last_of: as in `UserBatch`.
        """
        totals = self.totals - ratings.hidden_totals
        movie_bias = None if self.biases is None else self.movie_bias(totals)
        users, user_bias = self.encode_users(net, ratings, movie_bias, net.users.item_tables(self.content))
        step = StepMovies(self, movies, totals)
        if standing is None:
            sums = self._sums_of_visible(net, ratings, movie_bias, step)
        else:
            sums = self._sums_without_hidden(net, standing, ratings, step, last_of)
        vectors = self._encode_movies(net, sums, step)
        return EncodedBatch(users, vectors, user_bias, None if movie_bias is None else movie_bias[movies])

    def encode_users(
        self, net: HistoryNet, ratings: BatchRatings, movie_bias: torch.Tensor | None, tables: list[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the users' vectors and biases.

        The sums over their movies are those of all workers over their own movies, whose rows the `tables` have.
        """
        pattern, visible, (rows, movies) = ratings.pattern, ratings.visible, ratings.pattern.pairs
        counts = pattern.sums(visible)
        share = visible * (counts + 1).rsqrt().index_select(0, rows)
        tower, channels, user_bias, statistics = net.users, [share], None, history_statistics(counts, None, None)
        if ratings.centred is not None and movie_bias is not None and self.biases is not None:
            residual = ratings.centred - movie_bias.index_select(0, movies)
            user_bias = pattern.sums(residual * visible) / (counts + self.biases.user_shrinkage)
            residual = (residual - user_bias.index_select(0, rows)) / self.sigma
            channels = [residual * share, share]
            seen = residual * visible
            statistics = history_statistics(counts, pattern.sums(seen), pattern.sums(seen.square()))
        own, channels = ratings.of_own_movies(channels)
        dropout = [tower.row_dropout(self.own_movies).index_select(0, own.pairs[1]) for _ in channels]
        parts = [own.pool(t, values * kept) for t, values, kept in zip(tables, channels, dropout, strict=True)]
        sums = torch.split(self.world.sum_own(torch.cat(parts, 1), ratings.users_part), net.shape.width, 1)
        return tower(list(sums), statistics, None, ratings.users, ratings.users_part), user_bias

    def _sums_of_visible(
        self, net: HistoryNet, ratings: BatchRatings, movie_bias: torch.Tensor | None, movies: StepMovies
    ) -> list[torch.Tensor]:
        """Return the sums over the raters of the own of `movies`, by channel, from a batch of all users."""
        tower, (rows, items) = net.movies, ratings.pattern.pairs
        values = [ratings.visible * tower.row_dropout(tower.items).index_select(0, rows)]
        if self.adjusted is not None and movie_bias is not None:
            residual = (self.adjusted - movie_bias.index_select(0, items)) / self.sigma
            values = [residual * values[0], *values]
        sums = [
            ratings.pattern.transposed.pool(table, value).index_select(0, movies.all)
            for table, value in zip(tower.tables, values, strict=True)
        ]
        return [self.world.sum_own(part, movies.part) for part in sums]

    def _sums_without_hidden(
        self, net: HistoryNet, standing: StandingMovies, ratings: BatchRatings, movies: StepMovies, last_of: int
    ) -> list[torch.Tensor]:
        """Return the sums over the raters of the own of `movies`: the standing sums without the hidden ratings."""
        users, (rows, items, *values) = ratings.users_part, ratings.hidden_of_own_movies
        at_movie = movies.places(items)
        hidden = SparsePattern.of_pairs(rows, at_movie, users.total, movies.part.size).transposed
        sums = torch.split(standing.sums.rows(movies.own, last_of), net.shape.width, 1)
        raters = self.world.join(standing.tables.rows(ratings.users, last_of), users)
        tables = torch.split(raters, net.shape.width, 1)
        parts = [sums[-1] - hidden.pool(tables[-1])]
        if values:
            bias = self.movie_bias(movies.totals)
            residual = (values[0] - bias.index_select(0, at_movie)) / self.sigma
            parts = [(sums[0] - bias[:, None] * sums[1]) / self.sigma - hidden.pool(tables[0], residual), *parts]
        return parts

    def _encode_movies(self, net: HistoryNet, sums: list[torch.Tensor], movies: StepMovies) -> torch.Tensor:
        """Return the vectors of the own of `movies`, from the sums over their raters, by channel."""
        totals, total, squares = movies.totals, None, None
        counts = totals[:, 0]
        if self.biases is not None:
            bias = self.movie_bias(totals)
            total = (totals[:, 1] - counts * bias) / self.sigma
            squares = (totals[:, 2] - 2 * bias * totals[:, 1] + counts * bias.square()) / self.sigma**2
            squares = squares.clamp_min(0)
        norm, statistics = (counts + 1).rsqrt()[:, None], history_statistics(counts, total, squares)
        vectors: torch.Tensor = net.movies(
            [part * norm for part in sums], statistics, self.content, movies.own, movies.part
        )
        return vectors

    def encode_unseen(self, net: HistoryNet, movies: torch.Tensor) -> torch.Tensor:
        """Return the vectors of the own of `movies` from their content alone. `[n, members, factors + 1]`."""
        step = StepMovies(self, movies, self.totals)
        return net.movies.unseen(self.content, step.own, step.part)
