"""Whether two models differ, by what each user's ratings say of both: paired tests, intervals, Holm's correction.

A measure of a model is Σ sums / Σ weights over users (its square root, for the RMSE), as in `metrics.bootstrap`: both
models have the same users and weights, so users are what is drawn again and what changes sides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinematrix.metrics.accuracy import draw_resamples

Float64 = NDArray[np.float64]

RESAMPLES = 2_000
"""Of the users, with replacement, for the interval of a difference."""

SIGN_FLIPS = 9_999
"""Random changes of sides for a p-value, which is therefore 0.0001 at least."""

ALPHA = 0.05
"""A corrected p-value below this tells two models apart."""

NEGLIGIBLE_DIFFERENCE = 0.005
"""A difference of less than this share of the best value is a small one, whatever its p-value."""


@dataclass(frozen=True)
class Difference:
    """One model's measure minus the best one's: the value, its 95 % interval, the p-value of no difference."""

    value: float
    low: float
    high: float
    p: float


def compute_differences(
    sums: Float64, best: Float64, weights: Float64, *, root: bool = False, seed: int = 0
) -> list[Difference]:
    """Compare several models with the best one, on the same users.

    The interval is the percentile bootstrap over users. The p-value is that of Fisher's randomisation test, in which
    each user's sums change sides or don't, by a fair coin: with the totals fixed, the difference of measures, roots
    too, is the larger the larger the difference of sums is, so the sums alone decide. All models see the same draws.

    Args:
        sums: `[users, models]`, what each user adds to the measure of each model.
        best: `[users]`, what she adds to that of the best one.
        weights: `[users]`, what she adds to the denominator.
        root: the measure is the root of the quotient.
        seed: of the draws.

    Returns:
        One a model: NaN throughout where nobody has a weight; NaN for interval and p-value where only one user has.
    """
    used = weights > 0
    all_, of = np.column_stack([sums, best])[used], weights[used]
    n_users, n_models = len(of), sums.shape[1]
    value, low, high, p = np.full((4, n_models), np.nan)
    if n_users:
        value = _gaps(np.append(all_.sum(0), of.sum())[None], root)[0]
    if n_users > 1:
        both = np.column_stack([all_, of])
        drawn = np.vstack([draws @ both for draws in draw_resamples(n_users, seed, RESAMPLES)])
        low, high = np.quantile(_gaps(drawn, root), [0.025, 0.975], axis=0)
        p = randomisation_test(all_[:, :-1] - all_[:, -1:], seed)
    return [Difference(*numbers) for numbers in np.column_stack([value, low, high, p]).tolist()]


def _gaps(totals: Float64, root: bool) -> Float64:
    """Each model's measure minus the best one's. `totals` `[n, models + 2]`: the best is last but one, then weights."""
    measures = totals[:, :-1] / totals[:, -1:]
    measures = np.sqrt(measures) if root else measures
    gaps: Float64 = measures[:, :-1] - measures[:, -1:]
    return gaps


def randomisation_test(differences: Float64, seed: int = 0) -> Float64:
    """The two-sided p-value of each column's sum, had each row's sign come up by chance (Fisher 1935, §21).

    The given signs count as one of the draws, so that the p-value is valid and never 0 (Phipson & Smyth 2010). A sum
    as large as the given one up to rounding is as large. `compute_differences` `[users, models]`, p-values `[models]`.
    """
    generator, n = np.random.default_rng(seed), len(differences)
    at_once = max(1, 4_000_000 // max(n, 1))
    given = differences.sum(0)
    least, reached = np.abs(given) * (1 - 1e-9), np.zeros(len(given), np.int64)
    for start in range(0, SIGN_FLIPS, at_once):
        heads = generator.integers(2, size=(min(at_once, SIGN_FLIPS - start), n), dtype=np.int8)
        reached += np.count_nonzero(np.abs(2.0 * (heads @ differences) - given) >= least, axis=0)
    p_values: Float64 = (1 + reached) / (1 + SIGN_FLIPS)
    return p_values


def holm_correction(p_values: Float64) -> Float64:
    """Holm's step-down correction (1979): the chance of any false alarm among all the tests stays below α.

    The smallest of m p-values is multiplied by m, the next by m − 1 and so on; none may be below an earlier one, nor
    above 1. Tests without a p-value (NaN) weren't done and don't count.
    """
    corrected = np.full(len(p_values), np.nan)
    done = np.flatnonzero(np.isfinite(p_values))
    order = done[np.argsort(p_values[done], kind="stable")]
    corrected[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * np.arange(len(done), 0, -1)))
    return corrected


def describe_difference(found: Difference, corrected_p: float, best: float) -> str:
    """What a comparison with the best model comes to, in words: by the corrected p-value and by the size.

    `worse` and `a little worse` (by less than `NEGLIGIBLE_DIFFERENCE` of the best value) are told apart by the test; `as good` isn't,
    and its whole interval lies within `NEGLIGIBLE_DIFFERENCE`; of anything else these ratings can't say.
    """
    little = NEGLIGIBLE_DIFFERENCE * abs(best)
    if not np.isfinite(corrected_p):
        return "not tested"
    if corrected_p < ALPHA:
        return "worse" if abs(found.value) >= little else "a little worse"
    return "as good" if max(abs(found.low), abs(found.high)) < little else "can't be told apart"
