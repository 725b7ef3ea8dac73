"""The nets, in torch. They are trained here and exported to NumPy; nothing that serves imports this module."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from cinematrix.pooling import Content, Incidence


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


@dataclass(frozen=True)
class Shape:
    """The size of a `HistoryNet`: see `DeepMFSettings`, which it is cut from."""

    factors: int
    members: int
    blocks: int
    dropout: float
    row_dropout: float
    pair: int
    heads: tuple[str, ...]

    @property
    def width(self) -> int:
        return self.factors * self.members


N_STATISTICS = 5


class Tower(nn.Module):
    """From a history to a vector: pooled tables, content, statistics, residual blocks, one projection a head.

    All members of the ensemble lie side by side in the width; `_members_apart` keeps them from each other.
    """

    def __init__(self, n_items: int, channels: int, item_features: int, own_features: int, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tables = nn.ParameterList([_table(n_items, shape.width) for _ in range(channels)])
        self.item_content = nn.ParameterList(
            [_normal(item_features, shape.width) for _ in range(channels if item_features else 0)]
        )
        self.own_content = nn.ParameterList([_normal(own_features, shape.width)] if own_features else [])
        self.statistics = _normal(N_STATISTICS, shape.width)
        d, e = shape.factors, shape.members
        self.up = nn.ParameterList([_normal(e, d, d, std=d**-0.5) for _ in range(shape.blocks)])
        self.up_bias = nn.ParameterList([nn.Parameter(torch.zeros(shape.width)) for _ in range(shape.blocks)])
        self.down = nn.ParameterList([_normal(e, d, d, std=0.3 * d**-0.5) for _ in range(shape.blocks)])
        self.heads = nn.ParameterDict({head: _head(e, d) for head in shape.heads})

    def item_tables(self, content: Content | None) -> list[torch.Tensor]:
        """What each item adds to a history, by channel: its own row and its content's. `[n_items, width]` each."""
        if content is None or not self.item_content:
            return list(self.tables)
        return [t + content.times(w) for t, w in zip(self.tables, self.item_content, strict=True)]

    def forward(self, seen: "Seen", tables: list[torch.Tensor], content: Content | None) -> dict[str, torch.Tensor]:
        """For each head the vectors with the bias as their last factor. `[n, members, factors + 1]`."""
        h = seen.statistics @ self.statistics
        for table, values in zip(tables, seen.channels, strict=True):
            if self.training and self.shape.row_dropout:
                keep = torch.rand(len(table), 1, device=table.device) >= self.shape.row_dropout
                table = table * (keep / (1 - self.shape.row_dropout))
            h = h + seen.pattern.pool(table, values) * seen.norm
        if content is not None and self.own_content:
            h = h + content.times(self.own_content[0])
        for up, bias, down in zip(self.up, self.up_bias, self.down, strict=True):
            inner = nn.functional.silu(_members_apart(self._unit(h), up).flatten(1) + bias)
            h = h + _members_apart(nn.functional.dropout(inner, self.shape.dropout, self.training), down).flatten(1)
        h = nn.functional.dropout(h, self.shape.dropout, self.training)
        return {head: _members_apart(h, weight) for head, weight in self.heads.items()}

    def _unit(self, h: torch.Tensor) -> torch.Tensor:
        """Each member's vector brought to unit mean square (Zhang & Sennrich 2019)."""
        x = h.view(len(h), self.shape.members, self.shape.factors)
        return (x * torch.rsqrt(x.square().mean(2, keepdim=True) + 1e-3)).flatten(1)


