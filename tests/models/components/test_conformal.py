"""Levels of intervals: `cinematrix.models.components.conformal`."""

import numpy as np
import pytest

from cinematrix.models.components.conformal import NOMINAL, ConformalLevels, calibrate_levels, widen_by_student


def test_the_level_is_calibrated_by_the_needed_levels() -> None:
    """Ratings that all needed 0.6 raise lower levels towards it; without ratings, levels are the prior's."""
    np.testing.assert_array_equal(calibrate_levels(np.zeros(0), NOMINAL), NOMINAL)
    many = calibrate_levels(np.full(100_000, 0.6), NOMINAL)
    np.testing.assert_allclose(many[1:], 0.6, atol=0.001)
    few = calibrate_levels(np.full(100, 0.6), NOMINAL)
    np.testing.assert_allclose(few[[20, 60, 100]], [0.4, 0.6, 0.8], atol=0.001)
    uniform = calibrate_levels((np.arange(10_000) + 0.5) / 10_000, NOMINAL)
    np.testing.assert_allclose(uniform, NOMINAL, atol=0.001)


def test_rare_movies_and_new_users_get_the_levels_that_they_need() -> None:
    """Ratings of rare movies and of new users need higher levels: they get them, and the others don't."""
    rng = np.random.default_rng(0)
    raters, history = rng.lognormal(3, 1.5, 160_000).astype(int), rng.integers(1, 200, 160_000)
    hard = 1 + 1 / (1 + raters / 10) + 0.5 * (history < 30)
    needed = 1 - rng.random(160_000) ** hard
    learned = np.arange(160_000) < 80_000
    levels = ConformalLevels.fitted(needed[learned], raters[learned], history[learned])
    for coverage in (0.5, 0.8, 0.955):
        inside = needed <= levels.at(coverage, raters, history)
        for group in (raters < 3, raters < 12, raters >= 12, raters > 200, history < 30, history >= 30, ~learned):
            assert np.mean(inside[group & ~learned]) == pytest.approx(coverage, abs=0.03)


def test_few_ratings_of_a_kind_borrow_from_their_neighbours() -> None:
    """With 60 ratings around each of ten numbers of raters, each holds its share twice as well as by its own levels."""
    rng = np.random.default_rng(1)
    kinds = np.round(np.expm1(np.linspace(0.7, 5.5, 10)))
    raters, history, error = np.repeat(kinds, 60), np.full(600, 50), np.zeros((20, 2, 10))
    for world in error:
        needed = rng.random(600)
        levels = ConformalLevels.fitted(needed, raters, history)
        world[0] = levels.at(0.8, kinds, np.full(10, 50)) - 0.8
        world[1] = [np.quantile(needed[raters == kind], 0.8) - 0.8 for kind in kinds]
    local, own = np.sqrt((error**2).mean((0, 2)))
    assert local < own / 2


def test_levels_lie_between_neighbouring_percents() -> None:
    """Without calibration the level is the coverage, for every movie and user."""
    for coverage in (0.001, 0.8, 0.999):
        levels = ConformalLevels.nominal().at(coverage, np.array([0, 5, 1_000]), np.array([0, 50, 1_000]))
        np.testing.assert_allclose(levels, coverage)


def test_levels_saved_by_an_earlier_version_hold_for_all_strata() -> None:
    """One list of levels stands for every stratum."""
    levels = ConformalLevels.from_array(NOMINAL**2).at(0.5, np.array([0, 1_000]), np.array([0, 1_000]))
    np.testing.assert_allclose(levels, 0.25)


def test_weighted_ratings_count_by_kish() -> None:
    """Equal weights count by their sum alone, and ratings of no weight are none."""
    needed = np.linspace(0, 1, 100)
    np.testing.assert_array_equal(calibrate_levels(needed, NOMINAL, np.ones(100)), calibrate_levels(needed, NOMINAL))
    np.testing.assert_array_equal(calibrate_levels(needed, NOMINAL, np.zeros(100)), NOMINAL)
    half = calibrate_levels(np.full(100, 0.6), NOMINAL, np.full(100, 0.5))
    np.testing.assert_allclose(half, (50 * 0.6 + 100 * NOMINAL) / 150)


def test_few_ratings_widen_by_students_t() -> None:
    """With 10 degrees of freedom 80 % reach to 1.372 standard deviations, as far as 83 % of a normal distribution."""
    assert widen_by_student(10)[80] == pytest.approx(0.8300, abs=1e-4)
    np.testing.assert_allclose(widen_by_student(1e9), NOMINAL, atol=1e-6)
    np.testing.assert_array_equal(widen_by_student(0), NOMINAL)
