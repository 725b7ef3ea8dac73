"""Significance of differences between models: paired tests over users, intervals, Holm's correction.

A measure of a model is Σ sums / Σ weights over users (its square root, for the RMSE), as in
`metrics.accuracy.bootstrap`. Both models have the same users and weights, so users are resampled for intervals, and
each user's two values are swapped for tests.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinematrix.metrics.accuracy import draw_resamples

Float64 = NDArray[np.float64]

RESAMPLES = 2_000
"""Bootstrap resamples of the users for the interval of a difference."""

SIGN_FLIPS = 9_999
"""Random sign flips for a p-value, whose minimum is therefore 0.0001."""

ALPHA = 0.05
"""Significance level: maximum corrected p-value of a significant difference."""

NEGLIGIBLE_DIFFERENCE = 0.005
"""Share of the best value below which a difference is small, whatever its p-value."""


@dataclass(frozen=True)
class Difference:
    """One model's measure minus the best model's: value, 95 % interval, and p-value of no difference."""

    value: float
    low: float
    high: float
    p: float


def compute_differences(
    sums: Float64, best: Float64, weights: Float64, *, root: bool = False, seed: int = 0
) -> list[Difference]:
    """Compare several models with the best one, on the same users.

    The interval is the percentile bootstrap over users. The p-value is that of Fisher's randomisation test, which swaps
    each user's two sums with probability ½. The totals are fixed, so the difference of measures (or of their roots)
    grows with the difference of sums, and it suffices to test the sums. All models use the same draws.

    Args:
        sums: `[users, models]`, each user's summand of the measure of each model.
        best: `[users]`, each user's summand of the measure of the best model.
        weights: `[users]`, each user's summand of the denominator.
        root: the measure is the root of the quotient.
        seed: random seed.

    Returns:
        One difference a model. All values are NaN if no user has a weight; interval and p-value are NaN if only one
        has.
    """
    used = weights > 0
    all_sums, used_weights = np.column_stack([sums, best])[used], weights[used]
    n_users, n_models = len(used_weights), sums.shape[1]
    value, low, high, p = np.full((4, n_models), np.nan)
    if n_users:
        value = _subtract_best(np.append(all_sums.sum(0), used_weights.sum())[None], root)[0]
    if n_users > 1:
        both = np.column_stack([all_sums, used_weights])
        resampled = np.vstack([draws @ both for draws in draw_resamples(n_users, seed, RESAMPLES)])
        low, high = np.quantile(_subtract_best(resampled, root), [0.025, 0.975], axis=0)
        p = randomisation_test(all_sums[:, :-1] - all_sums[:, -1:], seed)
    return [Difference(*numbers) for numbers in np.column_stack([value, low, high, p]).tolist()]


def _subtract_best(totals: Float64, root: bool) -> Float64:
    """Subtract the best model's measure from each model's. `totals` `[n, models + 2]`: models, best, weights."""
    measures = totals[:, :-1] / totals[:, -1:]
    measures = np.sqrt(measures) if root else measures
    differences: Float64 = measures[:, :-1] - measures[:, -1:]
    return differences


def randomisation_test(differences: Float64, seed: int = 0) -> Float64:
    """Two-sided p-value of each column's sum under random signs of the rows (Fisher 1935, §21).

    The observed signs count as one of the draws, so the p-value is valid and never 0 (Phipson & Smyth 2010). Sums that
    equal the observed one up to rounding count as reaching it. `differences` `[users, models]`, p-values `[models]`.
    """
    generator, n = np.random.default_rng(seed), len(differences)
    block_size = max(1, 4_000_000 // max(n, 1))
    observed = differences.sum(0)
    threshold, reached = np.abs(observed) * (1 - 1e-9), np.zeros(len(observed), np.int64)
    for start in range(0, SIGN_FLIPS, block_size):
        heads = generator.integers(2, size=(min(block_size, SIGN_FLIPS - start), n), dtype=np.int8)
        reached += np.count_nonzero(np.abs(2.0 * (heads @ differences) - observed) >= threshold, axis=0)
    p_values: Float64 = (1 + reached) / (1 + SIGN_FLIPS)
    return p_values


def holm_correction(p_values: Float64) -> Float64:
    """Holm's step-down correction (1979): the probability of any false alarm among all tests stays below α.

    The smallest of m p-values is multiplied by m, the next by m − 1 and so on. Each result is at least the one before
    and at most 1. NaN means that a test wasn't done; it stays NaN and doesn't count.
    """
    corrected = np.full(len(p_values), np.nan)
    tests = np.flatnonzero(np.isfinite(p_values))
    order = tests[np.argsort(p_values[tests], kind="stable")]
    corrected[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * np.arange(len(tests), 0, -1)))
    return corrected


def describe_difference(difference: Difference, corrected_p: float, best: float) -> str:
    """Describe a difference from the best model in words, by its corrected p-value and its size.

    A difference below `NEGLIGIBLE_DIFFERENCE` of the best value is small. A significant difference is `worse`, or
    `a little worse` if it is small. Without significance it is `as good` if its whole interval is small, else
    `can't be told apart`.
    """
    small = NEGLIGIBLE_DIFFERENCE * abs(best)
    if not np.isfinite(corrected_p):
        return "not tested"
    if corrected_p < ALPHA:
        return "worse" if abs(difference.value) >= small else "a little worse"
    return "as good" if max(abs(difference.low), abs(difference.high)) < small else "can't be told apart"
