"""What must not be known before it is tested: checks of a split that stop the work with the first example.

`splits` cuts by construction so that none of this happens, and `heldout` looks again at what a model is handed; these
checks look at the cut itself, whoever made it, and at what a cut can't know: ratings that stand in the data twice.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split
from cinematrix.errors import DataError

MIN_SHARED_RATINGS = 5
"""So many ratings of one user that another repeats, and at least half of those tested, are no coincidence."""


def check(split: Split, kind: str) -> tuple[str, ...]:
    """Everything that can be checked of a split of this kind; what was, in words.

    Args:
        kind: `time`, `new-users`, `new-movies`, or another that promises nothing beyond what all do.

    Raises:
        DataError: a tested rating is also in training or given, or tested twice; a user's ratings stand in training
            under another ID; training ratings of a split by time aren't earlier; new users or movies aren't new.
    """
    _check_pairs(split)
    done = ["no tested rating is in training or among those given"]
    if split.test.time is not None:
        _check_duplicate_users(split)
        done.append("no tested user is in training under another ID")
    if kind == "time":
        _check_time(split)
        done.append("every training rating is earlier than every tested one")
    for what in ("user", "movie"):
        if kind == f"new-{what}s":
            _check_new(split, what)
            done.append(f"no tested {what} has a rating in training")
    return tuple(done)


def _check_pairs(split: Split) -> None:
    tested, n = _keys(split, split.test), len(split.test)
    for part, name in ((split.train, "in training"), (split.given, "among the ratings given")):
        known = np.isin(tested, _keys(split, part))
        if known.any():
            raise _leak(split, np.flatnonzero(known), f"also {name}")
    repeated = np.setdiff1d(np.arange(n), np.unique(tested, return_index=True)[1])
    if len(repeated):
        raise _leak(split, repeated, "tested twice")


def _keys(split: Split, part: Ratings) -> NDArray[np.int64]:
    """One number for each row's pair of user and movie, under the IDs of the test part; negative for IDs not in it."""
    users = split.test.users.numbers(part.users.ids)[part.user].astype(np.int64)
    movies = split.test.movies.numbers(part.movies.ids)[part.movie]
    return np.where((users < 0) | (movies < 0), -1, users * len(split.test.movies) + movies)


def _leak(split: Split, rows: NDArray[np.int64], what: str) -> DataError:
    test, row = split.test, rows[0]
    user, movie = test.users.ids[test.user[row]], test.movies.ids[test.movie[row]]
    return DataError(
        f"{split.protocol}: {len(rows):,} of {len(test):,} tested ratings are {what}, such as user {user}, movie "
        f"{movie}; cut the ratings anew so that each is on one side only"
    )


def _check_time(split: Split) -> None:
    train, test = split.train.time, split.test.time
    if train is None or test is None:
        raise DataError(f"{split.protocol}: without times nobody can say what came first; use the split random")
    late = int(np.count_nonzero(train >= test.min()))
    if late:
        raise DataError(
            f"{split.protocol}: {late:,} of {len(train):,} training ratings are not earlier than the first tested "
            f"one, so the model would look into the future; train on what came before"
        )


def _check_new(split: Split, what: str) -> None:
    """No tested user (or movie) is in training."""
    parts = [
        (part.users, part.user) if what == "user" else (part.movies, part.movie) for part in _test_and_train(split)
    ]
    tested, trained = (ids.ids[np.unique(numbers)] for ids, numbers in parts)
    known = np.intersect1d(tested, trained)
    if len(known):
        raise DataError(
            f"{split.protocol}: {len(known):,} of {len(tested):,} tested {what}s are in training, such as {known[0]}; "
            f"hold out all ratings of a new {what}"
        )


def _test_and_train(split: Split) -> tuple[Ratings, Ratings]:
    return split.test, split.train


def _check_duplicate_users(split: Split) -> None:
    """No tested user's ratings (movie, rating, second) stand in training as somebody else's.

    Only what stands in the whole table exactly twice counts, so that days or hours in place of seconds, which many
    share, raise no false alarm.
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
    alone = np.append(True, ~same[:-1]) & np.append(~same[1:], True)  # neither the row before nor the one after
    first, second = order[:-1][same & alone], order[1:][same & alone]
    tested, trained = np.minimum(first, second), np.maximum(first, second) - len(test)
    across = (tested < len(test)) & (trained >= 0)
    _refuse_duplicate_users(split, test.user[tested[across]], train.user[trained[across]])


def _refuse_duplicate_users(split: Split, tested: NDArray[np.int32], trained: NDArray[np.int32]) -> None:
    """Row by row: a tested user's rating is also a training user's."""
    test, train = _test_and_train(split)
    pairs, shared = np.unique(np.column_stack([tested, trained]), axis=0, return_counts=True)
    twins = np.flatnonzero((shared >= MIN_SHARED_RATINGS) & (2 * shared >= test.by_user.counts[pairs[:, 0]]))
    twins = twins[test.users.ids[pairs[twins, 0]] != train.users.ids[pairs[twins, 1]]]
    if len(twins):
        one, other = test.users.ids[pairs[twins[0], 0]], train.users.ids[pairs[twins[0], 1]]
        raise DataError(
            f"{split.protocol}: {len(twins):,} tested users stand in training under another ID, such as user {one}, "
            f"{shared[twins[0]]} of whose tested ratings user {other} has too, to the second; keep one of the two"
        )
