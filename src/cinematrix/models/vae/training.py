"""Training of `vae`: the multinomial likelihood of whole histories minus the codes' divergence. Needs torch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.models.components.calibration import select_validation_users
from cinematrix.models.components.mlp import MLP, normalise_histories
from cinematrix.models.components.mlp_torch import build_mlp, export_mlp, mark_as_tables
from cinematrix.models.contract_types import Training, TrainingLog
from cinematrix.models.training.loop import Schedule, pick_device
from cinematrix.models.training.two_stage import train_in_two_stages

if TYPE_CHECKING:
    from cinematrix.models.vae.settings import VAESettings

VALIDATION_MEASURE = "validation loss"

Coders = tuple[MLP, MLP]
"""The encoder to mean codes, and the decoder."""

VAEPilot = tuple[Coders, Histories, Histories]
"""The pilot's coders, some histories that it learned from, and the validation interactions of the same users."""


def train_vae(
    settings: "VAESettings", n_movies: int, training: Training
) -> tuple[Coders, VAEPilot, TrainingLog]:  # fmt: skip
    """Train the net; return its coders ready to serve, the pilot's coders and validation data, and its log."""
    s, device = settings, pick_device(training.options.device)
    schedule = Schedule.one_cycle_of(s)
    task, pilot, log = train_in_two_stages(
        lambda learn, judged: VAETask(learn, judged, n_movies, s, device), training, schedule, s.validation_share,
        name="vae", measure=VALIDATION_MEASURE, data=str(s), threads=1,
    )  # fmt: skip
    return task.coders(), (pilot.coders(), *select_validation_users(*pilot.learned, n_movies)), log


class VAENet(nn.Module):
    """Encoder to the mean and the log variance of a code; decoder from a code to a logit for each movie."""

    steps: torch.Tensor

    def __init__(self, n_movies: int, settings: "VAESettings", anneal_steps: int) -> None:
        super().__init__()
        self.factors, self.dropout = settings.factors, settings.dropout
        self.beta, self.anneal_steps = settings.beta, anneal_steps
        hidden = [settings.hidden] if settings.hidden else []
        self.encoder = build_mlp([n_movies, *hidden, 2 * settings.factors], "tanh")
        self.decoder = build_mlp([settings.factors, *hidden, n_movies], "tanh")
        mark_as_tables(self.encoder[0], self.decoder[-1])
        self.register_buffer("steps", torch.zeros(()))  # saved in checkpoints, so that annealing resumes

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return log probabilities of all movies `[n, n_movies]`, and each code's divergence from the prior `[n]`."""
        mean, log_variance = self.encoder(nn.functional.dropout(rows, self.dropout, self.training)).chunk(2, dim=1)
        code = mean
        if self.training:
            code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return nn.functional.log_softmax(self.decoder(code), dim=1), divergence

    def next_beta(self) -> float:
        """Count a step and return the divergence's weight in it, which rises linearly to `beta`."""
        self.steps += 1
        return self.beta * min(float(self.steps) / self.anneal_steps, 1.0)


class VAETask:
    """Batches of users for the training loop."""

    def __init__(
        self, ratings: Ratings, validation: Ratings, n_movies: int, settings: "VAESettings", device: torch.device
    ) -> None:
        self.device, self.batch, self.n_movies = device, settings.batch, n_movies
        self.learned = ratings, validation
        self.histories = ratings.by_user
        self.users = np.flatnonzero(self.histories.counts)
        self.length = float(self.histories.counts[self.users].mean())
        self.steps_per_epoch = -(-len(self.users) // settings.batch)
        steps = max(round(settings.anneal_share * settings.epochs * self.steps_per_epoch), 1)
        self.net = VAENet(n_movies, settings, steps).to(device)
        self.validation = validation.by_user
        self.validated_rows = np.flatnonzero(self.validation.counts)

    def coders(self) -> Coders:
        """Return the learned coders, ready to serve."""
        encoder, decoder = (export_mlp(part, "tanh") for part in (self.net.encoder, self.net.decoder))
        return encoder.outputs(slice(self.net.factors)), decoder

    def batches(self, rng: np.random.Generator) -> Iterator[Histories]:
        """Yield the histories of batches of users in random order."""
        order = rng.permutation(self.users)
        for start in range(0, len(order), self.batch):
            yield self.histories.take(order[start : start + self.batch])

    def loss(self, batch: Histories) -> torch.Tensor:
        """Return the mean negative evidence lower bound (Liang et al. 2018, eq. 5), in mean lengths of a history."""
        rows = torch.from_numpy(normalise_histories(batch, self.n_movies).toarray()).to(self.device)
        log_probabilities, divergence = self.net(rows)
        losses: torch.Tensor = -(log_probabilities * (rows > 0)).sum(1)
        bound: torch.Tensor = losses + self.net.next_beta() * divergence
        return bound.mean() / self.length

    def validate(self) -> float:
        """Return the mean −ln probability of validation movies among movies that the history doesn't hold, in nats."""
        total = 0.0
        for start in range(0, len(self.validated_rows), self.batch):
            users = self.validated_rows[start : start + self.batch]
            rows = torch.from_numpy(normalise_histories(self.histories.take(users), self.n_movies).toarray()).to(
                self.device
            )
            held_out = self.validation.take(users)
            log_probabilities = self.net(rows)[0].masked_fill(rows > 0, -torch.inf).log_softmax(1)
            picked = log_probabilities[
                torch.from_numpy(held_out.rows.astype(np.int64)), torch.from_numpy(held_out.items.astype(np.int64))
            ]
            total -= float(picked.clamp_min(-80).sum())
        return total / len(self.validation.items)
