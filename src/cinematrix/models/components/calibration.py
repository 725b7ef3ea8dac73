"""Calibration of scores to probabilities that an unseen movie is among the held-out interactions.

A probability is 1 / (1 + exp(−(slope · score + offset))) (Platt 1999), fitted on interactions that the scoring model
hasn't seen. Scores that estimate a probability go through `log_estimates` first.
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
"""Share of the interactions held out for a model that needs no validation otherwise."""

MAX_PAIRS = 2_000_000
"""Maximum pairs of a user and a movie used to fit."""

MIN_INTERACTIONS = 20
"""Minimum interactions for a calibration; with fewer, none are held out."""

MIN_PROBABILITY = np.float32(3e-3)
"""Offset added to an estimated probability before its logarithm is taken."""

STEPS, HALVINGS, RIDGE = 30, 20, 1e-3
"""Maximum Newton steps, maximum halvings of a step, and the ridge penalty of slope and offset."""


@dataclass(frozen=True)
class Calibration:
    """A slope and an offset that turn scores into probabilities."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, scores: Float32) -> Float32:
        """Return the probabilities of scores, of any shape."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * scores + self.offset, -80, 80))), np.float32)

    @classmethod
    def fitted(cls, scores: Float32, given: Histories, later: Histories) -> Self:
        """Fit slope and offset by maximum likelihood on all movies that a history doesn't hold.

        Newton's method with step halving.

        Args:
            scores: `[n, n_movies]`, each history's scores.
            given: histories that the scores are for.
            later: held-out interactions of the same users.
        """
        watched, unseen = np.zeros(scores.shape, bool), np.ones(scores.shape, bool)
        unseen[given.rows, given.items] = False
        watched[later.rows, later.items] = True
        x, y = scores[unseen].astype(np.float64), watched[unseen]
        mean, deviation = float(x.mean()), max(float(x.std()), 1e-9)
        slope, offset = _fit_logistic((x - mean) / deviation, y)
        return cls(slope / deviation, offset - slope * mean / deviation)

    def array(self) -> NDArray[np.float64]:
        """Return the array to save."""
        return np.array([self.slope, self.offset])

    @classmethod
    def from_array(cls, array: NDArray[np.float64] | None) -> Self:
        """Return the calibration from the output of `array`; None is `UNCALIBRATED`, for models saved without one."""
        return cls() if array is None else cls(*array.tolist())


UNCALIBRATED = Calibration()
"""Calibration of a model before its own is fitted."""


def _fit_logistic(x: NDArray[np.float64], y: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset for scores of mean 0 and deviation 1; `RIDGE` keeps them finite."""
    hits = np.array([x[y].sum(), y.sum()])

    def loss(at: NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, at[0] * x + at[1]).sum() - at @ hits + RIDGE * at @ at / 2)

    theta = np.array([0.0, np.log((hits[1] + 0.5) / (len(y) - hits[1] + 0.5))])
    current = loss(theta)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(theta[0] * x + theta[1])))
        variances = p * (1 - p)
        cross = variances @ x
        curvature = np.array([[(variances * x) @ x, cross], [cross, variances.sum()]]) + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, hits - np.array([p @ x, p.sum()]) - RIDGE * theta)
        candidates = ((theta + 0.5**n * step, loss(theta + 0.5**n * step)) for n in range(HALVINGS))
        theta, after = next(((at, value) for at, value in candidates if value < current), (theta, current))
        if current - after < 1e-9 * abs(current):
            break
        current = after
    return float(theta[0]), float(theta[1])


def select_validation_users(learn: Ratings, validation: Ratings, n_movies: int) -> tuple[Histories, Histories]:
    """Return the histories and the validation interactions of some users, up to `MAX_PAIRS` pairs.

    Users without validation interactions are included: probabilities would be too high without them.
    """
    users = np.flatnonzero(learn.by_user.counts + validation.by_user.counts)
    selected = users[:: max(1, len(users) * n_movies // MAX_PAIRS)]
    return learn.by_user.owned().take(selected), validation.by_user.take(selected)


def calibrate_on_held_out(
    ratings: Ratings, n_movies: int, scores: Callable[[Ratings, Histories], Float32]
) -> Calibration:
    """Fit a calibration by a pilot: `scores` learns from nine tenths of the interactions and scores all movies."""
    if len(ratings) < MIN_INTERACTIONS:
        return UNCALIBRATED
    cut = random(ratings, HELD_OUT_SHARE)
    given, later = select_validation_users(cut.train, cut.test, n_movies)
    return Calibration.fitted(scores(cut.train, given), given, later)


def log_estimates(estimates: Float32) -> Float32:
    """Return the logarithm of estimated probabilities; estimates at or below 0 are equal."""
    return np.log(np.maximum(estimates, 0) + MIN_PROBABILITY)
