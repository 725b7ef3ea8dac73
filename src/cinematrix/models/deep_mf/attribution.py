"""Attribution of a score by integrated gradients through a tower (Sundararajan et al. 2017; Aumann & Shapley 1974).

A user's tower first sums, h = start + Σ addends, and then applies residual blocks and a projection. The share of one
addend in the gain of a function F of h is its dot product with the mean gradient on the straight path from start to h,

    F(h) − F(start) = Σ addend · ∫₀¹ ∇F(start + t·(h − start)) dt,

exactly, for any F that is smooth. Without blocks the gradient is constant. With blocks the integral is computed by
Gauss–Legendre quadrature, with more nodes until both sides agree.

The start is the sum of an empty history; `anybody` is the movie's score for it. The history's effect that is the same
for all movies is `level`, the gain of the average movie's vector. The entries share the gain of the movie's own vector
beyond that average.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.models.contract_types import ScoreShares
from cinematrix.models.deep_mf.towers import Float32, Towers, encode, silu

QUADRATURE_NODES = (16, 32, 64)
"""Numbers of quadrature nodes to try, until the sum closes."""

ENTRY_NODES = 16
"""Number of quadrature nodes where entries are only compared with each other."""

SUM_TOLERANCE = 2e-6
"""Maximum difference of both sides of a closed sum, in a head's own units."""

BLOCK_PAIRS = 512
"""Pairs of a history and a movie attributed at a time, which bounds the memory."""


@dataclass(frozen=True, eq=False)
class HeadShares:
    """Additive parts of one head's scores of `n` movies for one history; their sum misses the quadrature's error.

    Attributes:
        score: `[n]`.
        anybody: `[n]`, the scores for an empty history, without `content`.
        content: `[n]`, the part of those scores that comes from the movies' content; 0 for movies without content.
        level: `[n]`, the history's effect that is the same for all movies.
        habits: `[n]`, the effect of the history's length and spread and of a training user's own embedding.
        entries: `[n, size]`, the part of each entry of the history.
        by_content: `[n, size]`, the part of `entries` that goes through the movies' content.
    """

    score: Float32
    anybody: Float32
    content: Float32
    level: Float32
    habits: Float32
    entries: Float32
    by_content: Float32

    def shares(self, base: Mapping[str, Float32], unit: float, beside: Float32 | None = None) -> ScoreShares:
        """Return the parts of the whole score, in units of `unit`, with the parts that the head builds on (`base`).

        Args:
            beside: `[n, size]`, the entries' parts besides the head.
        """
        own = {"movie_bias": self.anybody, "content": self.content, "user_bias": self.level, "habits": self.habits}
        scaled = {name: np.float32(unit) * part for name, part in own.items()}
        parts = {name: np.asarray(base.get(name, 0) + scaled.get(name, 0), np.float32) for name in {**base, **scaled}}
        added = np.zeros_like(self.entries) if beside is None else beside
        base_score = np.sum(list(base.values()), axis=0, dtype=np.float64)
        score = base_score + np.float32(unit) * self.score + added.sum(1, dtype=np.float64)
        return ScoreShares(score, parts, np.float32(unit) * self.entries + added, np.float32(unit) * self.by_content)


def attribute_head(head: Towers, history: Histories, residual: Float32 | None, movies: Numbers) -> HeadShares:
    """Return the parts of one head's scores of `movies` (which may be `UNKNOWN`) for the one history."""
    path = _Path.of(head, history, residual, np.zeros(len(movies), np.int32), movies)
    added = _entry_addends(history, residual, head.weights)
    habits = path.gradient @ ((path.end - path.begin)[0] - added.sum(0))
    content, by_content = np.zeros(len(movies), np.float32), np.zeros((len(movies), len(added)), np.float32)
    if head.content is not None and head.mean_content is not None:
        own = head.content[movies].astype(np.float32)
        content = ((path.empty_user * _user_factors(own, 0)).sum(2) + own[:, :, -1]).mean(1)
        by_content = _content_gradient(head, path, own - head.mean_content) @ added.T
    entries, anybody = path.gradient @ added.T, path.anybody - content
    return HeadShares(path.score, anybody, content, path.level, habits, entries, by_content)


