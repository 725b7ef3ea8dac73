"""Scores of lists by liking: movies that the user is likely to watch, and to rate above their own mean.

    score_ui = ln P(u watches i) + 1.5 · ln E[(stars_ui − m_u)⁺ / s_u] − β · ln(1 + raters_i)

`ln P` is the model's `log_chances` and 0.4 times the movie's trend, since a model of watching doesn't know the time: a
movie that is rated more often lately is more likely to be watched next. Without a rating, `P` is the movie's number of
raters, whose weight falls as exp(−ratings / 5). `E` is the expected gain of the rating over the user's mean `m`, in
units of the user's standard deviation `s`; it comes from the distribution of the rating. Both `m` and `s` are shrunk
towards those of all users. `P` was learned from what users have already watched, and the future is less certain; so `E`
weighs more than in the product P · E. The third term takes back some of the head start of movies that everybody has
seen. Movies that the user is expected to rate below their mean come after all others.

The best movies by a cheap estimate are scored exactly; the others keep the estimate (two-stage retrieval).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.metrics.accuracy import ndcg
from cinematrix.metrics.liking import is_below, mean_ratings, select_liked
from cinematrix.metrics.top_n import top_n, top_pairs
from cinematrix.models.base import RARITY_WEIGHT, Recommender
from cinematrix.models.components.ease_low_rank import best_unless_noise

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

POOL = 500
"""Movies of each user that are scored exactly."""

RARITY_WEIGHTS = (0.0, 0.1, RARITY_WEIGHT, 0.3, 0.4)
"""Candidates for β; with 0.5 lists of newcomers got worse."""

MAX_PILOT_USERS = 400
"""Maximum users whose held-out ratings choose β."""

BELOW_MEAN = np.float32(100)
"""Subtracted from the score of a movie that the user is expected to rate below their mean."""

MEAN_PRIOR, SPREAD_PRIOR = 3.0, 5.0
"""Weights, in ratings, of all users' mean and standard deviation in one user's."""

GAIN_CELLS = 10_000_000
"""Pairs × steps of distributions in memory at a time: 40 MB as float32, which only scales of many steps reach."""

NEWCOMER_RATINGS = 5.0
"""Ratings after which the number of raters has a weight of 1/e in a movie's chance (docs/experiments.md)."""

TREND_WEIGHT = np.float32(0.4)
"""Weight of a movie's trend in the logarithm of its chance, chosen on validation splits (docs/experiments.md)."""

MIN_GAIN = 1e-4
"""Added to an expected gain before its logarithm is taken."""

GAIN_WEIGHT = 1.5
"""Weight of the logarithm of the expected gain, chosen on validation splits (docs/experiments.md)."""

ERROR_SHARE = 0.87
"""Standard deviation of a rating around its prediction, as a share of the user's, where there is no distribution."""


def score_by_liking(model: Recommender, histories: Histories, among: NDArray[np.bool_] | None = None) -> Float32:
    """Return the scores of each history's list by liking. float32 `[len(histories), len(model.data.movies)]`.

    A model of plain interactions scores by ranking. One that doesn't learn what is watched scores by ranking too, with
    the movies that the user is expected to rate below their mean last.

    Args:
        among: mask of the movies that a list may hold, of all lists `[n_movies]` or of each; scores of the others are
            estimates. None: all.
    """
    scores = model.score(histories, by="ranking")
    if model.data.scale is None:
        return scores
    levels = RatingLevels.of(model.data, histories)
    rough = model.rough_stars(histories)
    stars = model.data.scale.clip(rough)
    if not model.learns_watching:
        return scores - _penalty(stars, levels.bar[:, None])
    popularity = model.data.popularity
    chances = model.log_chances(scores) + TREND_WEIGHT * model.data.trends
    chances = _mix_chances(chances, popularity, histories) - model.rarity_weight * popularity
    scores = _combine(chances, _rough_gains(stars, levels), stars, levels.bar[:, None])
    rows, movies = top_pairs(scores, POOL, histories, among)
    stars = model.refine_stars(histories, rows, movies, rough)
    gains = _expected_gains(model, histories, rows, movies, stars, levels)
    scores[rows, movies] = _combine(chances[rows, movies], gains, stars, levels.bar[rows])
    return scores


