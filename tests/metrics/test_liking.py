"""Metrics of liking against hand-computed tables and a second implementation: `cinematrix.metrics.liking`."""

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.metrics import liking

NAN = float("nan")
LOG3 = np.log2(3)

# Five users, lists of three. User 0 (mean 3): a like and a dislike are listed, the mean itself counts as liked. User 1
# (mean 4): a single tested rating, below. User 2 (mean 2): a single one at the mean, not listed. User 3: nothing is
# tested. User 4 (mean 3.7, up to rounding): both tested ratings are at the mean, though their float32 is above it.
RANKED = np.array([[5, 2, 7], [8, 0, 3], [4, UNKNOWN, UNKNOWN], [1, 2, 3], [0, 1, UNKNOWN]], np.int32)
GIVEN = Histories.of_lists([([0, 1], [2, 4]), ([1], [5]), ([], []), ([9], [3]), ([5, 7], [3.6, 3.8])])
TESTED = Histories.of_lists([([2, 3, 5, 6], [4, 3, 1, 4]), ([8], [3]), ([90], [2]), ([], []), ([0, 6], [3.7, 3.7])])
MEANS = [3, 4, 2, 3, 3.7]
LIKED = [[2, 3, 6], [], [90], [], [0, 6]]


def test_means_are_over_given_and_tested_ratings() -> None:
    """Each part's ratings weigh the same; a user without any rating has no mean."""
    np.testing.assert_allclose(liking.mean_ratings(GIVEN, TESTED), MEANS, rtol=1e-7)
    np.testing.assert_allclose(liking.mean_ratings(GIVEN), [3, 5, NAN, 3, 3.7], rtol=1e-7)


def test_liked_is_at_or_above_the_mean() -> None:
    """Ratings that equal the mean up to rounding are liked."""
    found = liking.select_liked(TESTED, liking.mean_ratings(GIVEN, TESTED))
    assert [found.items_of(user).tolist() for user in range(5)] == LIKED
    assert found.values is not None
    assert found.values.tolist() == np.array([4, 3, 4, 2, 3.7, 3.7], np.float32).tolist()


def test_ndcg_above_by_hand() -> None:
    """User 0 has gain 1 at place 2, of two gains of 1; where no tested rating is above the mean there is no value."""
    found = liking.ndcg_above(RANKED, TESTED, liking.mean_ratings(GIVEN, TESTED))
    np.testing.assert_allclose(found, [(1 / LOG3) / (1 + 1 / LOG3), NAN, NAN, NAN, NAN], rtol=1e-6)


def test_ndcg_rare_by_hand() -> None:
    """Gains are 1/√raters: ½ for 4 raters, ⅓ for 9, 1 for one rater, none, and a movie that training doesn't know."""
    raters = np.array([1, 0, 4, 9, 0, 100, 0, 100])
    ranked = np.array([[5, 2, 7], [8, 0, 3], [90, 4, 5], [1, 2, 3], [0, 1, UNKNOWN]], np.int32)
    ideal = 1 + (1 / 2) / LOG3 + (1 / 3) / 2  # movies 6, 2, 3
    expected = [(1 / 2) / LOG3 / ideal, NAN, 1, NAN, 1 / (1 + 1 / LOG3)]
    liked = liking.select_liked(TESTED, np.array(MEANS))
    np.testing.assert_allclose(liking.ndcg_rare(ranked, liked, raters), expected, rtol=1e-6)


def test_disliked_by_hand() -> None:
    """User 0 has a dislike and a like in the list, user 1 only a dislike, user 4 only a like; others have no value."""
    found = liking.disliked(RANKED, TESTED, liking.mean_ratings(GIVEN, TESTED))
    np.testing.assert_allclose(found, [1 / 2, 1, NAN, NAN, 0])


