"""Predictions by factors and biases: by hand, on every scale, and settings that are refused."""

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import SettingError, TrainingError
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.factors import Factors, FactorSettings, Penalty, residual_std


def make_factors(signs: bool = False) -> Factors:
    """Two rated movies and a third without ratings; one factor; σ = 2."""
    biases = Biases(3.0, np.array([0.5, -0.5, 0.0], np.float32), 2.0, 2.0)
    start = Factors.of_biases(biases, 2.0, 1, Penalty(1.0, 0.5))
    y = np.array([[0.3], [0.1]], np.float32) if signs else None
    return start.learned(np.array([[1.0], [-1.0]], np.float32), start.bias[:2], y)


def test_one_rating_by_hand() -> None:
    """z = (5 − 3)/2 − 0.25 = 0.75; (YᵀY + D)x = Y z with Y = (1, 1), D = diag(1.5, 2) gives x = (0.23077, 0.17308)."""
    history = Histories.of_lists([([0], [5.0])])
    user = make_factors().users(history)
    np.testing.assert_allclose(user, [[0.75 * 2 / 6.5, 0.75 * 1.5 / 6.5]], rtol=1e-5)
    expected = [3 + 2 * (0.25 + user.sum()), 3 + 2 * (-0.25 - user[0, 0] + user[0, 1]), 3 + 2 * user[0, 1]]
    np.testing.assert_allclose(make_factors().score(history)[0], expected, rtol=1e-6)
    unknown = make_factors().pairs(history, np.array([0]), np.array([-1], np.int32))
    np.testing.assert_allclose(unknown, expected[2:], rtol=1e-6)


def test_penalties_pull_to_the_implicit_factors() -> None:
    """The prior mean of a user is Σ y / √n of the history."""
    two = Histories.of_lists([([0, 1], [3.5, 2.5])])
    prior = 0.4 / np.sqrt(2)
    user = make_factors(signs=True).users(two)
    y, d = np.array([[1.0, 1], [-1, 1]]), np.diag([2.0, 2.0])
    np.testing.assert_allclose(user[0], np.linalg.solve(y.T @ y + d, d @ [prior, 0]), atol=1e-6)


@pytest.mark.parametrize("signs", [False, True])
def test_shares_add_up(signs: bool) -> None:
    """Mean, biases and each rating's part add up to the score, for known and unknown movies and empty histories."""
    for lists in ([([0, 1, 2], [5.0, 1.0, 4.0])], [([], [])]):
        history = Histories.of_lists(lists)
        shares = make_factors(signs).shares(history, np.array([-1, 0, 1, 2], np.int32))
        np.testing.assert_allclose(shares.score[1:], make_factors(signs).score(history)[0], atol=1e-6)
        np.testing.assert_allclose(shares.remainder, 0, atol=1e-5)


def test_saved_factors_predict_the_same() -> None:
    """Factors restored from arrays have the same scores, with implicit factors and without."""
    history = Histories.of_lists([([0, 1], [5.0, 1.0])])
    for signs in (False, True):
        restored = Factors.from_arrays(make_factors(signs).arrays())
        np.testing.assert_array_equal(restored.score(history), make_factors(signs).score(history))
        assert restored.penalty == Penalty(1.0, 0.5)


def test_the_unit_is_the_residuals_deviation() -> None:
    """Twice the scale gives twice the unit; constant ratings have no residuals, and the unit is 1."""
    rng = np.random.default_rng(0)
    user, movie, stars = np.arange(400) % 20, np.arange(400) // 20, rng.uniform(1, 5, 400).astype(np.float32)
    units = [residual_std(r, Biases.of(r), "x") for k in (1, 2) for r in [Ratings.from_arrays(user, movie, stars * k)]]
    assert units[0] < stars.std()
    np.testing.assert_allclose(units[1], 2 * units[0], rtol=1e-4)
    same = Ratings.from_arrays([1, 2], [1, 2], [4.0, 4.0], scale=Scale(1, 5, 1))
    assert residual_std(same, Biases.of(same), "x") == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"factors": 0}, "factors is 0; it must be at least 1"),
        ({"shrinkage": -1.0}, "must be at least 0"),
        ({"shrinkage": 0.0, "regularization": 0.0}, "one of them above"),
        ({"regularization": float("nan")}, "must be at least 0"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, float], message: str) -> None:
    """Counts begin at 1, and one of the penalties must be above 0."""
    with pytest.raises(SettingError, match=message):
        FactorSettings(**wrong)  # type: ignore[arg-type]


def test_factors_that_are_not_finite_are_refused() -> None:
    """The error says that training diverged and which setting to change."""
    start = make_factors()
    with pytest.raises(TrainingError, match="lower learning_rate"):
        start.learned(np.full((2, 1), np.nan, np.float32), start.bias[:2])