@dataclass
class Seen:
    """What is visible of one side's histories in a step."""

    pattern: Incidence
    channels: list[torch.Tensor]
    statistics: torch.Tensor
    norm: torch.Tensor

    @classmethod
    def of(cls, pattern: Incidence, mask: torch.Tensor, residual: torch.Tensor | None) -> "Seen":
        """Channels: residual over the biases (in standard deviations) where there are stars, and "rated at all"."""
        counts = pattern.sums(mask)
        channels = [mask] if residual is None else [residual * mask, mask]
        mean = torch.zeros_like(counts) if residual is None else pattern.sums(residual * mask) / (counts + 3)
        squares = 3 + (counts if residual is None else pattern.sums(residual.square() * mask))
        spread = (squares / (counts + 3)).sqrt()
        one = torch.ones_like(counts)
        facts = [one, counts.log1p() / 3 - 1, (counts + 1).rsqrt(), mean, spread - 1]
        return cls(pattern, channels, torch.stack(facts, 1), (counts + 1).rsqrt()[:, None])


class HistoryNet(nn.Module):
    """Two towers of one make: a user is her history, a movie is its raters and its content."""

    def __init__(self, n_users: int, n_movies: int, n_features: int, has_stars: bool, shape: Shape) -> None:
        super().__init__()
        channels = 2 if has_stars else 1
        self.shape = shape
        self.users = Tower(n_movies, channels, n_features, 0, shape)
        self.movies = Tower(n_users, channels, 0, n_features, shape)
        self.pair = nn.ModuleDict({head: PairGate(shape) for head in shape.heads if shape.pair})

    def encode(
        self, users: Seen, movies: Seen, content: Content | None
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Both sides' vectors, by head."""
        u = self.users(users, self.users.item_tables(content), content)
        return u, self.movies(movies, list(self.movies.tables), content)

    def score(self, head: str, user: torch.Tensor, movie: torch.Tensor) -> torch.Tensor:
        """Each member's score of pairs of vectors. `[n, members]`."""
        x, y = user[:, :, :-1], movie[:, :, :-1]
        dot = (x * y).sum(2) / math.sqrt(self.shape.factors) + user[:, :, -1] + movie[:, :, -1]
        return dot + self.pair[head](x, y) if self.shape.pair else dot


class PairGate(nn.Module):
    """A small MLP on the pair, behind a gate that starts shut: it opens where training pays for it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        e, d, h = shape.members, shape.factors, shape.pair
        self.user, self.movie, self.both = (_normal(e, d, h, std=d**-0.5) for _ in range(3))
        self.bias = nn.Parameter(torch.zeros(e, h))
        self.out = _normal(e, h, 1, std=h**-0.5)
        self.gate = nn.Parameter(torch.zeros(e))
        self.dropout = shape.dropout

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """What the pair adds to each member's score. `[n, members]`."""
        parts = ((x, self.user), (y, self.movie), (x * y, self.both))
        hidden = nn.functional.silu(sum(_members_apart(v, w) for v, w in parts) + self.bias)
        hidden = nn.functional.dropout(hidden, self.dropout, self.training)
        return _members_apart(hidden, self.out)[:, :, 0] * self.gate


def _members_apart(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Each member's vector times its own matrix: `[n, members × a]` by `[members, a, b]` is `[n, members, b]`."""
    members, a, _ = weight.shape
    if members == 1:
        return (x.reshape(len(x), a) @ weight[0])[:, None]
    return torch.bmm(x.reshape(len(x), members, a).transpose(0, 1), weight).transpose(0, 1)


def _normal(*size: int, std: float = 0.03) -> nn.Parameter:
    return nn.Parameter(torch.randn(*size) * std)


def _table(n_rows: int, width: int) -> nn.Parameter:
    """A row for each user or movie; the optimizer gives it one step size."""
    table = _normal(n_rows, width)
    table.is_table = True  # type: ignore[attr-defined]
    return table


def _head(members: int, factors: int) -> nn.Parameter:
    """A projection to a vector and, smaller at first, a bias."""
    std = torch.full((factors + 1,), factors**-0.5)
    std[-1] *= 0.1
    return nn.Parameter(torch.randn(members, factors, factors + 1) * std)


def arrays(module: nn.Module) -> dict[str, NDArray[Any]]:
    """A net's weights as NumPy arrays, by name."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()}
