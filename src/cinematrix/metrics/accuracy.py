"""Accuracy metrics: functions that return one value a user, NaN where it is undefined.

The caller averages (`nanmean`), so intervals and tests over users need no other code. `ranked` holds the lists, int32
`[users, k]` movie numbers, best first, padded with `UNKNOWN`, as `metrics.top_n.top_n` returns them; `k` is the width
of the array. `relevant` has one history a user: the relevant movies, whether or not they can be ranked. Every ranking
metric is NaN for a user without a relevant movie.
"""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories, find_entries
from cinematrix.data.ids import Numbers

PerUser = NDArray[np.float64]
"""One value a user; NaN where it is undefined. float64 `[users]`."""

Gain = Literal["binary", "linear", "exponential"]
"""Gain of a relevant movie in NDCG: 1, its value, or 2^value − 1."""


def rmse(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Root mean squared error, pooled over all ratings as in the literature; NaN without ratings."""
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


def ndcg(ranked: Numbers, relevant: Histories, *, gain: Gain = "binary") -> PerUser:
    """Normalised discounted cumulative gain at `k` (Järvelin & Kekäläinen 2002).

    The sum of gain / log₂(place + 1) over the list, places from 1, divided by that of the ideal list, which
    is cut at `k` too.

    Args:
        gain: of a relevant movie: `binary`, 1 for each; `linear`, its value (the stars); `exponential`, 2^value − 1
            (Burges et al. 2005). Interactions, which have no values, have the gain 1.
    """
    gains = _compute_gains(relevant, gain)
    place = _find_relevant(ranked, relevant)
    list_gains = np.where(place >= 0, np.append(gains, 0)[place], 0)  # -1 picks the 0 appended
    discounts = 1 / np.log2(np.arange(ranked.shape[1]) + 2)
    return ratio(list_gains @ discounts, _ideal_gain(relevant, gains, discounts))


def recall(ranked: Numbers, relevant: Histories, *, capped: bool = False) -> PerUser:
    """Recall at `k`: hits / relevant movies.

    Args:
        capped: divide by min(k, relevant movies), as Liang et al. 2018 do, so that a full list of hits has 1.
    """
    return ratio(hits(ranked, relevant).sum(axis=1), _count_relevant(ranked, relevant, capped))


def precision(ranked: Numbers, relevant: Histories) -> PerUser:
    """Precision at `k`: hits / k, also for a list shorter than `k`."""
    return ratio(hits(ranked, relevant).sum(axis=1) / ranked.shape[1], relevant.counts > 0)


def average_precision(ranked: Numbers, relevant: Histories, *, capped: bool = False) -> PerUser:
    """Average precision at `k`, whose mean over users is MAP.

    The sum of the precisions at the places of the hits, divided by the number of relevant movies, as in trec_eval. So a
    user with more than `k` relevant movies can't reach 1.

    Args:
        capped: divide by min(k, relevant movies), as in Kaggle's competitions, so that a full list of hits has 1.
    """
    hit = hits(ranked, relevant)
    precisions = np.cumsum(hit, axis=1) / np.arange(1, ranked.shape[1] + 1)
    return ratio((precisions * hit).sum(axis=1), _count_relevant(ranked, relevant, capped))


def reciprocal_rank(ranked: Numbers, relevant: Histories) -> PerUser:
    """Reciprocal rank: 1 / place of the first hit, 0 without a hit; its mean over users is MRR."""
    hit = hits(ranked, relevant)
    first = np.where(hit.any(axis=1), 1 / (hit.argmax(axis=1) + 1), 0)
    return ratio(first, relevant.counts > 0)


def hit_rate(ranked: Numbers, relevant: Histories) -> PerUser:
    """Hit rate: 1 if the list has a relevant movie, else 0."""
    return ratio(hits(ranked, relevant).max(axis=1), relevant.counts > 0)


def hits(ranked: Numbers, relevant: Histories) -> NDArray[np.bool_]:
    """Return a mask of the relevant entries of the lists. bool `[users, k]`."""
    mask: NDArray[np.bool_] = _find_relevant(ranked, relevant) >= 0
    return mask


def _count_relevant(ranked: Numbers, relevant: Histories, capped: bool) -> NDArray[np.int64]:
    counts = relevant.counts
    return np.minimum(counts, ranked.shape[1]) if capped else counts


def _compute_gains(relevant: Histories, gain: Gain) -> PerUser:
    """Return the gain of each relevant movie. float64 `[entries]`."""
    if gain == "binary" or relevant.values is None:
        return np.ones(len(relevant.items))
    values = relevant.values.astype(np.float64)
    return np.asarray(np.exp2(values) - 1 if gain == "exponential" else values)


def _find_relevant(ranked: Numbers, relevant: Histories) -> NDArray[np.int64]:
    return find_entries(relevant, np.arange(len(relevant))[:, None], ranked)


def bootstrap(
    sums: NDArray[Any], weights: NDArray[Any], seed: int = 0, resamples: int = 1_000
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bootstrap the 95 % interval of Σ sums / Σ weights over users.

    Percentile bootstrap (Efron 1979): users are resampled with replacement. For a mean over users, the weight is 1
    where the value is defined and 0 elsewhere; for a pooled error, the sums are each user's errors and the weights
    their numbers of ratings. All columns use the same resamples.

    Args:
        sums: `[users, m]`, one column a metric.
        weights: `[users, m]`.
        seed: random seed.
        resamples: number of resamples.

    Returns:
        Lower and upper ends, float64 `[m]` each; NaN for a metric with fewer than two users.
    """
    n_users, n_metrics = sums.shape
    low, high = np.full((2, n_metrics), np.nan)
    several = np.count_nonzero(weights, axis=0) > 1
    if not several.any():
        return low, high
    both = np.hstack([sums[:, several], weights[:, several]]).astype(np.float64)
    totals = np.vstack([draws @ both for draws in draw_resamples(n_users, seed, resamples)])
    numerator, denominator = np.hsplit(totals, 2)
    ratios = np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)
    low[several], high[several] = np.nanquantile(ratios, [0.025, 0.975], axis=0)
    return low, high


