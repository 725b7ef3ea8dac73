"""Conformal levels: the level of an interval that holds a requested share of ratings, by how much is known of a pair.

Each held-out rating needs a level: that of the smallest interval that holds it. The level for a coverage is the needed
levels' quantile (split-conformal; Vovk, Gammerman & Shafer 2005), for each stratum of the length of the user's history
(Mondrian; Vovk et al. 2003). Along the movie's raters it is local: ratings of movies with about as many raters weigh
more (Guan 2023). Local levels of a stratum are shrunk to those of all users, these to all pairs', and these to levels
by Student's t, which are wider than nominal where few ratings were held out.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

Float64 = NDArray[np.float64]

RATERS = np.log1p([0, 1, 3, 8, 20, 50, 120, 300])
"""Logarithms of 1 + the movie's raters for which levels are computed; those between are interpolated."""

RATER_WIDTH = 0.7
"""Standard deviation of the weights along that logarithm."""

HISTORY_BOUNDS = (10, 30, 100)
"""Ratings of a user at which another stratum begins."""

PRIOR_RATINGS = 100
"""Weight of the levels that a stratum is shrunk to, in ratings."""

MIN_EVIDENCE = 1e-6
"""Sum of weights below which ratings are none."""

ROUNDING = 1e-12
"""Tolerance of sums of weights."""

NOMINAL = np.linspace(0, 1, 101)
"""Levels without calibration, for coverages of 0, 1, … 100 %."""


@dataclass(frozen=True, eq=False)
class ConformalLevels:
    """The levels by raters of a movie and stratum of users.

    Attributes:
        levels: float64 `[len(RATERS), strata of users, 101]`, the level that covers 0, 1, … 100 % of ratings.
    """

    levels: Float64

    @classmethod
    def nominal(cls) -> Self:
        """Return levels without calibration."""
        return cls(np.tile(NOMINAL, (len(RATERS), len(HISTORY_BOUNDS) + 1, 1)))

    @classmethod
    def fitted(cls, needed: Float64, raters: NDArray[Any], history: NDArray[Any]) -> Self:
        """Return the levels that cover, by the level that each held-out rating needed.

        Args:
            needed: `[n]`, 0…1; cross-fitted, so the distribution behind each was fitted to half of the ratings.
            raters: `[n]`, raters of each movie.
            history: `[n]`, ratings of each user.
        """
        order = np.argsort(needed)
        needed, by_user = needed[order], np.digitize(history[order], HISTORY_BOUNDS)
        distance = (np.log1p(raters[order]) - RATERS[:, None]) / RATER_WIDTH
        result, overall = cls.nominal().levels, calibrate_levels(needed, widen_by_student(len(needed) / 2))
        for weights, of_strata in zip(np.exp(-0.5 * distance**2), result, strict=True):
            of_movies = calibrate_levels(needed, overall, weights)
            for user in range(len(of_strata)):
                of_strata[user] = calibrate_levels(needed[by_user == user], of_movies, weights[by_user == user])
        return cls(result)

    def at(self, coverage: float, raters: NDArray[Any], history: NDArray[Any]) -> Float64:
        """Return the level for `coverage` of pairs with so many raters and ratings. `[n]`."""
        place = min(int(100 * coverage), 99)
        within = 100 * coverage - place
        levels = (1 - within) * self.levels[..., place] + within * self.levels[..., place + 1]
        user = np.digitize(history, HISTORY_BOUNDS)
        knot = np.interp(np.log1p(raters), RATERS, np.arange(len(RATERS)))
        below = np.minimum(knot.astype(np.int64), len(RATERS) - 2)
        return np.asarray(levels[below, user] + (knot - below) * (levels[below + 1, user] - levels[below, user]))

    @classmethod
    def from_array(cls, levels: Float64) -> Self:
        """Return the levels from a saved array; earlier versions saved those of all pairs, `[101]`."""
        return cls(np.broadcast_to(levels, cls.nominal().levels.shape))


def widen_by_student(n: float) -> Float64:
    """Return the levels of normal intervals that cover as those of Student's t with `n` degrees of freedom."""
    return NOMINAL if n == 0 else np.asarray(2 * ndtr(stdtrit(n, (1 + NOMINAL) / 2)) - 1)


def calibrate_levels(needed: Float64, prior: Float64, weights: Float64 | None = None) -> Float64:
    """Return the level that covers 0, 1, … 100 % of ratings, from each one's needed level, shrunk to `prior`.

    With n ratings the quantile for a share q is that of ⌈(n + 1) q⌉ of them, which covers q in expectation. Weighted
    ratings count as (Σ w)² / Σ w² (Kish 1965), and no more than Σ w, so that distant ones are no evidence.

    Args:
        needed: `[n]`, ascending if there are weights.
        weights: `[n]`, 0…1.
    """
    needed, weights = (np.sort(needed), np.ones(len(needed))) if weights is None else (needed, weights)
    total = weights.sum()
    if total < MIN_EVIDENCE:
        return prior
    n = min(total**2 / (weights**2).sum(), total)
    places = np.searchsorted(np.cumsum(weights) / total, NOMINAL * (n + 1) / n - ROUNDING)
    return np.asarray((n * needed[np.minimum(places, len(needed) - 1)] + PRIOR_RATINGS * prior) / (n + PRIOR_RATINGS))
