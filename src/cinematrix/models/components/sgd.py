"""Stochastic gradient descent over single ratings, in Numba: the training loop of biased matrix factorization.

    z_ui ≈ b_u + b_i + v_u · q_i,        v_u = p_u + |N(u)|^(−1/2) Σ_{j ∈ N(u)} y_j

(Koren 2008, equation 15; without y it is the model of Koren, Bell & Volinsky 2009, equation 4.) An epoch visits the
users in random order and each user's ratings in random order. The sum over y is computed when a visit begins, and y is
updated when it ends, by the summed gradient of all ratings of the visit: Koren's gradient, at the cost of two passes
over the history instead of one a rating. Penalties are applied implicitly (x ← (x + step) / (1 + rate · decay)), so
that no penalty is too strong for a learning rate.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from cinematrix.common.progress import Progress, running
from cinematrix.data.ratings import Ratings
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.factors import INITIAL_STD, Factors, Penalty

Float32 = NDArray[np.float32]

FINAL_RATE_SHARE = 0.1
"""Learning rate of the last epoch, as a share of the first one's; it falls by the same factor each epoch."""

compiled = numba.njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
"""Decorator that compiles a loop and caches the machine code."""


class SideParameters(NamedTuple):
    """Parameters of the users, of the movies, or of the implicit factors y (whose biases aren't used).

    Attributes:
        factors: `[n, k]`.
        bias: `[n]`.
        decay: `[n]`, penalty of the factors divided by the number of ratings.
        bias_decay: `[n]`, penalty of the bias divided by the number of ratings.
    """

    factors: Float32
    bias: Float32
    decay: Float32
    bias_decay: Float32


@dataclass(frozen=True)
class SGDTrainer:
    """Trainer of factors by stochastic gradient descent.

    Attributes:
        factors: number of factors.
        epochs: passes over the ratings.
        learning_rate: learning rate of the first epoch, for errors in units of σ.
        seed: random seed of the initial factors and the order.
        signs: penalty of y; None: there is no y.
    """

    factors: int
    epochs: int
    learning_rate: float
    seed: int
    signs: Penalty | None = None

    def learn(self, ratings: Ratings, biases: Biases, start: Factors, progress: Progress, what: str) -> Factors:
        """Return `start` with the factors and biases of the movies in `ratings`, initialised from `biases`.

        Args:
            what: name of the task on the progress bar.

        Raises:
            TrainingError: the factors diverged.
        """
        rng, histories, raters = np.random.default_rng(self.seed), ratings.by_user, ratings.by_movie.counts
        assert histories.values is not None, "SGD learns from ratings with stars only"
        z = start.standardise(histories.values)
        of_users = biases.of_users(histories) / np.float32(start.unit)
        users = self._side(rng, histories.counts, start.penalty, of_users, biases.user_shrinkage)
        movies = self._side(rng, raters, start.penalty, start.bias[: len(raters)], biases.movie_shrinkage)
        signs = None if self.signs is None else self._side(rng, raters, self.signs, np.zeros_like(movies.bias), 0)
        none = SideParameters(np.zeros((0, self.factors), np.float32), *np.zeros((3, 0), np.float32))
        with running(progress, what, self.epochs):
            for epoch in range(self.epochs):
                rate = np.float32(self.learning_rate * FINAL_RATE_SHARE ** (epoch / max(self.epochs - 1, 1)))
                order, draws = rng.permutation(len(histories)), rng.random(len(z), np.float32)
                squares = _epoch(histories.starts, histories.items, z, users, movies, signs or none, rate, order, draws)
                progress.advance(note=f"RMSE {start.unit * np.sqrt(squares / len(z)):.4f}")
        return start.learned(movies.factors, movies.bias, None if signs is None else signs.factors)

    def _side(
        self, rng: np.random.Generator, counts: NDArray[np.int64], penalty: Penalty, bias: Float32, shrinkage: float
    ) -> SideParameters:
        n = np.maximum(counts, 1)
        factors = np.float32(INITIAL_STD) * rng.standard_normal((len(n), self.factors), np.float32)
        parts = (factors, bias, penalty.of(counts) / n, shrinkage / n)
        return SideParameters(*(np.array(part, np.float32) for part in parts))


@compiled
def _epoch(starts, items, z, users, movies, signs, rate, order, draws):  # type: ignore[no-untyped-def]
    """Run one epoch; return the sum of squared errors."""
    sign, pull = np.zeros(users.factors.shape[1], np.float32), np.zeros(users.factors.shape[1], np.float32)
    places, squares = np.arange(len(z)), 0.0
    for u in order:
        start, end = starts[u], starts[u + 1]
        if start == end:
            continue
        _shuffle(places[start:end], draws[start:end])
        if len(signs.factors):
            _gather(sign, pull, signs.factors, items[start:end])
        squares += _visit(u, places[start:end], items, z, users, movies, rate, sign, pull)
        if len(signs.factors):
            _scatter(pull, signs, items[start:end], rate)
    return squares


@compiled
def _shuffle(places, draws):  # type: ignore[no-untyped-def]
    for j in range(len(places) - 1, 0, -1):
        other = int(draws[j] * (j + 1))
        places[j], places[other] = places[other], places[j]


@compiled
def _visit(u, places, items, z, users, movies, rate, sign, pull):  # type: ignore[no-untyped-def]
    """Update by all ratings of one user; `pull` becomes the sum of error × q. Return the sum of squared errors."""
    squares, one = 0.0, np.float32(1)
    keep, keep_bias = one / (one + rate * users.decay[u]), one / (one + rate * users.bias_decay[u])
    v, toward = users.factors[u] + sign, (one - keep) * sign
    for j in places:
        i = items[j]
        error = z[j] - users.bias[u] - movies.bias[i] - _dot(v, movies.factors, i)
        squares += error * error
        step = rate * error
        users.bias[u] = keep_bias * (users.bias[u] + step)
        movies.bias[i] = (movies.bias[i] + step) / (one + rate * movies.bias_decay[i])
        _step(v, toward, pull, movies.factors, i, keep, one / (one + rate * movies.decay[i]), error, step)
    users.factors[u] = v - sign
    return squares


@compiled
def _dot(v, factors, i):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for f in range(len(v)):
        total += v[f] * factors[i, f]
    return total


@compiled
def _step(v, toward, pull, factors, i, keep, keep_item, error, step):  # type: ignore[no-untyped-def]
    for f in range(len(v)):
        pull[f] += error * factors[i, f]
    for f in range(len(v)):
        before = v[f]
        v[f] = keep * (before + step * factors[i, f]) + toward[f]
        factors[i, f] = keep_item * (factors[i, f] + step * before)


@compiled
def _gather(sign, pull, factors, items):  # type: ignore[no-untyped-def]
    """Set `sign` to the sum of y over a history, over the root of its length, and `pull` to 0."""
    sign[:] = 0
    pull[:] = 0
    for i in items:
        for f in range(len(sign)):
            sign[f] += factors[i, f]
    sign *= np.float32(1 / np.sqrt(len(items)))


@compiled
def _scatter(pull, signs, items, rate):  # type: ignore[no-untyped-def]
    """Update every y of a history by the summed gradient `pull`."""
    pull *= rate * np.float32(1 / np.sqrt(len(items)))
    for i in items:
        keep = np.float32(1) / (np.float32(1) + rate * signs.decay[i])
        for f in range(len(pull)):
            signs.factors[i, f] = keep * (signs.factors[i, f] + pull[f])
