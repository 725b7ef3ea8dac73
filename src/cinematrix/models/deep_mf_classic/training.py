"""TODO models.deep_mf_classic.training."""

import torch
from torch import nn


class ClassicNet(nn.Module):
    """The textbook's deep matrix factorization: embeddings → dot product → Dense 64 → Dense 32 → Dense 1.

    Embeddings start uniform in ±0.05 and dense layers by Glorot's rule, as Keras has them.
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
        """Expected ratings of pairs of numbers. Shape `[n]`."""
        dot = (self.users(users) * self.movies(movies)).sum(1, keepdim=True)
        return self.dense(dot)[:, 0]  # type: ignore[no-any-return]
