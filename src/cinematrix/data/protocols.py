"""Splits exactly as papers describe them, so that a figure can stand beside a published one.

Splits of the same name differ between papers: which ratings count, which users are left out, which movies may be
listed. Each function here prepares the ratings as its source does, and says so in `Split.protocol`.
"""

import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import RowNumbers, Split, make_split, random
from cinematrix.errors import DataError, DataWarning, SettingError

LIKED_FROM = 4.0
"""Stars from which a rating counts as an interaction in Liang et al. 2018."""
MIN_LIKED = 5
"""Interactions that a user has at least there; also the interactions of users and movies in sequential papers."""
LIANG_SEED = 98765
"""Seed of the code of Liang et al. 2018, by which the held-out users of ML-20M are the very ones of the paper."""


@dataclass(frozen=True)
class Dates:
    """First days (UTC) of the validation and test ratings of a data set, in LensKit's codex.

    Attributes:
        validation, test: the days.
        counts: ratings to train on, to validate and to test, as the codex prints them.
    """

    validation: date
    test: date
    counts: tuple[int, int, int]


DATASETS = {
    (943, 100_000): "ml-100k",
    (610, 100_836): "ml-latest-small",
    (6_040, 1_000_209): "ml-1m",
    (69_878, 10_000_054): "ml-10m",
    (138_493, 20_000_263): "ml-20m",
    (162_541, 25_000_095): "ml-25m",
    (200_948, 32_000_204): "ml-32m",
    (480_189, 100_480_507): "netflix",
}
"""Public data sets by their numbers of users and ratings."""

LIANG_COUNTS = {"ml-1m": (6_034, 575_272), "ml-20m": (136_677, 9_990_682)}
"""Users and interactions that the code of Liang et al. 2018 keeps of a data set."""

LIANG_HELD_OUT = {"netflix": 40_000}
"""Users held out there, of data sets of which it isn't 10,000; quoted from table 1."""

CODEX_DATES = {
    "ml-10m": Dates(date(2005, 4, 1), date(2007, 1, 1), (6_974_190, 1_538_314, 1_487_550)),
    "ml-20m": Dates(date(2008, 1, 1), date(2011, 1, 1), (14_063_903, 2_992_504, 2_943_856)),
    "ml-25m": Dates(date(2015, 1, 1), date(2017, 4, 1), (17_436_172, 3_850_116, 3_713_624)),
    "ml-32m": Dates(date(2016, 10, 1), date(2019, 11, 1), (22_354_937, 4_814_880, 4_830_150)),
}
"""Dates of data sets, by name. For ml-25m the codex says "March/April 2017"."""


def find_dataset(ratings: Ratings) -> str:
    """Return the name of the public data set that the ratings are; empty if they are none of these."""
    return DATASETS.get((len(ratings.users), len(ratings)), "")


def random_tenth(ratings: Ratings, seed: int = 42) -> Split:
    """Hold out a random tenth of the ratings, as the rating prediction papers on ML-1M, ML-10M and Netflix do.

    Users and movies without a rating left in training are tested as well.
    """
    return random(ratings, 0.1, seed)


