"""Users, ratings and movies of a training step of `deep-mf`, of which a worker has its own. Needs torch."""

from dataclasses import dataclass
from functools import cached_property

import torch

from cinematrix.common.world import Part
from cinematrix.models.deep_mf.device_ratings import DeviceRatings, StoredRatings


@dataclass
class UserBatch:
    """Users whose ratings are partly hidden, and are predicted from the others.

    Attributes:
        users: numbers of the users of all workers, ascending, int32 `[n]`.
        hidden: places of the hidden ratings among those of the users, ascending.
        users_part: place of this worker's users among them.
        first: the first step of a cycle of standing sums.
        last_of: steps of the cycle in its last step, 0 in the others.
    """

    users: torch.Tensor
    hidden: torch.Tensor
    users_part: Part
    first: bool = True
    last_of: int = 1

    @classmethod
    def of(cls, users: torch.Tensor, hidden: torch.Tensor) -> "UserBatch":
        """Return a batch of which a single process has all users."""
        return cls(users, hidden, Part.whole(len(users)))

    @classmethod
    def of_visible(cls, users: torch.Tensor) -> "UserBatch":
        """Return a batch of which a single process has all users, with nothing hidden."""
        return cls.of(users, users[:0])


@dataclass
class EncodedBatch:
    """Both towers' vectors, and the biases that expected ratings build on.

    Attributes:
        users, movies: vectors of own users of the batch and of own movies. `[n, members, factors + 1]`.
        user_bias: those of all workers' users, `[n]`; None for plain interactions, as the other.
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


class SelectedRatings:
    """Ratings of the users of a batch: all those of own users, or those for own movies.

    Attributes:
        pattern: the users' histories.
        visible: float32 mask of the visible ratings.
        centred: ratings less their mean; None for plain interactions.
    """

    def __init__(self, stored: StoredRatings, users: torch.Tensor, starts: torch.Tensor, visible: torch.Tensor) -> None:
        """Select the ratings of users, whose ratings begin at `starts` in `visible`."""
        self.stored = stored
        self.pattern, self.entries = stored.pattern.select(users, stored.pattern.n_items)
        self.visible = visible
        if stored.places is not None:
            at = starts.index_select(0, self.pattern.pairs[0]) + stored.places.index_select(0, self.entries)
            self.visible = visible.index_select(0, at)
        self.centred = None if stored.centred is None else stored.centred.index_select(0, self.entries)

    def over_movie(self, bias: torch.Tensor) -> torch.Tensor:
        """Return ratings less their mean and the movies' biases."""
        assert self.centred is not None, "only ratings have biases"
        return self.centred - bias.index_select(0, self.pattern.pairs[1])

    def over_user(self, values: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Return a value of each rating less the user's bias."""
        return values - bias.index_select(0, self.pattern.pairs[0])

    @cached_property
    def hidden(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Users of the hidden ratings, by place in the batch, and their movies."""
        rows, movies = self.pattern.pairs
        return rows.index_select(0, self._hidden), movies.index_select(0, self._hidden)

    @cached_property
    def hidden_centred(self) -> torch.Tensor | None:
        """The part of the hidden ratings in `centred`."""
        return None if self.centred is None else self.centred.index_select(0, self._hidden)

    @cached_property
    def hidden_adjusted(self) -> torch.Tensor | None:
        """Hidden ratings less mean and user's bias; None for plain interactions."""
        adjusted = self.stored.adjusted
        return None if adjusted is None else adjusted.index_select(0, self.entries.index_select(0, self._hidden))

    @cached_property
    def _hidden(self) -> torch.Tensor:
        return torch.nonzero(self.visible == 0)[:, 0]


class BatchRatings:
    """Ratings of the users of a batch, of which a worker has those of its users and those for its movies.

    Attributes:
        users: numbers of own users, among all own ones.
        users_part: as in `UserBatch`.
        n_hidden: number of all workers' hidden ratings.
        all_users: the batch has all users, each at the place of its number.
        of_users: ratings of own users.
        of_movies: ratings for own movies; in a single process the same.
    """

    def __init__(self, encoder: DeviceRatings, batch: UserBatch) -> None:
        self.encoder, self.users_part, self.n_hidden = encoder, batch.users_part, len(batch.hidden)
        self.all_users = self.users_part.total == encoder.own_users.total
        self.users = batch.users[self.users_part.rows] - encoder.own_users.rows.start
        ends = encoder.counts.index_select(0, batch.users).cumsum(0, dtype=torch.int32)
        starts = torch.cat([ends.new_zeros(1), ends])
        begin, end, total = starts[[self.users_part.rows.start, self.users_part.rows.stop, -1]].tolist()
        visible = torch.ones(total, device=encoder.device).index_fill_(0, batch.hidden.long(), 0)
        self.of_users = self.of_movies = SelectedRatings(encoder.of_users, self.users, starts, visible[begin:end])
        if encoder.world.size > 1:
            self.of_movies = SelectedRatings(encoder.of_movies, batch.users, starts, visible)

    @cached_property
    def hidden_totals(self) -> torch.Tensor:
        """Totals of the hidden ratings for own movies (`DeviceRatings.sum_by_movie`)."""
        return self.encoder.sum_by_movie(self.of_movies.hidden[1], self.of_movies.hidden_adjusted)

    @cached_property
    def totals(self) -> torch.Tensor:
        """Totals of own movies without the hidden ratings."""
        return self.encoder.totals[self.encoder.own_movies.rows] - self.hidden_totals

    @property
    def hidden_counts(self) -> torch.Tensor:
        """Number of hidden ratings for each movie of all workers."""
        return self._of_all_movies[0]

    @property
    def movie_bias(self) -> torch.Tensor | None:
        """Bias of each movie of all workers, without the hidden ratings; None for plain interactions."""
        return self._of_all_movies[1] if len(self._of_all_movies) > 1 else None

    @cached_property
    def _of_all_movies(self) -> list[torch.Tensor]:
        own = [self.hidden_totals[:, 0]]
        if self.encoder.biases is not None:
            own.append(self.encoder.movie_bias(self.totals))
        return self.encoder.world.join_all(own, self.encoder.own_movies)


class StepMovies:
    """Movies of a step, of which a worker encodes its own.

    Attributes:
        all: distinct numbers, ascending.
        part: place of the own movies among them.
        own: places of the own movies among all own movies.
        totals: totals of the own ones (`DeviceRatings.sum_by_movie`).
    """

    def __init__(self, encoder: DeviceRatings, movies: torch.Tensor, totals: torch.Tensor) -> None:
        self.all, self.part, self.n_own = movies, encoder.own_movies.among(movies), encoder.own_movies.size
        self.own = movies[self.part.rows] - encoder.own_movies.rows.start
        self.totals = totals.index_select(0, self.own)

    def places(self, movies: torch.Tensor) -> torch.Tensor:
        """Return the place of each of some own movies among the own ones of this step."""
        places = torch.zeros(self.n_own, dtype=torch.int32, device=movies.device)
        places[self.own] = torch.arange(len(self.own), dtype=torch.int32, device=movies.device)
        return places.index_select(0, movies)
