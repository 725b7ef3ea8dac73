"""Sequential comparison of two versions: an interval that may be looked at every day.

A fixed 95 % interval that is looked at daily excludes an absent difference sooner or later. This one is the confidence
sequence of the mixture sequential probability ratio test for normal estimates: it holds at all looks together (Robbins
1970; Johari, Koomen, Pekelis & Walsh 2022, "Always valid inference: continuous monitoring of A/B tests", Operations
Research 70). Users are the units, so that one user's many movies count as one observation.
"""

import math
from typing import NamedTuple

ALPHA = 0.05
"""Maximum chance that any look of all excludes the true difference."""

MIXTURE = 0.02
"""Standard deviation of the differences that the test expects: two movies in a hundred.

In simulations with looks on 60 days, 2.5 % of equal versions were told apart, 1.7 % with 0.01 and 0.4 % with 0.005,
and more of the different ones.
"""

MIN_USERS, MIN_SUCCESSES = 50, 20
"""Minimum users and successes of each version, below which its rate isn't nearly normal and nothing is told."""


class Arm(NamedTuple):
    """Sums over the users of one version, of tries `t` (movies shown) and successes `s` (of them, liked)."""

    users: int
    tries: int
    successes: int
    tries_squared: int
    successes_squared: int
    products: int

    @property
    def rate(self) -> float:
        """Successes a try; NaN without tries."""
        return self.successes / self.tries if self.tries else math.nan

    @property
    def variance(self) -> float:
        """Variance of the rate, by the delta method over users; infinite where there is too little."""
        if self.users < MIN_USERS or self.successes < MIN_SUCCESSES:
            return math.inf
        r = self.rate
        residuals = self.successes_squared - 2 * r * self.products + r * r * self.tries_squared
        return max(residuals, 0.0) * self.users / (self.users - 1) / self.tries**2


class Interval(NamedTuple):
    """An estimate and its interval, infinite where there is too little to tell."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Return whether the estimate differs from 0, whenever that is asked."""
        return self.low > 0 or self.high < 0


def estimate_rate(arm: Arm) -> Interval:
    """Return the rate of one version."""
    return _interval(arm.rate, arm.variance)


def compare_arms(old: Arm, new: Arm) -> Interval:
    """Return the rate of the new version minus that of the old one."""
    return _interval(new.rate - old.rate, old.variance + new.variance)


def _interval(value: float, variance: float) -> Interval:
    if not math.isfinite(variance) or variance <= 0:
        return Interval(value, -math.inf, math.inf)
    whole = variance + MIXTURE**2
    width = math.sqrt(variance * whole / MIXTURE**2 * (math.log(whole / variance) - 2 * math.log(ALPHA)))
    return Interval(value, value - width, value + width)
