"""Who adds what to a score: integrated gradients through a tower (Sundararajan et al. 2017; Aumann & Shapley 1974).

A user's tower first sums, h = start + Σ addends, and then bends: residual blocks and a projection. The share of one
addend in what a function F of h gains is its dot product with the mean gradient on the straight way from start to h,

    F(h) − F(start) = Σ addend · ∫₀¹ ∇F(start + t·(h − start)) dt,

exactly, for any F that is smooth. Without blocks the gradient is the same everywhere. With blocks the integral is taken
at the nodes of Gauss and Legendre, of which there are more until both sides agree.

The start is the sum of somebody who has rated nothing, so that `anybody` is what the movie gets from her. What a
history does to all movies alike says nothing of this one: it is `level`, the gain of the average movie's vector. The
entries share what the movie's own vector has beyond that average.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.models.base import ScoreShares
from cinematrix.models.deep_mf.towers import Float32, Towers, encode, history_statistics, silu

QUADRATURE_NODES = (16, 32, 64)
"""How many places on the way the gradient is taken at: the first that closes the sum, else the last."""

SUM_TOLERANCE = 2e-6
"""A sum is closed when both sides differ by no more, in a head's own units."""


@dataclass(frozen=True, eq=False)
class HeadShares:
    """What adds up to one head's scores of `n` movies for one history; what is missing is the quadrature's error.

    Attributes:
        score: `[n]`.
        anybody: `[n]`, the scores for somebody who has rated nothing, but for `content`.
        content: `[n]`, the part of these that comes from the movies' content; 0 where none is known.
        level: `[n]`, what the history does to all movies alike.
        habits: `[n]`, what the history's statistics and a known user's own row add: how much she rates, how far apart.
        entries: `[n, size]`, what each entry of the history adds.
        by_content: `[n, size]`, the part of `entries` that goes by way of the movies' content.
    """

    score: Float32
    anybody: Float32
    content: Float32
    level: Float32
    habits: Float32
    entries: Float32
    by_content: Float32

    def shares(self, base: Mapping[str, Float32], unit: float, beside: Float32 | None = None) -> ScoreShares:
        """The head's shares in a `unit` of the whole score, with the parts that it stands on (`base`).

        Args:
            beside: `[n, size]`, what the entries add beside the head.
        """
        mine = {"movie_bias": self.anybody, "content": self.content, "user_bias": self.level, "habits": self.habits}
        scaled = {name: np.float32(unit) * part for name, part in mine.items()}
        parts = {name: np.asarray(base.get(name, 0) + scaled.get(name, 0), np.float32) for name in {**base, **scaled}}
        more = np.zeros_like(self.entries) if beside is None else beside
        stands_on = np.sum(list(base.values()), axis=0, dtype=np.float64)
        score = stands_on + np.float32(unit) * self.score + more.sum(1, dtype=np.float64)
        return ScoreShares(score, parts, np.float32(unit) * self.entries + more, np.float32(unit) * self.by_content)


def attribute_head(head: Towers, history: Histories, residual: Float32 | None, movies: Numbers) -> HeadShares:
    """Take apart the scores that one head gives `movies` (which may be `UNKNOWN`) for the one history."""
    begin, end = _start(head.weights), head.pooled(history, residual)
    nobody, user = encode(begin, head.weights), encode(end, head.weights)
    vectors, row = head.movies[movies], np.zeros(len(movies), np.int32)
    score, anybody = head.pairs(user, row, movies), head.pairs(nobody, row, movies)
    level = np.repeat(((user - nobody) * _outward(head.mean_movie, 1)).sum(2).mean(1), len(movies))
    gradient, nodes = _closing_gradient(head, begin, end, vectors, score - anybody - level)
    added = _addends(history, residual, head.weights)
    habits = gradient @ ((end - begin)[0] - added.sum(0))
    content, by_content = np.zeros(len(movies), np.float32), np.zeros((len(movies), len(added)), np.float32)
    if head.content is not None and head.mean_content is not None:
        own = head.content[movies].astype(np.float32)
        content = ((nobody * _outward(own, 0)).sum(2) + own[:, :, -1]).mean(1)
        by_content = _content_gradient(head, begin, end, own - head.mean_content, nodes) @ added.T
    return HeadShares(score, anybody - content, content, level, habits, gradient @ added.T, by_content)


def _closing_gradient(
    head: Towers, begin: Float32, end: Float32, movies: Float32, gain: Float32
) -> tuple[Float32, int]:
    """The mean gradient of what `movies` have beyond the average, and how many nodes it took to add up to `gain`."""
    outward = _outward(movies, 1) - _outward(head.mean_movie, 1)
    for nodes in QUADRATURE_NODES:
        gradient = mean_gradient(begin, end, movies, outward, head.weights, nodes)
        if np.abs(gain - gradient @ (end - begin)[0]).max(initial=0) <= SUM_TOLERANCE:
            break
    return gradient, nodes


def _content_gradient(head: Towers, begin: Float32, end: Float32, content: Float32, nodes: int) -> Float32:
    """The mean gradient of the dot product with `content`, the pair gate apart. `[n, width]`."""
    plain = {name: weight for name, weight in head.weights.items() if not name.startswith("pair.")}
    return mean_gradient(begin, end, content, _outward(content, 0), plain, nodes)


def _outward(movies: Float32, bias: float) -> Float32:
    """What users' vectors are multiplied by: the movies' vectors / √factors, and `bias` for the user's own bias."""
    scaled = movies / np.float32((movies.shape[-1] - 1) ** 0.5)
    scaled[..., -1] = bias
    return np.asarray(scaled, np.float32)


