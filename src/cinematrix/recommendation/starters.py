"""Movies for a newcomer to tap: well known ones of all tastes and decades.

The movies are chosen one after the other, each time the one of the largest

    Σ_t (fame_i / fame_t)^FAME_EXPONENT / (1 + chosen_t)^REGION_EXPONENT / (its regions)^REGIONS_EXPONENT
        · (1 − LIKENESS_WEIGHT · s_i) / (1 + chosen in its decade)^DECADE_EXPONENT

over its regions t (`taste_regions`), so that a region gets its second movie before others get a third. Fame is the log
of the number of raters, fame_t that of the best known movie of the region: a documentary needn't be as well known as a
blockbuster. s_i is the largest cosine with a chosen movie by who watched them, so that a series is asked about once.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.vectors import normalise_rows
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.recommendation.taste_regions import find_regions

MAX_STARTERS = 240
"""Maximum movies offered."""

MAX_CANDIDATES = 1_500
"""Maximum movies to choose from, the most rated."""

MIN_RATER_SHARE, MIN_RATERS = 0.02, 2
"""Minimum raters of a candidate: as a share of all users, and as a number."""

MAX_USERS = 2_000
"""Maximum users by whose movies the candidates are compared, sampled at random."""

FAME_EXPONENT, REGION_EXPONENT, DECADE_EXPONENT = 2.5, 3, 0.33
"""Exponents of a movie's fame within its region, and of the chosen movies of its region and of its decade."""

REGIONS_EXPONENT = 0.75
"""Exponent of the number of a movie's regions; 0: movies of many genres are preferred; 1: they aren't."""

LIKENESS_WEIGHT = 0.7
"""Weight of a movie's likeness to the chosen ones, 0…1."""


def choose_starters(known: TrainingData, n: int = MAX_STARTERS) -> Numbers:
    """Return the numbers of `n` movies, fewer if there are fewer candidates, in the order chosen. int32."""
    by_raters = np.argsort(-known.raters, kind="stable")[:MAX_CANDIDATES]
    least = max(MIN_RATERS, MIN_RATER_SHARE * len(known.users))
    movies = by_raters[known.raters[by_raters] >= least] if len(known.users) else by_raters
    movies = movies if len(movies) >= n else by_raters[:n]
    belongs, decades = find_regions(known.catalog)[1][movies], _decades(known, movies)
    fame = np.log1p(known.raters[movies])
    best = np.where(belongs, fame[:, None], 1e-9).max(0, initial=1e-9)
    share = belongs * (fame[:, None] / best) ** FAME_EXPONENT / belongs.sum(1, keepdims=True) ** REGIONS_EXPONENT
    vectors, likeness = _watchers(known, movies), np.zeros(len(movies))
    in_region, in_decade = np.zeros(belongs.shape[1]), np.zeros(decades.max(initial=0) + 1)
    chosen: list[int] = []
    for _ in range(min(n, len(movies))):
        value = (share / (1 + in_region) ** REGION_EXPONENT).sum(1) * (1 - LIKENESS_WEIGHT * likeness)
        value /= (1 + in_decade[decades]) ** DECADE_EXPONENT
        value[chosen] = -1
        choice = int(value.argmax())
        chosen.append(choice)
        in_region += belongs[choice]
        in_decade[decades[choice]] += 1
        likeness = np.maximum(likeness, np.clip(vectors @ vectors[choice], 0, 1))
    return movies[chosen].astype(np.int32)


def _decades(known: TrainingData, movies: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the candidates' decades as small numbers; a missing year counts as a decade. `[n]`."""
    return np.unique(np.nan_to_num(known.catalog.years[movies]) // 10, return_inverse=True)[1]


def _watchers(known: TrainingData, movies: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return unit vectors of who watched the candidates, less what all have in common. `[n, users]`."""
    active = np.flatnonzero(known.history.counts)
    sampled = np.sort(np.random.default_rng(0).permutation(active)[:MAX_USERS])
    histories = known.history.take(sampled)
    watched = histories.matrix(len(known.movies)).astype(np.float32)
    weights = sparse.diags_array(1 / np.sqrt(np.maximum(histories.counts, 1)).astype(np.float32))
    rows = np.asarray((weights @ watched)[:, movies].toarray().T)
    return normalise_rows(rows - rows.mean(0, keepdims=True) if len(rows) else rows)
