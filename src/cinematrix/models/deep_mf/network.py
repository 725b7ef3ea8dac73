"""The nets of `deep-mf`, in torch, exported to NumPy after training; code that serves doesn't import this module."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from cinematrix.common.world import Part, World
from cinematrix.models.deep_mf.pooling import ContentMatrix, SparsePattern, pair_dot_products


@dataclass(frozen=True)
class NetworkShape:
    """Shape of a `HistoryNet`; the fields are those of `DeepMFSettings`.

    The members of the ensemble lie side by side in the width, each with `factors` factors and its own weights, so that
    one sparse sum serves them all.
    """

    factors: int
    members: int
    blocks: int
    dropout: float
    row_dropout: float
    pair_width: int
    id_embeddings: bool

    @property
    def width(self) -> int:
        return self.factors * self.members


N_STATISTICS = 5
"""Number of statistics of a history (see `history_statistics`)."""

EMPTY_STATISTICS = torch.tensor([1.0, -1.0, 1.0, 0.0, 0.0])
"""Statistics of an empty history."""

IndexPairs = tuple[torch.Tensor, torch.Tensor]
"""Users and movies by number."""


class Tower(nn.Module):
    """Encoder of histories to vectors: pooled tables, content, statistics, residual blocks, a projection.

    `towers.encode` is the same in NumPy for serving. Of the tables, a worker has its own part of the `items` and of the
    `rows`; all draws are made for all of them, so that workers draw alike.
    """

    def __init__(
        self, rows: Part, items: Part, channels: int, item_features: int, own_features: int, shape: NetworkShape
    ) -> None:
        super().__init__()
        self.shape, self.rows, self.items = shape, rows, items
        d, e, width = shape.factors, shape.members, shape.width
        self.tables = nn.ParameterList([_table(items, width) for _ in range(channels)])
        self.item_content = nn.ParameterList(
            [_normal(item_features, width) for _ in range(channels if item_features else 0)]
        )
        self.own_content = nn.ParameterList([_normal(own_features, width)] if own_features else [])
        self.ids = nn.ParameterList([_table(rows, width)] if shape.id_embeddings else [])
        self.statistics = _normal(N_STATISTICS, width)
        self.up = nn.ParameterList([_normal(e, d, d, std=d**-0.5) for _ in range(shape.blocks)])
        self.up_bias = nn.ParameterList([nn.Parameter(torch.zeros(width)) for _ in range(shape.blocks)])
        self.down = nn.ParameterList([_normal(e, d, d, std=0.3 * d**-0.5) for _ in range(shape.blocks)])
        self.out = _projection(e, d)

    def item_tables(self, content: ContentMatrix | None) -> list[torch.Tensor]:
        """Return each own item's addend to a history, by channel: its row plus content's. `[items, width]` each."""
        if content is None or not self.item_content:
            return list(self.tables)
        return [t + content.times(w) for t, w in zip(self.tables, self.item_content, strict=True)]

    def forward(
        self, sums: torch.Tensor, statistics: torch.Tensor, content: ContentMatrix | None, rows: torch.Tensor,
        parts: Sequence[Part] = (),
    ) -> torch.Tensor:  # fmt: skip
        """Return the vectors of `rows`, with the bias as their last factor. `[n, members, factors + 1]`.

        Args:
            sums: sum over each row's history, of all channels. `[n, width]`.
            statistics: see `history_statistics`. `[n, N_STATISTICS]`.
            rows: places among the worker's own rows.
            parts: places of consecutive `rows` among those of all workers in this step.
        """
        h = torch.addmm(sums, statistics, self.statistics)
        if content is not None and self.own_content:
            h = h + content.times(self.own_content[0]).index_select(0, rows)
        if self.ids:
            dropout = self.row_dropout(self.rows)
            h = h + self.ids[0].index_select(0, rows) * dropout.index_select(0, rows)[:, None]
        return self._apply_blocks(h, parts)

    def unseen(self, content: ContentMatrix | None, rows: torch.Tensor) -> torch.Tensor:
        """Return the vectors of `rows` from their content alone, as in `forward`. `[n, members, factors + 1]`."""
        h = (EMPTY_STATISTICS.to(rows.device) @ self.statistics).expand(len(rows), -1)
        if content is not None and self.own_content:
            h = h + content.times(self.own_content[0]).index_select(0, rows)
        return self._apply_blocks(h)

    def _apply_blocks(self, h: torch.Tensor, parts: Sequence[Part] = ()) -> torch.Tensor:
        """Apply the residual blocks and the projection. `[n, members, factors + 1]`."""
        for up, bias, down in zip(self.up, self.up_bias, self.down, strict=True):
            inner = nn.functional.silu(_multiply_by_member(self._normalise(h), up).flatten(1) + bias)
            h = h + _multiply_by_member(self._drop(inner, parts), down).flatten(1)
        return _multiply_by_member(self._drop(h, parts), self.out)

    def _drop(self, x: torch.Tensor, parts: Sequence[Part]) -> torch.Tensor:
        return fast_dropout(x, self.shape.dropout, parts) if self.training else x

    def row_dropout(self, part: Part) -> torch.Tensor:
        """Return a dropout factor for each row of a part, 1 outside training. `[part.size]`."""
        share, device = self.shape.row_dropout, self.statistics.device
        if not self.training:
            return torch.ones(part.size, device=device)
        return (torch.rand(part.total, device=device)[part.rows] >= share) / (1 - share)

    def _normalise(self, h: torch.Tensor) -> torch.Tensor:
        """Scale each member's vector to unit mean square (Zhang & Sennrich 2019)."""
        x = h.view(len(h), self.shape.members, self.shape.factors)
        return (x * torch.rsqrt(x.square().mean(2, keepdim=True) + 1e-3)).flatten(1)


