"""Splits of ratings into training and test data.

Each split is a pure function of the ratings and a seed. Its `protocol` is printed beside every number measured on it.

- `random`, `k_fold`: predict held-out ratings of training users, as textbooks do; training data include the future.
- `per_user`: the same, with an equal share of every user's ratings.
- `global_time`: predict the days after training, as a service has to.
- `half`: the same, after each user has told the first half of their later ratings; most of them are new users.
- `new_users`, `new_movies`: cold start.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ratings import Ratings
from cinematrix.errors import DataError, SettingError

RowNumbers = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Ratings split into training and test data.

    Attributes:
        train: training ratings.
        test: test ratings; none of their pairs is in `train` or `given`.
        given: users' histories at the time of the test. It is `train` itself, except for `new_users` and `half`: there
            it is `train` and the ratings that users give before the test.
        protocol: the split in words, with its share and seed.
    """

    train: Ratings
    test: Ratings
    given: Ratings
    protocol: str

    def __str__(self) -> str:
        return f"{self.protocol}: {len(self.train):,} ratings to train, {len(self.test):,} to test"


def random(ratings: Ratings, test_size: float = 0.2, seed: int = 42) -> Split:
    """Hold out a random share of the ratings for the test.

    The rows are those of scikit-learn's `train_test_split(test_size=test_size, random_state=seed)` on the table in its
    own order, so that numbers from textbooks and papers can be reproduced.
    """
    n_test = int(np.ceil(_check_share(test_size, "test_size") * len(ratings)))
    rows = _legacy_generator(seed).permutation(len(ratings))
    return make_split(
        ratings, rows[n_test:], rows[:n_test], f"random split, {test_size:.0%} of the ratings, seed {seed}"
    )


def k_fold(ratings: Ratings, k: int = 5, seed: int = 42) -> Iterator[Split]:
    """Split the ratings into `k` random parts, each the test data of one split.

    The rows are those of scikit-learn's `KFold(k, shuffle=True, random_state=seed)`.
    """
    if not 2 <= k <= len(ratings):
        raise SettingError(f"k is {k}; it must be from 2 to the number of ratings, {len(ratings):,}")
    rows = np.arange(len(ratings))
    _legacy_generator(seed).shuffle(rows)
    return (
        _split_by_mask(ratings, _mask(fold, len(ratings)), f"fold {number} of {k}, seed {seed}")
        for number, fold in enumerate(np.array_split(rows, k), start=1)
    )


def per_user(ratings: Ratings, test_size: float = 0.2, seed: int = 42) -> Split:
    """Hold out the same random share of each user's ratings for the test, rounded (half up).

    Every user keeps at least one rating in training, so users with few ratings may have none tested.
    """
    share = _check_share(test_size, "test_size")
    counts = np.bincount(ratings.user, minlength=len(ratings.users))
    n_test = np.minimum(np.floor(counts * share + 0.5), counts - 1)
    tested = _random_places(ratings, seed) < n_test[ratings.user]
    return _split_by_mask(ratings, tested, f"per-user split, {share:.0%} of each user's ratings, seed {seed}")


def global_time(ratings: Ratings, test_size: float = 0.2) -> Split:
    """Hold out the latest share of all ratings for the test; all training ratings are strictly earlier.

    All ratings of the first tested second are tested, so the share may be a bit larger. It is smaller if nothing would
    remain for training.

    Raises:
        DataError: the ratings have no time, or all have the same.
    """
    cut, since = _find_time_cut(ratings, test_size)
    split = _split_by_mask(ratings, _times(ratings) >= cut, f"global time split, {since}")
    assert _times(split.train).max() < cut, "the split by time looks into the future"
    return split


