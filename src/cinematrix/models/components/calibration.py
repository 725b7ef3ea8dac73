"""Calibration of scores to probabilities that an unseen movie is among the held-out interactions.

A probability is 1 / (1 + exp(−(slope · score + offset))) (Platt 1999), fitted on interactions that the scoring model
hasn't seen. Scores that estimate a probability go through `log_estimates` first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random
from cinematrix.metrics.top_n import sort_descending

Float32 = NDArray[np.float32]

HELD_OUT_SHARE = 0.1
"""Share of the interactions held out for a model that needs no validation otherwise."""

MAX_PAIRS = 2_000_000
"""Maximum pairs of a user and a movie used to fit."""

MIN_INTERACTIONS = 20
"""Minimum interactions for a calibration; with fewer, none are held out."""

MIN_PROBABILITY = np.float32(3e-3)
"""Offset added to an estimated probability before its logarithm is taken."""

MAX_LOGIT = np.float32(80)
"""Largest absolute logit of a small probability; float32 has no exponential of 89."""

MAX_SLOPE = 100.0
"""Maximum slope within users, for scores of deviation 1."""

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

    def log(self, scores: Float32) -> Float32:
        """Return the logarithms of the probabilities of scores, of any shape."""
        odds: Float32 = -np.float32(self.slope) * scores
        odds -= np.float32(self.offset)
        np.minimum(odds, MAX_LOGIT, out=odds)
        np.exp(odds, out=odds)
        odds += 1
        np.log(odds, out=odds)
        odds *= -1
        return odds

    @classmethod
    def fitted_within_users(cls, scores: Float32, given: Histories, later: Histories) -> Self:
        """Fit the slope within each user, and the offset to the number of held-out interactions.

        The pooled slope of `fitted` also explains why some users have more interactions than others, and is too steep
        for ordering one user's movies. This slope is that of a conditional logit (McFadden 1974): each held-out movie
        is a choice among all that the user hasn't seen.

        Args:
            scores, given, later: as in `fitted`.
        """
        unseen = scores.astype(np.float64)
        unseen[given.rows, given.items] = -np.inf
        rows = later.rows[np.isfinite(unseen[later.rows, later.items])]
        chosen = unseen[later.rows, later.items]
        chosen = chosen[np.isfinite(chosen)]
        if not len(chosen):
            return cls()
        slope = _fit_conditional_slope(unseen, rows, chosen)
        return cls(slope, _fit_offset(slope * unseen[np.isfinite(unseen)], len(chosen)))

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


def _fit_conditional_slope(scores: NDArray[np.float64], rows: NDArray[np.int32], chosen: NDArray[np.float64]) -> float:
    """Return the slope that makes the chosen scores of `rows` most likely among all finite scores of their rows."""
    from scipy.optimize import brentq  # takes a quarter of a second, of use only in training

    counts, below_best = np.bincount(rows, minlength=len(scores)), scores - scores.max(axis=1, keepdims=True)
    values = np.where(np.isfinite(scores), scores, 0)

    def gradient(slope: float) -> float:
        weights = np.exp(slope * below_best)
        return float(chosen.sum() - counts @ ((weights * values).sum(1) / weights.sum(1)) - RIDGE * slope)

    steepest = MAX_SLOPE / max(float(scores[np.isfinite(scores)].std()), 1e-9)
    if gradient(1e-9 * steepest) <= 0:
        return 0.0
    return steepest if gradient(steepest) >= 0 else float(brentq(gradient, 1e-9 * steepest, steepest, rtol=1e-6))


def _fit_offset(logits: NDArray[np.float64], expected: int) -> float:
    """Return the offset at which the probabilities of `logits` add up to `expected`."""
    from scipy.optimize import brentq

    def surplus(offset: float) -> float:
        return float(expit(logits + offset).sum()) - expected

    return float(brentq(surplus, -100 - logits.max(), 100 - logits.min(), xtol=1e-6))


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


def chances_by_place(scores: Float32) -> Float32:
    """Return logarithms of chances, up to a constant, from the places of uncalibrated scores. `[n, movies]`.

    The chance of the movie at place r of its row, counted from 0, is taken as proportional to (r + 20)⁻².
    """
    order = sort_descending(scores)
    by_place = -2 * np.log(np.arange(scores.shape[1], dtype=np.float32) + 20)
    chances = np.empty_like(scores)
    np.put_along_axis(chances, order, np.broadcast_to(by_place, scores.shape), axis=1)
    return chances
