"""Training tasks of the heads of `deep-mf`: predict hidden ratings from the visible ones. Needs torch.

Each step hides a part of the ratings, encodes users and movies from the rest, and predicts the hidden ratings. So a
rating is never predicted from itself, and users and movies are encoded from incomplete histories, as new users will be.
An epoch hides each rating once.
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
"""Alternations between movie and user biases in a step."""

MIN_SIGMA = 2e-4
"""Minimum standard deviation of residuals, as a share of the scale's width."""

MAX_STEPS = 10
"""Maximum steps in an epoch due to `batch`; each encodes all ratings, so more would cost too much."""

MAX_LOGITS = 2**24
"""Maximum logits of a member in a step of the ranking head; with more, it takes a part of the users."""

UNSEEN_SHARE = 0.3
"""Share of the hidden ratings that are predicted once more, as if their movie had no raters."""

BiasTensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""The mean, the users' biases, the movies' biases."""


@dataclass
class EncodedSides:
    """Both towers' vectors, and the biases that expected ratings build on."""

    users: torch.Tensor
    movies: torch.Tensor
    base: BiasTensors | None


class RatingEncoder:
    """Ratings on the device, and their encoding under a mask to both sides' vectors.

    `biases` are those of the ratings, with any shrinkage of the movies'; None: they are estimated here.
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
        """Return the mask that hides nothing."""
        return torch.ones(len(self), device=self.device)

    def residuals(self, mask: torch.Tensor) -> tuple[BiasTensors, torch.Tensor]:
        """Return the biases of the visible ratings alone, and each rating's residual over them."""
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
            residual = centred - movie.index_select(0, self.movies)
            user = self.pattern.sums(residual * mask) / of_user
        return (mean, user, movie), residual - user.index_select(0, self.users)

    def encode(self, net: HistoryNet, mask: torch.Tensor, rows: IndexPairs | None = None) -> EncodedSides:
        """Return both sides, or the vectors of `rows` alone, encoded from the visible ratings."""
        base, residual = (None, None) if self.stars is None else self.residuals(mask)
        scaled = None if residual is None else residual / self.sigma
        users = VisibleHistories.of(self.pattern, mask, scaled)
        movies = VisibleHistories.of(self.pattern.transposed, mask, scaled)
        return EncodedSides(*net.encode(users, movies, self.content, rows), base)


def index_distinct(pairs: IndexPairs) -> tuple[IndexPairs, IndexPairs]:
    """Return the distinct users and movies of pairs, and each pair's places among them."""
    users, at_user = torch.unique(pairs[0], return_inverse=True)
    movies, at_movie = torch.unique(pairs[1], return_inverse=True)
    return (users, movies), (at_user, at_movie)


def predict_from_biases(base: BiasTensors | None, pairs: IndexPairs) -> torch.Tensor:
    """Return the biases' prediction of pairs."""
    assert base is not None, "the rating head has stars to learn from"
    (mean, user, movie), (users, movies) = base, pairs
    return mean + user[users] + movie[movies]


