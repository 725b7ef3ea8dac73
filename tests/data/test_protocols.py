"""Published splits against a second implementation, written in pandas by their papers' descriptions."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from cinematrix.data import protocols
from cinematrix.data.protocols import CODEX_DATES, Dates, fixed_dates, leave_one_out, strong_generalisation
from cinematrix.data.ratings import Ratings
from cinematrix.errors import DataError, DataWarning, SettingError


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Ratings of 120 users with IDs in no order, among 60 movies, by 40 days."""
    rng = np.random.default_rng(5)
    rows = [
        (user, movie, rng.choice([1.0, 2.5, 4.0, 4.5, 5.0]), 86_400 * int(rng.integers(40)) + int(rng.integers(9)))
        for user in rng.permutation(900)[:120]
        for movie in rng.permutation(60)[: rng.integers(1, 40)]
    ]
    return pd.DataFrame(rows, columns=["user", "movie", "rating", "time"]).sample(frac=1, random_state=1)


@pytest.fixture(scope="module")
def ratings(frame: pd.DataFrame) -> Ratings:
    """The same as `Ratings`."""
    return Ratings.from_arrays(frame.user, frame.movie, frame.rating, frame.time)


def pairs(ratings: Ratings) -> set[tuple[int, int]]:
    """Pairs of user and movie, by ID."""
    ids = ratings.users.ids[ratings.user].tolist(), ratings.movies.ids[ratings.movie].tolist()
    return set(zip(*ids, strict=True))


