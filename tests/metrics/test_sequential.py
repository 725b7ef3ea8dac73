"""The sequential comparison of two versions: `metrics.sequential`."""

import math
from typing import Any

import numpy as np
import pytest

from cinematrix.metrics.sequential import Arm, compare_arms, estimate_rate


def sum_up(tries: Any, successes: Any) -> list[Arm]:
    """Return the sums of users in the last axis, for each run."""
    sums = [tries.sum(-1), successes.sum(-1), *((a * b).sum(-1) for a, b in _pairs(tries, successes))]
    return [Arm(tries.shape[-1], *row) for row in zip(*(each.tolist() for each in sums), strict=True)]


def _pairs(tries: Any, successes: Any) -> list[tuple[Any, Any]]:
    return [(tries, tries), (successes, successes), (tries, successes)]


def look_daily(better: float, runs: int = 400, days: int = 60) -> np.ndarray[Any, Any]:
    """Return whether each run finds a difference, in any of its daily looks, and of which sign.

    700 users, a seventh of them in the new arm, come on a fifth of the days and like a share of the films that differs
    from user to user.
    """
    rng, split = np.random.default_rng(4), 600
    liking = rng.beta(2, 30, (runs, 700))
    liking[:, split:] *= better
    tries, successes = np.zeros((2, runs, 700), np.int64)
    found = np.zeros(runs)
    for _ in range(days):
        shown = rng.poisson(8, tries.shape) * (rng.random(tries.shape) < 0.2)
        tries, successes = tries + shown, successes + rng.binomial(shown, liking)
        arms = zip(
            *(sum_up(tries[:, part], successes[:, part]) for part in (np.s_[:split], np.s_[split:])), strict=True
        )
        looks = [compare_arms(*pair) for pair in arms]
        signs = [np.sign(look.value) * look.excludes_zero for look in looks]
        found = np.where(found == 0, signs, found)
    return found


def test_daily_looks_raise_few_false_alarms() -> None:
    """Equal versions, whose users differ, are told apart in at most a twentieth of the runs; better ones are found."""
    assert np.mean(look_daily(1) != 0) <= 0.05
    assert np.mean(look_daily(1.8, 50) == 1) >= 0.9


def test_rates_by_hand() -> None:
    """The variance of the rate is that of the users' residuals; below the minimum nothing is told."""
    tries, successes = np.array([[10, 20] * 40]), np.array([[1, 1] * 40])
    (arm,) = sum_up(tries, successes)
    residuals = successes - tries / 15
    assert arm.rate == pytest.approx(1 / 15)
    assert arm.variance == pytest.approx(np.sum(residuals**2) * 80 / 79 / 1200**2)
    rate = estimate_rate(arm)
    assert 0 < rate.low < rate.value < rate.high
    assert compare_arms(arm, arm).value == 0
    few = estimate_rate(arm._replace(users=49))
    assert (few.low, few.high) == (-math.inf, math.inf)
    assert not few.excludes_zero
    assert math.isnan(Arm(0, 0, 0, 0, 0, 0).rate)
