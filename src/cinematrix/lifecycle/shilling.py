"""Shilling detection: new profiles that look made up to promote or demote a movie are left out of training.

Two tests of profiles that the model wasn't trained on:

- *Surge*: new profiles give one movie the scale's highest (or lowest) rating far more often than the other ratings
  predict, by a Poisson test over all movies. This is an attack of many accounts on one target (Burke, Mobasher,
  Williams & Bhaumik 2006). It counts only if the other users' mean is far from that rating, so a popular new release
  passes. A movie without enough other raters is exempt.
- *Deviation*: the profile's RDMA, the mean of |rating − the movie's mean| ÷ the movie's raters (Chirita, Nejdl & Zamfir
  2005), is far above that of profiles of its length.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from cinematrix.data.ratings import Ratings

Float64 = NDArray[np.float64]

FALSE_ALARM_RATE = 1e-3
"""False-alarm rate over all movies, per end of the scale."""

MIN_SURGE_PROFILES = 3
"""Minimum new profiles in a surge."""

MIN_OTHER_RATERS = 3
"""Minimum other raters of a movie for a surge."""

MIN_MEAN_DISTANCE = 0.35
"""Minimum distance of the other users' mean from the surging rating, as a share of the scale."""

MAX_DEVIATION = 6.0
"""Maximum deviation of a profile's log RDMA from profiles of its length, in robust standard deviations."""

SHRINKAGE = 5.0
"""Shrinkage of a movie's share of extreme ratings, in ratings."""


@dataclass(frozen=True)
class SuspiciousProfile:
    """A profile to leave out: the user's number and the reason."""

    user: int
    why: str


def find_suspicious_profiles(ratings: Ratings, new: NDArray[np.bool_]) -> list[SuspiciousProfile]:
    """Find the suspicious profiles among the new ones.

    Args:
        ratings: ratings of all users.
        new: bool `[len(ratings.users)]`, mask of the users that the model wasn't trained on.
    """
    if not new.any() or new.all():
        return []
    reasons = _find_surging_users(ratings, new)
    for user in np.flatnonzero(new & (compute_deviation(ratings) > MAX_DEVIATION)):
        reasons.setdefault(int(user), "its ratings are far from those of other users")
    return [SuspiciousProfile(user, why) for user, why in sorted(reasons.items())]


def _find_surging_users(ratings: Ratings, new: NDArray[np.bool_]) -> dict[int, str]:
    """Return the new users who take part in a surge, each with the reason."""
    stars, scale = ratings.stars("shilling detection")
    reasons = {}
    for end, name in ((scale.high, "highest"), (scale.low, "lowest")):
        extreme = stars == np.float32(end)
        distant = np.abs(end - _means(ratings, ~new[ratings.user])) >= MIN_MEAN_DISTANCE * (scale.high - scale.low)
        for movie in np.flatnonzero(find_surges(ratings, new, extreme) & distant):
            users = ratings.user[extreme & (ratings.movie == movie) & new[ratings.user]]
            why = f"{len(users)} new profiles give movie {ratings.movies.ids[movie]} the {name} rating"
            reasons.update(dict.fromkeys(users.tolist(), why))
    return reasons


def find_surges(ratings: Ratings, new: NDArray[np.bool_], extreme: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find movies with a surge of extreme ratings by new users. bool `[n_movies]`.

    The expected number is the number of the new users' ratings × the movie's share of the other ratings × its share of
    extreme ratings, both shrunk.

    Args:
        ratings: ratings of all users.
        new: bool `[len(ratings.users)]`, mask of the new users.
        extreme: bool `[len(ratings)]`, mask of the extreme ratings.
    """
    n, fresh = len(ratings.movies), new[ratings.user]

    def counts(rows: NDArray[np.bool_]) -> Float64:
        return np.bincount(ratings.movie[rows], minlength=n).astype(np.float64)

    others, extremes, rate = counts(~fresh), counts(~fresh & extreme), extreme[~fresh].mean()
    expected = fresh.sum() * (others + 1) / (others.sum() + n) * (extremes + SHRINKAGE * rate) / (others + SHRINKAGE)
    observed = counts(fresh & extreme)
    p_value = gammainc(observed, expected) * n  # of at least so many, if their number has a Poisson distribution
    enough = (observed >= MIN_SURGE_PROFILES) & (others >= MIN_OTHER_RATERS)
    return np.asarray((p_value < FALSE_ALARM_RATE) & enough, bool)


def _means(ratings: Ratings, rows: NDArray[np.bool_]) -> Float64:
    """Return each movie's mean rating over some rows; 0 without a rating. `[n_movies]`."""
    stars, movie, n = ratings.stars("a mean")[0][rows], ratings.movie[rows], len(ratings.movies)
    return np.bincount(movie, stars, n) / np.maximum(np.bincount(movie, minlength=n), 1)


def compute_rdma(ratings: Ratings) -> Float64:
    """Return each user's rating deviation from mean agreement; NaN without ratings. `[len(ratings.users)]`."""
    stars, _ = ratings.stars("RDMA")
    n_users, n_movies = len(ratings.users), len(ratings.movies)
    raters = np.bincount(ratings.movie, minlength=n_movies)
    means = _means(ratings, np.ones(len(ratings), bool))
    distances = np.abs(stars - means[ratings.movie]) / raters[ratings.movie]
    counts = np.bincount(ratings.user, minlength=n_users)
    return np.where(counts > 0, np.bincount(ratings.user, distances, n_users) / np.maximum(counts, 1), np.nan)


def compute_deviation(ratings: Ratings) -> Float64:
    """Return the excess of log RDMA over profiles of the same length, in robust standard deviations. `[n_users]`."""
    length = np.bincount(ratings.user, minlength=len(ratings.users))
    active = length > 0
    value, x = np.log(compute_rdma(ratings)[active] + 1e-9), np.log(length[active])
    design = np.column_stack([np.ones(len(x)), x, x**2])
    residuals = value - design @ np.linalg.lstsq(design, value, rcond=None)[0]
    residuals -= np.median(residuals)
    deviation = np.zeros(len(length))
    deviation[active] = residuals / max(1.4826 * float(np.median(np.abs(residuals))), 1e-9)
    return deviation
