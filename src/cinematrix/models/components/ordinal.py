"""Ordinal regression: how likely each step of a scale is, given what was predicted and how sure that is.

    P(rating ≤ step k) = logistic((t_k − m) / s),   s = exp(w_0 + facts · w)        (McCullagh 1980, with a scale)
    P(rating = step k) ∝ that one's differences · exp(γ · habit_k)

`m` is the prediction in steps from the scale's middle, `t` are ascending thresholds, `facts` say how much is known of
a pair, and `habit` tells which steps a user gives more often than their neighbours. Learned by maximum likelihood
with a prior: without any rating the thresholds are evenly spaced and the rest is what was found on several data sets.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

UNIFORM_SHARE = 1e-4
"""The share of probability that is spread evenly over the steps: nothing is impossible."""

MAX_LOG_SCALE = 6.0
"""The logarithm of `s` in steps stays within ± this, whatever the facts."""

PRIOR_WEIGHTS = (-0.25, 0.8, -0.05, 0.4)
"""Weights of the facts before any rating is seen: about those of MovieLens and MovieTweetings."""

PRIOR_HABIT = 0.3
DOUBT_SHIFT, DOUBT_GAP, DOUBT_SCALE, DOUBT_WEIGHT, DOUBT_HABIT = 1.0, 0.5, 1.0, 0.5, 0.5
"""Standard deviations of the prior: the thresholds' shift in steps, the logarithm of a gap, and of the rest."""


@dataclass(frozen=True, eq=False)
class OrdinalRegression:
    """The distribution over `steps` steps.

    Attributes:
        thresholds: float64 `[steps - 1]`, ascending, in steps from the scale's middle.
        weights: float64 `[1 + facts]`, of the logarithm of `s`; the first is the constant.
        habit: γ, how far a user's habits are followed.
    """

    thresholds: Float64
    weights: Float64
    habit: float

    @classmethod
    def usual(cls, steps: int, deviation: float) -> Self:
        """Before any rating: even thresholds, and `deviation`, the standard deviation around a prediction in steps."""
        middle = (steps - 1) / 2
        constant, thresholds = np.log(deviation * 3**0.5 / np.pi), np.arange(steps - 1, dtype=np.float64)
        return cls(thresholds + 0.5 - middle, np.array([constant, *PRIOR_WEIGHTS]), PRIOR_HABIT)

    def probabilities(self, mean: NDArray[Any], facts: NDArray[Any], habits: NDArray[Any]) -> Float64:
        """The probability of each step for each pair. float64 `[n, steps]`, rows add up to 1.

        Args:
            mean: `[n]`, predictions in steps from the scale's middle.
            facts: `[n, facts]`.
            habits: `[n, steps]`.
        """
        return _Forward.of(self, mean, facts, habits).probabilities

    def fitted(
        self, mean: NDArray[Any], facts: NDArray[Any], habits: NDArray[Any], found: NDArray[np.int64]
    ) -> "OrdinalRegression":
        """The most likely regression where the ratings of pairs were the steps `found`, with this one as the prior."""
        if len(found) == 0 or len(self.thresholds) == 0:
            return self
        from scipy.optimize import minimize

        def loss(theta: Float64) -> tuple[float, Float64]:
            slip = (theta - start) / doubt
            forward = _Forward.of(_unpacked(theta, steps), mean, facts, habits)
            value, gradient = forward.negative_log_likelihood(facts, habits, found)
            packed = _packed_gradient(theta, gradient, steps)
            return (value + 0.5 * float(slip @ slip)) / len(found), (packed + slip / doubt) / len(found)

        steps = len(self.thresholds) + 1
        start, doubt = _packed(self), _prior_stds(steps, len(self.weights) - 1)
        best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-8, "gtol": 1e-5})
        return _unpacked(best.x, steps)


