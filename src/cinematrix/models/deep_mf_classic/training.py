"""Training of `deep-mf-classic`: the textbook's net and its mean squared error. Needs torch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from cinematrix.data.ratings import Ratings, fingerprint
from cinematrix.data.splits import random
from cinematrix.models.contract_types import Training, TrainingLog
from cinematrix.models.training.loop import Schedule, pick_device, seeded_torch, train

if TYPE_CHECKING:
    from cinematrix.models.deep_mf_classic.settings import DeepMFClassicSettings

MODEL_NAME = "deep-mf-classic"
"""The model's name on progress bars and in errors."""

MIN_RATINGS_TO_SPLIT = 10
"""Minimum ratings from which some are held out for validation."""

Columns = tuple[torch.Tensor, ...]


def train_classic(
    settings: "DeepMFClassicSettings", highest: float, training: Training
) -> tuple["ClassicNet", Ratings, TrainingLog]:
    """Train the net with early stopping; return it with the ratings that it learned from and its log.

    Ratings are scaled so that the highest is `highest`. Without given validation ratings, a share is held out.
    """
    s, options, ratings, validation = settings, training.options, training.ratings, training.validation
    _, scale = ratings.stars(MODEL_NAME)
    if validation is None and len(ratings) >= MIN_RATINGS_TO_SPLIT:
        cut = random(ratings, s.validation_share, s.seed)
        ratings, validation = cut.train, cut.test
    schedule = Schedule(epochs=s.epochs, learning_rate=s.learning_rate, patience=s.patience, seed=s.seed)
    with seeded_torch(s.seed, options.threads or 1):  # steps this small are slower on two threads
        held_out = ratings if validation is None else validation
        task = ClassicTask(s, ratings, held_out, pick_device(options.device), scale.high / highest)
        identity = f"{s} {fingerprint(ratings)}"
        log = train(task, schedule, run=options, data=identity, what=MODEL_NAME, progress=training.progress)
    return task.net, ratings, log


class ClassicTask:
    """Batches of ratings for the training loop.

    Attributes:
        unit: stars per unit of the net's output.
    """

    def __init__(
        self,
        settings: "DeepMFClassicSettings",
        ratings: Ratings,
        validation: Ratings,
        device: torch.device,
        unit: float,
    ) -> None:
        n_users, n_movies = len(ratings.users), len(ratings.movies)
        self.device, self.batch, self.unit = device, settings.batch, np.float32(unit)
        self.net = ClassicNet(n_users, n_movies, settings.factors, settings.hidden).to(device)
        self.columns, self.held_out = self._tensors(ratings), self._tensors(validation)
        self.steps_per_epoch = -(-len(ratings) // settings.batch)

    def _tensors(self, ratings: Ratings) -> Columns:
        stars, _ = ratings.stars(MODEL_NAME)
        columns = (ratings.user.astype(np.int64), ratings.movie.astype(np.int64), stars / self.unit)
        return tuple(torch.from_numpy(column).to(self.device) for column in columns)

    def batches(self, rng: np.random.Generator) -> Iterator[Columns]:
        """Yield users, movies and ratings in random order."""
        order = torch.from_numpy(rng.permutation(len(self.columns[0]))).to(self.device)
        for rows in torch.split(order, self.batch):
            yield tuple(column[rows] for column in self.columns)

    def loss(self, batch: Columns) -> torch.Tensor:
        """Return the mean squared error."""
        users, movies, stars = batch
        return nn.functional.mse_loss(self.net(users, movies), stars)

    def validate(self) -> float:
        """Return the RMSE in stars."""
        users, movies, stars = self.held_out
        return float(self.unit) * float(nn.functional.mse_loss(self.net(users, movies), stars) ** 0.5)


class ClassicNet(nn.Module):
    """The textbook's deep matrix factorization: embeddings → dot product → Dense 64 → Dense 32 → Dense 1.

    Embeddings start uniformly in ±0.05 and dense layers by Glorot's rule, as in Keras.
    """

    def __init__(self, n_users: int, n_movies: int, factors: int, hidden: tuple[int, int]) -> None:
        super().__init__()
        self.users = nn.Embedding(n_users, factors)
        self.movies = nn.Embedding(n_movies, factors)
        for table in (self.users, self.movies):
            nn.init.uniform_(table.weight, -0.05, 0.05)
        widths = (1, *hidden)
        layers = [m for a, b in zip(widths, hidden, strict=False) for m in (nn.Linear(a, b), nn.ReLU())]
        self.dense = nn.Sequential(*layers, nn.Linear(widths[-1], 1))
        for layer in self.dense:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, users: torch.Tensor, movies: torch.Tensor) -> torch.Tensor:
        """Return expected ratings of pairs of numbers. `[n]`."""
        dot = (self.users(users) * self.movies(movies)).sum(1, keepdim=True)
        stars: torch.Tensor = self.dense(dot)
        return stars[:, 0]
