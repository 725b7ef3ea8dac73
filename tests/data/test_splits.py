"""Splits into training and test data: `cinematrix.data.splits`."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold, train_test_split

from cinematrix.data import splits
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import SPLITS, Split
from cinematrix.errors import DataError, SettingError


def table(n: int, seed: int = 0, *, time: bool = True) -> Ratings:
    """Draw `n` distinct ratings in random order: twice as many movies as users, IDs unsorted, many equal times."""
    generator = np.random.default_rng(seed)
    n_users = max(2, int(np.sqrt(n)))
    cells = generator.choice(n_users * 2 * n_users, n, replace=False)
    user, movie = cells // (2 * n_users) * 7 % 101, cells % (2 * n_users) * 5 % 997
    times = generator.integers(0, max(2, n // 3), n) if time else None
    return Ratings.from_arrays(user, movie, generator.integers(1, 6, n), times)


def pairs(ratings: Ratings) -> list[tuple[int, int]]:
    return list(zip(ratings.user.tolist(), ratings.movie.tolist(), strict=True))


def counts(ratings: Ratings) -> list[int]:
    return np.bincount(ratings.user, minlength=len(ratings.users)).tolist()


@pytest.mark.parametrize("n", [2, 3, 7, 10, 99, 1001])
@pytest.mark.parametrize("test_size", [0.1, 0.2, 1 / 3, 0.5])
@pytest.mark.parametrize("seed", [0, 42])
def test_random_is_scikit_learns(n: int, test_size: float, seed: int) -> None:
    """Rows and their order are those of `train_test_split`, at odd sizes too."""
    ratings = table(n)
    train, test = train_test_split(np.arange(n), test_size=test_size, random_state=seed)
    split = splits.random(ratings, test_size, seed)
    assert pairs(split.train) == pairs(ratings.take(train))
    assert pairs(split.test) == pairs(ratings.take(test))
    assert split.given is split.train


@pytest.mark.parametrize(("n", "k"), [(5, 5), (11, 3), (1001, 10)])
def test_k_fold_is_scikit_learns(n: int, k: int) -> None:
    """Folds and their order are those of `KFold` with shuffling; each rating is tested once."""
    ratings = table(n)
    folds = list(splits.k_fold(ratings, k, seed=7))
    expected = list(KFold(k, shuffle=True, random_state=7).split(np.arange(n)))
    assert [pairs(fold.train) for fold in folds] == [pairs(ratings.take(train)) for train, _ in expected]
    assert [pairs(fold.test) for fold in folds] == [pairs(ratings.take(test)) for _, test in expected]
    assert sorted(pair for fold in folds for pair in pairs(fold.test)) == sorted(pairs(ratings))


@given(st.integers(300, 400), st.integers(0, 5), st.sampled_from(sorted(SPLITS)))
def test_every_split_keeps_what_is_tested_apart(n: int, seed: int, name: str) -> None:
    """No test rating is in training or given, none is missing, and a second call gives the same split."""
    ratings = table(n, seed)
    split, second = SPLITS[name](ratings, seed), SPLITS[name](ratings, seed)
    train, test, given_ = (set(pairs(part)) for part in (split.train, split.test, split.given))
    assert not test & (train | given_)
    assert train <= given_
    assert given_ | test == set(pairs(ratings))
    assert split.test.users is ratings.users
    assert [pairs(split.train), pairs(split.test)] == [pairs(second.train), pairs(second.test)]


@pytest.mark.parametrize("name", sorted(set(SPLITS) - {"time", "half"}))
def test_another_seed_gives_another_split(name: str) -> None:
    """The seed changes the split, and the protocol has the seed."""
    ratings = table(800)
    assert pairs(SPLITS[name](ratings, 1).test) != pairs(SPLITS[name](ratings, 2).test)
    assert "seed 1" in SPLITS[name](ratings, 1).protocol


def test_per_user_takes_a_share_of_each_user() -> None:
    """Users with 10, 5, 3, 2 and 1 ratings have 2, 1, 1, 0 and 0 tested at 20 %."""
    sizes = [10, 5, 3, 2, 1]
    users = np.random.default_rng(0).permutation(np.repeat(np.arange(5), sizes))
    ratings = Ratings.from_arrays(users, np.arange(len(users)), np.ones(len(users)))
    split = splits.per_user(ratings)
    assert counts(split.test) == [2, 1, 1, 0, 0]
    assert counts(split.train) == [8, 4, 2, 2, 1]
    assert counts(splits.per_user(ratings, 0.99).train) == [1, 1, 1, 1, 1]


def test_per_user_chooses_every_place_alike() -> None:
    """Each row of a user is tested for about half of the seeds, early or late."""
    ratings = Ratings.from_arrays([1] * 6 + [2] * 2, list(range(8)), [3] * 8)
    times = sum(np.bincount(splits.per_user(ratings, 0.5, seed).test.movie, minlength=8) for seed in range(400))
    assert np.all(np.abs(times / 400 - 0.5) < 0.1)


def by_time(times: list[int], test_size: float = 0.2) -> Split:
    return splits.global_time(
        Ratings.from_arrays([1] * len(times), range(len(times)), [3] * len(times), times), test_size
    )


@pytest.mark.parametrize(
    ("times", "tested"),
    [
        ([50, 10, 40, 20, 30], [0]),
        ([50, 10, 50, 20, 50], [0, 2, 4]),  # ties at the cut are tested together
        ([10, 10, 10, 10, 50], [4]),
        ([10, 50, 50, 50, 50], [1, 2, 3, 4]),
    ],
)
def test_time_cuts_between_two_seconds(times: list[int], tested: list[int]) -> None:
    """Training is strictly before the test, whatever the order of the rows and the ties."""
    assert by_time(times).test.movie.tolist() == tested


def test_time_with_ties_at_the_very_beginning_still_trains_on_something() -> None:
    """If the share reaches the earliest second, the cut moves after it."""
    assert by_time([10, 10, 10, 20, 10], 0.5).test.movie.tolist() == [3]


def test_time_says_from_when_it_tests() -> None:
    """The protocol names the first tested second in UTC."""
    assert "from 1970-01-01 00:00:50 UTC" in by_time([50, 10, 40, 20, 30]).protocol


# (user, movie, time) around the cut at second 50: user 1 is known and has four later ratings, user 2 is new with three,
# user 3 is new with one, users 4 and 5 are new with a tie in the middle and with all at once.
LATER = [
    (1, 10, 10), (1, 11, 20), (1, 12, 80), (1, 13, 50), (1, 14, 60), (1, 15, 70), (2, 16, 52), (2, 17, 51),
    (2, 18, 53), (3, 19, 99), (4, 20, 55), (4, 21, 56), (4, 22, 56), (4, 23, 57), (5, 24, 58), (5, 25, 58),
]  # fmt: skip


def test_half_by_hand() -> None:
    """Each user's later ratings are halved by time: of an odd number the middle one, and of ties all, are tested."""
    users, movies, times = np.array(LATER).T
    ratings = Ratings.from_arrays(users, movies, np.full(len(users), 3), times)
    split, by_cut = splits.half(ratings, 14 / 16), splits.global_time(ratings, 14 / 16)

    def movies_of(part: Ratings) -> list[int]:
        return part.movies.ids[part.movie].tolist()

    assert pairs(split.train) == pairs(by_cut.train)
    assert movies_of(split.train) == [10, 11]
    assert movies_of(split.test) == [12, 15, 16, 18, 19, 21, 22, 23, 24, 25]
    assert movies_of(split.given) == [10, 11, 13, 14, 17, 20]
    assert split.protocol.startswith("half split, the latest 88%, from 1970-01-01 00:00:50 UTC")