def strong_generalisation(ratings: Ratings, seed: int = LIANG_SEED, held_out: int | None = None) -> Split:
    """Hold out users; of each, four fifths of their interactions are given and a fifth is tested (Liang et al. 2018).

    Ratings from four of five stars on become interactions, the others are dropped, and so are users with fewer than
    five. Users are held out twice, for validation and for the test; neither are trained on, and the former aren't used
    here. Only movies that training users have count. Users and rows are drawn as in the paper's code, from users by
    ascending ID and a user's rows in the file's order.

    Args:
        held_out: users of the test, and as many of the validation; None: 10,000, or a tenth of less than 100,000.

    Raises:
        DataError: too few users are left.
    """
    liked = _liked(ratings)
    counts = np.bincount(liked.user, minlength=len(liked.users))
    liked = liked.take(counts[liked.user] >= MIN_LIKED)
    users = np.unique(liked.user)
    users = users[np.argsort(liked.users.ids[users], kind="stable")]
    dataset = find_dataset(ratings)
    n = held_out or LIANG_HELD_OUT.get(dataset) or (10_000 if len(users) >= 100_000 else len(users) // 10)
    if not 0 < n < len(users) / 2:
        raise DataError(f"{len(users):,} users with {MIN_LIKED} interactions are too few to hold out twice {n:,}")
    counts_there = LIANG_COUNTS.get(dataset)
    if counts_there is not None and counts_there != (len(users), len(liked)):
        ours, theirs = (f"{n_users:,} users with {n_rows:,} interactions" for n_users, n_rows in
                        ((len(users), len(liked)), counts_there))  # fmt: skip
        _warn(f"{ours} are left of these ratings, {theirs} in the code of Liang et al. 2018")
    shuffled = users[np.random.RandomState(seed).permutation(len(users))]
    trained = np.flatnonzero(_members(liked, shuffled[: len(users) - 2 * n]))
    listed = np.zeros(len(liked.movies), bool)
    listed[liked.movie[trained]] = True
    asked = np.flatnonzero(_members(liked, shuffled[len(users) - n :]) & listed[liked.movie])
    given, tested = _fold_in(liked, asked, np.random.RandomState(seed))
    protocol = (
        f"strong generalisation (Liang et al. 2018): {n:,} users held out of {len(users):,}, four fifths of their "
        f"interactions given, seed {seed}"
    )
    return make_split(liked, trained, tested, protocol, np.concatenate([trained, given]))


def fixed_dates(ratings: Ratings, part: str = "validation", dates: Dates | None = None) -> Split:
    """Hold out the days of LensKit's codex: all training ratings are earlier; users without one aren't tested.

    Args:
        part: `validation`, tested after training on what is before it, or `test`, after training on all before it.
        dates: the days; None: those of `CODEX_DATES`. For other data sets the codex's rule gives them: the first days
            after 70 and 85 in a hundred ratings.

    Raises:
        DataError: the ratings have no time, or nothing is left to train on or to test.
    """
    if part not in ("validation", "test"):
        raise SettingError(f"part is {part!r}; it must be validation or test")
    if ratings.time is None:
        raise DataError("the ratings have no time column; split them by dates only with one, or use the split random")
    dates = dates or CODEX_DATES.get(find_dataset(ratings)) or _choose_dates(ratings.time)
    first, end = (dates.validation, dates.test) if part == "validation" else (dates.test, date.max)
    before, later = ratings.time < _second(first), ratings.time >= _second(end)
    known = np.zeros(len(ratings.users), bool)
    known[ratings.user[before]] = True
    tested = np.flatnonzero(~before & ~later & known[ratings.user])
    if any(dates.counts):
        _compare_counts(ratings.time, dates)
    if not len(tested):
        raise DataError(
            f"no user with a rating before {first:%Y-%m-%d} has one after it; use the split random, or other dates"
        )
    rule = "dates of LensKit's codex" if dates in CODEX_DATES.values() else "dates by the rule of LensKit's codex"
    protocol = f"{rule}, {part}: from {first:%Y-%m-%d}, users with a rating before"
    return make_split(ratings, np.flatnonzero(before), tested, protocol)


def leave_one_out(ratings: Ratings) -> Split:
    """Hold out each user's last movie; the one before it is given but not trained on, as in sequential papers.

    Every rating counts as an interaction. Users and movies with fewer than five are left out (each counted once, as in
    the code of Kang & McAuley 2018). All movies are ranked, not a sample (Krichene & Rendle 2020). Of ratings in the
    same second the later row is the last.

    Raises:
        DataError: the ratings have no time.
    """
    if ratings.time is None:
        raise DataError("the ratings have no time column, so no last one is known; use the split random")
    kept = ratings.interactions()
    users, movies = (np.bincount(column) for column in (kept.user, kept.movie))
    kept = kept.take((users[kept.user] >= MIN_LIKED) & (movies[kept.movie] >= MIN_LIKED))
    assert kept.time is not None
    order = np.lexsort((np.arange(len(kept)), kept.time, kept.user))
    counts = np.bincount(kept.user, minlength=len(kept.users))
    left = np.empty(len(kept), np.int64)
    left[order] = np.repeat(np.cumsum(counts), counts) - np.arange(len(kept)) - 1
    enough = counts[kept.user] >= 3
    protocol = "leave one out: each user's last movie, all movies ranked, users and movies with five ratings"
    trained, given = (np.flatnonzero(~enough | (left >= most)) for most in (2, 1))
    return make_split(kept, trained, np.flatnonzero(enough & (left == 0)), protocol, given)


def _liked(ratings: Ratings) -> Ratings:
    """Return the ratings from four of five stars on as interactions; all of plain interactions."""
    if ratings.rating is None or ratings.scale is None:
        return ratings.interactions()
    return ratings.take(ratings.rating >= LIKED_FROM / 5 * ratings.scale.high).interactions()


def _members(ratings: Ratings, users: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return a mask of the rows of some users."""
    chosen = np.zeros(len(ratings.users), bool)
    chosen[users] = True
    return chosen[ratings.user]


def _fold_in(ratings: Ratings, rows: RowNumbers, rng: np.random.RandomState) -> tuple[RowNumbers, RowNumbers]:
    """Divide the rows of each user, by ascending ID, into given ones and a fifth that is tested.

    Users with fewer than five of the rows give all of them.
    """
    ids = ratings.users.ids[ratings.user[rows]]
    rows = rows[np.argsort(ids, kind="stable")]
    starts = np.flatnonzero(np.diff(ratings.user[rows], prepend=-1))
    tested = np.zeros(len(rows), bool)
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        n = int(end - start)
        if n >= MIN_LIKED:
            tested[start + rng.choice(n, size=int(0.2 * n), replace=False)] = True
    return rows[~tested], rows[tested]


def _compare_counts(time: NDArray[np.int64], dates: Dates) -> None:
    """Warn if the three parts aren't of the sizes that the codex prints, to one in ten thousand."""
    parts = np.searchsorted([_second(dates.validation), _second(dates.test)], time, side="right")
    ours = np.bincount(parts, minlength=3)
    if not np.allclose(ours, dates.counts, rtol=1e-4):
        sizes, theirs = (" + ".join(f"{n:,}" for n in counts) for counts in (ours, dates.counts))
        _warn(f"these ratings are cut into {sizes}, LensKit's codex has {theirs}")


def _warn(difference: str) -> None:
    warnings.warn(f"{difference}; figures may not be comparable", DataWarning, stacklevel=4)


def _choose_dates(time: NDArray[np.int64]) -> Dates:
    """Return the first days after 70 and 85 in a hundred ratings."""
    validation, test = (
        datetime.fromtimestamp(int(second), UTC).date() + timedelta(days=1)
        for second in np.quantile(time, [0.7, 0.85], method="lower")
    )
    return Dates(validation, test, (0, 0, 0))


def _second(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
