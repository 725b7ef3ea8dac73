"""The tasks that the heads of `deep-mf` are trained on: predict what is hidden from what is not. Needs torch.

Each step hides a part of the ratings, encodes users and movies from the rest, and predicts what is hidden; so a rating
never sees itself, and users and movies are met with less than their whole history, as strangers will be. An epoch
hides each rating once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from cinematrix.data.ratings import Ratings
from cinematrix.models.base import Ordering
from cinematrix.models.components.biases import Biases
from cinematrix.models.deep_mf.network import HistoryNet, IndexPairs, VisibleHistories
from cinematrix.models.deep_mf.pooling import ContentMatrix, SparsePattern
from cinematrix.models.deep_mf.softmax_loss import softmax_loss

if TYPE_CHECKING:
    from cinematrix.models.deep_mf.settings import DeepMFSettings

BIAS_SWEEPS = 5

MIN_SIGMA = 2e-4
"""The least standard deviation of residuals, as a share of the scale's width."""

MAX_STEPS = 10
"""The most steps that `batch` makes of an epoch: each encodes all ratings, so their number mustn't grow with these."""

MAX_LOGITS = 2**24
"""The most logits that a step of the ranking head makes for a member: it takes a part of the users where they are many.
"""

UNSEEN_SHARE = 0.3
"""The share of the hidden ratings that are predicted once more, as if their movie had no raters."""

BiasTensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""The mean, the users' biases, the movies' biases."""


@dataclass
class EncodedSides:
    """Both towers' vectors, and the biases that the stars stand on."""

    users: torch.Tensor
    movies: torch.Tensor
    base: BiasTensors | None


class RatingEncoder:
    """Ratings on the device, and the way from a mask over them to both sides' vectors.

    `biases` are those of the ratings, perhaps with doubt in the movies'; None: without.
    """

    def __init__(
        self, ratings: Ratings, n_movies: int, content: ContentMatrix | None, device: torch.device,
        biases: Biases | None = None,
    ) -> None:  # fmt: skip
        self.device, histories = device, ratings.by_user
        self.pattern = SparsePattern.of(histories, n_movies, device)
        self.content = content
        self.users, self.movies = self.pattern.pairs
        self.stars: torch.Tensor | None = None
        self.biases: Biases | None = None
        self.sigma = 1.0
        if ratings.rating is not None and histories.values is not None:
            self.biases = biases or Biases.of(ratings, n_movies)
            self.stars = torch.from_numpy(histories.values).to(device)
            residual = self.residuals(self.full_mask())[1]
            width = ratings.scale.high - ratings.scale.low if ratings.scale else 0
            self.sigma = max(float(residual.std(correction=0)), MIN_SIGMA * (width or 1))

    def __len__(self) -> int:
        return len(self.users)

    def full_mask(self) -> torch.Tensor:
        """The mask that hides nothing."""
        return torch.ones(len(self), device=self.device)

    def residuals(self, mask: torch.Tensor) -> tuple[BiasTensors, torch.Tensor]:
        """The biases of the visible ratings alone, and what each rating has left over them."""
        assert self.stars is not None
        assert self.biases is not None
        movie_side = self.pattern.transposed
        visible = mask.sum()
        mean = (
            (self.stars * mask).sum() / visible if visible > 0 else torch.tensor(self.biases.mean, device=self.device)
        )
        centred = self.stars - mean
        user = torch.zeros(len(self.pattern.starts) - 1, device=self.device)
        of_movie = movie_side.sums(mask) + self.biases.movie_shrinkage
        of_user = self.pattern.sums(mask) + self.biases.user_shrinkage
        for _ in range(BIAS_SWEEPS):
            movie = movie_side.sums((centred - user.index_select(0, self.users)) * mask) / of_movie
            above = centred - movie.index_select(0, self.movies)
            user = self.pattern.sums(above * mask) / of_user
        return (mean, user, movie), above - user.index_select(0, self.users)

    def encode(self, net: HistoryNet, mask: torch.Tensor, rows: IndexPairs | None = None) -> EncodedSides:
        """Both sides, or the vectors of `rows` alone, as they look from the visible ratings."""
        base, residual = (None, None) if self.stars is None else self.residuals(mask)
        scaled = None if residual is None else residual / self.sigma
        users = VisibleHistories.of(self.pattern, mask, scaled)
        movies = VisibleHistories.of(self.pattern.transposed, mask, scaled)
        return EncodedSides(*net.encode(users, movies, self.content, rows), base)


def index_distinct(pairs: IndexPairs) -> tuple[IndexPairs, IndexPairs]:
    """The distinct users and movies of pairs, and each pair's places among them."""
    users, at_user = torch.unique(pairs[0], return_inverse=True)
    movies, at_movie = torch.unique(pairs[1], return_inverse=True)
    return (users, movies), (at_user, at_movie)


def predict_from_biases(base: BiasTensors | None, pairs: IndexPairs) -> torch.Tensor:
    """The biases' prediction of pairs."""
    assert base is not None, "the rating head has stars to learn from"
    (mean, user, movie), (users, movies) = base, pairs
    return mean + user[users] + movie[movies]