def attribute_entries(
    head: Towers, histories: Histories, residual: Float32 | None, movies: Sequence[Numbers]
) -> list[Float32]:
    """Return `HeadShares.entries` alone, of each history for movies of its own, within a thousandth of the largest.

    They take less time without the other parts, and together. `[n, size]` each.
    """
    rows = np.repeat(np.arange(len(histories), dtype=np.int32), [len(own) for own in movies])
    every = np.concatenate([np.zeros(0, np.int32), *movies])
    (begin, _), end = head.empty_user, head.pooled(histories, residual)
    gradient = np.empty((len(rows), end.shape[1]), np.float32)
    for start in range(0, len(rows), BLOCK_PAIRS):
        block = slice(start, start + BLOCK_PAIRS)
        vectors = head.movies[every[block]]
        gradient[block] = mean_gradient(
            begin, end, rows[block], vectors, _outward(head, vectors), head.weights, ENTRY_NODES
        )
    added, starts = _entry_addends(histories, residual, head.weights), histories.starts
    pairs = np.searchsorted(rows, np.arange(len(histories) + 1))
    return [
        np.asarray(gradient[pairs[row] : pairs[row + 1]] @ added[starts[row] : starts[row + 1]].T, np.float32)
        for row in range(len(histories))
    ]


@dataclass(frozen=True, eq=False)
class _Path:
    """The straight paths of pairs from the sum of an empty history (`begin`) to those of histories (`end`).

    Attributes:
        begin, end: `[1, width]` and `[histories, width]`.
        rows: `[n]`, the history of each pair.
        empty_user: vector of an empty history. `[1, members, factors + 1]`.
        score, anybody, level: as in `HeadShares`, `anybody` with `content`.
        gradient: mean gradient of the movies' scores beyond the average movie's. `[n, width]`.
        nodes: its number of quadrature nodes.
    """

    begin: Float32
    end: Float32
    rows: Numbers
    empty_user: Float32
    score: Float32
    anybody: Float32
    level: Float32
    gradient: Float32
    nodes: int

    @classmethod
    def of(cls, head: Towers, histories: Histories, residual: Float32 | None, rows: Numbers, movies: Numbers) -> Self:
        """Return the paths of pairs of a history and a movie, with the gradients of the movies along them."""
        (begin, empty_user), end = head.empty_user, head.pooled(histories, residual)
        user = encode(end, head.weights)
        score, anybody = head.pairs(user, rows, movies), head.pairs(empty_user, np.zeros_like(rows), movies)
        level = ((user - empty_user) * _user_factors(head.mean_movie, 1)).sum(2).mean(1)[rows]
        gain = score - anybody - level
        gradient, nodes = _closing_gradient(head, begin, end, rows, head.movies[movies], gain)
        return cls(begin, end, rows, empty_user, score, anybody, level, gradient, nodes)


def _closing_gradient(
    head: Towers, begin: Float32, end: Float32, rows: Numbers, movies: Float32, gain: Float32
) -> tuple[Float32, int]:
    """Return the mean gradient of the movies' scores beyond the average movie's, and its number of quadrature nodes.

    `gain` is the sum that the gradient must add up to.
    """
    outward = _outward(head, movies)
    for nodes in QUADRATURE_NODES:
        gradient = mean_gradient(begin, end, rows, movies, outward, head.weights, nodes)
        if np.abs(gain - np.einsum("nw,nw->n", gradient, (end - begin)[rows])).max(initial=0) <= SUM_TOLERANCE:
            break
    return gradient, nodes


def _outward(head: Towers, movies: Float32) -> Float32:
    """Return the factors of users' vectors in the movies' scores beyond the average movie's."""
    return _user_factors(movies, 1) - _user_factors(head.mean_movie, 1)


def _content_gradient(head: Towers, path: _Path, content: Float32) -> Float32:
    """Return the mean gradient of the dot product with `content`, without the pair gate. `[n, width]`."""
    plain = {name: weight for name, weight in head.weights.items() if not name.startswith("pair.")}
    return mean_gradient(path.begin, path.end, path.rows, content, _user_factors(content, 0), plain, path.nodes)


def _user_factors(movies: Float32, bias: float) -> Float32:
    """Return the factors of users' vectors: the movies' vectors / √factors, and `bias` for the user's own bias."""
    scaled = movies / np.float32((movies.shape[-1] - 1) ** 0.5)
    scaled[..., -1] = bias
    return np.asarray(scaled, np.float32)


def _entry_addends(histories: Histories, residual: Float32 | None, weights: Mapping[str, Float32]) -> Float32:
    """Return each entry's addend to the sum in the user's tower. `[size, width]`."""
    norm = (np.float32(1) / np.sqrt(histories.counts + 1, dtype=np.float32))[histories.rows]
    added = weights[f"tables.{0 if residual is None else 1}"][histories.items] * norm[:, None]
    if residual is not None:
        added += weights["tables.0"][histories.items] * (residual * norm)[:, None]
    return np.asarray(added, np.float32)