def test_expected_below_by_hand() -> None:
    """A prediction at the mean isn't below it, padding doesn't count, and an empty list has no value."""
    predicted = np.array([[2.9, 3, 3.1], [3.9, 3, 1], [2.1, 0, 0], [3, 3, 3], [3.7, 3.6, 0]], np.float32)
    found = liking.expected_below(RANKED, predicted, np.array(MEANS))
    np.testing.assert_allclose(found, [1 / 3, 1, 0, 0, 1 / 2])
    empty = liking.expected_below(np.full((1, 3), UNKNOWN), predicted[:1], np.array([3.0]))
    assert np.isnan(empty).all()


def test_no_user_and_no_rating_give_no_value_and_no_warning() -> None:
    """Zero users and users without tested ratings are allowed."""
    for n in (0, 2):
        none, ranked = Histories.empty(n), np.full((n, 3), 1, np.int32)
        means = liking.mean_ratings(none, none)
        assert np.isnan(means).all()
        for found in (
            liking.ndcg_above(ranked, none, means),
            liking.ndcg_rare(ranked, liking.select_liked(none, means), np.array([3, 4])),
            liking.disliked(ranked, none, means),
        ):
            assert found.shape == (n,)
            assert np.isnan(found).all()


STARS = st.integers(1, 10).map(lambda step: step / 2)
USER = st.tuples(
    st.permutations(range(12)).flatmap(lambda order: st.integers(0, 6).map(lambda n: order[:n])),  # the list
    st.dictionaries(st.integers(0, 11), STARS, max_size=5),  # given
    st.dictionaries(st.integers(0, 14), STARS, max_size=6),  # tested, movies 12 to 14 are unknown to the model
)


@given(st.lists(USER, min_size=1, max_size=5), st.lists(st.integers(0, 30), min_size=12, max_size=12))
def test_all_agree_with_loops_over_users(
    users: list[tuple[list[int], dict[int, float], dict[int, float]]], raters: list[int]
) -> None:
    """Every metric equals its definition, written with loops, for lists, histories and tests of any length."""
    ranked = np.array([[*order, *[UNKNOWN] * (6 - len(order))] for order, _, _ in users], np.int32)
    histories = [
        Histories.of_lists([(list(user[part]), list(user[part].values())) for user in users]) for part in (1, 2)
    ]
    means = liking.mean_ratings(*histories)
    liked = liking.select_liked(histories[1], means)
    found = {
        "above": liking.ndcg_above(ranked, histories[1], means),
        "rare": liking.ndcg_rare(ranked, liked, np.array(raters)),
        "disliked": liking.disliked(ranked, histories[1], means),
    }
    for place, (order, given_, tested) in enumerate(users):
        stars = [*given_.values(), *tested.values()]
        mean = sum(stars) / len(stars) if stars else NAN
        assert means[place] == pytest.approx(mean, nan_ok=True)
        above = {m: max(0.0, s - mean) for m, s in tested.items()}
        rare = {m: max(raters[m] if m < 12 else 0, 1) ** -0.5 for m, s in tested.items() if s >= mean - 1e-9}
        assert found["above"][place] == pytest.approx(slow_ndcg(order, above), rel=1e-5, nan_ok=True)
        assert found["rare"][place] == pytest.approx(slow_ndcg(order, rare), rel=1e-5, nan_ok=True)
        rated = [tested[m] < mean - 1e-9 for m in order if m in tested]
        assert found["disliked"][place] == pytest.approx(sum(rated) / len(rated) if rated else NAN, nan_ok=True)


def slow_ndcg(order: list[int], gains: dict[int, float], k: int = 6) -> float:
    def dcg(values: list[float]) -> float:
        return sum(value / log2(place + 2) for place, value in enumerate(values[:k]))

    ideal = dcg(sorted((g if g > 1e-9 else 0.0 for g in gains.values()), reverse=True))
    return dcg([gains.get(movie, 0.0) for movie in order]) / ideal if ideal > 0 else NAN
