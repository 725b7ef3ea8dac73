"""Conformal levels: the level of an interval that holds a requested share of ratings, by how much is known of a pair.

Each held-out rating needs a level: that of the smallest interval that holds it. The level for a coverage is the needed
levels' quantile (split-conformal; Vovk, Gammerman & Shafer 2005), for each stratum of the movie's raters and the length
of the user's history (Mondrian; Vovk et al. 2003). A stratum's levels are shrunk to those of its movies, these to all
pairs', and these to levels by Student's t, which are wider than nominal where few ratings were held out.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

Float64 = NDArray[np.float64]

RATER_BOUNDS = (1, 3, 6, 12, 25, 50, 100)
"""Raters of a movie at which another stratum begins."""

HISTORY_BOUNDS = (10, 30, 100)
"""Ratings of a user at which another stratum begins."""

PRIOR_RATINGS = 100
"""Weight of the levels that a stratum is shrunk to, in ratings."""

NOMINAL = np.linspace(0, 1, 101)
"""Levels without calibration, for coverages of 0, 1, … 100 %."""


@dataclass(frozen=True, eq=False)
class ConformalLevels:
    """The levels of each stratum.

    Attributes:
        levels: float64 `[strata of movies, strata of users, 101]`, the level that covers 0, 1, … 100 % of ratings.
    """

    levels: Float64

    @classmethod
    def nominal(cls) -> Self:
        """Return levels without calibration."""
        return cls(np.tile(NOMINAL, (len(RATER_BOUNDS) + 1, len(HISTORY_BOUNDS) + 1, 1)))

    @classmethod
    def fitted(cls, needed: Float64, raters: NDArray[Any], history: NDArray[Any]) -> Self:
        """Return the levels that cover, by the level that each held-out rating needed.

        Args:
            needed: `[n]`, 0…1; cross-fitted, so the distribution behind each was fitted to half of the ratings.
            raters: `[n]`, raters of each movie.
            history: `[n]`, ratings of each user.
        """
        by_movie, by_user = np.digitize(raters, RATER_BOUNDS), np.digitize(history, HISTORY_BOUNDS)
        result, overall = cls.nominal().levels, calibrate_levels(needed, widen_by_student(len(needed) / 2))
        for movie, stratum in enumerate(result):
            of_movies = calibrate_levels(needed[by_movie == movie], overall)
            for user in range(len(stratum)):
                stratum[user] = calibrate_levels(needed[(by_movie == movie) & (by_user == user)], of_movies)
        return cls(result)

    def at(self, coverage: float, raters: NDArray[Any], history: NDArray[Any]) -> Float64:
        """Return the level for `coverage` of pairs with so many raters and ratings. `[n]`."""
        place = min(int(100 * coverage), 99)
        within = 100 * coverage - place
        levels = (1 - within) * self.levels[..., place] + within * self.levels[..., place + 1]
        return np.asarray(levels[np.digitize(raters, RATER_BOUNDS), np.digitize(history, HISTORY_BOUNDS)], np.float64)

    @classmethod
    def from_array(cls, levels: Float64) -> Self:
        """Return the levels from a saved array; earlier versions saved those of all pairs, `[101]`."""
        return cls(np.broadcast_to(levels, cls.nominal().levels.shape))


def widen_by_student(n: float) -> Float64:
    """Return the levels of normal intervals that cover as those of Student's t with `n` degrees of freedom."""
    return NOMINAL if n == 0 else np.asarray(2 * ndtr(stdtrit(n, (1 + NOMINAL) / 2)) - 1)


def calibrate_levels(needed: Float64, prior: Float64) -> Float64:
    """Return the level that covers 0, 1, … 100 % of ratings, from each one's needed level, shrunk to `prior`.

    With n ratings the quantile for a share q is that of ⌈(n + 1) q⌉ of them, which covers q in expectation.
    """
    n = len(needed)
    if n == 0:
        return prior
    places = np.minimum(np.ceil((n + 1) * NOMINAL) / n, 1)
    return (n * np.quantile(needed, places, method="inverted_cdf") + PRIOR_RATINGS * prior) / (n + PRIOR_RATINGS)