def half(ratings: Ratings, test_size: float = 0.2) -> Split:
    """Hold out the latest share of all ratings as `global_time` does; each user gives the first half of theirs.

    `train` is that of `global_time`. A user's later ratings are halved by time: those before the middle one are given,
    the middle one and all from its second on are tested. So a user's given ratings are strictly earlier than their
    tested ones, and a user whose later ratings are all of one second gives none of them.

    Raises:
        DataError: the ratings have no time, or all have the same.
    """
    cut, since = _find_time_cut(ratings, test_size)
    times = _times(ratings)
    later = np.flatnonzero(times >= cut)
    in_order = later[np.lexsort((times[later], ratings.user[later]))]
    counts = np.bincount(ratings.user[later], minlength=len(ratings.users))
    middle = (np.cumsum(counts) - counts + counts // 2)[ratings.user[later]]
    tested = later[times[later] >= times[in_order[middle]]]
    protocol = f"half split, {since}, of which each user's first half is given"
    train, given = np.flatnonzero(times < cut), np.flatnonzero(~_mask(tested, len(ratings)))
    return make_split(ratings, train, tested, protocol, given)


def new_users(ratings: Ratings, share: float = 0.2, k: int = 5, seed: int = 42) -> Split:
    """Hold out a random share of the users; `k` random ratings of each are given, the others are tested.

    `train` has no ratings of these users; `given` is `train` and their `k` ratings. With the same seed, the users are
    the same for every `k`, and the ratings given at a smaller `k` are among those given at a larger one. Held-out
    users with `k` ratings or fewer give all and aren't tested.
    """
    if k < 0:
        raise SettingError(f"k is {k}; it must be 0 or more ratings that a new user gives")
    held_out = _draw_share(ratings.user, len(ratings.users), share, seed)[ratings.user]
    tested = held_out & (_random_places(ratings, seed) >= k)
    protocol = f"new-users split, {share:.0%} of the users held out, {k} of their ratings given, seed {seed}"
    return make_split(ratings, np.flatnonzero(~held_out), np.flatnonzero(tested), protocol, np.flatnonzero(~tested))


def new_movies(ratings: Ratings, share: float = 0.2, seed: int = 42) -> Split:
    """Hold out a random share of the movies: all their ratings are tested, none is in training."""
    held_out = _draw_share(ratings.movie, len(ratings.movies), share, seed)[ratings.movie]
    return _split_by_mask(ratings, held_out, f"new-movies split, {share:.0%} of the movies held out, seed {seed}")


SPLITS: dict[str, Callable[[Ratings, int], Split]] = {
    "random": lambda ratings, seed: random(ratings, seed=seed),
    "k-fold": lambda ratings, seed: next(k_fold(ratings, seed=seed)),
    "per-user": lambda ratings, seed: per_user(ratings, seed=seed),
    "time": lambda ratings, seed: global_time(ratings),
    "half": lambda ratings, seed: half(ratings),
    "new-users": lambda ratings, seed: new_users(ratings, seed=seed),
    "new-movies": lambda ratings, seed: new_movies(ratings, seed=seed),
}
"""Splits by command-line name, each a function of (ratings, seed); `k-fold` is the first fold."""


def make_split(
    ratings: Ratings, train: RowNumbers, test: RowNumbers, protocol: str, given: RowNumbers | None = None
) -> Split:
    """Create the split with these rows, after a check that no test rating is in training or given."""
    tested = _mask(test, len(ratings))
    for rows in (train, train if given is None else given):
        assert not tested[rows].any(), "a tested rating is also in training or given"
    if len(train) == 0 or len(test) == 0:
        raise DataError(
            f"{protocol}: {len(train):,} ratings to train on and {len(test):,} to test on are left of "
            f"{len(ratings):,}; both need one at least, so change the share or k, or take more ratings"
        )
    training = ratings.take(train)
    return Split(training, ratings.take(test), training if given is None else ratings.take(given), protocol)


def _split_by_mask(ratings: Ratings, tested: NDArray[np.bool_], protocol: str) -> Split:
    """Create the split that tests the rows of a mask and trains on the others, both in the table's order."""
    return make_split(ratings, np.flatnonzero(~tested), np.flatnonzero(tested), protocol)


def _mask(rows: RowNumbers, n: int) -> NDArray[np.bool_]:
    mask = np.zeros(n, bool)
    mask[rows] = True
    return mask


def _find_time_cut(ratings: Ratings, test_size: float) -> tuple[int, str]:
    """Return the first second of the latest share of the ratings, and the share and the second in words."""
    share = _check_share(test_size, "test_size")
    in_order = np.sort(_times(ratings))
    if len(in_order) == 0 or in_order[0] == in_order[-1]:
        raise DataError("all ratings have the same time, so none is earlier; use the split random")
    second = in_order[np.searchsorted(in_order, in_order[0], side="right")]
    cut = int(max(in_order[len(in_order) - int(np.ceil(share * len(in_order)))], second))
    return cut, f"the latest {share:.0%}, from {datetime.fromtimestamp(cut, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _times(ratings: Ratings) -> NDArray[np.int64]:
    if ratings.time is None:
        raise DataError("the ratings have no time column; split them by time only with one, or use the split random")
    return ratings.time


def _check_share(share: float, name: str) -> float:
    if not 0 < share < 1:
        raise SettingError(f"{name} is {share}; it must be a share between 0 and 1, such as 0.2")
    return share


def _draw_share(numbers: NDArray[Any], n: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Draw a random share (rounded up) of the users or movies that occur in `numbers`, as a mask of length `n`."""
    occurring = np.unique(numbers)
    n_drawn = int(np.ceil(_check_share(share, "share") * len(occurring)))
    return _mask(np.random.default_rng(seed).permutation(occurring)[:n_drawn], n)


def _random_places(ratings: Ratings, seed: int) -> RowNumbers:
    """Return the place 0, 1, 2… of each row after shuffling each user's rows."""
    shuffled = np.random.default_rng([seed, 1]).permutation(len(ratings))
    order = shuffled[np.argsort(ratings.user[shuffled], kind="stable")]
    counts = np.bincount(ratings.user, minlength=len(ratings.users))
    places = np.empty(len(ratings), np.int64)
    places[order] = np.arange(len(ratings)) - np.repeat(np.cumsum(counts) - counts, counts)
    return places


def _legacy_generator(seed: int) -> np.random.RandomState:
    """Return NumPy's legacy generator, which scikit-learn uses: only it gives the same rows."""
    return np.random.RandomState(seed)
