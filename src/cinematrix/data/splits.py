"""Splits: which ratings a model learns from and which it is measured on.

Each split is a pure function of the ratings and a seed, and comes with the sentence that is printed beside
every number measured on it. Which question each one answers:

- `random`, `k_fold`: how well are missing ratings of known users filled in (textbook numbers; sees the future)?
- `per_user`: the same, every user alike.
- `global_time`: how well does it work on the days after training? The honest one for a service.
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
    """Ratings cut in two.

    Attributes:
        train: what the model learns from.
        test: what it is measured on; no pair of it is in `train` or `given`.
        given: what each user's history is at the time of the test. It is `train` itself, except for new users:
            there it is `train` and the few ratings that the held-out users give.
        protocol: the split in words, with its share and seed.
    """

    train: Ratings
    test: Ratings
    given: Ratings
    protocol: str

    def __str__(self) -> str:
        return f"{self.protocol}: {len(self.train):,} ratings to train, {len(self.test):,} to test"


def random(ratings: Ratings, test_size: float = 0.2, seed: int = 42) -> Split:
    """A random share of the ratings is tested.

    Row for row what scikit-learn's `train_test_split(test_size=test_size, random_state=seed)` gives on the
    table in its own order, so that numbers from textbooks and papers can be reproduced.
    """
    n_test = int(np.ceil(_share(test_size, "test_size") * len(ratings)))
    rows = _legacy_generator(seed).permutation(len(ratings))
    return _split(ratings, rows[n_test:], rows[:n_test], f"random split, {test_size:.0%} of the ratings, seed {seed}")


def k_fold(ratings: Ratings, k: int = 5, seed: int = 42) -> Iterator[Split]:
    """The ratings in `k` random parts, each the test part of one split.

    Row for row what scikit-learn's `KFold(k, shuffle=True, random_state=seed)` gives.
    """
    if not 2 <= k <= len(ratings):
        raise SettingError(f"k is {k}; it must be from 2 to the number of ratings, {len(ratings):,}")
    rows = np.arange(len(ratings))
    _legacy_generator(seed).shuffle(rows)
    return (
        _masked(ratings, _mask(fold, len(ratings)), f"fold {number} of {k}, seed {seed}")
        for number, fold in enumerate(np.array_split(rows, k), start=1)
    )


def per_user(ratings: Ratings, test_size: float = 0.2, seed: int = 42) -> Split:
    """The same random share of each user's ratings is tested, rounded (half up).

    Every user keeps at least one rating in training; who has too few for the share to reach one isn't tested.
    """
    share = _share(test_size, "test_size")
    counts = np.bincount(ratings.user, minlength=len(ratings.users))
    n_test = np.minimum(np.floor(counts * share + 0.5), counts - 1)
    tested = _random_places(ratings, seed) < n_test[ratings.user]
    return _masked(ratings, tested, f"per-user split, {share:.0%} of each user's ratings, seed {seed}")


def global_time(ratings: Ratings, test_size: float = 0.2) -> Split:
    """The latest share of all ratings is tested: everything in training is strictly earlier.

    Ratings of the same second as the first tested one are tested too, so the share may come out a bit larger
    (smaller, if it would otherwise leave nothing to train on).

    Raises:
        DataError: the ratings have no time, or all have the same.
    """
    share = _share(test_size, "test_size")
    if ratings.time is None:
        raise DataError("the ratings have no time column; split them by time only with one, or use the split random")
    in_order = np.sort(ratings.time)
    if len(in_order) == 0 or in_order[0] == in_order[-1]:
        raise DataError("all ratings have the same time, so none is earlier; use the split random")
    second = in_order[np.searchsorted(in_order, in_order[0], side="right")]
    cut = max(in_order[len(in_order) - int(np.ceil(share * len(in_order)))], second)
    day = datetime.fromtimestamp(int(cut), UTC).strftime("%Y-%m-%d %H:%M:%S")
    split = _masked(ratings, ratings.time >= cut, f"global time split, the latest {share:.0%}, from {day} UTC")
    assert split.train.time is not None  # for the type checker
    assert split.train.time.max() < cut, "the split by time looks into the future"
    return split


def new_users(ratings: Ratings, share: float = 0.2, k: int = 5, seed: int = 42) -> Split:
    """A random share of the users is held out whole; `k` random ratings of each are given, the rest is tested.

    `train` has nothing of these users; `given` is `train` and their `k` ratings. With one seed, the users are
    the same for every `k` and the ratings given at a smaller `k` are among those at a larger one. A held-out
    user with `k` ratings or fewer gives all and isn't tested.
    """
    if k < 0:
        raise SettingError(f"k is {k}; it must be 0 or more ratings that a new user gives")
    held_out = _drawn(ratings.user, len(ratings.users), share, seed)[ratings.user]
    tested = held_out & (_random_places(ratings, seed) >= k)
    protocol = f"new-users split, {share:.0%} of the users held out, {k} of their ratings given, seed {seed}"
    return _split(ratings, np.flatnonzero(~held_out), np.flatnonzero(tested), protocol, np.flatnonzero(~tested))


def new_movies(ratings: Ratings, share: float = 0.2, seed: int = 42) -> Split:
    """A random share of the movies is held out whole: all their ratings are tested, none is trained on."""
    held_out = _drawn(ratings.movie, len(ratings.movies), share, seed)[ratings.movie]
    return _masked(ratings, held_out, f"new-movies split, {share:.0%} of the movies held out, seed {seed}")


SPLITS: dict[str, Callable[[Ratings, int], Split]] = {
    "random": lambda ratings, seed: random(ratings, seed=seed),
    "k-fold": lambda ratings, seed: next(k_fold(ratings, seed=seed)),
    "per-user": lambda ratings, seed: per_user(ratings, seed=seed),
    "time": lambda ratings, seed: global_time(ratings),
    "new-users": lambda ratings, seed: new_users(ratings, seed=seed),
    "new-movies": lambda ratings, seed: new_movies(ratings, seed=seed),
}
"""The splits by the names of the command line, each a function of (ratings, seed); `k-fold` is its first fold."""


def _split(
    ratings: Ratings, train: RowNumbers, test: RowNumbers, protocol: str, given: RowNumbers | None = None
) -> Split:
    """The split with these rows, after a check that what is tested isn't known."""
    tested = _mask(test, len(ratings))
    for rows in (train, train if given is None else given):
        assert not tested[rows].any(), "a tested rating is also in training or given"
    if len(train) == 0 or len(test) == 0:
        raise DataError(
            f"{protocol}: {len(train):,} ratings to train on and {len(test):,} to test on are left of "
            f"{len(ratings):,}; both need one at least, so change the share or k, or take more ratings"
        )
    part = ratings.take(train)
    return Split(part, ratings.take(test), part if given is None else ratings.take(given), protocol)