class HiddenRatingsTask:
    """The part of a task that both heads share: which ratings are hidden in each step."""

    by: ClassVar[Ordering]
    measure: ClassVar[str]

    def __init__(
        self, ratings: Ratings, validation: Ratings, content: ContentMatrix | None, n_movies: int, settings: "DeepMFSettings",
        device: torch.device, biases: Biases | None = None,
    ) -> None:  # fmt: skip
        self.device = device
        self.encoder = RatingEncoder(ratings, n_movies, content, device, biases)
        channels = 1 if self.encoder.stars is None else 2
        width = 0 if content is None else content.width
        self.net = HistoryNet(len(ratings.users), n_movies, width, channels, settings.shape(self.by)).to(device)
        user, movie = (torch.from_numpy(c.astype(np.int64)).to(device) for c in (validation.user, validation.movie))
        self.held_out = user, movie
        self.held_out_stars = None if validation.rating is None else torch.from_numpy(validation.rating).to(device)
        steps = max(round(1 / settings.hidden_share), min(-(-len(ratings) // settings.batch), MAX_STEPS))
        self.steps_per_epoch = min(steps, len(ratings))
        self.unseen = settings.unseen_weight

    def batches(self, rng: np.random.Generator) -> Iterator[torch.Tensor]:
        """Which ratings are hidden in each step."""
        for part in np.array_split(rng.permutation(len(self.encoder)), self.steps_per_epoch):
            yield torch.from_numpy(part).to(self.device)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """The loss of a step; each head has its own."""
        raise NotImplementedError

    def validate(self) -> float:
        """The validation error; each head has its own."""
        raise NotImplementedError

    def hide(self, batch: torch.Tensor, rows: IndexPairs | None = None) -> tuple[EncodedSides, torch.Tensor]:
        """Both sides (of `rows` alone) as seen without the ratings of the batch, and the mask of what is seen."""
        mask = self.encoder.full_mask()
        mask[batch] = 0
        return self.encoder.encode(self.net, mask, rows), mask


class StarsTask(HiddenRatingsTask):
    """The rating head: squared error of hidden ratings.

    Some of them are predicted once more as if their movie had no raters, since otherwise training would meet no such
    movies but obscure ones, and take each new film for one of those.
    """

    by: ClassVar[Ordering] = "stars"
    measure: ClassVar[str] = "validation RMSE"

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Summed over members, which learn apart; in units of the residuals' variance."""
        assert self.encoder.stars is not None, "the rating head has stars to learn from"
        pairs = self.encoder.users[batch], self.encoder.movies[batch]
        rows, places = index_distinct(pairs)
        sides, _ = self.hide(batch, rows)
        base, score = predict_from_biases(sides.base, pairs), self.net.score(sides.users, sides.movies, places)
        target = (self.encoder.stars[batch] - base) / self.encoder.sigma
        return (score - target[:, None]).square().mean(0).sum() + self.unseen * self._of_unseen(batch, sides, places[0])

    def _of_unseen(self, batch: torch.Tensor, sides: EncodedSides, at_user: torch.Tensor) -> torch.Tensor:
        """The same loss of a part of the batch (which is in random order) as if its movies had no raters."""
        assert self.encoder.stars is not None
        assert sides.base is not None
        part = batch[: max(round(UNSEEN_SHARE * len(batch)), 1)]
        users, (movies, at_movie) = (
            self.encoder.users[part],
            torch.unique(self.encoder.movies[part], return_inverse=True),
        )
        vectors = self.net.movies.unseen(self.encoder.content, movies)
        target = (self.encoder.stars[part] - sides.base[0] - sides.base[1][users]) / self.encoder.sigma
        score = self.net.score(sides.users, vectors, (at_user[: len(part)], at_movie))
        return (score - target[:, None]).square().mean(0).sum()

    def validate(self) -> float:
        """RMSE of the members' mean on the validation ratings."""
        assert self.held_out_stars is not None, "the rating head has stars to learn from"
        rows, places = index_distinct(self.held_out)
        sides = self.encoder.encode(self.net, self.encoder.full_mask(), rows)
        base, score = predict_from_biases(sides.base, self.held_out), self.net.score(sides.users, sides.movies, places)
        error = base + self.encoder.sigma * score.mean(1) - self.held_out_stars
        return float(error.square().mean().sqrt())


class RankingTask(HiddenRatingsTask):
    """The ranking head: softmax over all movies that a user hasn't visibly seen (Liang et al. 2018, multinomial)."""

    by: ClassVar[Ordering] = "ranking"
    measure: ClassVar[str] = "validation loss"

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Summed over members, which learn apart."""
        sides, mask = self.hide(batch)
        return self._surprise(sides, mask, self.encoder.users[batch], self.encoder.movies[batch]).sum()

    def validate(self) -> float:
        """Mean negative log-likelihood of the validation movies, in nats."""
        mask = self.encoder.full_mask()
        return float(self._surprise(self.encoder.encode(self.net, mask), mask, *self.held_out).mean())

    def _surprise(
        self, sides: EncodedSides, mask: torch.Tensor, users: torch.Tensor, movies: torch.Tensor
    ) -> torch.Tensor:
        """Each member's mean negative log-likelihood of pairs; of a part of the users if all are too many."""
        present = torch.unique(users)
        most = max(MAX_LOGITS // sides.movies.shape[0] // sides.movies.shape[1], 1)
        if len(present) > most:
            present = present[torch.randperm(len(present), device=self.device)[:most].sort().values]
        place = torch.full((len(sides.users),), -1, device=self.device)
        place[present] = torch.arange(len(present), device=self.device)
        seen = torch.nonzero((place.index_select(0, self.encoder.users) >= 0) & (mask > 0))[:, 0]
        hidden = place[self.encoder.users[seen]], self.encoder.movies[seen]
        chosen = place[users] >= 0
        x, y = self.net.plain(sides.users[present], sides.movies)
        by_member = zip(x.unbind(1), y.unbind(1), strict=True)
        return torch.stack([softmax_loss(a, b, hidden, (place[users[chosen]], movies[chosen])) for a, b in by_member])
