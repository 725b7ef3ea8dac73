"""Encoding of users and movies by the nets of `deep-mf` from histories of which some ratings are hidden. Needs torch.

A movie's history is all its raters. Its sums are exact in every step and yet cost little: they are computed once for a
cycle of steps, and each step takes its hidden ratings out of them. A step of all users adds up the visible ratings.
"""

from dataclasses import dataclass
from functools import reduce

import torch
from torch import nn

from cinematrix.models.deep_mf.batches import BatchRatings, EncodedBatch, StepMovies, UserBatch
from cinematrix.models.deep_mf.device_ratings import DeviceRatings
from cinematrix.models.deep_mf.network import HistoryNet, history_statistics
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
        tower, by_movie, adjusted = net.movies, self.of_users.pattern.transposed, self.of_users.adjusted
        tables = torch.cat(list(tower.tables), 1) * tower.row_dropout(tower.items)[:, None]
        sums = by_movie.pool(tables)
        if adjusted is not None:
            sums = torch.cat([by_movie.pool(tables[:, : net.shape.width], adjusted), sums], 1)
        return StandingMovies(StandingTensor(tables), StandingTensor(self.world.sum_own(sums, self.own_movies)))

    def encode_movies(self, net: HistoryNet, standing: StandingMovies | None = None) -> torch.Tensor:
        """Return the vectors of all movies from all ratings. `[n_movies, members, factors + 1]`."""
        none = self.all_movies[:0]
        nobody = BatchRatings(self, UserBatch(none, none, self.own_users.among(none.cpu())))
        movies = StepMovies(nobody, self.all_movies)
        standing = standing or self.stand(net)
        raters = self.world.join(standing.tables.rows(nobody.users, 1), nobody.users_part)
        sums = self._sums_without_hidden(net, standing.sums.rows(movies.own, 1), raters, nobody, movies)
        return self.world.join(self._encode_movies(net, sums, movies), self.own_movies)

    def encode(
        self, net: HistoryNet, standing: StandingMovies | None, ratings: BatchRatings, movies: StepMovies,
        last_of: int = 1,
    ) -> EncodedBatch:  # fmt: skip
        """Return own users of the batch and the own of `movies`, encoded from visible ratings.

        Args:
            standing: None for a batch of all users.
            last_of: as in `UserBatch`.
        """
        raters = None if standing is None else standing.tables.rows(ratings.users, last_of)
        users, raters = self.encode_users(net, ratings, net.users.item_tables(self.content), raters)
        if standing is None or raters is None:
            sums = self._sums_of_visible(net, ratings, movies)
        else:
            sums = self._sums_without_hidden(net, standing.sums.rows(movies.own, last_of), raters, ratings, movies)
        return EncodedBatch(users, self._encode_movies(net, sums, movies), ratings.user_bias, movies.bias)

    def encode_users(
        self, net: HistoryNet, ratings: BatchRatings, tables: list[torch.Tensor], raters: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the vectors of own users, and all workers' rows of `raters`.

        Each worker sums over its own movies, whose rows the `tables` have.

        Args:
            raters: rows of own users, which travel with these sums.
        """
        part, own = ratings.users_part, ratings.users_part.rows
        sums, raters = self.world.swap(self._sums_over_movies(net, ratings, tables), raters, part)
        totals, bias = ratings.user_totals[own], ratings.user_bias
        sums, statistics = self._summarise(sums, totals, None if bias is None else bias[own])
        return net.users(sums, statistics, None, ratings.users, [part]), raters

    def _sums_over_movies(self, net: HistoryNet, ratings: BatchRatings, tables: list[torch.Tensor]) -> torch.Tensor:
        """Return the sums over own movies of the histories of all workers' users."""
        given = ratings.of_movies
        channels = [given.visible] if ratings.residual is None else [ratings.residual * given.visible, given.visible]
        dropout = [net.users.row_dropout(self.own_movies).index_select(0, given.movies) for _ in channels]
        parts = (given.pattern.pool(t, v * kept) for t, v, kept in zip(tables, channels, dropout, strict=True))
        return reduce(torch.add, parts)

    def _sums_of_visible(self, net: HistoryNet, ratings: BatchRatings, movies: StepMovies) -> torch.Tensor:
        """Return the sums over the raters of the own of `movies`, from a batch of all users."""
        tower, own, adjusted = net.movies, ratings.of_users, self.of_users.adjusted
        values = [own.visible * tower.row_dropout(tower.items).index_select(0, own.users)]
        if adjusted is not None and ratings.movie_bias is not None:
            bias = self.world.join(ratings.movie_bias, self.own_movies)
            values = [(adjusted - bias.index_select(0, own.movies)) / self.sigma * values[0], *values]
        by_movie = own.pattern.transposed
        sums = reduce(torch.add, (by_movie.pool(t, value) for t, value in zip(tower.tables, values, strict=True)))
        return self.world.sum_own(sums, self.own_movies).index_select(0, movies.own)

    def _sums_without_hidden(
        self, net: HistoryNet, standing: torch.Tensor, raters: torch.Tensor, ratings: BatchRatings, movies: StepMovies
    ) -> torch.Tensor:
        """Return the sums over the raters of the own of `movies`: the standing sums without the hidden ratings.

        Args:
            standing: rows of these movies.
            raters: rows of the tables, of all workers' users.
        """
        adjusted, hidden = ratings.of_movies.hidden_adjusted, movies.hidden.transposed
        sums, tables = torch.split(standing, net.shape.width, 1), torch.split(raters, net.shape.width, 1)
        rated = sums[-1] - hidden.pool(tables[-1])
        if adjusted is None or movies.bias is None:
            return rated
        residual = (adjusted - movies.bias.index_select(0, movies.hidden.pairs[1])) / self.sigma
        return (sums[0] - movies.bias[:, None] * sums[1]) / self.sigma - hidden.pool(tables[0], residual) + rated

    def _encode_movies(self, net: HistoryNet, sums: torch.Tensor, movies: StepMovies) -> torch.Tensor:
        """Return the vectors of the own of `movies` from the sums over their raters, then those of the new ones.

        A new movie has no raters: its sums and totals are 0.
        """
        nobody = (0, 0, 0, len(movies.new))
        totals, sums = nn.functional.pad(movies.totals, nobody), nn.functional.pad(sums, nobody)
        bias = None if self.biases is None else self.movie_bias(totals)
        sums, statistics = self._summarise(sums, totals, bias)
        rows, parts = torch.cat([movies.own, movies.new]), [movies.part, movies.new_part]
        vectors: torch.Tensor = net.movies(sums, statistics, self.content, rows, parts)
        return vectors

    def _summarise(
        self, sums: torch.Tensor, totals: torch.Tensor, bias: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scale the sums over histories by their lengths; return them with the histories' statistics.

        Args:
            totals: numbers of ratings, and for stars their sums and those of the squares.
            bias: part of each rating that isn't its residual; None for plain interactions.
        """
        counts = totals[:, 0]
        total, squares = None, None
        if bias is not None:
            total = (totals[:, 1] - counts * bias) / self.sigma
            squares = (totals[:, 2] - 2 * bias * totals[:, 1] + counts * bias.square()) / self.sigma**2
            squares = squares.clamp_min(0)
        return sums * (counts + 1).rsqrt()[:, None], history_statistics(counts, total, squares)