def _masked(ratings: Ratings, tested: NDArray[np.bool_], protocol: str) -> Split:
    """The split that tests the rows of a mask and trains on the others, both in the table's order."""
    return _split(ratings, np.flatnonzero(~tested), np.flatnonzero(tested), protocol)


def _mask(rows: RowNumbers, n: int) -> NDArray[np.bool_]:
    mask = np.zeros(n, bool)
    mask[rows] = True
    return mask


def _share(share: float, name: str) -> float:
    if not 0 < share < 1:
        raise SettingError(f"{name} is {share}; it must be a share between 0 and 1, such as 0.2")
    return share


def _drawn(numbers: NDArray[Any], n: int, share: float, seed: int) -> NDArray[np.bool_]:
    """A random share (rounded up) of those users or movies that occur in `numbers`, as a mask of length `n`."""
    occurring = np.unique(numbers)
    n_drawn = int(np.ceil(_share(share, "share") * len(occurring)))
    return _mask(np.random.default_rng(seed).permutation(occurring)[:n_drawn], n)


def _random_places(ratings: Ratings, seed: int) -> RowNumbers:
    """The place 0, 1, 2… of each row when each user's rows are shuffled."""
    shuffled = np.random.default_rng([seed, 1]).permutation(len(ratings))
    order = shuffled[np.argsort(ratings.user[shuffled], kind="stable")]
    counts = np.bincount(ratings.user, minlength=len(ratings.users))
    places = np.empty(len(ratings), np.int64)
    places[order] = np.arange(len(ratings)) - np.repeat(np.cumsum(counts) - counts, counts)
    return places


def _legacy_generator(seed: int) -> np.random.RandomState:
    """NumPy's older generator, the one scikit-learn uses: only it gives the same rows."""
    return np.random.RandomState(seed)
