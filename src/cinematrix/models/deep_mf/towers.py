"""The towers in NumPy: what serves. The twin of `nets`, equal to it to 1e-5; it needs no torch.

A user's vector is one pass over her history; the movies' vectors were computed once, when training ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers

Floats = NDArray[np.float32]

PAIRS = 16_384
"""Pairs scored at a time."""


@dataclass(frozen=True, eq=False)
class Towers:
    """One head, ready to serve: the weights by the names they have in `nets`.

    Attributes:
        weights: of the user's tower: `tables.0`… (item rows with their content), `statistics`, `up.0`…, `up_bias.0`…,
            `down.0`…, `out`, perhaps `ids`; of the pair gate, perhaps, under `pair.`.
        movies: float32 `[n_movies + 1, members, factors + 1]`, the movies' vectors with their biases; the last one is
            of a movie of which nothing is known, and so answers for `UNKNOWN` (-1).
        content: float16, of the shape of `movies`, what the movie's content alone adds to the vector of one of which
            nothing is known; None if there is none.
    """

    weights: dict[str, Floats]
    movies: Floats
    content: NDArray[np.float16] | None = None

    @cached_property
    def mean_movie(self) -> Floats:
        """The average movie's vector. `[members, factors + 1]`."""
        return np.asarray(self.movies[:-1].mean(0), np.float32)

    @cached_property
    def mean_content(self) -> Floats | None:
        """The part of the average movie's vector that comes from content. `[members, factors + 1]`."""
        return None if self.content is None else np.asarray(self.content[:-1].mean(0, dtype=np.float32), np.float32)

    def users(self, histories: Histories, residual: Floats | None) -> Floats:
        """Vectors of histories. `[n, members, factors + 1]`.

        Args:
            residual: float32 `[size]`, each rating's residual over the biases in standard deviations; None for plain
                interactions.
        """
        return encode(self.pooled(histories, residual), self.weights)

    def pooled(self, histories: Histories, residual: Floats | None) -> Floats:
        """What the tower sums over each history, before its blocks. `[n, members × factors]`."""
        w = self.weights
        norm = np.float32(1) / np.sqrt(histories.counts + 1, dtype=np.float32)
        h = statistics(histories, residual) @ w["statistics"]
        channels = [None] if residual is None else [residual, None]
        for place, values in enumerate(channels):
            h = h + histories.sums(w[f"tables.{place}"], values) * norm[:, None]
        if "ids" in w and histories.owners is not None:
            h += np.where((histories.owners != UNKNOWN)[:, None], w["ids"][histories.owners], np.float32(0))
        return np.asarray(h, np.float32)

    def score(self, users: Floats) -> Floats:
        """The mean over members of every user's score of every movie. float32 `[n, n_movies]`."""
        movies = self.movies[:-1]
        members, factors = movies.shape[1], movies.shape[2] - 1
        x, y = (v[:, :, :-1].reshape(len(v), members * factors) for v in (users, movies))
        scores: Floats = np.asarray(x @ y.T, np.float32)
        scores /= members * factors**0.5
        scores += users[:, :, -1].mean(1)[:, None] + movies[:, :, -1].mean(1)
        if "pair.gate" in self.weights:
            for row, user in enumerate(users):
                scores[row] += self._gate(np.broadcast_to(user, movies.shape), movies)
        return scores

    def pairs(self, users: Floats, rows: Numbers, movies: Numbers, *, rated: bool = True) -> Floats:
        """The mean over members of the scores of pairs, in chunks that bound the memory. float32 `[n]`.

        `rated=False`: as if nobody had rated these movies.
        """
        vectors = self.movies.__getitem__ if rated else self.unrated
        chunks = range(0, len(rows), PAIRS)
        parts = [self._chunk(users[rows[c : c + PAIRS]], vectors(movies[c : c + PAIRS])) for c in chunks]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def unrated(self, movies: Numbers) -> Floats:
        """The vectors of movies as they would be if nobody had rated them: their content alone."""
        assert self.content is not None, "only asked where there is content"
        return np.asarray(self.movies[-1] + self.content[movies], np.float32)

    def _chunk(self, x: Floats, y: Floats) -> Floats:
        dot = (x[:, :, :-1] * y[:, :, :-1]).sum(2) / np.float32((y.shape[2] - 1) ** 0.5) + x[:, :, -1] + y[:, :, -1]
        scores: Floats = dot.mean(1)
        return scores + self._gate(x, y) if "pair.gate" in self.weights else scores

    def _gate(self, users: Floats, movies: Floats) -> Floats:
        """What the pair gate adds, a mean over members. `[n]`."""
        w, x, y = self.weights, users[:, :, :-1], movies[:, :, :-1]
        inner = apart(x, w["pair.user"]) + apart(y, w["pair.movie"]) + apart(x * y, w["pair.both"]) + w["pair.bias"]
        added: Floats = (apart(silu(inner), w["pair.out"])[:, :, 0] * w["pair.gate"]).mean(1)
        return added

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """For saving, under names that begin with `prefix`."""
        vectors = {"movies": self.movies} | ({} if self.content is None else {"content": self.content})
        return {f"{prefix}{name}": array for name, array in (self.weights | vectors).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Self | None:
        """The head that `arrays` took apart; None if there is none under that prefix."""
        mine = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        return cls(mine, mine.pop("movies"), mine.pop("content", None)) if mine else None


def encode(h: Floats, weights: Mapping[str, Floats]) -> Floats:
    """Residual blocks and the projection, of either tower. `[n, members, factors + 1]`."""
    members, factors, _ = weights["out"].shape
    h = h.reshape(len(h), members, factors)
    place = 0
    while f"up.{place}" in weights:
        unit = h / np.sqrt(np.mean(h**2, axis=2, keepdims=True) + np.float32(1e-3))
        inner = apart(unit, weights[f"up.{place}"]) + weights[f"up_bias.{place}"].reshape(members, factors)
        h = h + apart(silu(inner), weights[f"down.{place}"])
        place += 1
    return apart(h, weights["out"])


def statistics(histories: Histories, residual: Floats | None) -> Floats:
    """How long each history is and how its ratings spread: the twin of `nets.Seen.of`. `[n, 5]`."""
    n, counts = len(histories), histories.counts.astype(np.float32)
    mean = np.zeros(n) if residual is None else np.bincount(histories.rows, residual, n) / (counts + 3)
    squares = 3 + (counts if residual is None else np.bincount(histories.rows, residual.astype(np.float64) ** 2, n))
    spread = np.sqrt(squares / (counts + 3))
    facts = [np.ones(n), np.log1p(counts) / 3 - 1, 1 / np.sqrt(counts + 1), mean, spread - 1]
    return np.stack(facts, axis=1).astype(np.float32)


def apart(x: Floats, weight: Floats) -> Floats:
    """Each member's vectors times its own matrix: `[n, members, a]` by `[members, a, b]` is `[n, members, b]`."""
    return np.ascontiguousarray((x.transpose(1, 0, 2) @ weight).transpose(1, 0, 2))


def silu(x: Floats) -> Floats:
    """x × sigmoid(x)."""
    return np.asarray(x / (1 + np.exp(-np.clip(x, -80, 80))), np.float32)
