"""Encoding of users and movies by the nets of `deep-mf` from histories of which some ratings are hidden. Needs torch.

A movie's history is all its raters. Its sums are exact in every step and yet cost little: they are computed once for a
cycle of steps, and each step takes its hidden ratings out of them. A step of all users adds up the visible ratings.
"""

from dataclasses import dataclass

import torch

from cinematrix.models.deep_mf.batches import BatchRatings, EncodedBatch, SelectedRatings, StepMovies, UserBatch
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
        tower, by_movie, adjusted = net.movies, self.of_users.pattern.transposed, self.of_users.adjusted
        tables = torch.cat(list(tower.tables), 1) * tower.row_dropout(tower.items)[:, None]
        sums = by_movie.pool(tables)
        if adjusted is not None:
            sums = torch.cat([by_movie.pool(tables[:, : net.shape.width], adjusted), sums], 1)
        return StandingMovies(StandingTensor(tables), StandingTensor(self.world.sum_own(sums, self.own_movies)))

    def encode_movies(self, net: HistoryNet, standing: StandingMovies | None = None) -> torch.Tensor:
        """Return the vectors of all movies from all ratings. `[n_movies, members, factors + 1]`."""
        none = self.all_movies[:0]
        nobody = BatchRatings(self, UserBatch(none, none, self.own_users.among(none)))
        movies = StepMovies(self, self.all_movies, nobody.totals)
        standing = standing or self.stand(net)
        raters = self.world.join(standing.tables.rows(nobody.users, 1), nobody.users_part)
        sums = self._sums_without_hidden(net, standing.sums.rows(movies.own, 1), raters, nobody, movies)
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
        raters = None if standing is None else standing.tables.rows(ratings.users, last_of)
        users, user_bias, raters = self.encode_users(net, ratings, net.users.item_tables(self.content), raters)
        step, movie_bias = StepMovies(self, movies, ratings.totals), ratings.movie_bias
        if standing is None or raters is None:
            sums = self._sums_of_visible(net, ratings, step)
        else:
            sums = self._sums_without_hidden(net, standing.sums.rows(step.own, last_of), raters, ratings, step)
        vectors = self._encode_movies(net, sums, step)
        return EncodedBatch(users, vectors, user_bias, None if movie_bias is None else movie_bias[movies])

    def encode_users(
        self, net: HistoryNet, ratings: BatchRatings, tables: list[torch.Tensor], raters: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """Return the vectors of own users, the biases of all workers' users, and all their rows of `raters`.

        Each worker sums over its own movies, whose rows the `tables` have.

        Args:
            raters: rows of own users, which travel with these sums.
        """
        own, theirs, part = ratings.of_users, ratings.of_movies, ratings.users_part
        counts, user_bias, residual, statistics = self._read_users(own, ratings.movie_bias)
        all_counts, *biases = self.world.join_all([counts] if user_bias is None else [counts, user_bias], part)
        if theirs is not own and theirs.centred is not None and ratings.movie_bias is not None:
            over_movie = theirs.over_movie(ratings.movie_bias[self.own_movies.rows])
            residual = theirs.over_user(over_movie, biases[0]) / self.sigma
        sums, raters = self.world.swap(self._sums_over_movies(net, theirs, all_counts, residual, tables), raters, part)
        vectors = net.users(list(torch.split(sums, net.shape.width, 1)), statistics, None, ratings.users, part)
        return vectors, biases[0] if biases else None, raters

    def _read_users(
        self, own: SelectedRatings, movie_bias: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None, torch.Tensor]:
        """Return of own users the numbers of their visible ratings, biases, residuals and statistics."""
        counts = own.pattern.sums(own.visible)
        if movie_bias is None or self.biases is None:
            return counts, None, None, history_statistics(counts, None, None)
        over_movie = own.over_movie(movie_bias)
        user_bias = own.pattern.sums(over_movie * own.visible) / (counts + self.biases.user_shrinkage)
        residual = own.over_user(over_movie, user_bias) / self.sigma
        seen = residual * own.visible
        statistics = history_statistics(counts, own.pattern.sums(seen), own.pattern.sums(seen.square()))
        return counts, user_bias, residual, statistics

    def _sums_over_movies(
        self, net: HistoryNet, ratings: SelectedRatings, counts: torch.Tensor, residual: torch.Tensor | None,
        tables: list[torch.Tensor],
    ) -> torch.Tensor:  # fmt: skip
        """Return the sums over own movies of the histories of all workers' users, the channels side by side.

        Args:
            counts: numbers of the users' visible ratings.
            residual: that of each of these ratings; None for plain interactions.
        """
        pattern, (rows, movies) = ratings.pattern, ratings.pattern.pairs
        share = ratings.visible * (counts + 1).rsqrt().index_select(0, rows)
        channels = [share] if residual is None else [residual * share, share]
        dropout = [net.users.row_dropout(self.own_movies).index_select(0, movies) for _ in channels]
        parts = [pattern.pool(t, values * kept) for t, values, kept in zip(tables, channels, dropout, strict=True)]
        return torch.cat(parts, 1)

    def _sums_of_visible(self, net: HistoryNet, ratings: BatchRatings, movies: StepMovies) -> list[torch.Tensor]:
        """Return the sums over the raters of the own of `movies`, by channel, from a batch of all users."""
        tower, own, bias = net.movies, ratings.of_users, ratings.movie_bias
        rows, items = own.pattern.pairs
        values = [own.visible * tower.row_dropout(tower.items).index_select(0, rows)]
        if self.of_users.adjusted is not None and bias is not None:
            residual = (self.of_users.adjusted - bias.index_select(0, items)) / self.sigma
            values = [residual * values[0], *values]
        sums = [
            own.pattern.transposed.pool(table, value).index_select(0, movies.all)
            for table, value in zip(tower.tables, values, strict=True)
        ]
        return [self.world.sum_own(part, movies.part) for part in sums]

    def _sums_without_hidden(
        self, net: HistoryNet, standing: torch.Tensor, raters: torch.Tensor, ratings: BatchRatings, movies: StepMovies
    ) -> list[torch.Tensor]:
        """Return the sums over the raters of the own of `movies`: the standing sums without the hidden ratings.

        Args:
            standing: rows of these movies.
            raters: rows of the tables, of all workers' users.
        """
        (rows, items), adjusted = ratings.of_movies.hidden, ratings.of_movies.hidden_adjusted
        at_movie = movies.places(items)
        hidden = SparsePattern.of_pairs(rows, at_movie, ratings.users_part.total, movies.part.size).transposed
        sums, tables = torch.split(standing, net.shape.width, 1), torch.split(raters, net.shape.width, 1)
        parts = [sums[-1] - hidden.pool(tables[-1])]
        if adjusted is not None:
            bias = self.movie_bias(movies.totals)
            residual = (adjusted - bias.index_select(0, at_movie)) / self.sigma
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
        step = StepMovies(self, movies, self.totals[self.own_movies.rows])
        return net.movies.unseen(self.content, step.own, step.part)