def mean_gradient(
    begin: Float32, end: Float32, rows: Numbers, movies: Float32, outward: Float32, weights: Mapping[str, Float32],
    nodes: int,
) -> Float32:  # fmt: skip
    """Return the mean gradient of each pair's score on the straight path from `begin` to its history's `end`.

    Args:
        begin, end: `[1, width]` and `[histories, width]`.
        rows: `[n]`, the history of each pair.
        movies: `[n, members, factors + 1]`, the movies' vectors, for the pair gate.
        outward: `[n, members, factors + 1]`, factors of the user's vector.

    Returns:
        `[n, width]`, of the mean over members.
    """
    members, factors, _ = weights["out"].shape
    node, node_weight = _quadrature(nodes if "up.0" in weights or "pair.gate" in weights else 1)
    path = begin + node[:, None, None] * (end - begin)
    layers, x = _layers(path.reshape(-1, members, factors).transpose(1, 0, 2), weights)

    def of_pairs(part: Float32) -> Float32:
        return part.reshape(members, len(node), len(end), -1)[:, :, rows]

    gradient = np.broadcast_to(outward.transpose(1, 0, 2)[:, None], (members, len(node), *outward.shape[::2]))
    if "pair.gate" in weights:
        gradient = gradient + _gate_gradient(of_pairs(x[..., :-1]), movies.transpose(1, 0, 2)[..., :-1], weights)
    propagated = _backward(gradient, [tuple(map(of_pairs, parts)) for parts in layers], weights)
    return np.asarray(
        np.einsum("k,eknd->ned", node_weight / members, propagated).reshape(len(movies), members * factors), np.float32
    )


@cache
def _quadrature(n: int) -> tuple[Float32, Float32]:
    """Return quadrature nodes in 0…1 and their weights, exact for polynomials up to degree 2n − 1."""
    node, weight = np.polynomial.legendre.leggauss(n)
    return ((node + 1) / 2).astype(np.float32), (weight / 2).astype(np.float32)


def _layers(h: Float32, weights: Mapping[str, Float32]) -> tuple[list[tuple[Float32, ...]], Float32]:
    """Return each block's input, norm and inner layer, and the output of `towers.encode`.

    `h` is `[members, nodes × histories, factors]`.
    """
    members, _, factors = h.shape
    layers: list[tuple[Float32, ...]] = []
    while f"up.{len(layers)}" in weights:
        block = len(layers)
        norm = np.sqrt(np.mean(h**2, axis=2, keepdims=True) + np.float32(1e-3))
        inner = h / norm @ weights[f"up.{block}"] + weights[f"up_bias.{block}"].reshape(members, 1, factors)
        layers.append((h, norm, inner))
        h = h + silu(inner) @ weights[f"down.{block}"]
    return layers, h @ weights["out"]


def _backward(
    gradient: Float32, layers: list[tuple[Float32, ...]], weights: Mapping[str, Float32]
) -> NDArray[np.float32]:
    """Propagate the gradient at a tower's output back to its sum. All are `[members, nodes, n, factors]`."""
    g = _propagate(gradient, weights["out"])
    for block in reversed(range(len(layers))):
        h, norm, inner = layers[block]
        unit = _propagate(_propagate(g, weights[f"down.{block}"]) * silu_derivative(inner), weights[f"up.{block}"])
        along = np.mean(unit * h, axis=3, keepdims=True) / norm**2
        g = g + (unit - h * along) / norm
    return g


def _propagate(g: Float32, weight: Float32) -> Float32:
    """Propagate gradients `[members, nodes, n, b]` back through each member's matrix `[members, a, b]`."""
    members, nodes, n, b = g.shape
    propagated = g.reshape(members, nodes * n, b) @ weight.transpose(0, 2, 1)
    return np.asarray(propagated.reshape(members, nodes, n, weight.shape[1]))


def _gate_gradient(x: Float32, y: Float32, weights: Mapping[str, Float32]) -> Float32:
    """Return the gradient of the pair gate by the user's vector, 0 for its bias. `[members, nodes, n, factors + 1]`.

    Args:
        x: users' vectors at the nodes, `[members, nodes, n, factors]`.
        y: movies' vectors, `[members, n, factors]`.
    """
    w = {name: weights[f"pair.{name}"] for name in ("user", "movie", "both", "bias", "out", "gate")}
    both = np.einsum("eknd,end,edh->eknh", x, y, w["both"], optimize=True)
    inner = x @ w["user"][:, None] + (y @ w["movie"])[:, None] + both + w["bias"][:, None, None]
    slope = silu_derivative(inner) * (w["out"][:, :, 0] * w["gate"][:, None])[:, None, None]
    by_user = _propagate(slope, w["user"]) + _propagate(slope, w["both"]) * y[:, None]
    return np.concatenate([by_user, np.zeros((*by_user.shape[:3], 1), np.float32)], axis=3)


def silu_derivative(x: Float32) -> Float32:
    """Return the derivative of x × sigmoid(x)."""
    sigmoid = 1 / (1 + np.exp(-np.clip(x, -80, 80)))
    return np.asarray(sigmoid * (1 + x * (1 - sigmoid)), np.float32)
