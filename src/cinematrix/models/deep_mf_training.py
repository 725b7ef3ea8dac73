"""How `deep-mf` is trained: the task that it hands to the training loop. Needs torch.

Each step hides a part of the ratings, encodes users and movies from the rest, and predicts what is hidden; so a rating
never sees itself, and users and movies are met with less than their whole history, as strangers will be. An epoch
hides each rating once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from cinematrix.biases import Biases
from cinematrix.nets import HistoryNet, Seen, Shape
from cinematrix.pooling import Content, Incidence
from cinematrix.ratings import Ratings

BIAS_SWEEPS = 5
LOGITS = 2**24
"""The most logits that a step of the ranking head makes: it takes a part of the users where there are many."""


@dataclass
class Sides:
    """Both towers' vectors by head, and the base of the stars: mean + user bias + movie bias."""

    users: dict[str, torch.Tensor]
    movies: dict[str, torch.Tensor]
    base: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None


class Encoder:
    """The training ratings on the device, and the way from a mask over them to both sides' vectors."""

    def __init__(self, ratings: Ratings, n_movies: int, content: Content | None, device: torch.device) -> None:
        histories = ratings.by_user
        self.pattern = Incidence.of(histories, n_movies, device)
        self.content = content
        self.users, self.movies = self.pattern.rows, self.pattern.items
        self.stars: torch.Tensor | None = None
        self.sigma = 1.0
        if ratings.rating is not None and histories.values is not None:
            self.biases = Biases.of(ratings, n_movies)
            self.stars = torch.from_numpy(histories.values).to(device)
            residual = self.residuals(torch.ones_like(self.stars))[1]
            self.sigma = max(float(residual.std(correction=0)), 1e-3)

    def __len__(self) -> int:
        return len(self.users)

    def residuals(self, mask: torch.Tensor) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        """The biases of the visible ratings alone, and what each rating has left over them."""
        assert self.stars is not None
        movie_side = self.pattern.flipped
        mean = (self.stars * mask).sum() / mask.sum().clamp(min=1)
        centred = self.stars - mean
        user = torch.zeros(len(self.pattern.starts) - 1, device=mask.device)
        for _ in range(BIAS_SWEEPS):
            left = (centred - user[self.users]) * mask
            movie = movie_side.sums(left) / (movie_side.sums(mask) + self.biases.movie_shrinkage)
            left = (centred - movie[self.movies]) * mask
            user = self.pattern.sums(left) / (self.pattern.sums(mask) + self.biases.user_shrinkage)
        return (mean, user, movie), centred - user[self.users] - movie[self.movies]

    def encode(self, net: HistoryNet, mask: torch.Tensor) -> Sides:
        """Both sides as they look from the visible ratings."""
        base, residual = (None, None) if self.stars is None else self.residuals(mask)
        scaled = None if residual is None else residual / self.sigma
        users = Seen.of(self.pattern, mask, scaled)
        movies = Seen.of(self.pattern.flipped, mask, scaled)
        return Sides(*net.encode(users, movies, self.content), base)  # type: ignore[arg-type]


class HiddenRatings:
    """Predict hidden ratings: squared error of the stars, softmax over all movies for the ranking."""

    def __init__(
        self,
        ratings: Ratings,
        validation: Ratings,
        content: Content | None,
        n_movies: int,
        shape: Shape,
        hidden: float,
        batch: int,
        device: torch.device,
    ) -> None:
        self.encoder = Encoder(ratings, n_movies, content, device)
        has_stars = self.encoder.stars is not None
        width = 0 if content is None else content.width
        self.net = HistoryNet(len(ratings.users), n_movies, width, has_stars, shape).to(device)
        self.heads = shape.heads
        self.held_out = tuple(
            torch.from_numpy(c.astype(np.int64)).to(device) for c in (validation.user, validation.movie)
        )
        self.held_out_stars = None if validation.rating is None else torch.from_numpy(validation.rating).to(device)
        self.steps_per_epoch = max(round(1 / hidden), -(-len(ratings) // batch))
        self.device = device

    def batches(self, rng: np.random.Generator) -> Iterator[torch.Tensor]:
        """Which ratings are hidden in each step."""
        for part in np.array_split(rng.permutation(len(self.encoder)), self.steps_per_epoch):
            yield torch.from_numpy(part).to(self.device)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        mask = torch.ones(len(self.encoder), device=self.device)
        mask[batch] = 0
        sides = self.encoder.encode(self.net, mask)
        users, movies = self.encoder.users[batch], self.encoder.movies[batch]
        total = torch.zeros((), device=self.device)
        if "stars" in self.heads:
            assert self.encoder.stars is not None
            base, score = self._stars(sides, users, movies)
            target = (self.encoder.stars[batch] - base) / self.encoder.sigma
            total = total + (score - target[:, None]).square().mean(0).sum()
        if "ranking" in self.heads:
            total = total + self._surprise(sides, users, movies, mask)
        return total

    def _stars(self, sides: Sides, users: torch.Tensor, movies: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The base of pairs, and each member's score over it in standard deviations."""
        assert sides.base is not None
        mean, user, movie = sides.base
        score = self.net.score("stars", sides.users["stars"][users], sides.movies["stars"][movies])
        return mean + user[users] + movie[movies], score

    def _surprise(self, sides: Sides, users: torch.Tensor, movies: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Mean negative log-likelihood of hidden movies among all that the user hasn't visibly seen (Liang et al. 2018)."""
        u, v = sides.users["ranking"], sides.movies["ranking"]
        members, width = u.shape[1], u.shape[2] - 1
        block = max(LOGITS // (len(v) * members), 1)
        present = torch.unique(users)
        if len(present) > block:
            present = present[torch.randperm(len(present), device=self.device)[:block]]
        place = torch.full((len(u),), -1, device=self.device)
        place[present] = torch.arange(len(present), device=self.device)
        logits = torch.einsum("umd,nmd->mun", u[present, :, :width], v[:, :, :width]) / width**0.5
        logits = logits + v[:, :, width].T[:, None]
        seen = place[self.encoder.users] >= 0
        seen &= mask > 0
        logits[:, place[self.encoder.users[seen]], self.encoder.movies[seen]] = -torch.inf
        chosen = place[users] >= 0
        likelihood = logits.log_softmax(2)[:, place[users[chosen]], movies[chosen]]
        return -likelihood.mean(1).sum()

    def validate(self) -> float:
        sides = self.encoder.encode(self.net, torch.ones(len(self.encoder), device=self.device))
        users, movies = self.held_out
        if "stars" in self.heads:
            base, score = self._stars(sides, users, movies)
            error = base + self.encoder.sigma * score.mean(1) - self.held_out_stars
            return float(error.square().mean().sqrt())
        mask = torch.ones(len(self.encoder), device=self.device)
        return float(self._surprise(sides, users, movies, mask)) / sides.users["ranking"].shape[1]
