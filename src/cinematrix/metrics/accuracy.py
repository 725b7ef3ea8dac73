"""Metrics of accuracy: free functions that return one value a user, NaN where a user has none.

Who calls averages (`nanmean`), and so intervals and tests over users come for free. Lists arrive as
`ranked`, int32 `[users, k]` movie numbers, best first, padded with `UNKNOWN`, as `ranking.top_n` makes
them; `k` is the width of the array. `relevant` has one history a user: the movies that were worth
finding, whether or not they can be ranked. A user without one gets NaN from every ranking metric.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories, find_entries
from cinematrix.data.ids import Numbers

PerUser = NDArray[np.float64]
"""One value a user; NaN where it isn't defined."""


def rmse(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Root mean squared error, pooled over all ratings (the figure of the literature); NaN without ratings."""
    errors = _errors(truth, predicted)
    return float(np.sqrt(np.mean(errors**2))) if len(errors) else float("nan")


def mae(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Mean absolute error, pooled over all ratings; NaN without ratings."""
    errors = _errors(truth, predicted)
    return float(np.mean(np.abs(errors))) if len(errors) else float("nan")


def user_rmse(rows: Numbers, truth: NDArray[Any], predicted: NDArray[Any], n_users: int) -> PerUser:
    """Root mean squared error of each user's ratings; rating `i` is of user `rows[i]`."""
    return np.sqrt(user_means(rows, _errors(truth, predicted) ** 2, n_users))


def user_mae(rows: Numbers, truth: NDArray[Any], predicted: NDArray[Any], n_users: int) -> PerUser:
    """Mean absolute error of each user's ratings; rating `i` is of user `rows[i]`."""
    return user_means(rows, np.abs(_errors(truth, predicted)), n_users)


def ndcg(ranked: Numbers, relevant: Histories, *, graded: bool = False) -> PerUser:
    """Normalised discounted cumulative gain at `k` (Järvelin & Kekäläinen 2002).

    The sum of gain / log₂(place + 1) over the list, places from 1, divided by that of the ideal list, which
    is cut at `k` too. The gain of a relevant movie is 1, or its value (the stars, linear) if `graded`.
    """
    values = relevant.values if graded else None
    gains = np.ones(len(relevant.items)) if values is None else values.astype(np.float64)
    place = _found(ranked, relevant)
    found = np.where(place >= 0, np.append(gains, 0)[place], 0)  # -1 picks the 0 appended
    discounts = 1 / np.log2(np.arange(ranked.shape[1]) + 2)
    return ratio(found @ discounts, _ideal(relevant, gains, discounts))


def recall(ranked: Numbers, relevant: Histories) -> PerUser:
    """The share of the relevant movies that are in the list: hits / relevant (not / min(k, relevant))."""
    return ratio(hits(ranked, relevant).sum(axis=1), relevant.counts)


def precision(ranked: Numbers, relevant: Histories) -> PerUser:
    """The share of the list that is relevant: hits / k, where a list is short too."""
    return ratio(hits(ranked, relevant).sum(axis=1) / ranked.shape[1], relevant.counts > 0)


def average_precision(ranked: Numbers, relevant: Histories) -> PerUser:
    """Average precision at `k`, whose mean over users is MAP.

    The sum, over the places of the hits, of the precision up to there, divided by the number of relevant
    movies (as trec_eval does; not by min(k, relevant), so that one can reach 1 only with k or fewer).
    """
    hit = hits(ranked, relevant)
    precisions = np.cumsum(hit, axis=1) / np.arange(1, ranked.shape[1] + 1)
    return ratio((precisions * hit).sum(axis=1), relevant.counts)


def reciprocal_rank(ranked: Numbers, relevant: Histories) -> PerUser:
    """1 / the place of the first hit, 0 if there is none in the list; its mean over users is MRR."""
    hit = hits(ranked, relevant)
    first = np.where(hit.any(axis=1), 1 / (hit.argmax(axis=1) + 1), 0)
    return ratio(first, relevant.counts > 0)


def hit_rate(ranked: Numbers, relevant: Histories) -> PerUser:
    """1 if anything in the list is relevant, else 0."""
    return ratio(hits(ranked, relevant).max(axis=1), relevant.counts > 0)


def hits(ranked: Numbers, relevant: Histories) -> NDArray[np.bool_]:
    """Which entries of the lists are relevant. bool `[users, k]`."""
    found: NDArray[np.bool_] = _found(ranked, relevant) >= 0
    return found


def _found(ranked: Numbers, relevant: Histories) -> NDArray[np.int64]:
    return find_entries(relevant, np.arange(len(relevant))[:, None], ranked)


def bootstrap(
    sums: NDArray[Any], weights: NDArray[Any], seed: int = 0, resamples: int = 1_000
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % interval of Σ sums / Σ weights over users, by drawing users again with replacement.

    Percentile bootstrap (Efron 1979). A mean over users has weight 1 where it is defined and 0 elsewhere; a
    pooled error has each user's summed errors and number of ratings. All columns see the same resamples.

    Args:
        sums: `[users, m]`, one column a metric.
        weights: `[users, m]`.
        seed: of the draws.
        resamples: how many.

    Returns:
        Low and high ends, `[m]` each; NaN for a metric that fewer than two users have.
    """
    n_users, n_metrics = sums.shape
    low, high = np.full((2, n_metrics), np.nan)
    several = np.count_nonzero(weights, axis=0) > 1
    if not several.any():
        return low, high
    both = np.hstack([sums[:, several], weights[:, several]]).astype(np.float64)
    totals = np.vstack([draws @ both for draws in draw_resamples(n_users, seed, resamples)])
    drawn, of = np.hsplit(totals, 2)
    ratios = np.divide(drawn, of, out=np.full(drawn.shape, np.nan), where=of > 0)
    low[several], high[several] = np.nanquantile(ratios, [0.025, 0.975], axis=0)
    return low, high


def draw_resamples(n_users: int, seed: int, resamples: int) -> Iterator[NDArray[np.float64]]:
    """How often each resample draws each user, a few resamples at a time: `[some, users]`."""
    generator = np.random.default_rng(seed)
    at_once = max(1, 500_000 // n_users)
    for start in range(0, resamples, at_once):
        some = min(at_once, resamples - start)
        drawn = generator.integers(n_users, size=(some, n_users)) + np.arange(some)[:, None] * n_users
        yield np.bincount(drawn.ravel(), minlength=some * n_users).reshape(some, n_users).astype(np.float64)


def _ideal(relevant: Histories, gains: PerUser, discounts: PerUser) -> PerUser:
    """The discounted gain of the best list of each user, cut at `len(discounts)`."""
    order = np.lexsort((-gains, relevant.rows))
    place = np.arange(len(gains)) - np.repeat(relevant.starts[:-1], relevant.counts)
    inside = place < len(discounts)
    weights = gains[order][inside] * discounts[place[inside]]
    return np.bincount(relevant.rows[inside], weights, len(relevant)).astype(np.float64)


def _errors(truth: NDArray[Any], predicted: NDArray[Any]) -> PerUser:
    return np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)


def user_means(rows: Numbers, values: NDArray[Any], n_users: int) -> PerUser:
    """The mean of each user's values; value `i` is of user `rows[i]`."""
    return ratio(np.bincount(rows, values, n_users), np.bincount(rows, minlength=n_users))


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> PerUser:
    """`numerator / denominator`, NaN where the denominator is 0."""
    quotient = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
