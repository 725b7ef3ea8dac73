"""From scores to chances: how likely an unseen movie is among the interactions that were put aside.

A chance is 1 / (1 + exp(−(slope · score + offset))) (Platt 1999), learned on interactions that the scoring model hasn't
seen. A score whose logarithm says more than itself goes through `log_estimates` first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random

Float32 = NDArray[np.float32]

HELD_OUT_SHARE = 0.1
"""Of the interactions, put aside for a model that needs no validation otherwise."""

MAX_PAIRS = 2_000_000
"""About as many pairs say enough of two numbers."""

MIN_INTERACTIONS = 20
"""With fewer interactions than this none are put aside."""

MIN_PROBABILITY = np.float32(3e-3)
"""What an estimate of a chance is never taken to fall below, so that it has a logarithm."""

STEPS, HALVINGS, DOUBT = 30, 20, 1e-3


@dataclass(frozen=True)
class Calibration:
    """A slope and an offset that turn scores into chances."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, scores: Float32) -> Float32:
        """The chances of scores, of any shape."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * scores + self.offset, -80, 80))), np.float32)

    @classmethod
    def fitted(cls, scores: Float32, given: Histories, later: Histories) -> Self:
        """The likeliest slope and offset: `scores` `[n, n_movies]` of those `given` histories, who watched `later`.

        Newton's method, its steps halved, on the log-likelihood of all movies that a history doesn't hold.
        """
        watched, unseen = np.zeros(scores.shape, bool), np.ones(scores.shape, bool)
        unseen[given.rows, given.items] = False
        watched[later.rows, later.items] = True
        x, y = scores[unseen].astype(np.float64), watched[unseen]
        middle, width = float(x.mean()), max(float(x.std()), 1e-9)
        slope, offset = _fit_logistic((x - middle) / width, y)
        return cls(slope / width, offset - slope * middle / width)

    def array(self) -> NDArray[np.float64]:
        """For saving."""
        return np.array([self.slope, self.offset])

    @classmethod
    def from_array(cls, array: NDArray[np.float64] | None) -> Self:
        """The chance that `array` took apart; a model that was saved before has none, and keeps its own scores."""
        return cls() if array is None else cls(*array.tolist())


UNCALIBRATED = Calibration()
"""What a model has before it has found its own."""


def _fit_logistic(x: NDArray[np.float64], y: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset for scores of mean 0 and deviation 1; `DOUBT` keeps them finite."""
    hits = np.array([x[y].sum(), y.sum()])

    def loss(at: NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, at[0] * x + at[1]).sum() - at @ hits + DOUBT * at @ at / 2)

    theta = np.array([0.0, np.log((hits[1] + 0.5) / (len(y) - hits[1] + 0.5))])
    now = loss(theta)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(theta[0] * x + theta[1])))
        curved = p * (1 - p)
        across = curved @ x
        curvature = np.array([[(curved * x) @ x, across], [across, curved.sum()]]) + DOUBT * np.eye(2)
        step = np.linalg.solve(curvature, hits - np.array([p @ x, p.sum()]) - DOUBT * theta)
        tries = ((theta + 0.5**n * step, loss(theta + 0.5**n * step)) for n in range(HALVINGS))
        theta, after = next(((at, found) for at, found in tries if found < now), (theta, now))
        if now - after < 1e-9 * abs(now):
            break
        now = after
    return float(theta[0]), float(theta[1])


def select_validation_users(learn: Ratings, validation: Ratings, n_movies: int) -> tuple[Histories, Histories]:
    """The histories and the validation interactions of some people, as many as make `MAX_PAIRS` pairs.

    Who has no validation interactions is among them: chances of those alone who have some would be too high.
    """
    users = np.flatnonzero(learn.by_user.counts + validation.by_user.counts)
    some = users[:: max(1, len(users) * n_movies // MAX_PAIRS)]
    return learn.by_user.owned().take(some), validation.by_user.take(some)


def calibrate_on_held_out(
    ratings: Ratings, n_movies: int, scores: Callable[[Ratings, Histories], Float32]
) -> Calibration:
    """Found by a pilot: `scores` learns from nine tenths of the interactions and scores every movie for histories."""
    if len(ratings) < MIN_INTERACTIONS:
        return UNCALIBRATED
    cut = random(ratings, HELD_OUT_SHARE)
    given, later = select_validation_users(cut.train, cut.test, n_movies)
    return Calibration.fitted(scores(cut.train, given), given, later)


def log_estimates(estimates: Float32) -> Float32:
    """The logarithm of estimates of a chance, those near 0 or below it alike."""
    return np.log(np.maximum(estimates, 0) + MIN_PROBABILITY)
