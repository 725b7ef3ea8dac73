"""Encoding of users and movies by the nets of `deep-mf` from histories of which some ratings are hidden. Needs torch.

A movie's history is all its raters. Its sums are exact in every step and yet cost little: they are computed once for a
cycle of steps, and each step takes its hidden ratings out of them. A step of all users adds up the visible ratings.
"""

from dataclasses import dataclass

import torch

from cinematrix.data.ratings import Ratings
from cinematrix.models.components.biases import Biases
from cinematrix.models.deep_mf.network import HistoryNet, history_statistics
from cinematrix.models.deep_mf.pooling import ContentMatrix, SparsePattern
from cinematrix.models.deep_mf.standing import StandingTensor

MIN_SIGMA = 2e-4
"""Minimum standard deviation of residuals, as a share of the scale's width."""


@dataclass
class UserBatch:
    """Users whose ratings are partly hidden, and are predicted from the others.

    Attributes:
        users: numbers of the users, int32 `[n]`.
        hidden: places of the hidden ratings among those of the users, ascending.
        first: the first step of a cycle of standing sums.
        last_of: steps of the cycle in its last step, 0 in the others.
    """

    users: torch.Tensor
    hidden: torch.Tensor
    first: bool = True
    last_of: int = 1

    @classmethod
    def of_visible(cls, users: torch.Tensor) -> "UserBatch":
        """Return a batch with nothing hidden."""
        return cls(users, users[:0])


