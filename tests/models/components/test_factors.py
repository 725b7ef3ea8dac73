"""Serving by factors and biases: by hand, on every scale, and what can't be set."""

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import SettingError, TrainingError
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.factors import Factors, FactorSettings, Penalty, residual_std


def by_hand(signs: bool = False) -> Factors:
    """Two rated movies and a third without ratings; one factor; σ = 2."""
    biases = Biases(3.0, np.array([0.5, -0.5, 0.0], np.float32), 2.0, 2.0)
    start = Factors.of_biases(biases, 2.0, 1, Penalty(1.0, 0.5))
    y = np.array([[0.3], [0.1]], np.float32) if signs else None
    return start.learned(np.array([[1.0], [-1.0]], np.float32), start.bias[:2], y)


def test_one_rating_by_hand() -> None:
    """z = (5 − 3)/2 − 0.25 = 0.75; (YᵀY + D)x = Y z with Y = (1, 1), D = diag(1.5, 2) gives x = (0.23077, 0.17308)."""
    history = Histories.of_lists([([0], [5.0])])
    user = by_hand().users(history)
    np.testing.assert_allclose(user, [[0.75 * 2 / 6.5, 0.75 * 1.5 / 6.5]], rtol=1e-5)
    expected = [3 + 2 * (0.25 + user.sum()), 3 + 2 * (-0.25 - user[0, 0] + user[0, 1]), 3 + 2 * user[0, 1]]
    np.testing.assert_allclose(by_hand().score(history)[0], expected, rtol=1e-6)
    unknown = by_hand().pairs(history, np.array([0]), np.array([-1], np.int32))
    np.testing.assert_allclose(unknown, expected[2:], rtol=1e-6)


def test_signs_are_what_penalties_pull_to() -> None:
    """Σ y / √n of a history; where its ratings say nothing more, it is the user's factors."""
    two = Histories.of_lists([([0, 1], [3.5, 2.5])])
    prior = 0.4 / np.sqrt(2)
    user = by_hand(signs=True).users(two)
    y, d = np.array([[1.0, 1], [-1, 1]]), np.diag([2.0, 2.0])
    np.testing.assert_allclose(user[0], np.linalg.solve(y.T @ y + d, d @ [prior, 0]), atol=1e-6)


@pytest.mark.parametrize("signs", [False, True])
def test_shares_add_up(signs: bool) -> None:
    """Mean, biases and each rating's addend are the score, for known and unknown movies; an empty history has none."""
    for lists in ([([0, 1, 2], [5.0, 1.0, 4.0])], [([], [])]):
        history = Histories.of_lists(lists)
        shares = by_hand(signs).shares(history, np.array([-1, 0, 1, 2], np.int32))
        np.testing.assert_allclose(shares.score[1:], by_hand(signs).score(history)[0], atol=1e-6)
        np.testing.assert_allclose(shares.remainder, 0, atol=1e-5)


def test_saved_they_are_the_same() -> None:
    """Arrays take factors apart and put them together, with signs and without."""
    history = Histories.of_lists([([0, 1], [5.0, 1.0])])
    for signs in (False, True):
        again = Factors.from_arrays(by_hand(signs).arrays())
        np.testing.assert_array_equal(again.score(history), by_hand(signs).score(history))
        assert again.penalty == Penalty(1.0, 0.5)


def test_the_unit_is_what_the_biases_leave() -> None:
    """Twice the scale, twice the unit; constant ratings leave nothing to measure by."""
    rng = np.random.default_rng(0)
    user, movie, stars = np.arange(400) % 20, np.arange(400) // 20, rng.uniform(1, 5, 400).astype(np.float32)
    found = [residual_std(r, Biases.of(r), "x") for k in (1, 2) for r in [Ratings.from_arrays(user, movie, stars * k)]]
    assert found[0] < stars.std()
    np.testing.assert_allclose(found[1], 2 * found[0], rtol=1e-4)
    same = Ratings.from_arrays([1, 2], [1, 2], [4.0, 4.0], scale=Scale(1, 5, 1))
    assert residual_std(same, Biases.of(same), "x") == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"factors": 0}, "factors is 0; it must be at least 1"),
        ({"shrinkage": -1.0}, "must be at least 0"),
        ({"shrinkage": 0.0, "regularization": 0.0}, "one of them above"),
        ({"regularization": float("nan")}, "must be at least 0"),
    ],
)
def test_what_cannot_be_set(wrong: dict[str, float], said: str) -> None:
    """Counts begin at 1, and some penalty there must be."""
    with pytest.raises(SettingError, match=said):
        FactorSettings(**wrong)  # type: ignore[arg-type]


def test_factors_that_are_not_finite_are_refused() -> None:
    """A training that ran away says so, and what to change."""
    start = by_hand()
    with pytest.raises(TrainingError, match="lower learning_rate"):
        start.learned(np.full((2, 1), np.nan, np.float32), start.bias[:2])
