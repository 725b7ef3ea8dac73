"""Encoding of users and movies by the nets of `deep-mf` from histories of which some ratings are hidden. Needs torch.

A movie's history is all its raters. Its sums are exact in every step and yet cost little: they are computed once for a
cycle of steps, and each step takes its hidden ratings out of them. A step of all users adds up the visible ratings.
"""

from dataclasses import dataclass

import torch

from cinematrix.models.deep_mf.batches import BatchRatings, EncodedBatch, StepMovies, UserBatch
from cinematrix.models.deep_mf.device_ratings import DeviceRatings
from cinematrix.models.deep_mf.network import HistoryNet, history_statistics
from cinematrix.models.deep_mf.pooling import SparsePattern
from cinematrix.models.deep_mf.standing import StandingTensor


@dataclass
class StandingMovies:
    """The raters' tables, after row dropout, and their sums over each movie's raters, side by side by channel."""

    tables: StandingTensor
    sums: StandingTensor


class RatingEncoder(DeviceRatings):
    """Encoding of ratings to both sides' vectors; a worker encodes its own users and movies."""

    def stand(self, net: HistoryNet) -> StandingMovies:
        """Compute the sums of the raters of all own movies, for a cycle of steps."""
        tower, by_movie = net.movies, self.pattern.transposed
        tables = torch.cat(list(tower.tables), 1) * tower.row_dropout(tower.items)[:, None]
        sums = by_movie.pool(tables)
        if self.adjusted is not None:
            sums = torch.cat([by_movie.pool(tables[:, : net.shape.width], self.adjusted), sums], 1)
        return StandingMovies(StandingTensor(tables), StandingTensor(self.world.sum_own(sums, self.own_movies)))

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