def _start(weights: Mapping[str, Float32]) -> Float32:
    """What the user's tower sums for somebody who has rated nothing. `[1, width]`."""
    return np.asarray(history_statistics(Histories.empty(1), None) @ weights["statistics"], np.float32)


def _addends(history: Histories, residual: Float32 | None, weights: Mapping[str, Float32]) -> Float32:
    """What each entry of one history adds to the sum in the user's tower. `[size, width]`."""
    norm = np.float32(1) / np.sqrt(np.float32(len(history.items) + 1))
    added = weights[f"tables.{0 if residual is None else 1}"][history.items] * norm
    if residual is not None:
        added += weights["tables.0"][history.items] * (residual * norm)[:, None]
    return np.asarray(added, np.float32)


def mean_gradient(
    begin: Float32, end: Float32, movies: Float32, outward: Float32, weights: Mapping[str, Float32], nodes: int
) -> Float32:
    """The mean gradient of each movie's score on the straight way from `begin` to `end`, both `[1, width]`.

    Args:
        movies: `[n, members, factors + 1]`, the movies' vectors, for the pair gate.
        outward: `[n, members, factors + 1]`, what the user's vector is multiplied by.

    Returns:
        `[n, width]`, of the mean over members.
    """
    members, factors, _ = weights["out"].shape
    place, share = _nodes(nodes if "up.0" in weights or "pair.gate" in weights else 1)
    way = (begin + place[:, None] * (end - begin)).reshape(-1, members, factors).transpose(1, 0, 2)
    layers, x = _layers(way, weights)
    pull = np.broadcast_to(outward.transpose(1, 0, 2)[:, None], (members, len(place), *outward.shape[::2]))
    if "pair.gate" in weights:
        pull = pull + _gate_gradient(x[..., :-1], movies.transpose(1, 0, 2)[..., :-1], weights)
    back = _backward(pull, layers, weights)
    return np.asarray(
        np.einsum("k,eknd->ned", share / members, back).reshape(len(movies), members * factors), np.float32
    )


@cache
def _nodes(n: int) -> tuple[Float32, Float32]:
    """Places in 0…1 and their shares, exact for polynomials up to degree 2n − 1."""
    place, share = np.polynomial.legendre.leggauss(n)
    return ((place + 1) / 2).astype(np.float32), (share / 2).astype(np.float32)


def _layers(h: Float32, weights: Mapping[str, Float32]) -> tuple[list[tuple[Float32, Float32, Float32]], Float32]:
    """`towers.encode` of `[members, nodes, factors]`: each block's input, its length, its inner layer; the output."""
    members, _, factors = h.shape
    layers: list[tuple[Float32, Float32, Float32]] = []
    while f"up.{len(layers)}" in weights:
        at = len(layers)
        length = np.sqrt(np.mean(h**2, axis=2, keepdims=True) + np.float32(1e-3))
        inner = h / length @ weights[f"up.{at}"] + weights[f"up_bias.{at}"].reshape(members, 1, factors)
        layers.append((h, length, inner))
        h = h + silu(inner) @ weights[f"down.{at}"]
    return layers, h @ weights["out"]


def _backward(
    pull: Float32, layers: list[tuple[Float32, Float32, Float32]], weights: Mapping[str, Float32]
) -> NDArray[np.float32]:
    """From the gradient at a tower's output to that at its sum. `[members, nodes, n, factors]`."""
    g = _times(pull, weights["out"])
    for at in reversed(range(len(layers))):
        h, length, inner = (part[:, :, None] for part in layers[at])
        unit = _times(_times(g, weights[f"down.{at}"]) * silu_derivative(inner), weights[f"up.{at}"])
        along = np.mean(unit * h, axis=3, keepdims=True) / length**2
        g = g + (unit - h * along) / length
    return g


def _times(g: Float32, weight: Float32) -> Float32:
    """Gradients `[members, nodes, n, b]` back through each member's matrix `[members, a, b]`."""
    members, nodes, n, b = g.shape
    back = g.reshape(members, nodes * n, b) @ weight.transpose(0, 2, 1)
    return np.asarray(back.reshape(members, nodes, n, weight.shape[1]))


def _gate_gradient(x: Float32, y: Float32, weights: Mapping[str, Float32]) -> Float32:
    """The gradient of the pair gate by the user's vector, 0 for its bias. `[members, nodes, n, factors + 1]`.

    Args:
        x: users' vectors at the nodes, `[members, nodes, factors]`.
        y: movies' vectors, `[members, n, factors]`.
    """
    w = {name: weights[f"pair.{name}"] for name in ("user", "movie", "both", "bias", "out", "gate")}
    both = np.einsum("ekd,end,edh->eknh", x, y, w["both"], optimize=True)
    inner = (x @ w["user"])[:, :, None] + (y @ w["movie"])[:, None] + both + w["bias"][:, None, None]
    slope = silu_derivative(inner) * (w["out"][:, :, 0] * w["gate"][:, None])[:, None, None]
    by_user = _times(slope, w["user"]) + _times(slope, w["both"]) * y[:, None]
    return np.concatenate([by_user, np.zeros((*by_user.shape[:3], 1), np.float32)], axis=3)


def silu_derivative(x: Float32) -> Float32:
    """The derivative of x × sigmoid(x)."""
    sigmoid = 1 / (1 + np.exp(-np.clip(x, -80, 80)))
    return np.asarray(sigmoid * (1 + x * (1 - sigmoid)), np.float32)
