"""Training of `autorec`: the squared error of the observed ratings of a row. Needs torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import nn

from cinematrix.data.ratings import Ratings
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.mlp import MLP
from cinematrix.models.components.mlp_torch import build_mlp, export_mlp, mark_as_tables
from cinematrix.models.contract_types import Training, TrainingLog
from cinematrix.models.training.loop import Schedule, pick_device
from cinematrix.models.training.two_stage import train_in_two_stages

if TYPE_CHECKING:
    from cinematrix.models.autorec.settings import AutoRecSettings

ACTIVATION = "sigmoid"

MIN_SIGMA = 2e-4
"""Minimum standard deviation of residuals, as a share of the scale's width."""


@dataclass(frozen=True, eq=False)
class RatingRows:
    """Conversion of ratings to the rows of one side: residuals over `biases` in units of `sigma`."""

    biases: Biases
    sigma: float
    by_movie: bool
    n_movies: int

    @classmethod
    def of(cls, ratings: Ratings, n_movies: int, by_movie: bool) -> Self:
        """Return the conversion with the biases and the standard deviation of `ratings`."""
        biases = Biases.of(ratings, n_movies)
        unscaled, (stars, scale) = cls(biases, 1.0, by_movie, n_movies), ratings.stars("autorec")
        least = MIN_SIGMA * ((scale.high - scale.low) or 1)
        return cls(biases, max(float(unscaled.residual(ratings, stars, ratings).std()), least), by_movie, n_movies)

    def residual(self, ratings: Ratings, stars: NDArray[np.float32], given: Ratings) -> NDArray[np.float32]:
        """Return the residuals of `ratings`, with the users' biases estimated from `given`."""
        user = self.biases.of_users(given.by_user)
        residual = (stars - self.biases.predict(user[ratings.user], ratings.movie)) / np.float32(self.sigma)
        return np.asarray(residual, np.float32)

    def matrix(self, ratings: Ratings, given: Ratings | None = None) -> sparse.csr_matrix:
        """Return the rows, `[n_movies, n_users]` or `[n_users, n_movies]`."""
        residual = self.residual(ratings, ratings.stars("autorec")[0], given or ratings)
        residual = np.where(residual == 0, np.float32(1e-12), residual)  # keep the entry in the sparse matrix
        users, movies = (ratings.user, len(ratings.users)), (ratings.movie, self.n_movies)
        (rows, n), (columns, m) = (movies, users) if self.by_movie else (users, movies)
        return sparse.csr_matrix((residual, (rows, columns)), shape=(n, m))


def train_autorec(
    settings: "AutoRecSettings", n_movies: int, training: Training
) -> tuple[MLP, RatingRows, TrainingLog]:  # fmt: skip
    """Train the net; return it ready to serve, the conversion of ratings to its rows, and the pilot's log."""
    s, device = settings, pick_device(training.options.device)
    schedule = Schedule.one_cycle_of(s)
    task, _, log = train_in_two_stages(
        lambda learn, judged: AutoRecTask(learn, judged, n_movies, s, device), training, schedule, s.validation_share,
        name="autorec", measure="validation RMSE", data=str(s), threads=1,
    )  # fmt: skip
    return export_mlp(task.net, ACTIVATION), task.rows, log


class AutoRecTask:
    """Batches of rows for the training loop."""

    def __init__(
        self, ratings: Ratings, validation: Ratings, n_movies: int, settings: "AutoRecSettings", device: torch.device
    ) -> None:
        self.device, self.batch, self.dropout = device, settings.batch, settings.dropout
        self.rows = RatingRows.of(ratings, n_movies, settings.side == "item")
        self.matrix, self.held_out = self.rows.matrix(ratings), self.rows.matrix(validation, ratings)
        self.filled = np.flatnonzero(np.diff(self.matrix.indptr))
        self.validated_rows = np.flatnonzero(np.diff(self.held_out.indptr))
        self.steps_per_epoch = -(-len(self.filled) // settings.batch)
        self.cells = float(self.matrix.nnz / self.steps_per_epoch)
        width = self.matrix.shape[1]
        self.net = build_mlp([width, settings.hidden, width], ACTIVATION).to(device)
        mark_as_tables(self.net[0], self.net[-1])

    def batches(self, rng: np.random.Generator) -> Iterator[torch.Tensor]:
        """Yield batches of rows in random order."""
        order = rng.permutation(self.filled)
        for start in range(0, len(order), self.batch):
            yield self._dense(self.matrix[order[start : start + self.batch]])

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the mean squared error of a rating, in units of the residuals' variance."""
        visible = nn.functional.dropout(batch, self.dropout)
        error: torch.Tensor = (self.net(visible) - batch) * (batch != 0)
        return error.square().sum() / self.cells

    def validate(self) -> float:
        """Return the RMSE of the validation ratings, in stars."""
        total = 0.0
        for start in range(0, len(self.validated_rows), self.batch):
            rows = self.validated_rows[start : start + self.batch]
            held_out = self._dense(self.held_out[rows])
            error = (self.net(self._dense(self.matrix[rows])) - held_out) * (held_out != 0)
            total += float(error.square().sum())
        return float(self.rows.sigma * (total / max(self.held_out.nnz, 1)) ** 0.5)

    def _dense(self, rows: sparse.csr_matrix) -> torch.Tensor:
        return torch.from_numpy(rows.toarray()).to(self.device)
