"""Users, ratings and movies of a training step of `deep-mf`, of which a worker has its own. Needs torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from cinematrix.common.world import Part
from cinematrix.models.deep_mf.device_ratings import DeviceRatings, StoredRatings
from cinematrix.models.deep_mf.pooling import SparsePattern


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
        user_bias: of the same users, or those of all workers, `[n]`; None for plain interactions, as the other.
        movie_bias: of the same movies, or those of all workers.
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
            at = starts.index_select(0, self.users) + stored.places.index_select(0, self.entries)
            self.visible = visible.index_select(0, at)
        self.centred = None if stored.centred is None else stored.centred.index_select(0, self.entries)

    @property
    def users(self) -> torch.Tensor:
        """User of each rating, by place in the batch."""
        return self.pattern.pairs[0]

    @property
    def movies(self) -> torch.Tensor:
        """Movie of each rating."""
        return self.pattern.pairs[1]

    @cached_property
    def hidden(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Users of the hidden ratings, by place in the batch, and their movies."""
        return self.users.index_select(0, self._hidden), self.movies.index_select(0, self._hidden)

    @cached_property
    def hidden_centred(self) -> torch.Tensor | None:
        """Hidden ratings less their mean; None for plain interactions."""
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
    """Ratings of the users of a batch, without the hidden ones; a worker has those for its movies.

    Attributes:
        batch: the users, and the place in a cycle of steps.
        users: numbers of own users, among all own ones.
        users_part: as in `UserBatch`.
        n_hidden: number of all workers' hidden ratings.
        all_users: the batch has all users, each at the place of its number.
        of_movies: ratings for own movies.
    """

    def __init__(self, encoder: DeviceRatings, batch: UserBatch) -> None:
        self.encoder, self.batch = encoder, batch
        self.users_part, self.n_hidden = batch.users_part, len(batch.hidden)
        self.all_users = self.users_part.total == encoder.own_users.total
        self.users = batch.users[self.users_part.rows] - encoder.own_users.rows.start
        ends = encoder.counts.index_select(0, batch.users).cumsum(0, dtype=torch.int32)
        self._starts = torch.cat([ends.new_zeros(1), ends])
        visible = torch.ones(int(self._starts[-1]), device=encoder.device)
        self._visible = visible.index_fill_(0, batch.hidden.long(), 0)
        self.of_movies = SelectedRatings(encoder.of_movies, batch.users, self._starts, self._visible)

    @cached_property
    def of_users(self) -> SelectedRatings:
        """Ratings of own users; in a single process the same as `of_movies`."""
        if self.encoder.world.size == 1:
            return self.of_movies
        rows = self.users_part.rows
        begin, end = self._starts[[rows.start, rows.stop]].tolist()
        return SelectedRatings(self.encoder.of_users, self.users, self._starts, self._visible[begin:end])

    @cached_property
    def hidden_totals(self) -> torch.Tensor:
        """Totals of the hidden ratings for own movies (`DeviceRatings.sum_by_movie`)."""
        return self.encoder.sum_by_movie(self.of_movies.hidden[1], self.of_movies.hidden_adjusted)

    @cached_property
    def totals(self) -> torch.Tensor:
        """Totals of own movies."""
        return self.encoder.totals[self.encoder.own_movies.rows] - self.hidden_totals

    @cached_property
    def movie_bias(self) -> torch.Tensor | None:
        """Biases of own movies; None for plain interactions."""
        return None if self.encoder.biases is None else self.encoder.movie_bias(self.totals)

    @cached_property
    def over_movie(self) -> torch.Tensor | None:
        """Ratings for own movies less their mean and the movies' biases; None for plain interactions."""
        centred, bias = self.of_movies.centred, self.movie_bias
        return None if centred is None or bias is None else centred - bias.index_select(0, self.of_movies.movies)

    @property
    def hidden_counts(self) -> torch.Tensor:
        """Number of hidden ratings for each movie of all workers."""
        return self.of_all_workers[0]

    @property
    def user_totals(self) -> torch.Tensor:
        """Totals of the users of all workers: number of ratings, sum of `over_movie` and of its squares.

        `[n, 3]`, for plain interactions `[n, 1]`.
        """
        return self.of_all_workers[1]

    @cached_property
    def of_all_workers(self) -> tuple[torch.Tensor, torch.Tensor]:
        """`hidden_counts` and `user_totals`; for several steps, `exchange_totals` finds them in one exchange."""
        return exchange_totals([self])[0]

    @property
    def addends(self) -> torch.Tensor:
        """The part of `user_totals` that comes from the ratings for own movies."""
        values = [self.of_movies.visible]
        if self.over_movie is not None:
            seen = self.over_movie * self.of_movies.visible
            values += [seen, seen.square()]
        return torch.stack([self.of_movies.pattern.sums(each) for each in values], 1)

    @cached_property
    def user_bias(self) -> torch.Tensor | None:
        """Biases of the users of all workers; None for plain interactions."""
        biases, totals = self.encoder.biases, self.user_totals
        return None if biases is None else totals[:, 1] / (totals[:, 0] + biases.user_shrinkage)

    @cached_property
    def residual(self) -> torch.Tensor | None:
        """Ratings for own movies less both biases, in standard deviations; None for plain interactions."""
        if self.over_movie is None or self.user_bias is None:
            return None
        return (self.over_movie - self.user_bias.index_select(0, self.of_movies.users)) / self.encoder.sigma


