"""Training of `neumf`: watched movies against movies drawn by popularity. Needs torch."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.models.components.calibration import select_validation_users
from cinematrix.models.components.mlp_torch import build_mlp, export_mlp
from cinematrix.models.contract_types import Training, TrainingLog
from cinematrix.models.training.loop import Schedule, pick_device
from cinematrix.models.training.two_stage import train_in_two_stages

if TYPE_CHECKING:
    from cinematrix.models.neumf.settings import NeuMFSettings

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Users, movies, and 1 where watched, else 0."""

ArraysByName = Mapping[str, NDArray[Any]]

NeuMFPilot = tuple[ArraysByName, Histories, Histories]
"""The pilot's arrays, some histories that it learned from, and the validation interactions of the same users."""

POPULARITY_SMOOTHING = 0.5
"""Number added to the views of each movie, so that every movie may be drawn."""

VALIDATED_PAIRS = 131_072
"""Maximum pairs that are validated at a time: some 0.2 GB, where ten million ratings have five million pairs."""


class NeuMFNet(nn.Module):
    """Two embeddings per side: the first halves are multiplied, the second halves go through dense layers."""

    def __init__(self, n_users: int, n_movies: int, factors: int) -> None:
        super().__init__()
        self.users, self.movies = (nn.Parameter(torch.randn(n, 2 * factors) * 0.1) for n in (n_users, n_movies))
        for table in (self.users, self.movies):
            table.is_table = True  # type: ignore[attr-defined]
        self.product = nn.Parameter(torch.ones(factors))
        self.net = build_mlp([2 * factors, factors, factors // 2, 1], "relu")

    def forward(self, users: torch.Tensor, movies: torch.Tensor) -> torch.Tensor:
        """Return the logits of pairs. `[n]`."""
        (p, user_part), (q, movie_part) = (
            t[rows].chunk(2, dim=1) for t, rows in ((self.users, users), (self.movies, movies))
        )
        logits: torch.Tensor = (p * q) @ self.product + self.net(torch.cat([user_part, movie_part], 1))[:, 0]
        return logits


def train_neumf(
    settings: "NeuMFSettings", n_movies: int, training: Training
) -> tuple[ArraysByName, NeuMFPilot, TrainingLog]:  # fmt: skip
    """Train the net; return its arrays ready to serve, the pilot's arrays and validation data, and its log."""
    s, device = settings, pick_device(training.options.device)
    schedule = Schedule.one_cycle_of(s)
    task, pilot, log = train_in_two_stages(
        lambda learn, judged: NeuMFTask(learn, judged, n_movies, s, device), training, schedule, s.validation_share,
        name="neumf", measure="validation loss", data=str(s), threads=1,
    )  # fmt: skip
    return task.arrays(), (pilot.arrays(), *select_validation_users(pilot.ratings, pilot.validation, n_movies)), log


class NeuMFTask:
    """Batches of watched and unwatched movies for the training loop."""

    def __init__(
        self, ratings: Ratings, validation: Ratings, n_movies: int, settings: "NeuMFSettings", device: torch.device
    ) -> None:
        self.device, self.settings, self.n_movies = device, settings, n_movies
        self.ratings, self.validation = ratings, validation
        watched = np.bincount(ratings.movie, minlength=n_movies)
        self.popular = np.asarray(settings.popularity_exponent * np.log(watched + POPULARITY_SMOOTHING), np.float32)
        self.shares = np.exp(self.popular, dtype=np.float64).cumsum()
        self.net = NeuMFNet(len(ratings.users), n_movies, settings.factors).to(device)
        self.steps_per_epoch = -(-len(ratings) // settings.batch)
        self.watched = np.sort(ratings.user.astype(np.int64) * n_movies + ratings.movie)
        self.held_out = self._batch(validation, np.arange(len(validation)), np.random.default_rng(settings.seed))

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield batches of watched movies in random order, each with `negatives` times as many unwatched ones."""
        order = rng.permutation(len(self.ratings))
        for start in range(0, len(order), self.settings.batch):
            yield self._batch(self.ratings, order[start : start + self.settings.batch], rng)

    def _batch(self, ratings: Ratings, rows: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        """Return the pairs of `rows`, and drawn movies that the same users haven't watched in the training data."""
        users, movies = (column[rows].astype(np.int64) for column in (ratings.user, ratings.movie))
        drawn_users = np.repeat(users, self.settings.negatives)
        drawn = np.searchsorted(self.shares, self.shares[-1] * rng.random(len(drawn_users)), side="right")
        drawn = np.minimum(drawn, self.n_movies - 1)
        cells = drawn_users * self.n_movies + drawn
        unwatched = self.watched[np.minimum(np.searchsorted(self.watched, cells), len(self.watched) - 1)] != cells
        users, movies = np.concatenate([users, drawn_users[unwatched]]), np.concatenate([movies, drawn[unwatched]])
        labels = (np.arange(len(users)) < len(rows)).astype(np.float32)
        return tuple(torch.from_numpy(column).to(self.device) for column in (users, movies, labels))  # type: ignore[return-value]

    def arrays(self) -> ArraysByName:
        """Return the learned arrays, ready to serve."""
        tables = {name: getattr(self.net, name).detach().cpu().numpy() for name in ("users", "movies", "product")}
        return tables | export_mlp(self.net.net, "relu").arrays("net.") | {"popular": self.popular}

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the mean cross-entropy (He et al. 2017, eq. 7)."""
        users, movies, labels = batch
        return nn.functional.binary_cross_entropy_with_logits(self.net(users, movies), labels)

    def validate(self) -> float:
        """Return the same loss of the validation movies against a fixed draw of unwatched ones."""
        blocks = zip(*(torch.split(column, VALIDATED_PAIRS) for column in self.held_out), strict=True)
        return sum(float(self.loss(block)) * len(block[0]) for block in blocks) / max(len(self.held_out[0]), 1)
