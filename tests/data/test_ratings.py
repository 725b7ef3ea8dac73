"""Table of ratings: `cinematrix.data.ratings`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cinematrix.data.ids import IdMap
from cinematrix.data.ratings import Ratings, Scale, fingerprint, grid_step, infer_scale
from cinematrix.errors import DataError

ROW = st.tuples(
    st.integers(-1, 1), st.sampled_from(["a", "b", "ü", "007", "07", "7"]), st.sampled_from([0.5, 2.0, 5.0])
)
ROWS = st.lists(st.tuples(ROW, st.integers(0, 3)), min_size=1, max_size=40)


def table(ratings: Ratings) -> list[tuple[Any, Any]]:
    """Pairs of IDs in the table's order."""
    return list(zip(ratings.users.ids[ratings.user].tolist(), ratings.movies.ids[ratings.movie].tolist(), strict=True))


@given(ROWS, st.booleans())
def test_of_a_repeated_pair_the_latest_rating_stays(rows: list[Any], timed: bool) -> None:
    """The result is a dict written in order of time (of rows, without times or among equals), in row order."""
    columns = [[row[0][c] for row in rows] for c in range(3)]
    times = [row[1] for row in rows] if timed else None
    ratings = Ratings.from_arrays(columns[0], columns[1], columns[2], times)
    order = sorted(range(len(rows)), key=lambda i: (rows[i][1] if timed else 0, i))
    last = {(rows[i][0][0], rows[i][0][1]): i for i in order}
    latest = sorted(last.values())
    assert table(ratings) == [rows[i][0][:2] for i in latest]
    assert ratings.rating is not None
    assert ratings.rating.tolist() == [rows[i][0][2] for i in latest]
    assert ratings.merged == len(rows) - len(latest)
    if timed:
        assert ratings.time is not None
        assert ratings.time.tolist() == [rows[i][1] for i in latest]
    else:
        assert ratings.time is None
    assert ratings.count is None


@given(ROWS, st.booleans(), st.booleans())
def test_counts_of_a_repeated_pair_add_up(rows: list[Any], timed: bool, counted: bool) -> None:
    """Counts add up as in a dict of sums; without counts each row counts once; the latest time stays."""
    users, movies, counts = ([row[0][c] for row in rows] for c in range(3))
    times = [row[1] for row in rows] if timed else None
    views = Ratings.from_arrays(users, movies, None, times, counts=counts if counted else None)
    sums: dict[Any, float] = {}
    latest: dict[Any, int] = {}
    for user, movie, count, time in zip(users, movies, counts, times or [0] * len(rows), strict=True):
        sums[user, movie] = sums.get((user, movie), 0) + (count if counted else 1)
        latest[user, movie] = max(latest.get((user, movie), 0), time)
    assert views.rating is None
    assert views.scale is None
    assert sorted(table(views)) == sorted(sums)
    merged = [1.0] * len(views) if views.count is None else views.count.tolist()
    assert dict(zip(table(views), merged, strict=True)) == pytest.approx(sums)
    assert (views.count is None) == (not counted and len(sums) == len(rows))
    if timed:
        assert views.time is not None
        assert dict(zip(table(views), views.time.tolist(), strict=True)) == latest


@given(ROWS)
def test_both_views_are_the_table(rows: list[Any]) -> None:
    """`by_user` and `by_movie` are SciPy's CSR form of the table and of its transpose."""
    users, movies, stars = ([row[0][c] for row in rows] for c in range(3))
    ratings = Ratings.from_arrays(users, movies, stars)
    shape = (len(ratings.users), len(ratings.movies))
    theirs = sparse.csr_matrix((ratings.rating, (ratings.user, ratings.movie)), shape=shape)
    for ours, other in ((ratings.by_user, theirs), (ratings.by_movie, theirs.T.tocsr())):
        other.sort_indices()
        np.testing.assert_array_equal(ours.starts, other.indptr)
        np.testing.assert_array_equal(ours.items, other.indices)
        np.testing.assert_array_equal(ours.values, other.data)
    assert ratings.by_user is ratings.by_user


def test_taking_rows_keeps_maps_and_scale() -> None:
    """Rows are taken by number, in any order, or by mask, with all columns; the original doesn't change."""
    ratings = Ratings.from_arrays([9, 4, 9, 1], [1, 1, 2, 3], [1, 2, 3, 4], [10, 20, 30, 40], scale=Scale(1, 5, 1))
    backwards = ratings.take(np.array([3, 0]))
    assert table(backwards) == [(1, 3), (9, 1)]
    assert backwards.rating is not None
    assert backwards.time is not None
    assert (backwards.rating.tolist(), backwards.time.tolist()) == ([4, 1], [40, 10])
    assert backwards.users is ratings.users
    assert backwards.scale == Scale(1, 5, 1)
    assert len(backwards.by_user) == 3
    assert len(ratings.take(np.zeros(4, bool))) == 0
    assert len(ratings) == 4
    assert repr(ratings) == "Ratings(3 users × 3 movies, 4 ratings, 1–5)"
    views = Ratings.from_arrays([1, 1], [2, 3], counts=[2, 5])
    assert repr(views) == "Ratings(1 user × 2 movies, 2 plain interactions)"
    taken = views.take(np.array([False, True]))
    assert taken.count is not None
    assert taken.count.tolist() == [5]


