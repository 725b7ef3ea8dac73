"""Profiles that look made up to push a movie (or to sink one), told before they enter training.

Two signs, each of a profile that the model hasn't learned of yet:

- *A surge*: new profiles give one movie the scale's highest (or lowest) rating far more often than everybody else's
  ratings let expect, by a Poisson test over all movies; it is many accounts' burst on one target (Burke, Mobasher,
  Williams & Bhaumik 2006). It counts where the others think otherwise of the movie, so that a new release that people
  love is none; a movie without other raters is exempt.
- *Deviation*: the profile's RDMA, the mean of |rating − the movie's mean| ÷ the movie's raters (Chirita, Nejdl & Zamfir
  2005), is far beyond that of profiles of its length.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from cinematrix.data.ratings import Ratings

Float64 = NDArray[np.float64]

FALSE_ALARM_RATE = 1e-3
"""How likely any surge at all may be found where there is none, each end of the scale for itself."""

MIN_SURGE_PROFILES = 3
"""Fewer profiles are no surge."""

MIN_OTHER_RATERS = 3
"""Fewer other raters say nothing of what the movie deserves."""

MIN_MEAN_DISTANCE = 0.35
"""The share of the scale by which their mean must lie off the rating that surges."""

MAX_DEVIATION = 6.0
"""Robust standard deviations (of log RDMA, at equal length) beyond which a profile deviates too much."""

SHRINKAGE = 5.0
"""Ratings' worth of doubt in how often a movie gets the highest rating."""


@dataclass(frozen=True)
class SuspiciousProfile:
    """A profile that is left out: the user's number, and why."""

    user: int
    why: str


def find_suspicious_profiles(ratings: Ratings, new: NDArray[np.bool_]) -> list[SuspiciousProfile]:
    """The suspicious ones among new profiles.

    Args:
        ratings: everybody's.
        new: bool `[len(ratings.users)]`, whose profile the model hasn't learned of.
    """
    if not new.any() or new.all():
        return []
    found = _find_surging_users(ratings, new)
    for user in np.flatnonzero(new & (compute_deviation(ratings) > MAX_DEVIATION)):
        found.setdefault(int(user), "its ratings are far from everybody's")
    return [SuspiciousProfile(user, why) for user, why in sorted(found.items())]


def _find_surging_users(ratings: Ratings, new: NDArray[np.bool_]) -> dict[int, str]:
    """Who gave an end of the scale to a movie in a surge of such ratings."""
    stars, scale = ratings.stars("telling suspicious profiles")
    found = {}
    for end, name in ((scale.high, "highest"), (scale.low, "lowest")):
        extreme = stars == np.float32(end)
        apart = np.abs(end - _means(ratings, ~new[ratings.user])) >= MIN_MEAN_DISTANCE * (scale.high - scale.low)
        for movie in np.flatnonzero(find_surges(ratings, new, extreme) & apart):
            who = ratings.user[extreme & (ratings.movie == movie) & new[ratings.user]]
            why = f"{len(who)} new profiles give movie {ratings.movies.ids[movie]} the {name} rating"
            found.update(dict.fromkeys(who.tolist(), why))
    return found


def find_surges(ratings: Ratings, new: NDArray[np.bool_], extreme: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The movies that new profiles rate so far more often than others do. bool `[n_movies]`.

    Expected is the new profiles' number of ratings × the movie's share of the others' × its share of extreme ones, both
    shrunk. `extreme` `[len(ratings)]`.
    """
    n, fresh = len(ratings.movies), new[ratings.user]

    def counts(rows: NDArray[np.bool_]) -> Float64:
        return np.bincount(ratings.movie[rows], minlength=n).astype(np.float64)

    others, tops, usual = counts(~fresh), counts(~fresh & extreme), extreme[~fresh].mean()
    expected = fresh.sum() * (others + 1) / (others.sum() + n) * (tops + SHRINKAGE * usual) / (others + SHRINKAGE)
    seen = counts(fresh & extreme)
    likely = poisson.sf(seen - 1, expected) * n
    return np.asarray((likely < FALSE_ALARM_RATE) & (seen >= MIN_SURGE_PROFILES) & (others >= MIN_OTHER_RATERS), bool)


def _means(ratings: Ratings, rows: NDArray[np.bool_]) -> Float64:
    """Each movie's mean of some rows, 0 where there is none. `[n_movies]`."""
    stars, movie, n = ratings.stars("a mean")[0][rows], ratings.movie[rows], len(ratings.movies)
    return np.bincount(movie, stars, n) / np.maximum(np.bincount(movie, minlength=n), 1)


def compute_rdma(ratings: Ratings) -> Float64:
    """Each user's rating deviation from mean agreement. `[len(ratings.users)]`, NaN for who has rated nothing."""
    stars, _ = ratings.stars("RDMA")
    n_users, n_movies = len(ratings.users), len(ratings.movies)
    raters = np.bincount(ratings.movie, minlength=n_movies)
    means = _means(ratings, np.ones(len(ratings), bool))
    apart = np.abs(stars - means[ratings.movie]) / raters[ratings.movie]
    counts = np.bincount(ratings.user, minlength=n_users)
    return np.where(counts > 0, np.bincount(ratings.user, apart, n_users) / np.maximum(counts, 1), np.nan)


def compute_deviation(ratings: Ratings) -> Float64:
    """How far log RDMA lies above that of profiles of the same length, in robust standard deviations. `[n_users]`."""
    length = np.bincount(ratings.user, minlength=len(ratings.users))
    there = length > 0
    value, x = np.log(compute_rdma(ratings)[there] + 1e-9), np.log(length[there])
    design = np.column_stack([np.ones(len(x)), x, x**2])
    left = value - design @ np.linalg.lstsq(design, value, rcond=None)[0]
    left -= np.median(left)
    found = np.zeros(len(length))
    found[there] = left / max(1.4826 * float(np.median(np.abs(left))), 1e-9)
    return found
