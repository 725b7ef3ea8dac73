"""Ordinal regression: the distribution over a scale's steps, given a prediction and facts about its certainty.

    P(rating ≤ step k) = logistic((t_k − m) / s),   s = exp(w_0 + facts · w)        (McCullagh 1980, with a scale)
    P(rating = step k) ∝ (P(rating ≤ step k) − P(rating ≤ step k − 1)) · exp(γ · habit_k)

`m` is the prediction in steps from the scale's middle, `t` are ascending thresholds, `facts` measure the information
about a pair, and `habit` measures which steps a user prefers to their neighbours. It is fitted by maximum likelihood
with a prior: without ratings, thresholds are evenly spaced and the rest has values that suit several data sets.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

UNIFORM_SHARE = 1e-4
"""Share of probability that is spread evenly over the steps, so that none has probability 0."""

MAX_LOG_SCALE = 6.0
"""Bound of the absolute logarithm of `s` in steps, whatever the facts."""

PRIOR_WEIGHTS = (-0.25, 0.8, -0.05, 0.4)
"""Prior mean of the facts' weights: about those of MovieLens and MovieTweetings."""

PRIOR_HABIT = 0.3
"""Prior mean of γ."""

STD_SHIFT, STD_GAP, STD_SCALE, STD_WEIGHT, STD_HABIT = 1.0, 0.5, 1.0, 0.5, 0.5
"""Standard deviations of the prior: of the thresholds' shift in steps, of the logarithm of a gap, and of the rest."""

SMALL_SAMPLE = 200
"""Ratings with which the prior counts twice: the most likely regression of few ratings is too sure of itself."""


@dataclass(frozen=True, eq=False)
class OrdinalRegression:
    """A distribution over `steps` steps.

    Attributes:
        thresholds: float64 `[steps - 1]`, ascending, in steps from the scale's middle.
        weights: float64 `[1 + facts]`, weights of the logarithm of `s`; the first is the constant.
        habit: γ, the weight of a user's habits.
    """

    thresholds: Float64
    weights: Float64
    habit: float

    @classmethod
    def usual(cls, steps: int, deviation: float, facts: NDArray[Any]) -> Self:
        """Return the prior: even thresholds, and the usual weights of facts.

        Args:
            deviation: standard deviation around a prediction of pairs with average facts, in steps.
            facts: `[facts]`, average facts.
        """
        middle = (steps - 1) / 2
        constant = np.log(deviation * 3**0.5 / np.pi) - facts @ np.array(PRIOR_WEIGHTS)
        thresholds = np.arange(steps - 1, dtype=np.float64)
        return cls(thresholds + 0.5 - middle, np.array([constant, *PRIOR_WEIGHTS]), PRIOR_HABIT)

    def probabilities(self, mean: NDArray[Any], facts: NDArray[Any], habits: NDArray[Any]) -> Float64:
        """Return the probability of each step for each pair. float64 `[n, steps]`, rows add up to 1.

        Args:
            mean: `[n]`, predictions in steps from the scale's middle.
            facts: `[n, facts]`.
            habits: `[n, steps]`.
        """
        return _Forward.of(self, mean, facts, habits).probabilities

    def fitted(
        self, mean: NDArray[Any], facts: NDArray[Any], habits: NDArray[Any], found: NDArray[np.int64]
    ) -> "OrdinalRegression":
        """Return the most likely regression for pairs whose ratings are the steps `found`; this one is the prior."""
        if len(found) == 0 or len(self.thresholds) == 0:
            return self
        from scipy.optimize import minimize

        def loss(theta: Float64) -> tuple[float, Float64]:
            deviation = (theta - start) / stds
            forward = _Forward.of(_unpack(theta, steps), mean, facts, habits)
            value, gradient = forward.negative_log_likelihood(facts, habits, found)
            packed = _pack_gradient(theta, gradient, steps)
            return (value + 0.5 * float(deviation @ deviation)) / len(found), (packed + deviation / stds) / len(found)

        steps = len(self.thresholds) + 1
        start, stds = _pack(self), _prior_stds(steps, len(self.weights) - 1) / (1 + SMALL_SAMPLE / len(found)) ** 0.5
        best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-8, "gtol": 1e-5})
        return _unpack(best.x, steps)


