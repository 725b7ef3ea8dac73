"""Small task for tests of the training loop."""

from collections.abc import Iterator

import numpy as np
import torch


class LineTask:
    """Task that fits y = 2x - 1 with dropout, so that every kind of randomness is used."""

    steps_per_epoch = 4

    def __init__(self, errors: list[float] | None = None, losses: list[float] | None = None) -> None:
        self.net = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Dropout(0.2), torch.nn.Linear(5, 1))
        self.net[0].weight.is_table = True  # type: ignore[assignment]
        self.x = torch.from_numpy(np.random.default_rng(1).normal(size=(32, 3)).astype(np.float32))
        self.y = 2 * self.x[:, :1] - 1
        self.errors, self.losses = errors, losses
        self.validated: list[dict[str, torch.Tensor]] = []
        self.modes: list[bool] = []
        self.batches_seen: list[torch.Tensor] = []

    def batches(self, rng: np.random.Generator) -> Iterator[torch.Tensor]:
        """Yield quarters of the rows in random order."""
        yield from torch.from_numpy(rng.permutation(32)).split(8)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the squared error, or the value that a test sets."""
        assert self.net.training
        self.batches_seen.append(batch)
        value = (self.net(self.x[batch]) - self.y[batch]).square().mean()
        return value if self.losses is None else value * 0 + self.losses[(len(self.batches_seen) - 1)]

    def validate(self) -> float:
        """Return the error on all rows, or the value that a test sets."""
        assert not self.net.training
        assert not torch.is_grad_enabled()
        self.validated.append({name: tensor.clone() for name, tensor in self.net.state_dict().items()})
        if self.errors is not None:
            return self.errors[len(self.validated) - 1]
        return float((self.net(self.x) - self.y).square().mean())
