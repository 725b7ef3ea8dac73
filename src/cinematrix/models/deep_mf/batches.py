"""Users, ratings and movies of a training step of `deep-mf`, of which a worker has its own. Needs torch."""

from dataclasses import dataclass
from functools import cached_property

import torch

from cinematrix.common.world import Part
from cinematrix.models.deep_mf.device_ratings import DeviceRatings
from cinematrix.models.deep_mf.pooling import SparsePattern


@dataclass
class UserBatch:
    """Users whose ratings are partly hidden, and are predicted from the others; a worker has its own users.

    Attributes:
        users: numbers of the users, int32 `[n]`.
        hidden: places of the hidden ratings among those of the users, ascending.
        users_part, hidden_part: place of both among those of all workers.
        first: the first step of a cycle of standing sums.
        last_of: steps of the cycle in its last step, 0 in the others.
    """

    users: torch.Tensor
    hidden: torch.Tensor
    users_part: Part
    hidden_part: Part
    first: bool = True
    last_of: int = 1

    @classmethod
    def of(cls, users: torch.Tensor, hidden: torch.Tensor) -> "UserBatch":
        """Return a batch of which a single process has all users."""
        return cls(users, hidden, Part.whole(len(users)), Part.whole(len(hidden)))

    @classmethod
    def of_visible(cls, users: torch.Tensor) -> "UserBatch":
        """Return a batch of which a single process has all users, with nothing hidden."""
        return cls.of(users, users[:0])


@dataclass
class EncodedBatch:
    """Both towers' vectors, and the biases that expected ratings build on.

    Attributes:
        users, movies: vectors of own users of the batch and of own movies. `[n, members, factors + 1]`.
        user_bias: `[n]`; None for plain interactions, as the other.
        movie_bias: that of all workers' movies.
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
        users_part, hidden_part: as in `UserBatch`.
        centred: ratings less their mean; None for plain interactions, as the two below.
        hidden_centred: the same of the hidden ones.
        hidden_adjusted: the hidden ones less mean and user's bias.
    """

    def __init__(self, encoder: DeviceRatings, batch: UserBatch) -> None:
        self.encoder, self.users, hidden = encoder, batch.users, batch.hidden
        self.users_part, self.hidden_part = batch.users_part, batch.hidden_part
        self.all_users = batch.users_part.total == encoder.own_users.total
        self.pattern, places = encoder.pattern.select(batch.users, encoder.n_movies)
        self.visible = torch.ones(len(places), device=encoder.device).index_fill_(0, hidden.long(), 0)
        rows, movies = self.pattern.pairs
        self.hidden = rows.index_select(0, hidden), movies.index_select(0, hidden)
        if encoder.centred is None or encoder.adjusted is None:
            self.centred = self.hidden_centred = self.hidden_adjusted = None
        else:
            self.centred = encoder.centred.index_select(0, places)
            self.hidden_centred = self.centred.index_select(0, hidden)
            self.hidden_adjusted = encoder.adjusted.index_select(0, places.index_select(0, hidden))

    def of_own_movies(self, values: list[torch.Tensor]) -> tuple[SparsePattern, list[torch.Tensor]]:
        """Return the ratings for own movies by all workers' users of the batch, `[users, own movies]`.

        Args:
            values: values of this worker's ratings, by channel; they are returned for the others.
        """
        world, own, (rows, movies) = self.encoder.world, self.encoder.own_movies, self.pattern.pairs
        if world.size == 1:
            return self.pattern, values
        rows, movies, *values = world.route(movies, own).send(rows + self.users_part.rows.start, movies, *values)
        pattern = SparsePattern.of_pairs(rows, movies - own.rows.start, self.users_part.total, own.size)
        return pattern, values

    @cached_property
    def hidden_of_own_movies(self) -> tuple[torch.Tensor, ...]:
        """Hidden ratings for own movies by all workers' users of the batch.

        They are users, by place in the batch, and movies, by number; for ratings also what `hidden_adjusted` and
        `hidden_centred` are.
        """
        rows, movies = self.hidden
        values = [each for each in (self.hidden_adjusted, self.hidden_centred) if each is not None]
        route = self.encoder.world.route(movies, self.encoder.own_movies)
        return route.send(rows + self.users_part.rows.start, movies, *values)

    @cached_property
    def hidden_totals(self) -> torch.Tensor:
        """Totals of the hidden ratings of all workers' users (`DeviceRatings.sum_by_movie`)."""
        return self.encoder.sum_by_movie(self.hidden[1], self.hidden_adjusted)


class StepMovies:
    """Movies of a step, of which a worker encodes its own.

    Attributes:
        all: distinct numbers, ascending.
        part: place of the own movies among them.
        own: places of the own movies among all own movies.
        totals: totals of the own ones (`DeviceRatings.sum_by_movie`).
    """

    def __init__(self, encoder: DeviceRatings, movies: torch.Tensor, totals: torch.Tensor) -> None:
        self.all, self.part, self.n_movies = movies, encoder.own_movies.among(movies), encoder.n_movies
        self.own = movies[self.part.rows] - encoder.own_movies.rows.start
        self.totals = totals.index_select(0, movies[self.part.rows])

    def places(self, movies: torch.Tensor) -> torch.Tensor:
        """Return the place of each of some of these movies among the own ones of them."""
        places = torch.zeros(self.n_movies, dtype=torch.int32, device=movies.device)
        places[self.all] = torch.arange(len(self.all), dtype=torch.int32, device=movies.device)
        return places.index_select(0, movies).sub_(self.part.rows.start)