@given(st.integers(30, 300), st.integers(0, 20), st.sampled_from([0.1, 0.2, 0.5, 0.9]))
def test_half_agrees_with_loops_over_users(n: int, seed: int, test_size: float) -> None:
    """Given and tested ratings are those of a loop over the users, whatever the order of the rows and the ties."""
    ratings = table(n, seed)
    split, cut = splits.half(ratings, test_size), splits.global_time(ratings, test_size).test.time
    assert ratings.time is not None
    assert cut is not None
    tested = set()
    for user in range(len(ratings.users)):
        later = sorted((t, m) for u, m, t in zip(ratings.user.tolist(), ratings.movie.tolist(), ratings.time.tolist(),
                                                 strict=True) if u == user and t >= cut.min())  # fmt: skip
        tested |= {(user, m) for t, m in later if t >= later[len(later) // 2][0]}
    assert set(pairs(split.test)) == tested
    assert set(pairs(split.given)) == set(pairs(ratings)) - tested


@pytest.mark.parametrize("cut", [splits.global_time, splits.half])
@pytest.mark.parametrize(("time", "message"), [(None, "no time column"), ([5, 5], "same time")])
def test_time_refuses_ratings_without_an_earlier_and_a_later(
    time: list[int] | None, message: str, cut: Callable[[Ratings], Split]
) -> None:
    """Ratings without times, or with one time for all, are an error that names another split."""
    with pytest.raises(DataError, match=f"{message}.* use the split random"):
        cut(Ratings.from_arrays([1, 2], [1, 2], [3, 4], time))


def test_new_users_are_held_out_whole_and_give_k() -> None:
    """Held-out users have no training rating, give exactly k, and are tested on all the others."""
    ratings = table(900)
    split = splits.new_users(ratings, share=0.2, k=5)
    before, trained, given_, tested = (
        np.array(counts(part)) for part in (ratings, split.train, split.given, split.test)
    )
    new = tested > 0
    assert new.sum() == np.ceil(0.2 * len(ratings.users))
    assert not trained[new].any()
    assert np.all(given_[new] == 5)
    assert np.array_equal(trained[~new], before[~new])


@pytest.mark.parametrize("seed", range(6))
def test_new_users_with_few_ratings_give_all_and_are_not_tested(seed: int) -> None:
    """Users with k ratings or fewer aren't tested; the others are."""
    ratings = Ratings.from_arrays([1, 2, 2, 3, 3, 3, 4, 4, 4, 4], range(10), [3] * 10)
    split = splits.new_users(ratings, share=0.7, k=2, seed=seed)
    held_out = np.array(counts(split.train)) == 0
    assert held_out.sum() == 3
    assert np.array(counts(split.given))[held_out].tolist() == np.minimum([1, 2, 3, 4], 2)[held_out].tolist()
    assert np.array(counts(split.test))[held_out].tolist() == np.array([0, 0, 1, 2])[held_out].tolist()


def test_new_users_are_the_same_people_for_every_k() -> None:
    """Splits with different k are comparable: same users, and nested given ratings."""
    ratings = table(900)
    by_k = {k: splits.new_users(ratings, k=k) for k in (0, 3, 9)}
    assert pairs(by_k[0].train) == pairs(by_k[3].train) == pairs(by_k[9].train)
    assert pairs(by_k[0].given) == pairs(by_k[0].train)
    assert set(pairs(by_k[3].given)) < set(pairs(by_k[9].given))


def test_new_movies_are_held_out_whole() -> None:
    """All ratings of a movie are in the test, or all in training; the share is of movies."""
    ratings = table(900)
    split = splits.new_movies(ratings)
    held_out = set(split.test.movie.tolist())
    assert not held_out & set(split.train.movie.tolist())
    assert len(held_out) == np.ceil(0.2 * len(np.unique(ratings.movie)))


@pytest.mark.parametrize("share", [0, 1, -0.1, 20, float("nan")])
def test_a_share_lies_between_nothing_and_all(share: float) -> None:
    """Shares outside 0…1, such as 20 for 20 %, are errors."""
    for split in (splits.random, splits.per_user, splits.global_time, splits.new_users, splits.new_movies):
        with pytest.raises(SettingError, match="between 0 and 1"):
            split(table(30), share)


def test_too_few_ratings_to_split_is_an_error() -> None:
    """Splits without training or test ratings are errors; so are invalid numbers of folds or given ratings."""
    one = Ratings.from_arrays([1], [1], [3.0])
    with pytest.raises(DataError, match="both need one at least"):
        splits.random(one)
    with pytest.raises(DataError, match="0 to test on"):
        splits.new_users(table(30), k=100)
    with pytest.raises(SettingError, match="from 2 to the number of ratings, 1"):
        splits.k_fold(one, 2)
    with pytest.raises(SettingError, match="0 or more"):
        splits.new_users(table(30), k=-1)