def liang(frame: pd.DataFrame, held_out: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Training, given and tested rows by the paper's description."""
    liked = frame[frame.rating > 3.5]
    active = liked.groupby("user").size()
    liked = liked[liked.user.isin(active.index[active >= 5])]
    users = liked.groupby("user").size().index.to_numpy()
    state = np.random.RandomState(98765)
    users = users[state.permutation(users.size)]
    train = liked[liked.user.isin(users[: users.size - 2 * held_out])]
    asked = liked[liked.user.isin(users[users.size - held_out :]) & liked.movie.isin(train.movie.unique())]
    state, given, tested = np.random.RandomState(98765), [], []
    for _, rows in asked.groupby("user"):
        mask = np.zeros(len(rows), bool)
        if len(rows) >= 5:
            mask[state.choice(len(rows), size=int(0.2 * len(rows)), replace=False).astype("int64")] = True
        given.append(rows[~mask])
        tested.append(rows[mask])
    return train, pd.concat(given), pd.concat(tested)


def test_strong_generalisation_draws_the_papers_users_and_movies(frame: pd.DataFrame, ratings: Ratings) -> None:
    """Row by row, and as plain interactions."""
    cut = strong_generalisation(ratings)
    n = len({user for user, _ in pairs(cut.train)} | {user for user, _ in pairs(cut.given)})
    train, given, tested = liang(frame, 10)
    for ours, theirs in ((cut.train, train), (cut.test, tested), (cut.given, pd.concat([train, given]))):
        assert pairs(ours) == set(zip(theirs.user, theirs.movie, strict=True))
    assert cut.train.rating is None
    assert n == train.user.nunique() + given.user.nunique()


def test_too_few_users_are_refused(ratings: Ratings) -> None:
    """An error says how many there are."""
    with pytest.raises(DataError, match="too few"):
        strong_generalisation(ratings, held_out=1_000)


def test_leave_one_out_tests_the_last_movie_and_gives_the_one_before(frame: pd.DataFrame, ratings: Ratings) -> None:
    """Only users and movies with five ratings count; a second implementation sorts in pandas."""
    rows = frame.assign(row=range(len(frame)))
    by_user, by_movie = (rows.groupby(name).row.transform("size") for name in ("user", "movie"))
    rows = rows[(by_user >= 5) & (by_movie >= 5)].sort_values(["user", "time", "row"])
    left = rows[::-1].groupby("user").cumcount()[::-1]
    enough = rows.groupby("user").row.transform("size") >= 3
    cut = leave_one_out(ratings)
    for ours, theirs in (
        (cut.test, rows[enough & (left == 0)]),
        (cut.given, rows[~enough | (left >= 1)]),
        (cut.train, rows[~enough | (left >= 2)]),
    ):
        assert pairs(ours) == set(zip(theirs.user, theirs.movie, strict=True))


def test_fixed_dates_cut_at_midnight_for_known_users(frame: pd.DataFrame, ratings: Ratings) -> None:
    """Validation lies between both days; a user without an earlier rating isn't tested."""
    dates = Dates(date(1970, 1, 11), date(1970, 1, 31), (0, 0, 0))
    early, middle = frame[frame.time < 10 * 86_400], frame[frame.time.between(10 * 86_400, 30 * 86_400 - 1)]
    late, before = frame[frame.time >= 30 * 86_400], frame[frame.time < 30 * 86_400]
    for part, train, tested in (("validation", early, middle), ("test", before, late)):
        cut = fixed_dates(ratings, part, dates)
        known = tested[tested.user.isin(train.user)]
        assert pairs(cut.train) == set(zip(train.user, train.movie, strict=True))
        assert pairs(cut.test) == set(zip(known.user, known.movie, strict=True))


def test_dates_of_other_data_follow_the_rule_of_the_codex(frame: pd.DataFrame, ratings: Ratings) -> None:
    """The first days after 70 and 85 in a hundred ratings; the protocol says that they aren't the codex's own."""
    cut = fixed_dates(ratings)
    ends = np.sort(frame.time)[[int(share * (len(frame) - 1)) for share in (0.7, 0.85)]] // 86_400 * 86_400 + 86_400
    early, tested = frame[frame.time < ends[0]], frame[frame.time.between(ends[0], ends[1] - 1)]
    assert pairs(cut.train) == set(zip(early.user, early.movie, strict=True))
    assert len(cut.test) == tested.user.isin(early.user).sum() > 0
    assert cut.protocol.startswith("dates by the rule of LensKit's codex, validation: from 1970-")
    with pytest.raises(DataError, match="no user with a rating before 1970-01-02 has one after it"):
        fixed_dates(Ratings.from_arrays([1, 1, 2], [1, 2, 1], [3.0, 4.0, 5.0], [5, 6, 7]))


def test_counts_that_differ_from_the_papers_are_warned_of(ratings: Ratings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interactions that are left, if the data set is one of the paper's."""
    monkeypatch.setitem(protocols.DATASETS, (len(ratings.users), len(ratings)), "ml-20m")
    with pytest.warns(DataWarning, match="136,677 users with 9,990,682 interactions in the code of Liang"):
        strong_generalisation(ratings, held_out=10)


def test_what_cannot_be_cut_by_dates_is_refused(ratings: Ratings) -> None:
    """A wrong part and a table without times."""
    with pytest.raises(SettingError, match="validation or test"):
        fixed_dates(ratings, "training")
    untimed = Ratings.from_arrays([1, 1, 2], [1, 2, 1], [3.0, 4.0, 5.0])
    with pytest.raises(DataError, match="no time column"):
        fixed_dates(untimed, dates=next(iter(CODEX_DATES.values())))
    with pytest.raises(DataError, match="no time column"):
        leave_one_out(untimed)
    sizes = {name: n for (_, n), name in protocols.DATASETS.items()}
    for n, dates in ((sizes[name], dates) for name, dates in CODEX_DATES.items()):
        assert sum(dates.counts) == pytest.approx(n, rel=1e-5), "the codex' parts are all ratings"


def test_parts_of_other_sizes_are_warned_of(ratings: Ratings) -> None:
    """Both sizes are named."""
    with pytest.warns(DataWarning, match=r"LensKit's codex has 7 \+ 8 \+ 9"):
        fixed_dates(ratings, dates=Dates(date(1970, 1, 11), date(1970, 1, 31), (7, 8, 9)))
