"""Leaks across a split are found and named: `cinematrix.evaluation.leakage`."""

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
    """The rows of several parts of one table as one part, repeated pairs and all."""
    columns = {name: [getattr(part, name) for part in parts] for name in ("user", "movie", "rating", "time")}
    joined = {name: np.concatenate(arrays) for name, arrays in columns.items()}
    return replace(parts[0], **joined)


def some(ratings: Ratings, *rows: int) -> Ratings:
    return ratings.take(np.array(rows))


@pytest.mark.parametrize("kind", SPLITS)
def test_our_own_splits_have_no_leak(kind: str, world: tuple[Ratings, Catalog]) -> None:
    """Each split passes, and what was checked is said: the kind's own promise too."""
    done = leakage.check(SPLITS[kind](world[0], 3), kind)
    promised = {"time": "earlier", "new-users": "no tested user has", "new-movies": "no tested movie has"}
    assert promised.get(kind, "no tested rating") in " ".join(done)
    assert len(done) == 3 if kind in promised else 2


def test_a_tested_rating_in_training_is_refused(world: tuple[Ratings, Catalog]) -> None:
    """One row too many in training, or among the ratings given, stops everything; the pair is named."""
    split = splits.random(world[0])
    test = split.test
    pair = f"user {test.users.ids[test.user[7]]}, movie {test.movies.ids[test.movie[7]]};"
    wrong = together(split.train, some(test, 7))
    with pytest.raises(DataError, match=rf"1 of {len(test)} tested ratings are also in training, such as {pair} cut"):
        leakage.check(replace(split, train=wrong), "random")
    with pytest.raises(DataError, match=r"1 of .* also among the ratings given"):
        leakage.check(replace(split, given=wrong), "random")


def test_ids_and_not_numbers_decide(world: tuple[Ratings, Catalog]) -> None:
    """Parts read from two files have maps of their own; a pair is the same by its IDs."""
    split = splits.random(world[0])
    test = split.test

    def anew(part: Ratings) -> Ratings:
        return Ratings.from_arrays(
            part.users.ids[part.user][::-1], part.movies.ids[part.movie][::-1], part.rating[::-1], part.time[::-1],
            scale=part.scale,
        )  # fmt: skip

    apart = Split(anew(split.train), anew(test), anew(split.train), "two files")
    leakage.check(apart, "random")
    with pytest.raises(DataError, match=r"two files: 1 of .* also in training"):
        leakage.check(replace(apart, train=anew(together(split.train, some(test, 0)))), "random")


def test_a_rating_tested_twice_is_refused(world: tuple[Ratings, Catalog]) -> None:
    """A repeated row counts twice in every mean."""
    split = splits.random(world[0])
    with pytest.raises(DataError, match=r"1 of .* are tested twice"):
        leakage.check(replace(split, test=together(split.test, some(split.test, 3))), "random")


def test_time_travel_is_refused(world: tuple[Ratings, Catalog]) -> None:
    """A training rating of the first tested second, or a later one, is the future; so is any random split."""
    split = splits.global_time(world[0])
    assert split.test.time is not None
    late = replace(some(split.train, 0), time=np.array([split.test.time.min()]))
    rest = split.train.take(np.arange(1, len(split.train)))
    with pytest.raises(DataError, match=r"1 of .* training ratings are not earlier .* into the future"):
        leakage.check(replace(split, train=together(rest, late)), "time")
    with pytest.raises(DataError, match="into the future"):
        leakage.check(splits.random(world[0]), "time")
    bare = replace(world[0], time=None)
    with pytest.raises(DataError, match="nobody can say what came first"):
        leakage.check(splits.random(bare), "time")


@pytest.mark.parametrize("what", ["user", "movie"])
def test_new_ones_must_be_new(what: str, world: tuple[Ratings, Catalog]) -> None:
    """A random split has hardly anybody new, and says so."""
    with pytest.raises(
        DataError, match=f"tested {what}s are in training, such as .*hold out all ratings of a new {what}"
    ):
        leakage.check(splits.random(world[0]), f"new-{what}s")


def test_a_user_who_stands_in_the_data_twice_is_found(world: tuple[Ratings, Catalog]) -> None:
    """The same ratings to the second under two IDs are on both sides of a random split; one user less, none is."""
    ratings = world[0]
    mine = ratings.take(ratings.user == 0)
    everybody = Ratings.from_arrays(
        np.append(ratings.users.ids[ratings.user], np.full(len(mine), 77_777)),
        np.append(ratings.movies.ids[ratings.movie], ratings.movies.ids[mine.movie]),
        np.append(ratings.rating, mine.rating),
        np.append(ratings.time, mine.time),
        scale=ratings.scale,
    )
    with pytest.raises(DataError, match=r"[12] tested users stand in training under another ID, .*77777.*keep one"):
        leakage.check(splits.per_user(everybody, 0.4), "per-user")
    leakage.check(splits.per_user(ratings, 0.4), "per-user")


def test_times_by_the_day_raise_no_false_alarm(world: tuple[Ratings, Catalog]) -> None:
    """Where many rate the same movie alike on the same day, nobody is taken for another."""
    ratings = replace(world[0], time=np.zeros(len(world[0]), np.int64))
    leakage.check(splits.random(ratings), "random")


def test_without_times_twins_cannot_be_told(world: tuple[Ratings, Catalog]) -> None:
    """What can't be checked isn't claimed."""
    assert len(leakage.check(splits.random(replace(world[0], time=None)), "random")) == 1