@pytest.mark.parametrize(
    ("stars", "message"),
    [
        ([3, float("nan"), float("nan")], r"row 2: rating nan is not a finite number \(2 such rows\)"),
        ([3, 4, float("inf")], "row 3: rating inf is not a finite number"),
        ([3, -1e999, 4], "row 2: rating -inf is not a finite number"),
        ([3, 1e300, 4], "row 2: rating inf is not a finite number"),
        (["3", "4", "5"], "a column holds '3' of type"),
        ([None, 4, 5], "a column holds None of type object"),
        ([[1], [2], [3]], "a column has 2 dimensions"),
        ([1, 2], "ratings has 2 rows and users has 3; give equally many"),
    ],
)
def test_bad_ratings_are_refused_on_creation(stars: list[Any], message: str) -> None:
    """NaN, infinities, text, gaps and wrong lengths are errors that name the row, counted from 1."""
    with pytest.raises(DataError, match=message):
        Ratings.from_arrays([1, 2, 3], [1, 2, 3], stars)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ratings": [1, 6, 3], "scale": Scale(1, 5, 1)}, r"row 2: rating 6 is outside the scale 1–5 \(1 such rows\)"),
        ({"times": [1.0, np.nan, 2.0]}, "row 2: time nan is not a finite number"),
        ({"times": [1.0, 2.0, -np.inf]}, "row 3: time -inf is not a finite number"),
        ({"times": [1]}, "times has 1 rows"),
        ({"counts": [1, 0, 2]}, "row 2: count 0 must be a finite number above 0"),
        ({"counts": [1, 2, -1]}, "row 3: count -1 must be"),
        ({"counts": [np.inf, 2, 1]}, "row 1: count inf must be"),
        ({"counts": [1, 2]}, "counts has 2 rows"),
    ],
)
def test_bad_times_counts_and_scales_are_refused_on_creation(more: dict[str, Any], message: str) -> None:
    """Times, counts and ratings off a given scale are checked like ratings."""
    with pytest.raises(DataError, match=message):
        Ratings.from_arrays([1, 2, 3], [1, 2, 3], **more)


def test_an_empty_table_and_ids_of_another_kind_are_refused() -> None:
    """A table needs a row, IDs that are integers or text, and columns of equal length."""
    with pytest.raises(DataError, match="no ratings; at least one row"):
        Ratings.from_arrays([], [], [])
    with pytest.raises(DataError, match="must be integers or strings"):
        Ratings.from_arrays([1.5], [1], [3])
    with pytest.raises(DataError, match="movies has 2 rows and users has 1"):
        Ratings.from_arrays([1], [1, 2], [3])


@pytest.mark.parametrize(
    ("stars", "scale"),
    [
        ([1, 3, 5], Scale(1, 5, 1)),
        ([0.5, 3, 5], Scale(0.5, 5, 0.5)),
        ([1.0, 2.5], Scale(1, 5, 0.5)),
        ([0, 5], Scale(0, 5, 1)),
        ([6.0, 8], Scale(1, 10, 1)),
        ([0.0] + [7, 9] * 2000, Scale(0, 10, 1)),
        ([10, 99, 100], Scale(1, 100, 1)),
        ([0, 50.5], Scale(0, 100, 0.5)),
        ([3.25, 4.9], Scale(1, 5, 0)),
        ([0.25, 1], Scale(0, 1, 0)),
        ([0.25, 0.75, 0.3], Scale(0, 1, 0)),
        ([0, 1, 1], Scale(0, 1, 1)),
        ([0, 0.5, 1], Scale(0, 1, 0.5)),
        ([0.5, 1], Scale(0.5, 5, 0.5)),
        ([-1, 1], Scale(-1, 1, 1)),
        ([-1, 0, 1], Scale(-1, 1, 1)),
        ([1, 4, 7] * 500, Scale(1, 7, 1)),
        ([1, 4, 7] * 5, Scale(1, 10, 1)),
        ([0, 3, 4] * 500, Scale(0, 4, 1)),
        ([-10, 0, 10], Scale(-10, 10, 1)),
        ([-9.62, 9.14], Scale(-9.62, 9.14, 0)),
        ([101, 500], Scale(101, 500, 1)),
        ([55] + [2.5, 5] * 2000, Scale(1, 5, 0.5)),
        ([-1] + [2, 5] * 2000, Scale(1, 5, 1)),
        ([6, 6, 6, 6, 6] + [2, 5] * 2000, Scale(1, 10, 1)),
        ([float("nan"), float("inf"), 4], Scale(1, 5, 1)),
        ([float("nan")], Scale(1, 5, 1)),
        ([], Scale(1, 5, 1)),
    ],
)
def test_the_scale_is_read_off_the_ratings(stars: list[float], scale: Scale) -> None:
    """The scale is the narrowest common one that holds all but one in a thousand ratings, else their range."""
    assert infer_scale(np.array(stars)) == scale