@dataclass(frozen=True, eq=False)
class _Forward:
    """Intermediate results of the likelihood, reused by its gradient; `[n]`, `[n, 1]` or `[n, steps]` each."""

    below: Float64  # P(rating ≤ step) of all steps but the last, before habits
    place: Float64  # (t − m) / s
    scale: Float64  # s
    free: NDArray[np.bool_]  # True where `s` isn't at its bound
    tilted: Float64  # exp(γ · habit)
    total: Float64  # normalising sum
    share: Float64  # probabilities before UNIFORM_SHARE

    @classmethod
    def of(cls, model: OrdinalRegression, mean: NDArray[Any], facts: NDArray[Any], habits: NDArray[Any]) -> Self:
        log_scale = model.weights[0] + facts @ model.weights[1:]
        scale = np.exp(np.clip(log_scale, -MAX_LOG_SCALE, MAX_LOG_SCALE))[:, None]
        place = (model.thresholds - mean[:, None]) / scale
        below = 0.5 + 0.5 * np.tanh(0.5 * place)
        ends = np.zeros((len(place), 1))
        between = np.diff(np.hstack([ends, below, ends + 1]), axis=1)
        tilted = np.exp(model.habit * habits)
        raw = (between + 1e-300) * tilted
        total = raw.sum(1, keepdims=True)
        return cls(below, place, scale, np.abs(log_scale) < MAX_LOG_SCALE, tilted, total, raw / total)

    @property
    def probabilities(self) -> Float64:
        mixed: Float64 = (1 - UNIFORM_SHARE) * self.share + UNIFORM_SHARE / self.share.shape[1]
        return mixed

    def negative_log_likelihood(
        self, facts: NDArray[Any], habits: NDArray[Any], found: NDArray[np.int64]
    ) -> tuple[float, tuple[Float64, Float64, float]]:
        """Return −Σ ln P(found), and its gradient by thresholds, weights and γ."""
        rows = np.arange(len(found))
        probability, share = self.probabilities[rows, found], self.share[rows, found]
        by_share = -(1 - UNIFORM_SHARE) / probability
        by_between = -(by_share * share)[:, None] * self.tilted / self.total
        by_between[rows, found] += by_share * self.tilted[rows, found] / self.total[:, 0]
        by_place = -np.diff(by_between, axis=1) * self.below * (1 - self.below)
        by_log_scale = -(by_place * self.place).sum(1) * self.free
        by_habit = by_share * share * (habits[rows, found] - (self.share * habits).sum(1))
        weights = np.concatenate([[by_log_scale.sum()], by_log_scale @ facts])
        return -float(np.log(probability).sum()), ((by_place / self.scale).sum(0), weights, float(by_habit.sum()))


def _pack(model: OrdinalRegression) -> Float64:
    """Return a regression as free numbers: the first threshold, the logarithms of the gaps, the weights, γ."""
    gaps = np.log(np.diff(model.thresholds))
    return np.concatenate([model.thresholds[:1], gaps, model.weights, [model.habit]])


def _unpack(theta: Float64, steps: int) -> OrdinalRegression:
    thresholds = np.cumsum(np.concatenate([theta[:1], np.exp(theta[1 : steps - 1])]))
    return OrdinalRegression(thresholds, theta[steps - 1 : -1], float(theta[-1]))


def _pack_gradient(theta: Float64, gradient: tuple[Float64, Float64, float], steps: int) -> Float64:
    """Return the gradient by the free numbers: a gap moves all thresholds above it."""
    thresholds, weights, habit = gradient
    above = np.cumsum(thresholds[::-1])[::-1]
    return np.concatenate([above[:1], above[1:] * np.exp(theta[1 : steps - 1]), weights, [habit]])


def _prior_stds(steps: int, n_facts: int) -> Float64:
    """Return the prior's standard deviation of each free number."""
    shift = STD_SHIFT * max(1.0, steps / 10)
    return np.array([shift, *[STD_GAP] * (steps - 2), STD_SCALE, *[STD_WEIGHT] * n_facts, STD_HABIT])
