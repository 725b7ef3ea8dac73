"""Metrics of liking: lists judged by what each user rated above or below their own mean.

`ranked` and `tested` are as in `metrics.accuracy`, with one value a user, NaN where it is undefined. `means` has each
user's mean rating, by which one user's 3.5 is a dislike and another's a like. A rating within `TOLERANCE` of the mean
counts as equal to it.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories, find_entries, select_entries
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.metrics.accuracy import PerUser, ndcg, ratio, user_means

TOLERANCE = 1e-6
"""Stars that a rating may differ from the mean by rounding alone."""


def mean_ratings(*parts: Histories) -> PerUser:
    """Average each user's ratings over all `parts`, one history a user each; NaN for a user without a rating."""
    rows = np.concatenate([part.rows for part in parts])
    stars = np.concatenate([_stars(part) for part in parts])
    return user_means(rows, stars, len(parts[0]))


def select_liked(ratings: Histories, means: PerUser) -> Histories:
    """Return the ratings at or above the user's mean."""
    return select_entries(ratings, ~is_below(_stars(ratings), means[ratings.rows]))


def ndcg_above(ranked: Numbers, tested: Histories, means: PerUser) -> PerUser:
    """NDCG at `k` with the gain max(0, stars − mean); NaN for a user without a tested rating above their mean."""
    above = _stars(tested) - means[tested.rows]
    gains = np.where(above > TOLERANCE, above, 0).astype(np.float32)
    return ndcg(ranked, replace(tested, values=gains), gain="linear")


def ndcg_rare(ranked: Numbers, liked: Histories, raters: NDArray[Any]) -> PerUser:
    """NDCG at `k` with the gain raters^−½ for each liked movie, so that a hit weighs more the rarer it is (Steck 2011).

    Args:
        ranked: the lists.
        liked: each user's liked movies among the tested ones.
        raters: number of training ratings of each movie; a movie without any, or beyond the end, counts as one with 1.
    """
    counts = np.append(raters, 0)[np.minimum(liked.items, len(raters))]
    gains = np.maximum(counts, 1) ** -0.5
    return ndcg(ranked, replace(liked, values=gains.astype(np.float32)), gain="linear")


def disliked(ranked: Numbers, tested: Histories, means: PerUser) -> PerUser:
    """Share of each list's tested movies that the user rated below their mean; NaN if the list has no tested movie."""
    places = find_entries(tested, np.arange(len(tested))[:, None], ranked)
    stars = np.append(_stars(tested), 0)[places]  # -1 picks the 0 appended
    rated = places >= 0
    return ratio(np.count_nonzero(rated & is_below(stars, means[:, None]), axis=1), np.count_nonzero(rated, axis=1))


def expected_below(ranked: Numbers, predicted: NDArray[Any], means: PerUser) -> PerUser:
    """Share of each list's movies whose predicted stars, `[users, k]`, are below the user's mean; NaN for no list."""
    shown = ranked != UNKNOWN
    return ratio(np.count_nonzero(shown & is_below(predicted, means[:, None]), axis=1), np.count_nonzero(shown, axis=1))


def is_below(stars: NDArray[Any], means: Any) -> NDArray[np.bool_]:
    """Return the mask of the stars below a mean, or below means of a shape that fits."""
    return np.asarray(stars < means - TOLERANCE)


def _stars(ratings: Histories) -> NDArray[np.float32]:
    assert ratings.values is not None, "liking is measured on ratings, not on plain interactions"
    return ratings.values
