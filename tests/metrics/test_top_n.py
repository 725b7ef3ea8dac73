"""Top-n ranking: `cinematrix.metrics.top_n`."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.errors import SettingError
from cinematrix.metrics.top_n import sort_descending, top_n, top_pairs

NAN, INF = float("nan"), float("inf")

scores_with_ties = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from([NAN, -INF, -1.0, -0.0, 0.0, 0.5, 0.75, INF]),
)


def by_full_sort(scores: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]) -> list[list[int]]:
    """Sort all movies of every user by descending score and ascending number; the reference implementation."""
    return [
        sorted((m for m in range(len(row)) if ok[m] and row[m] > -INF), key=lambda m: (-row[m], m))[:n]
        for row, ok in zip(scores, allowed, strict=True)
    ]


@given(scores_with_ties, st.integers(1, 12), st.data())
def test_agrees_with_a_full_sort(scores: NDArray[np.float32], n: int, data: st.DataObject) -> None:
    """Lists equal those of a full stable sort, with ties, NaN, infinities, seen movies and a filter."""
    seen, where = (data.draw(hnp.arrays(np.bool_, scores.shape)) for _ in range(2))
    exclude = Histories.of_pairs(*np.nonzero(seen), None, len(scores))
    before = scores.copy()
    ranked = top_n(scores, n, exclude, where)
    expected = by_full_sort(scores, n, where & ~seen)
    assert ranked.movies.tolist() == [row + [UNKNOWN] * (n - len(row)) for row in expected]
    assert ranked.lengths.tolist() == [len(row) for row in expected]
    for user, row in enumerate(expected):
        assert ranked.scores[user].tolist() == scores[user, row].tolist() + [-INF] * (n - len(row))
    assert np.array_equal(scores, before, equal_nan=True)


def test_ties_go_by_movie_number() -> None:
    """Among equal scores at the cut, the lowest numbers are listed, in ascending order."""
    ranked = top_n(np.array([[1, 2, 2, 2, 3], [0, 0, 0, 0, 0]], np.float32), 3)
    assert ranked.movies.tolist() == [[4, 1, 2], [0, 1, 2]]
    assert ranked.scores.tolist() == [[3, 2, 2], [0, 0, 0]]


def test_filters_come_before_the_cut() -> None:
    """The next best movies replace seen and filtered ones, so the list isn't shortened."""
    scores = np.array([[5, 4, 3, 2, 1], [1, 2, 3, 4, 5]], np.float32)
    seen = Histories.of_lists([([0], None), ([], None)])
    ranked = top_n(scores, 2, seen, np.array([True, False, True, True, True]))
    assert ranked.movies.tolist() == [[2, 3], [4, 3]]


def test_a_short_list_is_padded_and_says_so() -> None:
    """Lists with fewer than `n` movies end with `UNKNOWN` and -inf; `lengths` counts the movies."""
    movies, scores = ranked = top_n(np.array([[NAN, 1], [NAN, NAN]], np.float32), 4)
    assert movies.tolist() == [[1, -1, -1, -1], [-1, -1, -1, -1]]
    assert scores.tolist() == [[1, -INF, -INF, -INF], [-INF] * 4]
    assert ranked.lengths.tolist() == [1, 0]


def test_no_users_give_no_lists() -> None:
    """An empty block of users gives an empty result."""
    assert top_n(np.zeros((0, 5), np.float32), 3).movies.shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be at least 1"),
        ({"n": 2, "exclude": Histories.empty(3)}, "3 histories for 2 users"),
        ({"n": 2, "where": np.ones(2, bool)}, r"\[movies\] or \[users, movies\]"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, object], message: str) -> None:
    """Invalid lengths and filters of another shape are errors that state the rule."""
    with pytest.raises(SettingError, match=message):
        top_n(np.zeros((2, 5), np.float32), **arguments)  # type: ignore[arg-type]


def test_all_users_of_a_small_data_set_take_well_under_a_second() -> None:
    """The top 20 of 9,742 movies for 610 users, without and with many ties, take less than 1.5 s."""
    generator = np.random.default_rng(1)
    scores = generator.random((610, 9742), np.float32)
    started = time.perf_counter()
    top_n(scores, 20)
    top_n(np.round(scores), 20)
    assert time.perf_counter() - started < 1.5


@given(scores_with_ties)
def test_descending_columns_are_those_of_a_stable_sort(scores: NDArray[np.float32]) -> None:
    """Ties, zeros of both signs and infinities are in the order of a stable sort."""
    scores = np.nan_to_num(scores, nan=0.25, posinf=INF, neginf=-INF)
    np.testing.assert_array_equal(sort_descending(scores), np.argsort(-scores, axis=1, kind="stable"))


@given(scores_with_ties, st.integers(1, 12), st.data())
def test_pairs_have_the_scores_of_the_lists(scores: NDArray[np.float32], n: int, data: st.DataObject) -> None:
    """The best pairs of each user have the same scores as a list of the same length."""
    seen, where = (data.draw(hnp.arrays(np.bool_, scores.shape)) for _ in range(2))
    exclude = Histories.of_pairs(*np.nonzero(seen), None, len(scores))
    scores = np.where(np.isfinite(scores), scores, np.float32(-INF))
    rows, movies = top_pairs(scores, n, exclude, where)
    ranked = top_n(scores, n, exclude, where)
    for row in range(len(scores)):
        found = np.sort(scores[row, movies[rows == row]])[::-1]
        np.testing.assert_array_equal(found, ranked.scores[row, : ranked.lengths[row]])
        assert not (seen | ~where)[row, movies[rows == row]].any()