@dataclass(frozen=True, eq=False)
class _Forward:
    """What one evaluation of the likelihood leaves for its gradient; `[n]`, `[n, 1]` or `[n, steps]` each."""

    below: Float64  # P(rating ≤ step) of all steps but the last, before habits
    place: Float64  # (t − m) / s
    scale: Float64  # s
    free: NDArray[np.bool_]  # whether `s` isn't at its bound
    tilted: Float64  # exp(γ · habit)
    total: Float64  # what is divided by
    share: Float64  # probabilities before EVEN

    @classmethod
    def of(cls, model: OrdinalRegression, mean: NDArray[Any], facts: NDArray[Any], habits: NDArray[Any]) -> Self:
        wanted = model.weights[0] + facts @ model.weights[1:]
        scale = np.exp(np.clip(wanted, -MAX_LOG_SCALE, MAX_LOG_SCALE))[:, None]
        place = (model.thresholds - mean[:, None]) / scale
        below = 0.5 + 0.5 * np.tanh(0.5 * place)
        ends = np.zeros((len(place), 1))
        between = np.diff(np.hstack([ends, below, ends + 1]), axis=1)
        tilted = np.exp(model.habit * habits)
        raw = (between + 1e-300) * tilted
        total = raw.sum(1, keepdims=True)
        return cls(below, place, scale, np.abs(wanted) < MAX_LOG_SCALE, tilted, total, raw / total)

    @property
    def probabilities(self) -> Float64:
        even: Float64 = (1 - UNIFORM_SHARE) * self.share + UNIFORM_SHARE / self.share.shape[1]
        return even

    def negative_log_likelihood(
        self, facts: NDArray[Any], habits: NDArray[Any], found: NDArray[np.int64]
    ) -> tuple[float, tuple[Float64, Float64, float]]:
        """−Σ ln P(found), and its gradient by thresholds, weights and γ."""
        rows = np.arange(len(found))
        got, share = self.probabilities[rows, found], self.share[rows, found]
        by_share = -(1 - UNIFORM_SHARE) / got
        by_between = -(by_share * share)[:, None] * self.tilted / self.total
        by_between[rows, found] += by_share * self.tilted[rows, found] / self.total[:, 0]
        by_place = -np.diff(by_between, axis=1) * self.below * (1 - self.below)
        by_log_scale = -(by_place * self.place).sum(1) * self.free
        by_habit = by_share * share * (habits[rows, found] - (self.share * habits).sum(1))
        weights = np.concatenate([[by_log_scale.sum()], by_log_scale @ facts])
        return -float(np.log(got).sum()), ((by_place / self.scale).sum(0), weights, float(by_habit.sum()))


def _packed(model: OrdinalRegression) -> Float64:
    """A regression as free numbers: the first threshold, the logarithms of the gaps, the weights, γ."""
    gaps = np.log(np.diff(model.thresholds))
    return np.concatenate([model.thresholds[:1], gaps, model.weights, [model.habit]])


def _unpacked(theta: Float64, steps: int) -> OrdinalRegression:
    thresholds = np.cumsum(np.concatenate([theta[:1], np.exp(theta[1 : steps - 1])]))
    return OrdinalRegression(thresholds, theta[steps - 1 : -1], float(theta[-1]))


def _packed_gradient(theta: Float64, gradient: tuple[Float64, Float64, float], steps: int) -> Float64:
    """The gradient by the free numbers: a gap moves all thresholds above it."""
    thresholds, weights, habit = gradient
    above = np.cumsum(thresholds[::-1])[::-1]
    return np.concatenate([above[:1], above[1:] * np.exp(theta[1 : steps - 1]), weights, [habit]])


def _prior_stds(steps: int, n_facts: int) -> Float64:
    """The prior's standard deviation of each free number."""
    shift = DOUBT_SHIFT * max(1.0, steps / 10)
    return np.array([shift, *[DOUBT_GAP] * (steps - 2), DOUBT_SCALE, *[DOUBT_WEIGHT] * n_facts, DOUBT_HABIT])