def test_a_stray_is_an_error_in_a_large_table() -> None:
    """55 among four thousand half-stars is off the scale and doesn't widen it."""
    stars = [2.5, 5.0] * 2000
    stars[7] = 55
    with pytest.raises(DataError, match=r"row 8: rating 55 is outside the scale 1–5 \(1 such rows\)"):
        Ratings.from_arrays(range(4000), range(4000), stars)


def test_a_scale_knows_its_levels_and_its_ends() -> None:
    """Levels follow the step, or are 21 on a continuous scale; ratings are clipped; NaN is off the scale."""
    half, free = Scale(0.5, 5, 0.5), Scale(-1, 1)
    np.testing.assert_array_equal(half.levels(), np.arange(1, 11) / 2)
    assert len(free.levels()) == 21
    assert (free.levels()[0], free.levels()[-1]) == (-1, 1)
    np.testing.assert_array_equal(half.clip(np.array([-3, 2.2, 9])), np.float32([0.5, 2.2, 5]))
    assert half.clip(np.array([1.0])).dtype == np.float32
    assert half.contains(np.array([0.5, 5, 0.49, 5.01, np.nan])).tolist() == [True, True, False, False, False]
    assert str(half) == "0.5–5"
    assert [grid_step(np.array(s)) for s in ([1, 2], [1, 2.5], [1, 2.25])] == [1.0, 0.5, 0.0]


def test_stars_are_asked_for_by_name() -> None:
    """The error for plain interactions names the caller that needs ratings, and the alternatives."""
    with pytest.raises(DataError, match=r"RMSE needs ratings with stars, and these are plain interactions"):
        Ratings.from_arrays([1], [2]).stars("RMSE")
    stars, scale = Ratings.from_arrays([1], [2], [4]).stars("RMSE")
    assert (stars.tolist(), scale) == ([4.0], Scale(1, 5, 1))


@pytest.mark.parametrize("timed", [True, False])
def test_memory_at_rest_and_with_both_views(timed: bool) -> None:
    """A rating takes at most 24 bytes, and 48 with both views, including IDs and starts."""
    rng = np.random.default_rng(0)
    pairs = rng.choice(2000 * 1000, 100_000, replace=False)
    times = rng.integers(0, 10**9, len(pairs)) if timed else None
    ratings = Ratings.from_arrays(pairs // 1000, pairs % 1000, rng.integers(1, 6, len(pairs)), times)
    columns = (ratings.user, ratings.movie, ratings.rating, ratings.time, ratings.count)
    ids = sum(a.nbytes for m in (ratings.users, ratings.movies) for a in vars(m).values() if isinstance(a, np.ndarray))
    rest = sum(column.nbytes for column in columns if column is not None) + ids
    assert rest <= 24 * len(ratings)
    views = sum(
        array.nbytes
        for view in (ratings.by_user, ratings.by_movie)
        for array in vars(view).values()
        if array is not None
    )
    assert rest + views <= 48 * len(ratings)
    assert all(column is None or column.base is None or column.base.nbytes == column.nbytes for column in columns)


def test_the_fingerprint_is_of_the_data() -> None:
    """Equal tables have equal fingerprints; another ID, pair, rating, time or order changes it."""
    users, movies, stars, times = [5, 3, 5], [1, 2, 2], [1.0, 2.0, 3.0], [7, 8, 9]
    ratings = Ratings.from_arrays(users, movies, stars, times)
    assert fingerprint(ratings) == fingerprint(Ratings.from_arrays(np.array(users), movies, np.array(stars), times))
    others = [
        Ratings.from_arrays([6, 3, 6], movies, stars, times),
        Ratings.from_arrays(users, [1, 2, 4], stars, times),
        Ratings.from_arrays(users, movies, [1.0, 2.0, 3.5], times),
        Ratings.from_arrays(users, movies, stars, [7, 8, 10]),
        Ratings.from_arrays(users, movies, stars),
        Ratings.from_arrays(users, movies, None, times),
        Ratings.from_arrays(users, movies, None, times, counts=stars),
        Ratings.from_arrays(users[::-1], movies[::-1], stars[::-1], times[::-1]),
        replace(ratings, users=IdMap([3, 5, 7])),
    ]
    assert len({fingerprint(each) for each in [ratings, *others]}) == 10


def test_interactions_are_the_same_rows_without_stars() -> None:
    """Users, movies and times stay, ratings and scale are removed, and each row counts once."""
    rated = Ratings.from_arrays([1, 2], [10, 20], [5, 1], [7, 8])
    plain = rated.interactions()
    assert plain.values is None
    assert plain.scale is None
    for name in ("users", "movies", "user", "movie", "time"):
        assert getattr(plain, name) is getattr(rated, name)
    assert Ratings.from_arrays([1, 2], [10, 20], counts=[3, 4]).interactions().count is None