@dataclass
class EncodedBatch:
    """Both towers' vectors, and the biases that expected ratings build on.

    Attributes:
        users, movies: vectors of the batch's users and of some movies. `[n, members, factors + 1]`.
        user_bias, movie_bias: `[n]` each; None for plain interactions.
    """

    users: torch.Tensor
    movies: torch.Tensor
    user_bias: torch.Tensor | None
    movie_bias: torch.Tensor | None

    @property
    def biases(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Biases of the users and of the movies."""
        assert self.user_bias is not None, "only ratings have biases"
        assert self.movie_bias is not None, "only ratings have biases"
        return self.user_bias, self.movie_bias


class BatchRatings:
    """Ratings of the users of a batch.

    Attributes:
        users: numbers of the users.
        pattern: their histories.
        visible: float32 mask of the visible ratings.
        all_users: the batch has all users, each at the place of its number.
        hidden: hidden ratings' users, by place in the batch, and movies, by number.
        centred: ratings less their mean; None for plain interactions, as the two below.
        hidden_centred: the same of the hidden ones.
        hidden_adjusted: the hidden ones less mean and user's bias.
    """

    def __init__(self, encoder: "RatingEncoder", batch: UserBatch) -> None:
        self.users, hidden = batch.users, batch.hidden
        self.all_users = len(batch.users) == len(encoder.pattern)
        self.pattern, places = encoder.pattern.select(batch.users, encoder.n_movies)
        self.visible = torch.ones(len(places), device=encoder.device).index_fill_(0, hidden.long(), 0)
        rows, movies = self.pattern.pairs
        self.hidden = rows.index_select(0, hidden), movies.index_select(0, hidden)
        if encoder.centred is None or encoder.adjusted is None:
            self.centred = self.hidden_centred = self.hidden_adjusted = None
            return
        self.centred = encoder.centred.index_select(0, places)
        self.hidden_centred = self.centred.index_select(0, hidden)
        self.hidden_adjusted = encoder.adjusted.index_select(0, places.index_select(0, hidden))


@dataclass
class StandingMovies:
    """The raters' tables, after row dropout, and their sums over each movie's raters, side by side by channel."""

    tables: StandingTensor
    sums: StandingTensor


class RatingEncoder:
    """Ratings on the device, and their encoding to both sides' vectors.

    `biases` are those of the ratings, with any shrinkage of the movies'; None: they are estimated here.
    """

    def __init__(
        self, ratings: Ratings, n_movies: int, content: ContentMatrix | None, device: torch.device,
        biases: Biases | None = None,
    ) -> None:  # fmt: skip
        self.device, self.n_movies, histories = device, n_movies, ratings.by_user
        self.pattern = SparsePattern.of(histories, n_movies, device)
        self.content = content
        self.users, self.movies = self.pattern.pairs
        self.biases: Biases | None = None
        self.centred: torch.Tensor | None = None
        self.adjusted: torch.Tensor | None = None
        self.sigma = 1.0
        if ratings.rating is not None and histories.values is not None:
            self.biases = biases = biases or Biases.of(ratings, n_movies)
            user = torch.from_numpy(biases.of_users(histories)).to(device)
            self.centred = torch.from_numpy(histories.values).to(device) - biases.mean
            self.adjusted = self.centred - user.index_select(0, self.users)
        self.totals = sum_by_movie(self.movies, self.adjusted, n_movies)
        if self.adjusted is not None:
            residual = self.adjusted - self.movie_bias(self.totals).index_select(0, self.movies)
            width = ratings.scale.high - ratings.scale.low if ratings.scale else 0
            self.sigma = max(float(residual.std(correction=0)), MIN_SIGMA * (width or 1))

    def __len__(self) -> int:
        return len(self.users)

    def movie_bias(self, totals: torch.Tensor) -> torch.Tensor:
        """Return the movies' biases from their totals (`sum_by_movie`). `[n_movies]`."""
        assert self.biases is not None, "only ratings have biases"
        return totals[:, 1] / (totals[:, 0] + self.biases.movie_shrinkage)

    def stand(self, net: HistoryNet) -> StandingMovies:
        """Compute the sums of all movies' raters, for a cycle of steps."""
        tower, by_movie = net.movies, self.pattern.transposed
        tables = torch.cat(list(tower.tables), 1) * tower.row_dropout(tower.tables[0])[:, None]
        sums = by_movie.pool(tables)
        if self.adjusted is not None:
            sums = torch.cat([by_movie.pool(tables[:, : net.shape.width], self.adjusted), sums], 1)
        return StandingMovies(StandingTensor(tables), StandingTensor(sums))

    @property
    def all_movies(self) -> torch.Tensor:
        """Numbers of all movies."""
        return torch.arange(self.n_movies, dtype=torch.int32, device=self.device)

    def encode_movies(self, net: HistoryNet) -> torch.Tensor:
        """Return the vectors of all movies from all ratings. `[n_movies, members, factors + 1]`."""
        nobody = BatchRatings(self, UserBatch.of_visible(self.all_movies[:0]))
        sums = self._sums_without_hidden(net, self.stand(net), nobody, self.totals, self.all_movies, 1)
        return self._encode_movies(net, sums, self.totals, self.all_movies)

    def encode(
        self, net: HistoryNet, standing: StandingMovies | None, ratings: BatchRatings, movies: torch.Tensor,
        last_of: int = 1,
    ) -> EncodedBatch:  # fmt: skip
        """Return the batch's users and `movies`, encoded from visible ratings.

        Args:
            standing: None for a batch of all users.
            movies: distinct numbers; the movies of the hidden ratings are among them.
            last_of: as in `UserBatch`.
        """
        totals = self.totals - sum_by_movie(ratings.hidden[1], ratings.hidden_adjusted, self.n_movies)
        movie_bias = None if self.biases is None else self.movie_bias(totals)
        users, user_bias = self._encode_users(net, ratings, movie_bias)
        totals = totals.index_select(0, movies)
        if standing is None:
            sums = self._sums_of_visible(net, ratings, movie_bias, movies)
        else:
            sums = self._sums_without_hidden(net, standing, ratings, totals, movies, last_of)
        vectors = self._encode_movies(net, sums, totals, movies)
        return EncodedBatch(users, vectors, user_bias, None if movie_bias is None else movie_bias[movies])

    def _encode_users(
        self, net: HistoryNet, ratings: BatchRatings, movie_bias: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the users' vectors and biases."""
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
        sums = [
            pattern.pool(table, values * tower.row_dropout(table).index_select(0, movies))
            for table, values in zip(tower.item_tables(self.content), channels, strict=True)
        ]
        return tower(sums, statistics, self.content, ratings.users), user_bias

    def _sums_of_visible(
        self, net: HistoryNet, ratings: BatchRatings, movie_bias: torch.Tensor | None, movies: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return the sums over the raters of `movies`, by channel, from a batch of all users."""
        tower, (rows, items) = net.movies, ratings.pattern.pairs
        values = [ratings.visible * tower.row_dropout(tower.tables[0]).index_select(0, rows)]
        if self.adjusted is not None and movie_bias is not None:
            residual = (self.adjusted - movie_bias.index_select(0, items)) / self.sigma
            values = [residual * values[0], *values]
        by_movie = ratings.pattern.transposed
        return [by_movie.pool(t, v).index_select(0, movies) for t, v in zip(tower.tables, values, strict=True)]

    def _sums_without_hidden(
        self, net: HistoryNet, standing: StandingMovies, ratings: BatchRatings, totals: torch.Tensor,
        movies: torch.Tensor, last_of: int,
    ) -> list[torch.Tensor]:  # fmt: skip
        """Return the sums over the raters of `movies`, by channel: the standing sums without the hidden ratings."""
        places = torch.zeros(self.n_movies, dtype=torch.int32, device=self.device)
        places[movies] = torch.arange(len(movies), dtype=torch.int32, device=self.device)
        rows, at_movie = ratings.hidden[0], places.index_select(0, ratings.hidden[1])
        hidden = SparsePattern.of_pairs(rows, at_movie, len(ratings.users), len(movies)).transposed
        sums = torch.split(standing.sums.rows(movies, last_of), net.shape.width, 1)
        tables = torch.split(standing.tables.rows(ratings.users, last_of), net.shape.width, 1)
        parts = [sums[-1] - hidden.pool(tables[-1])]
        if ratings.hidden_adjusted is not None:
            bias = self.movie_bias(totals)
            residual = (ratings.hidden_adjusted - bias.index_select(0, at_movie)) / self.sigma
            parts = [(sums[0] - bias[:, None] * sums[1]) / self.sigma - hidden.pool(tables[0], residual), *parts]
        return parts

    def _encode_movies(
        self, net: HistoryNet, sums: list[torch.Tensor], totals: torch.Tensor, movies: torch.Tensor
    ) -> torch.Tensor:
        """Return the movies' vectors from the sums over their raters, by channel, and their totals."""
        counts, total, squares = totals[:, 0], None, None
        if self.biases is not None:
            bias = self.movie_bias(totals)
            total = (totals[:, 1] - counts * bias) / self.sigma
            squares = (totals[:, 2] - 2 * bias * totals[:, 1] + counts * bias.square()) / self.sigma**2
            squares = squares.clamp_min(0)
        norm, statistics = (counts + 1).rsqrt()[:, None], history_statistics(counts, total, squares)
        vectors: torch.Tensor = net.movies([part * norm for part in sums], statistics, self.content, movies)
        return vectors


def sum_by_movie(movies: torch.Tensor, adjusted: torch.Tensor | None, n_movies: int) -> torch.Tensor:
    """Return the totals of each movie's pairs, added up in double precision.

    They are the number of pairs, and for ratings the sum over mean and users' biases and that of the squares.
    `[n_movies, 3]`, for plain interactions `[n_movies, 1]`.
    """

    def total(values: torch.Tensor) -> torch.Tensor:
        empty = torch.zeros(n_movies, dtype=torch.float64, device=movies.device)
        return empty.index_add_(0, movies, values.double()).float()

    counts = total(torch.ones(len(movies), device=movies.device))
    return torch.stack([counts] if adjusted is None else [counts, total(adjusted), total(adjusted.square())], 1)
