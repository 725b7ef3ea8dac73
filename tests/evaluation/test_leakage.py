"""Tests of `cinematrix.evaluation.leakage`: every kind of leakage is an error with an example."""

from dataclasses import replace

import numpy as np
import pytest

from cinematrix.data import splits
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import SPLITS, Split
from cinematrix.errors import DataError
from cinematrix.evaluation import leakage


def together(*parts: Ratings) -> Ratings:
    """Concatenate parts of one table, repeated pairs included."""
    columns = {name: [getattr(part, name) for part in parts] for name in ("user", "movie", "rating", "time")}
    joined = {name: np.concatenate(arrays) for name, arrays in columns.items()}
    return replace(parts[0], **joined)


def some(ratings: Ratings, *rows: int) -> Ratings:
    return ratings.take(np.array(rows))


@pytest.mark.parametrize("kind", SPLITS)
def test_splits_of_the_package_have_no_leakage(kind: str, world: tuple[Ratings, Catalog]) -> None:
    """Each split passes, and the checks returned include those of its kind."""
    passed = leakage.check(SPLITS[kind](world[0], 3), kind)
    expected = {
        "time": "every training rating is earlier",
        "half": "every rating given is earlier",
        "new-users": "no tested user has",
        "new-movies": "no tested movie has",
    }
    assert expected.get(kind, "no tested rating") in " ".join(passed)
    assert len(passed) == {"half": 4}.get(kind, 3 if kind in expected else 2)


def test_a_tested_rating_in_training_is_refused(world: tuple[Ratings, Catalog]) -> None:
    """A tested row in training, or among the ratings given, is an error that names the pair."""
    split = splits.random(world[0])
    test = split.test
    pair = f"user {test.users.ids[test.user[7]]}, movie {test.movies.ids[test.movie[7]]};"
    wrong = together(split.train, some(test, 7))
    with pytest.raises(DataError, match=rf"1 of {len(test)} tested ratings are also in training, such as {pair} split"):
        leakage.check(replace(split, train=wrong), "random")
    with pytest.raises(DataError, match=r"1 of .* also among the ratings given"):
        leakage.check(replace(split, given=wrong), "random")


def test_a_half_that_gives_later_ratings_is_refused(world: tuple[Ratings, Catalog]) -> None:
    """A user's given rating must be earlier than their own tested ones, whenever others are tested."""
    split = splits.half(world[0])
    test, given = split.test, split.given
    assert test.time is not None
    user, row = test.users.ids[test.user[0]], int(np.flatnonzero(given.user == test.user[0])[0])
    late = replace(some(given, row), time=test.time[test.user == test.user[0]].min()[None])
    rest = given.take(np.delete(np.arange(len(given)), row))
    with pytest.raises(DataError, match=rf"1 of {len(given):,} given ratings are not earlier .* of user {user};"):
        leakage.check(replace(split, given=together(rest, late)), "half")
    with pytest.raises(DataError, match="halves by time need ratings with times"):
        leakage.check(replace(split, given=replace(given, time=None)), "half")


def test_pairs_are_compared_by_id(world: tuple[Ratings, Catalog]) -> None:
    """Parts read from two files have their own ID maps; pairs are compared by ID."""
    split = splits.random(world[0])
    test = split.test

    def reread(part: Ratings) -> Ratings:
        return Ratings.from_arrays(
            part.users.ids[part.user][::-1], part.movies.ids[part.movie][::-1], part.rating[::-1], part.time[::-1],
            scale=part.scale,
        )  # fmt: skip

    separate = Split(reread(split.train), reread(test), reread(split.train), "two files")
    leakage.check(separate, "random")
    with pytest.raises(DataError, match=r"two files: 1 of .* also in training"):
        leakage.check(replace(separate, train=reread(together(split.train, some(test, 0)))), "random")


def test_a_rating_tested_twice_is_refused(world: tuple[Ratings, Catalog]) -> None:
    """A repeated row would count twice in every mean."""
    split = splits.random(world[0])
    with pytest.raises(DataError, match=r"1 of .* are tested twice"):
        leakage.check(replace(split, test=together(split.test, some(split.test, 3))), "random")


def test_training_on_the_future_is_refused(world: tuple[Ratings, Catalog]) -> None:
    """A training rating at or after the first tested one is an error, and a random split isn't one by time."""
    split = splits.global_time(world[0])
    assert split.test.time is not None
    late = replace(some(split.train, 0), time=np.array([split.test.time.min()]))
    rest = split.train.take(np.arange(1, len(split.train)))
    with pytest.raises(DataError, match=r"1 of .* training ratings are not earlier .* from the future"):
        leakage.check(replace(split, train=together(rest, late)), "time")
    with pytest.raises(DataError, match="from the future"):
        leakage.check(splits.random(world[0]), "time")
    bare = replace(world[0], time=None)
    with pytest.raises(DataError, match="a split by time needs ratings with times"):
        leakage.check(splits.random(bare), "time")


@pytest.mark.parametrize("what", ["user", "movie"])
def test_new_users_and_movies_must_be_new(what: str, world: tuple[Ratings, Catalog]) -> None:
    """A random split isn't one by new users or movies."""
    with pytest.raises(
        DataError, match=f"tested {what}s are in training, such as .*hold out all ratings of a new {what}"
    ):
        leakage.check(splits.random(world[0]), f"new-{what}s")


def test_a_user_with_two_ids_is_refused(world: tuple[Ratings, Catalog]) -> None:
    """The same ratings to the second under two IDs are an error; without the second ID there is none."""
    ratings = world[0]
    copied = ratings.take(ratings.user == 0)
    with_copy = Ratings.from_arrays(
        np.append(ratings.users.ids[ratings.user], np.full(len(copied), 77_777)),
        np.append(ratings.movies.ids[ratings.movie], ratings.movies.ids[copied.movie]),
        np.append(ratings.rating, copied.rating),
        np.append(ratings.time, copied.time),
        scale=ratings.scale,
    )
    with pytest.raises(DataError, match=r"[12] tested users are in training under another ID, .*77777.*keep one"):
        leakage.check(splits.per_user(with_copy, 0.4), "per-user")
    leakage.check(splits.per_user(ratings, 0.4), "per-user")


def test_times_by_the_day_raise_no_false_alarm(world: tuple[Ratings, Catalog]) -> None:
    """Equal ratings of many users on the same day don't count as duplicates."""
    ratings = replace(world[0], time=np.zeros(len(world[0]), np.int64))
    leakage.check(splits.random(ratings), "random")


def test_without_times_duplicate_users_are_not_checked(world: tuple[Ratings, Catalog]) -> None:
    """A check that can't be made isn't among those returned."""
    assert len(leakage.check(splits.random(replace(world[0], time=None)), "random")) == 1