class HiddenRatingsTask:
    """The common part of both heads' tasks: the ratings hidden in each step."""

    by: ClassVar[Ordering]
    measure: ClassVar[str]

    def __init__(
        self, ratings: Ratings, validation: Ratings, content: ContentMatrix | None, n_movies: int,
        settings: "DeepMFSettings", device: torch.device, biases: Biases | None = None,
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
        self.unseen_weight = settings.unseen_weight

    def batches(self, rng: np.random.Generator) -> Iterator[torch.Tensor]:
        """Yield the ratings hidden in each step."""
        for part in np.array_split(rng.permutation(len(self.encoder)), self.steps_per_epoch):
            yield torch.from_numpy(part).to(self.device)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the loss of a step; each head has its own."""
        raise NotImplementedError

    def validate(self) -> float:
        """Return the validation error; each head has its own."""
        raise NotImplementedError

    def hide(self, batch: torch.Tensor, rows: IndexPairs | None = None) -> tuple[EncodedSides, torch.Tensor]:
        """Return both sides (of `rows` alone) encoded without the batch's ratings, and the mask of visible ones."""
        mask = self.encoder.full_mask()
        mask[batch] = 0
        return self.encoder.encode(self.net, mask, rows), mask


class StarsTask(HiddenRatingsTask):
    """Task of the rating head: squared error of hidden ratings.

    Some of them are predicted once more as if their movie had no raters. Otherwise training would meet only obscure
    movies without raters, and the model would take new movies for obscure ones.
    """

    by: ClassVar[Ordering] = "stars"
    measure: ClassVar[str] = "validation RMSE"

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the sum over members, which learn independently, in units of the residuals' variance."""
        assert self.encoder.stars is not None, "the rating head has stars to learn from"
        pairs = self.encoder.users[batch], self.encoder.movies[batch]
        rows, places = index_distinct(pairs)
        sides, _ = self.hide(batch, rows)
        base, score = predict_from_biases(sides.base, pairs), self.net.score(sides.users, sides.movies, places)
        target = (self.encoder.stars[batch] - base) / self.encoder.sigma
        return (score - target[:, None]).square().mean(0).sum() + self.unseen_weight * self._unseen_loss(
            batch, sides, places[0]
        )

    def _unseen_loss(self, batch: torch.Tensor, sides: EncodedSides, at_user: torch.Tensor) -> torch.Tensor:
        """Return the same loss of a part of the batch (which is in random order) as if its movies had no raters."""
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
        """Return the RMSE of the members' mean on the validation ratings."""
        assert self.held_out_stars is not None, "the rating head has stars to learn from"
        rows, places = index_distinct(self.held_out)
        sides = self.encoder.encode(self.net, self.encoder.full_mask(), rows)
        base, score = predict_from_biases(sides.base, self.held_out), self.net.score(sides.users, sides.movies, places)
        error = base + self.encoder.sigma * score.mean(1) - self.held_out_stars
        return float(error.square().mean().sqrt())


class RankingTask(HiddenRatingsTask):
    """Task of the ranking head: softmax over movies outside the visible history (Liang et al. 2018, multinomial)."""

    by: ClassVar[Ordering] = "ranking"
    measure: ClassVar[str] = "validation loss"

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the sum over members, which learn independently."""
        sides, mask = self.hide(batch)
        return self._softmax_loss(sides, mask, self.encoder.users[batch], self.encoder.movies[batch]).sum()

    def validate(self) -> float:
        """Return the mean negative log-likelihood of the validation movies, in nats."""
        mask = self.encoder.full_mask()
        return float(self._softmax_loss(self.encoder.encode(self.net, mask), mask, *self.held_out).mean())

    def _softmax_loss(
        self, sides: EncodedSides, mask: torch.Tensor, users: torch.Tensor, movies: torch.Tensor
    ) -> torch.Tensor:
        """Return each member's mean negative log-likelihood of pairs, for a part of the users if there are too many."""
        selected = torch.unique(users)
        max_users = max(MAX_LOGITS // sides.movies.shape[0] // sides.movies.shape[1], 1)
        if len(selected) > max_users:
            selected = selected[torch.randperm(len(selected), device=self.device)[:max_users].sort().values]
        place = torch.full((len(sides.users),), -1, device=self.device)
        place[selected] = torch.arange(len(selected), device=self.device)
        visible = torch.nonzero((place.index_select(0, self.encoder.users) >= 0) & (mask > 0))[:, 0]
        hidden = place[self.encoder.users[visible]], self.encoder.movies[visible]
        chosen = place[users] >= 0
        x, y = self.net.plain(sides.users[selected], sides.movies)
        by_member = zip(x.unbind(1), y.unbind(1), strict=True)
        return torch.stack([softmax_loss(a, b, hidden, (place[users[chosen]], movies[chosen])) for a, b in by_member])