def draw_resamples(n_users: int, seed: int, resamples: int) -> Iterator[NDArray[np.float64]]:
    """Yield the number of times that each resample draws each user, in blocks: float64 `[block, users]`."""
    generator = np.random.default_rng(seed)
    block_size = max(1, 500_000 // n_users)
    for start in range(0, resamples, block_size):
        block = min(block_size, resamples - start)
        drawn = generator.integers(n_users, size=(block, n_users)) + np.arange(block)[:, None] * n_users
        yield np.bincount(drawn.ravel(), minlength=block * n_users).reshape(block, n_users).astype(np.float64)


def _ideal_gain(relevant: Histories, gains: PerUser, discounts: PerUser) -> PerUser:
    """Return the discounted gain of each user's ideal list, cut at `len(discounts)`."""
    order = np.lexsort((-gains, relevant.rows))
    place = np.arange(len(gains)) - np.repeat(relevant.starts[:-1], relevant.counts)
    inside = place < len(discounts)
    weights = gains[order][inside] * discounts[place[inside]]
    return np.bincount(relevant.rows[inside], weights, len(relevant)).astype(np.float64)


def _errors(truth: NDArray[Any], predicted: NDArray[Any]) -> PerUser:
    return np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)


def user_means(rows: Numbers, values: NDArray[Any], n_users: int) -> PerUser:
    """Average the values of each user; value `i` is of user `rows[i]`."""
    return ratio(np.bincount(rows, values, n_users), np.bincount(rows, minlength=n_users))


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> PerUser:
    """Divide `numerator` by `denominator`; NaN where the denominator is 0."""
    quotient = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
