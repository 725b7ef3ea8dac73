"""Ordinal regression, `models.components.ordinal`: by hand, in a world of its own kind, and by finite differences."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cinematrix.models.components.ordinal import (
    UNIFORM_SHARE,
    OrdinalRegression,
    _Forward,
    _pack,
    _pack_gradient,
    _prior_stds,
    _unpack,
)

TRUE = OrdinalRegression(np.array([-2.0, -0.6, 0.1, 1.9]), np.array([-0.3, 0.5, -0.2]), 0.7)


def world(n: int, model: OrdinalRegression = TRUE, seed: int = 0) -> tuple[NDArray[np.float64], ...]:
    """Return predictions, two facts and habits of `n` pairs, and steps drawn from `model`."""
    rng = np.random.default_rng(seed)
    steps = len(model.thresholds) + 1
    mean, facts, habits = rng.normal(0, 1.5, n), rng.normal(size=(n, 2)), rng.normal(0, 0.7, (n, steps))
    below = model.probabilities(mean, facts, habits).cumsum(1)
    steps_drawn = np.minimum((below < rng.random((n, 1))).sum(1), steps - 1)
    return mean, facts, habits, steps_drawn


def test_three_steps_by_hand() -> None:
    """Logistic differences at the thresholds, tilted by habit, with a ten-thousandth spread evenly."""
    model = OrdinalRegression(np.array([-0.5, 0.5]), np.array([np.log(0.5), 1.0]), 2.0)
    # s = 0.5 · e^0 = 0.5; P(≤ 0) = logistic(-1), P(≤ 1) = logistic(1); the third step is tilted by e^(2 · 0.5).
    low, high = 1 / (1 + np.e), np.e / (1 + np.e)
    raw = np.array([low, high - low, (1 - high) * np.e])
    expected = (1 - UNIFORM_SHARE) * raw / raw.sum() + UNIFORM_SHARE / 3
    probabilities = model.probabilities(np.zeros(1), np.zeros((1, 1)), np.array([[0, 0, 0.5]]))
    np.testing.assert_allclose(probabilities, [expected])


def test_the_gradient_is_that_of_the_likelihood() -> None:
    """The analytic gradient by every free number equals central differences."""
    mean, facts, habits, found = world(200)
    theta = _pack(TRUE) + 0.1

    def value(at: NDArray[np.float64]) -> float:
        return _Forward.of(_unpack(at, 5), mean, facts, habits).negative_log_likelihood(facts, habits, found)[0]

    _, gradient = _Forward.of(_unpack(theta, 5), mean, facts, habits).negative_log_likelihood(facts, habits, found)
    steps = 1e-5 * np.eye(len(theta))
    numeric = [(value(theta + step) - value(theta - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(_pack_gradient(theta, gradient, 5), numeric, rtol=1e-5, atol=1e-4)


def test_a_planted_distribution_is_recovered() -> None:
    """With 20,000 ratings the probabilities of new pairs are within a few thousandths of the planted ones."""
    start = OrdinalRegression(np.arange(4) - 1.5, np.zeros(3), 0.0)
    learned = start.fitted(*world(20_000))
    mean, facts, habits, _ = world(1_000, seed=1)
    error = learned.probabilities(mean, facts, habits) - TRUE.probabilities(mean, facts, habits)
    assert np.abs(error).mean() < 0.005
    prior_error = start.probabilities(mean, facts, habits) - TRUE.probabilities(mean, facts, habits)
    assert np.abs(prior_error).mean() > 0.05
    np.testing.assert_allclose(learned.thresholds, TRUE.thresholds, atol=0.15)
    np.testing.assert_allclose(learned.weights, TRUE.weights, atol=0.06)
    assert learned.habit == pytest.approx(TRUE.habit, abs=0.05)


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_few_ratings_leave_it_near_the_prior(n: int) -> None:
    """One rating changes little; a hundred steps with few ratings stay about even."""
    start = OrdinalRegression.usual(101, 12.0, np.zeros(4))
    rng = np.random.default_rng(n)
    mean, facts, habits = rng.normal(0, 20, n), rng.normal(size=(n, 4)), np.zeros((n, 101))
    learned = start.fitted(mean, facts, habits, np.clip(np.rint(mean + 50), 0, 100).astype(np.int64))
    assert np.all(np.diff(learned.thresholds) > 0)
    np.testing.assert_allclose(learned.thresholds, start.thresholds, atol=12)
    np.testing.assert_allclose(np.diff(learned.thresholds), 1, atol=0.5)


@pytest.mark.parametrize("steps", [1, 2, 3, 101])
@pytest.mark.parametrize("mean", [0.0, 1e9, -1e9])
@pytest.mark.parametrize("facts", [0.0, 1e6, -1e6])
def test_probabilities_are_probabilities_for_any_input(steps: int, mean: float, facts: float) -> None:
    """Probabilities are positive and add up to 1 without overflow."""
    model = OrdinalRegression.usual(steps, 0.8, np.zeros(4))
    probabilities = model.probabilities(np.array([mean]), np.full((1, 4), facts), np.full((1, steps), -50.0))
    assert probabilities.shape == (1, steps)
    assert np.all(probabilities > 0)
    assert probabilities.sum() == pytest.approx(1)


def test_even_thresholds_give_the_requested_deviation() -> None:
    """In the prior, the standard deviation around a prediction far from both ends is the given one."""
    model = OrdinalRegression.usual(101, 6.0, np.zeros(4))
    steps = np.arange(101) - 50
    p = model.probabilities(np.zeros(1), np.zeros((1, 4)), np.zeros((1, 101)))[0]
    assert p @ steps == pytest.approx(0, abs=1e-9)
    assert (p @ steps**2) ** 0.5 == pytest.approx(6, rel=0.01)


def test_nothing_to_learn_from_changes_nothing() -> None:
    """Without ratings, and on a scale of one step, the regression stays the same."""
    none = np.zeros(0)
    assert TRUE.fitted(none, np.zeros((0, 2)), np.zeros((0, 5)), np.zeros(0, np.int64)) is TRUE
    one = OrdinalRegression.usual(1, 1.0, np.zeros(4))
    assert one.fitted(np.zeros(3), np.zeros((3, 4)), np.zeros((3, 1)), np.zeros(3, np.int64)) is one


def test_packing_is_undone_by_unpacking() -> None:
    """Unpacking inverts packing, and each free number has a prior."""
    unpacked = _unpack(_pack(TRUE), 5)
    np.testing.assert_allclose(unpacked.thresholds, TRUE.thresholds)
    np.testing.assert_array_equal(unpacked.weights, TRUE.weights)
    assert unpacked.habit == TRUE.habit
    assert len(_prior_stds(5, 2)) == len(_pack(TRUE))