def history_statistics(counts: torch.Tensor, sums: torch.Tensor | None, squares: torch.Tensor | None) -> torch.Tensor:
    """Return statistics of histories from their lengths and residuals; equal to `towers.history_statistics`. `[n, 5]`.

    Args:
        counts: float32 `[n]`, length of each history.
        sums, squares: sums of the residuals and of their squares, in standard deviations; None for plain interactions.
    """
    mean = torch.zeros_like(counts) if sums is None else sums / (counts + 3)
    spread = ((3 + (counts if squares is None else squares)) / (counts + 3)).sqrt()
    facts = [torch.ones_like(counts), counts.log1p() / 3 - 1, (counts + 1).rsqrt(), mean, spread - 1]
    return torch.stack(facts, 1)


class HistoryNet(nn.Module):
    """Two towers of the same kind: a user is encoded from their history, a movie from its raters and its content."""

    def __init__(self, users: Part, movies: Part, n_features: int, channels: int, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        self.users = Tower(users, movies, channels, n_features, 0, shape)
        self.movies = Tower(movies, users, channels, 0, n_features, shape)
        self.pair = nn.ModuleList([PairGate(shape)] if shape.pair_width else [])

    def join_tables(self, world: World) -> None:
        """Give every table the rows of all workers."""
        for p in self.parameters():
            if hasattr(p, "part"):
                p.data, p.part = world.join(p.data, p.part), Part.whole(p.part.total)
        for tower in (self.users, self.movies):
            tower.rows, tower.items = Part.whole(tower.rows.total), Part.whole(tower.items.total)

    def score(self, user: torch.Tensor, movie: torch.Tensor, pattern: SparsePattern) -> torch.Tensor:
        """Return each member's score of the pattern's pairs of rows of both sides' vectors. `[n, members]`."""
        dot, (rows, items) = pair_dot_products(*self.plain(user, movie), pattern), pattern.pairs
        for gate in self.pair:
            dot = dot + gate(user[:, :, :-1].index_select(0, rows), movie[:, :, :-1].index_select(0, items))
        return dot

    def plain(self, user: torch.Tensor, movie: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return vectors whose dot products are the scores, without the gate. `[n, members, factors + 2]` each."""
        (x, x_bias), (y, y_bias) = ((side[:, :, :-1], side[:, :, -1:]) for side in (user, movie))
        x = torch.cat([x / math.sqrt(self.shape.factors), x_bias, torch.ones_like(x_bias)], 2)
        return x, torch.cat([y, torch.ones_like(y_bias), y_bias], 2)


class PairGate(nn.Module):
    """A small MLP on the pair, behind a gate that starts closed and opens where this lowers the loss."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        e, d, h = shape.members, shape.factors, shape.pair_width
        self.user, self.movie, self.both = (_normal(e, d, h, std=d**-0.5) for _ in range(3))
        self.bias = nn.Parameter(torch.zeros(e, h))
        self.out = _normal(e, h, 1, std=h**-0.5)
        self.gate = nn.Parameter(torch.zeros(e))
        self.dropout = shape.dropout

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the pair's addition to each member's score. `[n, members]`."""
        parts = ((x, self.user), (y, self.movie), (x * y, self.both))
        hidden = nn.functional.silu(sum(_multiply_by_member(v, w) for v, w in parts) + self.bias)
        hidden = nn.functional.dropout(hidden, self.dropout, self.training)
        return _multiply_by_member(hidden, self.out)[:, :, 0] * self.gate


def fast_dropout(x: torch.Tensor, share: float, parts: Sequence[Part] = ()) -> torch.Tensor:
    """Apply dropout with a share rounded to 256ths, 255 at most.

    Args:
        parts: places of consecutive rows of `x` among those for which all workers draw.
    """
    limit = min(round(share * 256), 255)
    if limit == 0:
        return x
    drawn = [_random_bytes(part, math.prod(x.shape[1:]), x.device) for part in parts or [Part.whole(len(x))]]
    kept = torch.cat(drawn).view(x.shape) >= limit
    return x * (kept * (256 / (256 - limit)))


def _random_bytes(part: Part, width: int, device: torch.device) -> torch.Tensor:
    """Draw a byte for each entry of all rows; return those of a part. Eight at once take less time on a CPU."""
    numbers = torch.empty(-(-part.total * width // 8), dtype=torch.int64, device=device).random_(-(2**63), None)
    return numbers.view(torch.uint8)[part.rows.start * width : part.rows.stop * width]


def _multiply_by_member(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Multiply each member's vector by its own matrix: `[n, members × a]` by `[members, a, b]` is `[n, members, b]`."""
    members, a, _ = weight.shape
    if members == 1:
        return (x.reshape(len(x), a) @ weight[0])[:, None]
    return torch.bmm(x.reshape(len(x), members, a).transpose(0, 1), weight).transpose(0, 1)


def _normal(*size: int, std: float = 0.03) -> nn.Parameter:
    return nn.Parameter(torch.randn(*size) * std)


def _table(part: Part, width: int) -> nn.Parameter:
    """Return a part of a table with a row for each user or movie; the optimizer gives it one step size."""
    table = nn.Parameter(_normal(part.total, width).detach()[part.rows].clone())
    table.is_table, table.part = True, part  # type: ignore[attr-defined]
    return table


def _projection(members: int, factors: int) -> nn.Parameter:
    """Return the projection to a vector and a bias, whose weights start smaller."""
    std = torch.full((factors + 1,), factors**-0.5)
    std[-1] *= 0.1
    return nn.Parameter(torch.randn(members, factors, factors + 1) * std)