def choose_rarity_weight(pilot: Recommender, given: Histories, later: Histories) -> float:
    """Return the β whose lists rank the held-out movies that users liked best (NDCG@10), one of `RARITY_WEIGHTS`.

    It is `RARITY_WEIGHT` unless another is better by two standard errors of the users' gains.

    Args:
        pilot: a model that hasn't seen `later`.
        given: histories that lists are made for.
        later: held-out ratings of the same users.
    """
    users = np.arange(0, len(given), max(1, len(given) // MAX_PILOT_USERS))
    given, later = given.take(users), later.take(users)
    liked = select_liked(later, mean_ratings(given, later))
    if not len(liked.items):
        return RARITY_WEIGHT
    pilot.rarity_weight = 0.0
    scores, rarity = score_by_liking(pilot, given), np.log1p(pilot.data.raters).astype(np.float32)
    quality = {
        weight: ndcg(top_n(scores - np.float32(weight) * rarity, 10, given).movies, liked) for weight in RARITY_WEIGHTS
    }
    return best_unless_noise(quality, RARITY_WEIGHT)


@dataclass(frozen=True, eq=False)
class RatingLevels:
    """The level of each user's ratings, float64 `[n]` each.

    Attributes:
        mean: mean, shrunk towards all users' mean.
        spread: standard deviation, shrunk towards that of all users around their own means.
        bar: the user's own mean, not shrunk; all users' mean for an empty history.
    """

    mean: Float64
    spread: Float64
    bar: Float64

    @classmethod
    def of(cls, data: TrainingData, histories: Histories) -> Self:
        """Return the levels of the users of `histories`."""
        prior_mean, prior_spread = data.rating_level
        values = np.zeros(0) if histories.values is None else histories.values.astype(np.float64)
        rows, n = (histories.rows if len(values) else np.zeros(0, np.int64)), len(histories)
        counts, sums = np.bincount(rows, minlength=n), np.bincount(rows, values, n)
        bar = np.where(counts, sums / np.maximum(counts, 1), prior_mean)
        squares = np.bincount(rows, (values - bar[rows]) ** 2, n)
        return cls(
            (sums + MEAN_PRIOR * prior_mean) / (counts + MEAN_PRIOR),
            np.sqrt((squares + SPREAD_PRIOR * prior_spread**2) / (counts + SPREAD_PRIOR)),
            bar,
        )


def _mix_chances(chances: Float32, popularity: Float32, histories: Histories) -> Float32:
    """Return chances that are those of popularity for an empty history, and the model's for a long one."""
    weight = np.exp(-histories.counts / NEWCOMER_RATINGS).astype(np.float32)[:, None]
    return np.asarray((1 - weight) * chances + weight * popularity, np.float32)


def _combine(chances: NDArray[Any], gains: NDArray[Any], stars: Float32, bar: Float64) -> Float32:
    scores = np.asarray(gains, np.float32) + np.float32(MIN_GAIN)
    np.log(scores, out=scores)
    scores *= np.float32(GAIN_WEIGHT)
    scores += chances
    scores -= _penalty(stars, bar)
    return scores


def _penalty(stars: Float32, bar: Float64) -> Float32:
    """Return what puts movies that the user is expected to rate below their mean after all others."""
    return BELOW_MEAN * is_below(stars, bar).astype(np.float32)


def _expected_gains(
    model: Recommender, histories: Histories, rows: Numbers, movies: Numbers, stars: Float32, of: RatingLevels
) -> NDArray[Any]:
    """Return E[(stars − m)⁺ / s] of pairs by the model's distribution, or by a normal one around `stars`. `[n]`."""
    mean, spread = of.mean[rows], of.spread[rows]
    if not model.has_intervals or model.data.scale is None:
        return _normal_gains(stars, mean, spread)
    levels, gains = model.data.scale.levels(), np.zeros(len(rows))
    size = max(1, GAIN_CELLS // len(levels))
    for part in (slice(start, start + size) for start in range(0, len(rows), size)):
        probabilities = model.distribution_pairs(histories, rows[part], movies[part], stars=stars[part])
        over_mean = np.maximum(levels[None, :] - mean[part, None], 0)
        gains[part] = np.einsum("ns,ns->n", probabilities, over_mean) / spread[part]
    return gains


def _rough_gains(stars: Float32, levels: RatingLevels) -> Float32:
    """Return `_normal_gains` of all movies, to choose candidates by, within 0.001. `[n, movies]`.

    Φ is approximated by tanh (Page 1977), which takes a fiftieth of the time.
    """
    deviation = (ERROR_SHARE * levels.spread).astype(np.float32)[:, None]
    z: Float32 = stars - levels.mean.astype(np.float32)[:, None]
    z /= deviation
    density = z * z
    below = density * np.float32(0.0356774)
    below += np.float32(0.797884)
    below *= z
    np.tanh(below, out=below)
    below += 1
    z *= below
    density *= np.float32(-0.5)
    np.exp(density, out=density)
    density *= np.float32(ERROR_SHARE * (2 * np.pi) ** -0.5)
    z *= np.float32(ERROR_SHARE / 2)
    z += density
    np.maximum(z, 0, out=z)
    return z


def _normal_gains(stars: Float32, mean: Float64, spread: Float64) -> NDArray[Any]:
    """Return E[(stars − m)⁺ / s] for a normal distribution around `stars`."""
    deviation = (ERROR_SHARE * spread).astype(np.float32)
    z = (stars - mean.astype(np.float32)) / deviation
    density = np.exp(-z * z / 2) * np.float32((2 * np.pi) ** -0.5)
    return np.asarray(np.float32(ERROR_SHARE) * (density + z * ndtr(z)))
