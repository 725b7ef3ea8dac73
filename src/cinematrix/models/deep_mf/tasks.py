"""Training tasks of the heads of `deep-mf`: predict hidden ratings from the visible ones. Needs torch.

Each step takes some users, hides a part of their ratings, encodes users and movies from the rest, and predicts the
hidden ratings. So a rating is never predicted from itself, and users are encoded from incomplete histories, as new
users will be. An epoch hides each rating once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from cinematrix.common.world import ALONE, World
from cinematrix.models.contract_types import Ordering
from cinematrix.models.deep_mf.batches import (
    BatchRatings,
    EncodedBatch,
    SelectedRatings,
    StepMovies,
    exchange_totals,
)
from cinematrix.models.deep_mf.encoder import RatingEncoder, StandingMovies
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.network import HistoryNet, IndexPairs
from cinematrix.models.deep_mf.pooling import SparsePattern
from cinematrix.models.deep_mf.softmax_loss import softmax_loss
from cinematrix.models.deep_mf.steps import StepPlan, cut_evenly, make_batch

if TYPE_CHECKING:
    from cinematrix.models.deep_mf.settings import DeepMFSettings

UNSEEN_EVERY = 3
"""Hidden ratings of one of so many movies are predicted once more, as if their movie had no raters."""

BLOCK_RATINGS = 2**20
"""About the ratings encoded at a time for validation."""

MAX_HELD_OUT = 200_000
"""About the most validation ratings of which the error is computed in each epoch."""


@dataclass
class HeldOut:
    """Some users encoded from all their ratings, all movies, and the users' validation ratings.

    Attributes:
        pairs: the movies of each encoded user.
        stars: None for plain interactions.
    """

    sides: EncodedBatch
    ratings: BatchRatings
    pairs: SparsePattern
    stars: torch.Tensor | None


class HiddenRatingsTask:
    """The common part of both heads' tasks: the ratings hidden in each step."""

    by: ClassVar[Ordering]
    measure: ClassVar[str]

    def __init__(self, data: HeadData, settings: "DeepMFSettings", device: torch.device, world: World = ALONE) -> None:
        self.data, self.device, self.world = data, device, world
        self.encoder = RatingEncoder(data, device, world)
        channels = 1 if self.encoder.of_users.centred is None else 2
        width = 0 if data.content is None else data.content.shape[1]
        self.net = HistoryNet(data.users, data.movies, width, channels, settings.shape(self.by)).to(device)
        self.plan = StepPlan.of(data.counts, data.n_movies, settings, self.by)
        self.steps_per_epoch = self.plan.steps
        self.unseen_weight = settings.unseen_weight
        self.standing: StandingMovies | None = None

    def batches(self, rng: np.random.Generator) -> Iterator[BatchRatings]:
        """Yield the steps of an epoch; several workers exchange totals of the ratings once a cycle."""
        cycle: list[BatchRatings] = []
        for batch in self.plan.batches(self.data.counts, rng, self.device, self.data.users):
            cycle.append(BatchRatings(self.encoder, batch))
            if self.world.size > 1 and not batch.last_of:
                continue
            for ratings, totals in zip(cycle, exchange_totals(cycle), strict=True):
                ratings.of_all_workers = totals
            while cycle:
                yield cycle.pop(0)

    def encode(self, ratings: BatchRatings, movies: StepMovies) -> EncodedBatch:
        """Return both sides, encoded without the hidden ratings, at the place of the batch in the cycle."""
        batch = ratings.batch
        if ratings.all_users:
            return self.encoder.encode(self.net, None, ratings, movies)
        if batch.first or self.standing is None:
            self.standing = None  # frees the memory of the last cycle
            self.standing = self.encoder.stand(self.net)
        for table in self.net.movies.tables:
            table.every = batch.last_of
        return self.encoder.encode(self.net, self.standing, ratings, movies, batch.last_of)

    def loss(self, ratings: BatchRatings) -> torch.Tensor:
        """Return the loss of a step; each head has its own."""
        raise NotImplementedError

    def validate(self) -> float:
        """Return the validation error; each head has its own."""
        raise NotImplementedError

    def encode_held_out(self) -> Iterator[HeldOut]:
        """Yield blocks of own users with validation ratings, encoded from all that is learned from."""
        data, tested = self.data, np.flatnonzero(self.data.tested)
        tested = tested[:: -(-int(data.tested.sum()) // MAX_HELD_OUT)]
        sizes, encoder = data.counts[tested], self.encoder
        movies, tables = encoder.encode_movies(self.net), self.net.users.item_tables(encoder.content)
        movie_bias = None if encoder.biases is None else encoder.movie_bias(encoder.totals)
        for block in cut_evenly(tested, sizes, min(1 + int(sizes.sum()) // BLOCK_RATINGS, len(tested))):
            ratings = BatchRatings(encoder, make_batch(block, block[:0], data.users, self.device))
            held_out = data.held_out.take(ratings.users.cpu().numpy())
            stars = None if held_out.values is None else torch.from_numpy(held_out.values).to(self.device)
            vectors, _ = encoder.encode_users(self.net, ratings, tables)
            user_bias = None if ratings.user_bias is None else ratings.user_bias[ratings.users_part.rows]
            sides = EncodedBatch(vectors, movies, user_bias, movie_bias)
            rows, items = self._on_device(held_out.rows), self._on_device(held_out.items)
            yield HeldOut(sides, ratings, SparsePattern.of_pairs(rows, items, len(vectors), len(movies)), stars)

    def add_up(self, *totals: float) -> list[float]:
        """Return totals of all workers."""
        return self.world.sum(torch.tensor(totals, dtype=torch.float64, device=self.device)).tolist()

    def _on_device(self, numbers: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(numbers.astype(np.int32)).to(self.device)


class StarsTask(HiddenRatingsTask):
    """Task of the rating head: squared error of hidden ratings.

    Some of them are predicted once more as if their movie had no raters. Otherwise training would meet only obscure
    movies without raters, and the model would take new movies for obscure ones.
    """

    by: ClassVar[Ordering] = "stars"
    measure: ClassVar[str] = "validation RMSE"

    def loss(self, ratings: BatchRatings) -> torch.Tensor:
        """Return the sum over members, which learn independently, in units of the residuals' variance."""
        movies = torch.nonzero(ratings.hidden_counts)[:, 0].int()
        first = int(torch.randint(min(UNSEEN_EVERY, len(movies)), ()))
        new = movies[first::UNSEEN_EVERY]
        step = StepMovies(ratings, movies, new)
        sides, (rows, at) = self.encode(ratings, step), step.hidden.pairs
        user_bias, movie_bias = sides.biases
        users, residual = self.world.join(sides.users, ratings.users_part), ratings.of_movies.hidden_centred
        assert residual is not None, "the rating head has stars to learn from"
        over_user = residual - user_bias.index_select(0, rows)
        over_both = over_user - movie_bias.index_select(0, at)
        of_movies, of_new = torch.split(sides.movies, [step.part.size, step.new_part.size])
        seen = self._squared_error(users, of_movies, step.hidden, over_both, ratings.n_hidden)
        places = at + step.part.rows.start
        some = torch.nonzero(places % UNSEEN_EVERY == first)[:, 0]
        at_new = places.index_select(0, some) // UNSEEN_EVERY - step.new_part.rows.start
        pairs = SparsePattern.of_pairs(rows.index_select(0, some), at_new, len(users), len(of_new))
        n = ratings.hidden_counts.index_select(0, new).sum()
        unseen = self._squared_error(users, of_new, pairs, over_user.index_select(0, some), n)
        return seen + self.unseen_weight * unseen

    def _squared_error(
        self,
        users: torch.Tensor,
        movies: torch.Tensor,
        pairs: SparsePattern,
        residual: torch.Tensor,
        n: int | torch.Tensor,
    ) -> torch.Tensor:
        """Return the mean squared error of `n` pairs, the sum over members, in units of the residuals' variance.

        Of several workers, each returns the addend of the pairs of its movies.
        """
        error = self.net.score(users, movies, pairs) - (residual / self.encoder.sigma)[:, None]
        return (error.square().sum(0) / n).sum()

    def validate(self) -> float:
        """Return the RMSE of the members' mean on the validation ratings."""
        assert self.encoder.biases is not None, "the rating head has stars to learn from"
        squares, n = 0.0, 0.0
        for block in self.encode_held_out():
            assert block.stars is not None
            (user_bias, movie_bias), (rows, movies) = block.sides.biases, block.pairs.pairs
            base = self.encoder.biases.mean + user_bias.index_select(0, rows) + movie_bias.index_select(0, movies)
            score = self.net.score(block.sides.users, block.sides.movies, block.pairs).mean(1)
            squares += float((base + self.encoder.sigma * score - block.stars).square().sum())
            n += len(rows)
        squares, n = self.add_up(squares, n)
        return float(np.sqrt(squares / n))


class RankingTask(HiddenRatingsTask):
    """Task of the ranking head: softmax over movies outside the visible history (Liang et al. 2018, multinomial)."""

    by: ClassVar[Ordering] = "ranking"
    measure: ClassVar[str] = "validation loss"

    def loss(self, ratings: BatchRatings) -> torch.Tensor:
        """Return the sum over members, which learn independently."""
        sides = self.encode(ratings, StepMovies(ratings, self.encoder.all_movies))
        sides.movies = self.world.join(sides.movies, self.data.movies)
        return self._softmax_loss(sides, ratings.of_users, ratings.of_users.hidden, ratings.n_hidden).sum()

    def validate(self) -> float:
        """Return the mean negative log-likelihood of the validation movies, in nats."""
        total, n = 0.0, 0.0
        for block in self.encode_held_out():
            pairs, size = block.pairs.pairs, len(block.pairs.items)
            loss = self._softmax_loss(block.sides, block.ratings.of_users, pairs, max(size, 1)).mean()
            total, n = total + float(loss) * size, n + size
        total, n = self.add_up(total, n)
        return total / n

    def _softmax_loss(self, sides: EncodedBatch, ratings: SelectedRatings, pairs: IndexPairs, n: int) -> torch.Tensor:
        """Return each member's mean negative log-likelihood of `n` pairs, the addend of those that are given."""
        used, rows = torch.unique(pairs[0].long(), return_inverse=True)
        place = torch.full((len(sides.users),), -1, device=self.device)
        place[used] = torch.arange(len(used), device=self.device)
        users, movies = (side.long() for side in ratings.pattern.pairs)
        visible = torch.nonzero((ratings.visible > 0) & (place[users] >= 0))[:, 0]
        hidden = place[users[visible]], movies[visible]
        x, y = self.net.plain(sides.users[used], sides.movies)
        by_member = zip(x.unbind(1), y.unbind(1), strict=True)
        return torch.stack([softmax_loss(a, b, hidden, (rows, pairs[1].long()), n) for a, b in by_member])