def exchange_totals(steps: Sequence[BatchRatings]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return `BatchRatings.of_all_workers` of some steps, in one exchange."""
    encoder, addends = steps[0].encoder, [step.addends for step in steps]
    hidden = torch.stack([step.hidden_totals[:, 0] for step in steps], 1)
    counts, totals = encoder.world.join_and_sum(hidden, encoder.own_movies, torch.cat(addends))
    by_step = torch.split(totals, [len(each) for each in addends])
    return list(zip(counts.t().contiguous(), by_step, strict=True))


class StepMovies:
    """Movies of a step, of which a worker encodes its own; some of them once more, as if they were new.

    Attributes:
        part: place of the own movies among all of the step.
        own: places of the own movies among all own movies.
        new_part, new: the same of the movies that are encoded as if nobody had rated them.
        totals: totals of the own ones (`DeviceRatings.sum_by_movie`).
        bias: biases of the own ones; None for plain interactions.
        hidden: their hidden ratings by user.
    """

    def __init__(self, ratings: BatchRatings, movies: torch.Tensor, new: torch.Tensor | None = None) -> None:
        """Find the own ones of movies, whose numbers ascend; all that have hidden ratings are among them."""
        self.part, self.own = _own(ratings.encoder, movies)
        self.new_part, self.new = _own(ratings.encoder, movies[:0] if new is None else new)
        self.totals = ratings.totals.index_select(0, self.own)
        self.bias = None if ratings.movie_bias is None else ratings.movie_bias.index_select(0, self.own)
        places = torch.zeros(ratings.encoder.own_movies.size, dtype=torch.int32, device=movies.device)
        places[self.own] = torch.arange(len(self.own), dtype=torch.int32, device=movies.device)
        users, rated = ratings.of_movies.hidden
        self.hidden = SparsePattern.of_pairs(
            users, places.index_select(0, rated), ratings.users_part.total, self.part.size
        )


def _own(encoder: DeviceRatings, movies: torch.Tensor) -> tuple[Part, torch.Tensor]:
    """Return the place of the own ones among movies, and their numbers among all own movies."""
    alone = encoder.world.size == 1
    part = Part.whole(len(movies)) if alone else encoder.own_movies.among(movies.cpu())
    return part, movies[part.rows] - encoder.own_movies.rows.start
