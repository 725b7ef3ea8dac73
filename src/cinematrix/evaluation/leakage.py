"""Leakage checks of a split: errors with an example where training data contain what is tested.

`data.splits` splits without leakage by construction, and `held_out` checks the histories that a model is given. These
checks take any split, wherever it comes from. They also find users who are in the data twice, under two IDs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split
from cinematrix.errors import DataError

MIN_SHARED_RATINGS = 5
"""Minimum ratings that two IDs share to count as one user; they must also be half of the tested user's ratings."""


def check(split: Split, kind: str) -> tuple[str, ...]:
    """Check a split for leakage; return descriptions of the checks that it passed.

    Args:
        split: the split.
        kind: `time`, `half`, `new-users`, `new-movies`, or another kind, without checks of its own.

    Raises:
        DataError: a tested rating is also in training or among the ratings given, or is tested twice; a tested user is
            in training under another ID; training ratings of a split by time aren't earlier than the tested ones; the
            ratings that a user of `half` gives aren't earlier than their tested ones; new users or movies aren't new.
    """
    _check_pairs(split)
    passed = ["no tested rating is in training or among the ratings given"]
    if split.test.time is not None:
        _check_duplicate_users(split)
        passed.append("no tested user is in training under another ID")
    if kind in ("time", "half"):
        _check_time(split)
        passed.append("every training rating is earlier than every tested one")
    if kind == "half":
        _check_given_first(split)
        passed.append("every rating given is earlier than the user's tested ones")
    for what in ("user", "movie"):
        if kind == f"new-{what}s":
            _check_new(split, what)
            passed.append(f"no tested {what} has a rating in training")
    return tuple(passed)


def _check_pairs(split: Split) -> None:
    tested, n = _keys(split, split.test), len(split.test)
    for part, name in ((split.train, "in training"), (split.given, "among the ratings given")):
        shared = np.isin(tested, _keys(split, part))
        if shared.any():
            raise _leakage_error(split, np.flatnonzero(shared), f"also {name}")
    repeated = np.setdiff1d(np.arange(n), np.unique(tested, return_index=True)[1])
    if len(repeated):
        raise _leakage_error(split, repeated, "tested twice")


def _keys(split: Split, part: Ratings) -> NDArray[np.int64]:
    """Return a key of each row's user and movie, under the ID maps of the test part; negative for IDs not in them."""
    users = split.test.users.numbers(part.users.ids)[part.user].astype(np.int64)
    movies = split.test.movies.numbers(part.movies.ids)[part.movie]
    return np.where((users < 0) | (movies < 0), -1, users * len(split.test.movies) + movies)


def _leakage_error(split: Split, rows: NDArray[np.int64], what: str) -> DataError:
    test, row = split.test, rows[0]
    user, movie = test.users.ids[test.user[row]], test.movies.ids[test.movie[row]]
    return DataError(
        f"{split.protocol}: {len(rows):,} of {len(test):,} tested ratings are {what}, such as user {user}, movie "
        f"{movie}; split the ratings again so that each is in one part only"
    )


def _check_time(split: Split) -> None:
    train, test = split.train.time, split.test.time
    if train is None or test is None:
        raise DataError(f"{split.protocol}: a split by time needs ratings with times; use the split random")
    late = int(np.count_nonzero(train >= test.min()))
    if late:
        raise DataError(
            f"{split.protocol}: {late:,} of {len(train):,} training ratings are not earlier than the first tested "
            f"one, so the model would learn from the future; train on earlier ratings"
        )


def _check_given_first(split: Split) -> None:
    """Check that each tested user's given ratings are earlier than their tested ones."""
    test, given = split.test, split.given
    if test.time is None or given.time is None:
        raise DataError(f"{split.protocol}: halves by time need ratings with times; use the split random")
    first = np.full(len(test.users) + 1, np.iinfo(np.int64).max)  # the last is for users without a tested rating
    np.minimum.at(first, test.user, test.time)
    users = test.users.numbers(given.users.ids)[given.user]
    late = np.flatnonzero(given.time >= first[users])
    if len(late):
        user = given.users.ids[given.user[late[0]]]
        raise DataError(
            f"{split.protocol}: {len(late):,} of {len(given):,} given ratings are not earlier than the user's first "
            f"tested one, such as one of user {user}; give only earlier ratings"
        )


def _check_new(split: Split, what: str) -> None:
    """Check that no tested user (or movie, by `what`) is in training."""
    parts = [
        (part.users, part.user) if what == "user" else (part.movies, part.movie) for part in _test_and_train(split)
    ]
    tested, trained = (ids.ids[np.unique(numbers)] for ids, numbers in parts)
    shared = np.intersect1d(tested, trained)
    if len(shared):
        raise DataError(
            f"{split.protocol}: {len(shared):,} of {len(tested):,} tested {what}s are in training, such as "
            f"{shared[0]}; hold out all ratings of a new {what}"
        )


def _test_and_train(split: Split) -> tuple[Ratings, Ratings]:
    return split.test, split.train


def _check_duplicate_users(split: Split) -> None:
    """Check that no tested user's ratings (movie, rating, second) are in training under another ID.

    Only ratings that occur exactly twice in all parts count. Times rounded to days or hours, which many users share,
    thus raise no false alarm.
    """
    test, train = _test_and_train(split)
    if train.time is None or test.time is None:
        return
    movies = test.movies.numbers(train.movies.ids)[train.movie]
    columns: list[NDArray[Any]] = [np.append(test.movie, movies), np.append(test.time, train.time)]
    if test.rating is not None and train.rating is not None:
        columns.append(np.append(test.rating, train.rating))
    order = np.lexsort(columns)
    same = np.all([c[order[1:]] == c[order[:-1]] for c in columns], axis=0)
    single = np.append(True, ~same[:-1]) & np.append(~same[1:], True)  # the rows before and after the pair differ
    first, second = order[:-1][same & single], order[1:][same & single]
    tested, trained = np.minimum(first, second), np.maximum(first, second) - len(test)
    across = (tested < len(test)) & (trained >= 0)
    _refuse_duplicate_users(split, test.user[tested[across]], train.user[trained[across]])


def _refuse_duplicate_users(split: Split, tested: NDArray[np.int32], trained: NDArray[np.int32]) -> None:
    """Raise if two users share too many ratings; row by row, `tested` and `trained` are users of the same rating."""
    test, train = _test_and_train(split)
    pairs, shared = np.unique(np.column_stack([tested, trained]), axis=0, return_counts=True)
    duplicates = np.flatnonzero((shared >= MIN_SHARED_RATINGS) & (2 * shared >= test.by_user.counts[pairs[:, 0]]))
    duplicates = duplicates[test.users.ids[pairs[duplicates, 0]] != train.users.ids[pairs[duplicates, 1]]]
    if len(duplicates):
        first = duplicates[0]
        user, other = test.users.ids[pairs[first, 0]], train.users.ids[pairs[first, 1]]
        raise DataError(
            f"{split.protocol}: {len(duplicates):,} tested users are in training under another ID, such as user "
            f"{user}: {shared[first]} of their tested ratings are also user {other}'s, to the second; keep one of them"
        )
