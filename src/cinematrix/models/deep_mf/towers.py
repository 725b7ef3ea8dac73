"""The towers in NumPy, as they serve without torch; equal to `network` to 1e-5, but for tables in half precision.

A user's vector is one pass over their history. The movies' vectors are computed once, at the end of training.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers

Float32 = NDArray[np.float32]

BLOCK_PAIRS = 16_384
"""Pairs scored at a time."""


@dataclass(frozen=True, eq=False)
class Towers:
    """One head, ready to serve: the weights under their names in `network`.

    Attributes:
        weights: those of the user's tower: `tables.0`… (item rows with their content; float16, which halves the largest
            arrays of a model), `statistics`, `up.0`…, `up_bias.0`…, `down.0`…, `out`, optionally `ids`; those of the
            pair gate, optionally, under `pair.`.
        movies: float32 `[n_movies + 1, members, factors + 1]`, the movies' vectors with their biases; the last row is
            that of a movie without any data, for `UNKNOWN` (-1).
        content: float16, of the shape of `movies`, the part of each vector that comes from content alone; None if there
            is no content.
    """

    weights: dict[str, Float32]
    movies: Float32
    content: NDArray[np.float16] | None = None

    @cached_property
    def mean_movie(self) -> Float32:
        """Vector of the average movie. `[members, factors + 1]`."""
        return np.asarray(self.movies[:-1].mean(0), np.float32)

    @cached_property
    def empty_user(self) -> tuple[Float32, Float32]:
        """The tower's sum for an empty history, `[1, width]`, and its vector, `[1, members, factors + 1]`."""
        begin = np.asarray(history_statistics(Histories.empty(1), None) @ self.weights["statistics"], np.float32)
        return begin, encode(begin, self.weights)

    @cached_property
    def mean_content(self) -> Float32 | None:
        """Part of the average movie's vector that comes from content. `[members, factors + 1]`."""
        return None if self.content is None else np.asarray(self.content[:-1].mean(0, dtype=np.float32), np.float32)

    def users(self, histories: Histories, residual: Float32 | None) -> Float32:
        """Return the vectors of histories. `[n, members, factors + 1]`.

        Args:
            residual: float32 `[size]`, each rating's residual over the biases in standard deviations; None for plain
                interactions.
        """
        return encode(self.pooled(histories, residual), self.weights)

    def pooled(self, histories: Histories, residual: Float32 | None) -> Float32:
        """Return the tower's sum over each history, before its blocks. `[n, members × factors]`."""
        w = self.weights
        norm = np.float32(1) / np.sqrt(histories.counts + 1, dtype=np.float32)
        h = history_statistics(histories, residual) @ w["statistics"]
        channels = [None] if residual is None else [residual, None]
        for place, values in enumerate(channels):
            h = h + histories.sums(w[f"tables.{place}"], values) * norm[:, None]
        if "ids" in w and histories.owners is not None:
            h += np.where((histories.owners != UNKNOWN)[:, None], w["ids"][histories.owners], np.float32(0))
        return np.asarray(h, np.float32)

    def score(self, users: Float32) -> Float32:
        """Return every user's score of every movie, a mean over members. float32 `[n, n_movies]`."""
        movies = self.movies[:-1]
        scores = _as_weights(users) @ movies.reshape(len(movies), users.shape[1] * users.shape[2]).T
        scores += users[:, :, -1].mean(1)[:, None]
        if "pair.gate" in self.weights:
            for row, user in enumerate(users):
                scores[row] += self._gate(np.broadcast_to(user, movies.shape), movies)
        return np.asarray(scores, np.float32)

    def pairs(self, users: Float32, rows: Numbers, movies: Numbers, *, rated: bool = True) -> Float32:
        """Return the scores of pairs, a mean over members, in blocks that bound the memory. float32 `[n]`.

        Args:
            rated: False: score the movies as if they had no ratings.
        """
        vectors = self.movies.__getitem__ if rated else self.unrated
        weights, biases = _as_weights(users), users[:, :, -1].mean(1)
        scores = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), BLOCK_PAIRS):
            block = slice(start, start + BLOCK_PAIRS)
            row, y = rows[block], vectors(movies[block])
            flat = y.reshape(len(y), weights.shape[1])
            dots = flat @ weights[0] if len(users) == 1 else np.einsum("nk,nk->n", weights[row], flat)
            scores[block] = biases[row] + dots
            if "pair.gate" in self.weights:
                scores[block] += self._gate(users[row], y)
        return scores

    def unrated(self, movies: Numbers) -> Float32:
        """Return the vectors of movies as if they had no ratings, from their content alone."""
        assert self.content is not None, "only models with content have these vectors"
        return np.asarray(self.movies[-1] + self.content[movies], np.float32)

    def _gate(self, users: Float32, movies: Float32) -> Float32:
        """Return the pair gate's addition, a mean over members. `[n]`."""
        w, x, y = self.weights, users[:, :, :-1], movies[:, :, :-1]
        inner = (
            multiply_by_member(x, w["pair.user"])
            + multiply_by_member(y, w["pair.movie"])
            + multiply_by_member(x * y, w["pair.both"])
            + w["pair.bias"]
        )
        added: Float32 = (multiply_by_member(silu(inner), w["pair.out"])[:, :, 0] * w["pair.gate"]).mean(1)
        return added

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the arrays to save, under names that begin with `prefix`."""
        vectors = {"movies": self.movies} | ({} if self.content is None else {"content": self.content})
        return {f"{prefix}{name}": array for name, array in (self.weights | vectors).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Self | None:
        """Return the head from the output of `arrays`; None if there is none under that prefix."""
        own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        return cls(own, own.pop("movies"), own.pop("content", None)) if own else None


def _as_weights(users: Float32) -> Float32:
    """Return the weights of a movie's vector and biases in the users' scores of it. `[n, members × (factors + 1)]`."""
    n, members, width = users.shape
    weights = users / np.float32(members * (width - 1) ** 0.5)
    weights[:, :, -1] = np.float32(1 / members)
    return np.asarray(weights.reshape(n, members * width), np.float32)


def encode(h: Float32, weights: Mapping[str, Float32]) -> Float32:
    """Apply the residual blocks and the projection of either tower. `[n, members, factors + 1]`."""
    members, factors, _ = weights["out"].shape
    h = h.reshape(len(h), members, factors)
    place = 0
    while f"up.{place}" in weights:
        unit = h / np.sqrt(np.mean(h**2, axis=2, keepdims=True) + np.float32(1e-3))
        inner = multiply_by_member(unit, weights[f"up.{place}"]) + weights[f"up_bias.{place}"].reshape(members, factors)
        h = h + multiply_by_member(silu(inner), weights[f"down.{place}"])
        place += 1
    return multiply_by_member(h, weights["out"])


def history_statistics(histories: Histories, residual: Float32 | None) -> Float32:
    """Return statistics of each history's length and ratings, equal to `network.history_statistics`. `[n, 5]`."""
    n, counts = len(histories), histories.counts.astype(np.float32)
    mean = np.zeros(n) if residual is None else np.bincount(histories.rows, residual, n) / (counts + 3)
    squares = 3 + (counts if residual is None else np.bincount(histories.rows, residual.astype(np.float64) ** 2, n))
    spread = np.sqrt(squares / (counts + 3))
    facts = [np.ones(n), np.log1p(counts) / 3 - 1, 1 / np.sqrt(counts + 1), mean, spread - 1]
    return np.stack(facts, axis=1).astype(np.float32)


def multiply_by_member(x: Float32, weight: Float32) -> Float32:
    """Multiply each member's vectors by its own matrix: `[n, members, a]` by `[members, a, b]` is `[n, members, b]`."""
    return np.ascontiguousarray((x.transpose(1, 0, 2) @ weight).transpose(1, 0, 2))


def silu(x: Float32) -> Float32:
    """Return x × sigmoid(x)."""
    return np.asarray(x / (1 + np.exp(-np.clip(x, -80, 80))), np.float32)
