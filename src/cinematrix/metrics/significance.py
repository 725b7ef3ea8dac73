"""Significance of differences between models: paired tests over users, intervals, Holm's correction.

A measure of a model is Σ sums / Σ weights over users (its square root, for the RMSE), as in
`metrics.accuracy.bootstrap`. Both models are measured on the same users, so users are resampled for intervals, and each
user's two values are swapped for tests. A user may have a value for one model only, such as the share of disliked
movies among those of a list that were tested: a weight of 0 is then swapped too.
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

    The interval is the percentile bootstrap over users, and the p-value that of `randomisation_test`. All models use
    the same draws.

    Args:
        sums: `[users, models]`, each user's summand of the measure of each model.
        best: `[users]`, each user's summand of the measure of the best model.
        weights: each user's summand of the denominator: `[users]` if it is the same for all models, else
            `[users, models + 1]` with the best model's at the end.
        root: the measure is the root of the quotient.
        seed: random seed.

    Returns:
        One difference a model. All values are NaN if no user has a weight in one of the two; interval and p-value are
        NaN if only one has.
    """
    models = np.column_stack([sums, best])
    both = np.stack([models, np.broadcast_to(weights if weights.ndim == 2 else weights[:, None], models.shape)])
    both = both[:, both[1].any(axis=1)]
    value = _subtract_best(both.sum(1), root)
    low, high, p = np.full((3, sums.shape[1]), np.nan)
    users = np.count_nonzero(both[1], axis=0)
    several = (users[:-1] > 1) & (users[-1] > 1)
    if several.any():
        both = both[:, :, np.append(several, True)]
        draws = draw_resamples(both.shape[1], seed, RESAMPLES)
        resampled = _subtract_best(np.concatenate([draw @ both for draw in draws], axis=1), root)
        low[several], high[several] = np.nanquantile(resampled, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
        p[several] = randomisation_test(both[0], both[1], root=root, seed=seed)
    return [Difference(*numbers) for numbers in np.column_stack([value, low, high, p]).tolist()]


def _subtract_best(totals: Float64, root: bool) -> Float64:
    """Subtract the best model's measure, the last, from the others'; `totals` are sums and weights `[2, …, models]`."""
    measures = _measure(totals, root)
    differences: Float64 = measures[..., :-1] - measures[..., -1:]
    return differences


def _measure(totals: Float64, root: bool) -> Float64:
    """Divide sums by weights, `[2, …]`; NaN without a weight."""
    quotients = np.full(totals[0].shape, np.nan)
    np.divide(totals[0], totals[1], out=quotients, where=totals[1] > 0)
    return np.sqrt(np.maximum(quotients, 0)) if root else quotients  # rounding can leave −1e-17


def randomisation_test(sums: Float64, weights: Float64, *, root: bool = False, seed: int = 0) -> Float64:
    """Two-sided p-value of each model's difference from the best one, by Fisher's randomisation test (1935, §21).

    Each draw swaps each user's sums and weights of the two models with probability ½. The observed assignment counts as
    one of the draws, so the p-value is valid and never 0 (Phipson & Smyth 2010). Differences that equal the observed
    one up to rounding count as reaching it, and so do those of a draw that leaves one side without a weight.

    Args:
        sums, weights: `[users, models + 1]`, as in `compute_differences`, with the best model at the end.
        root: the measure is the root of the quotient.
        seed: random seed.
    """
    generator, n = np.random.default_rng(seed), len(sums)
    block_size = max(1, 4_000_000 // max(n, 1))
    both = np.stack([sums, weights])
    moved = both[:, :, -1:] - both[:, :, :-1]  # added to a model's totals, and taken from the best's, by a user's swap
    totals = both.sum(1)[:, None]
    threshold = np.abs(_subtract_best(totals, root)[0]) * (1 - 1e-9)
    reached = np.zeros(len(threshold), np.int64)
    for start in range(0, SIGN_FLIPS, block_size):
        heads = generator.integers(2, size=(min(block_size, SIGN_FLIPS - start), n), dtype=np.int8)
        moves = heads @ moved
        swapped = _measure(totals[:, :, :-1] + moves, root) - _measure(totals[:, :, -1:] - moves, root)
        reached += np.count_nonzero(~(np.abs(swapped) < threshold), axis=0)
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
