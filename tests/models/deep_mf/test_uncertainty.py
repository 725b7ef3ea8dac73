"""Distributions and intervals around predictions: `cinematrix.models.deep_mf.uncertainty`."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Scale, level_spacing, nearest_levels
from cinematrix.errors import SettingError
from cinematrix.models.components.conformal import ConformalLevels
from cinematrix.models.components.ordinal import OrdinalRegression
from cinematrix.models.deep_mf.uncertainty import (
    HABIT_PRIOR_RATINGS,
    HeldOut,
    PredictedPairs,
    RatingUncertainty,
    history_facts,
    movie_facts,
    read_counts,
)

STARS, HALVES, HUNDRED, OPEN = Scale(1, 5, 1), Scale(0.5, 5, 0.5), Scale(0, 100, 1), Scale(-1, 1)
N_MOVIES = 30


def world(scale: Scale, n: int, noise: float = 0.2, seed: int = 0) -> tuple[PredictedPairs, NDArray[np.float32]]:
    """Return predictions of `n` ratings and the ratings; the histories have 12 entries each.

    Ratings of users with even numbers deviate half as much as the others'; predictions are right on average.
    """
    rng = np.random.default_rng(seed)
    width, n_users = scale.high - scale.low, 300
    deviation = noise * width * np.where(np.arange(n_users) % 2, 1.0, 0.5)
    rows = np.repeat(np.arange(n_users), 12)
    items = np.concatenate([rng.choice(N_MOVIES, 12, replace=False) for _ in range(n_users)])
    residual = rng.normal(0, np.where(rows % 2, 1.0, 0.5))
    values = round_ratings(scale, (scale.low + scale.high) / 2 + residual * noise * width)
    histories = Histories.of_pairs(rows, items, values, n_users)
    user, movie = rng.integers(0, n_users, n).astype(np.int32), rng.integers(0, N_MOVIES, n).astype(np.int32)
    stars = rng.uniform(scale.low + 0.2 * width, scale.high - 0.2 * width, n).astype(np.float32)
    ratings = round_ratings(scale, stars + rng.normal(0, deviation[user]))
    return PredictedPairs(histories, residual.astype(np.float32), user, movie, stars), ratings


def round_ratings(scale: Scale, stars: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return ratings rounded to the scale's levels."""
    return scale.clip(scale.levels()[nearest_levels(scale, stars)] if scale.step else stars)


def fit_uncertainty(scale: Scale, n: int) -> RatingUncertainty:
    """Return the uncertainty fitted to `n` ratings of the world."""
    pairs, ratings = world(scale, n)
    prior = RatingUncertainty.before(scale, pairs.histories, pairs.residual, N_MOVIES)
    return prior.fitted(HeldOut(pairs, ratings, prior.movies))


N_RATINGS = {STARS: 10_000, HALVES: 8_000, HUNDRED: 3_000, OPEN: 5_000}


@cache
def fitted(scale: Scale) -> RatingUncertainty:
    """Return the uncertainty of a scale, fitted once to its number of ratings."""
    return fit_uncertainty(scale, N_RATINGS[scale])


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("scale", [STARS, HALVES, HUNDRED, OPEN], ids=str)
def test_intervals_have_the_requested_coverage(scale: Scale, coverage: float) -> None:
    """The share of new ratings inside is the requested one, ± 2 points, on discrete and continuous scales."""
    pairs, ratings = world(scale, 10_000, seed=1)
    low, high = fitted(scale).interval(pairs, coverage)
    assert np.mean((low <= ratings) & (ratings <= high)) == pytest.approx(coverage, abs=0.02)


@pytest.mark.parametrize("scale", [STARS, HALVES, HUNDRED, OPEN], ids=str)
def test_noisier_users_get_wider_intervals(scale: Scale) -> None:
    """Users whose ratings deviate twice as much get clearly wider intervals, and both groups get the coverage."""
    pairs, ratings = world(scale, 10_000, seed=1)
    low, high = fitted(scale).interval(pairs, 0.8)
    noisy = pairs.rows % 2 == 1
    assert (high - low)[noisy].mean() > 1.3 * (high - low)[~noisy].mean()
    for group in (noisy, ~noisy):
        assert np.mean((low <= ratings) & (ratings <= high), where=group) == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("scale", [STARS, HALVES, HUNDRED, OPEN], ids=str)
def test_probabilities_are_calibrated(scale: Scale) -> None:
    """A level with probability p is reached by about a share p of ratings; the likelihood beats that of the shares."""
    pairs, ratings = world(scale, 6_000, seed=1)
    uncertainty = fitted(scale)
    distribution, steps = uncertainty.distribution(pairs).astype(np.float64), nearest_levels(scale, ratings)
    level = distribution.shape[1] * 2 // 3
    reach, reached = distribution[:, level:].sum(1), steps >= level
    for part in np.array_split(np.argsort(reach), 5):
        assert reached[part].mean() == pytest.approx(reach[part].mean(), abs=0.05)
    assert np.log(distribution[np.arange(len(steps)), steps]).mean() > np.log(uncertainty.shares[steps]).mean() + 0.2


@given(
    st.sampled_from(list(N_RATINGS)),
    st.floats(-1e6, 1e6),
    st.integers(UNKNOWN, N_MOVIES - 1),
    st.lists(st.tuples(st.integers(0, N_MOVIES - 1), st.floats(0, 1), st.floats(-50, 50)), max_size=8),
)
def test_any_pair_gets_a_distribution_and_nested_intervals(
    scale: Scale, stars: float, movie: int, history: list[tuple[int, float, float]]
) -> None:
    """Probabilities are above 0 and add up to 1; intervals are on the scale, around the prediction, and nested."""
    uncertainty = fitted(scale)
    rated = [scale.low + share * (scale.high - scale.low) for _, share, _ in history]
    histories = Histories.of_lists([([item for item, _, _ in history], rated)])
    residual = np.array([r for _, _, r in history], np.float32)
    zero = np.zeros(1, np.int32)
    pair = PredictedPairs(histories, residual, zero, zero + np.int32(movie), scale.clip(np.array([stars])))
    distribution = uncertainty.distribution(pair)
    assert distribution.dtype == np.float32
    assert distribution.shape == (1, len(scale.levels()))
    assert np.all(distribution > 0)
    assert distribution.sum() == pytest.approx(1, abs=1e-5)
    inner = scale.clip(np.array([stars])), scale.clip(np.array([stars]))
    for coverage in (0.01, 0.5, 0.8, 0.95, 0.999):
        low, high = uncertainty.interval(pair, coverage)
        assert scale.low <= low <= inner[0] <= inner[1] <= high <= scale.high
        inner = low, high


def test_quantiles_by_hand() -> None:
    """Steps 1…5 with 0.1, 0.2, 0.4, 0.2, 0.1: half of 2 and half of 4 hold 60 %; each step is one star wide."""
    uncertainty = fitted(STARS)
    p = np.array([[0.1, 0.2, 0.4, 0.2, 0.1]])
    for level, stars in ((0.2, 2.0), (0.8, 4.0), (0.5, 3.0), (0.3, 2.5), (0.05, 1.0), (0.01, 1.0), (1.0, 5.0)):
        assert uncertainty._quantile(p, np.array([level])) == pytest.approx(stars)
    # 4 lies at 0.1 + 0.2 + 0.4 + 0.1 = 0.8 of the distribution: the interval from 0.2 to 0.8, level 0.6, just holds it.
    ratings, predicted = np.array([4, 2, 3, 5], np.float32), np.array([3, 3, 3, 4.9], np.float32)
    needed = uncertainty._level_needed(np.repeat(p, 4, axis=0), predicted, ratings)
    np.testing.assert_allclose(needed, [0.6, 0.6, 0, 0.9])
    exact = uncertainty._level_needed(p, np.array([4], np.float32), np.array([4], np.float32))
    assert exact == 0, "the prediction itself lies in every interval"
    above = uncertainty._level_needed(p, np.array([4.5], np.float32), np.array([4], np.float32))
    assert above == 0, "the prediction is above the rating, and the interval reaches up to it"


def test_habits_by_hand() -> None:
    """A user of whole stars prefers them to the half stars between; an empty history has no habits."""
    uncertainty = RatingUncertainty(
        HALVES,
        OrdinalRegression.usual(10, 1.0, np.zeros(4)),
        np.full(10, 0.1),
        ConformalLevels.nominal(),
        np.zeros((1, 2)),
    )
    whole_stars = ([0, 1, 2, 3, 4] * 8, [1.0, 2.0, 3.0, 4.0, 5.0] * 8)
    habits = uncertainty.habits(Histories.of_lists([whole_stars, ([], [])]))
    assert np.all(habits[0, 1::2] > 0.3)
    assert np.all(habits[0, :-1:2] < -1)
    np.testing.assert_allclose(habits[1], 0, atol=1e-12)
    kernel = np.exp(-0.5 * ((np.arange(10)[:, None] - np.arange(10)) / 1.2) ** 2)
    use = np.array([0, 8] * 5) + HABIT_PRIOR_RATINGS * 0.1
    expected = np.log(use[3] / (use @ kernel[3])) - np.log(0.1 / (0.1 * kernel[3].sum()))
    assert habits[0, 3] == pytest.approx(expected)


def test_counts_are_read_from_the_facts() -> None:
    """The raters of a movie and the ratings of a user follow from the facts of the pair."""
    histories = Histories.of_lists([([0, 1], [3.0, 3.0])] * 9)
    residual = np.zeros(18, np.float32)
    facts = np.hstack([history_facts(histories, residual)[[0, 0]], movie_facts(histories, residual, 4)[[1, UNKNOWN]]])
    raters, history = read_counts(facts)
    assert (raters.tolist(), history.tolist()) == ([9, 0], [2, 2])


@pytest.mark.parametrize("n", [20, 40])
def test_intervals_of_a_small_sample_hold_the_requested_share(n: int) -> None:
    """Fitted to a few ratings, 80 % intervals hold 78 to 86 % of others, over twenty worlds."""
    covered = []
    for seed in range(20):
        pairs, ratings = world(HALVES, n + 1_000, seed=seed)
        few, others = (replace(pairs, rows=pairs.rows[at], movies=pairs.movies[at], stars=pairs.stars[at]) for at in
                       (slice(n), slice(n, None)))  # fmt: skip
        prior = RatingUncertainty.before(HALVES, pairs.histories, pairs.residual, N_MOVIES)
        low, high = prior.fitted(HeldOut(few, ratings[:n], prior.movies)).interval(others, 0.8)
        covered.append(np.mean((low <= ratings[n:]) & (ratings[n:] <= high)))
    assert 0.78 < np.mean(covered) < 0.86


def test_movie_facts_by_hand() -> None:
    """A movie with larger residuals has the larger second fact; an unknown movie has the facts of no ratings."""
    histories = Histories.of_lists([([0, 1], [3.0, 3.0])] * 9)
    facts = movie_facts(histories, np.array([0.1, 2.0] * 9, np.float32), 4)
    assert facts.shape == (5, 2)
    np.testing.assert_allclose(facts[0], [np.log(10) / 3 - 1, 0.5 * np.log((3 + 9 * 0.01) / 12)], atol=1e-6)
    np.testing.assert_allclose(facts[1], [np.log(10) / 3 - 1, 0.5 * np.log((3 + 9 * 4) / 12)], atol=1e-6)
    np.testing.assert_allclose(facts[[3, UNKNOWN]], [[-1, 0], [-1, 0]], atol=1e-6)


@pytest.mark.parametrize("scale", [STARS, HUNDRED, OPEN, Scale(3, 3), Scale(0, 1, 1)], ids=str)
def test_the_prior_is_sensible(scale: Scale) -> None:
    """The prior's intervals are finite, on the scale and about as wide as the ratings'; one rating can be fitted."""
    pairs, ratings = world(scale, 40)
    prior = RatingUncertainty.before(scale, pairs.histories, pairs.residual, N_MOVIES)
    low, high = prior.interval(pairs, 0.8)
    assert np.all((scale.low <= low) & (low <= high) & (high <= scale.high))
    if scale.high > scale.low:
        assert 0.2 < np.mean(high - low) / (scale.high - scale.low) < (0.99 if len(scale.levels()) > 2 else 1.0)
    one = replace(pairs, rows=pairs.rows[:1], movies=pairs.movies[:1], stars=pairs.stars[:1])
    interval = prior.fitted(HeldOut(one, ratings[:1], prior.movies)).interval(pairs, 0.8)
    assert np.isfinite(interval).all()
    empty_prior = RatingUncertainty.before(scale, Histories.empty(1), np.zeros(0, np.float32), N_MOVIES)
    assert np.isfinite(empty_prior.distribution(replace(one, histories=Histories.empty(1), rows=one.rows * 0))).all()


def test_many_pairs_go_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results don't depend on blocks or on the order of pairs; no pairs give empty results."""
    pairs, _ = world(HALVES, 500, seed=3)
    uncertainty = fitted(HALVES)
    at_once, ends = uncertainty.distribution(pairs), uncertainty.interval(pairs, 0.8)
    monkeypatch.setattr("cinematrix.models.deep_mf.uncertainty.BLOCK_CELLS", 70)
    order = np.random.default_rng(0).permutation(500)
    shuffled = replace(pairs, rows=pairs.rows[order], movies=pairs.movies[order], stars=pairs.stars[order])
    np.testing.assert_allclose(uncertainty.distribution(shuffled), at_once[order], atol=1e-6)
    np.testing.assert_allclose(uncertainty.interval(shuffled, 0.8), np.array(ends)[:, order], atol=1e-6)
    none = replace(pairs, rows=pairs.rows[:0], movies=pairs.movies[:0], stars=pairs.stars[:0])
    assert uncertainty.distribution(none).shape == (0, 10)
    assert uncertainty.interval(none, 0.8)[0].shape == (0,)


def test_evenly_spaced_ratings_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit to evenly spaced ratings is close to a fit to all of them."""
    pairs, _ = world(HALVES, 500, seed=3)
    whole = fitted(HALVES).distribution(pairs)
    monkeypatch.setattr("cinematrix.models.deep_mf.uncertainty.MAX_CELLS", 40_000)
    difference = fit_uncertainty(HALVES, N_RATINGS[HALVES]).distribution(pairs) - whole
    assert 0 < np.abs(difference).mean() < 0.02


def test_a_restored_uncertainty_is_the_same() -> None:
    """Restored arrays give the same results; arrays for another scale are refused; no arrays give None."""
    uncertainty = fitted(HALVES)
    pairs, _ = world(HALVES, 50, seed=4)
    restored = RatingUncertainty.from_arrays(uncertainty.arrays(), HALVES)
    assert restored is not None
    np.testing.assert_array_equal(restored.distribution(pairs), uncertainty.distribution(pairs))
    np.testing.assert_array_equal(restored.interval(pairs, 0.8), uncertainty.interval(pairs, 0.8))
    with pytest.raises(ValueError, match="10 steps don't fit the scale 0–100"):
        RatingUncertainty.from_arrays(uncertainty.arrays(), HUNDRED)
    assert RatingUncertainty.from_arrays({}, HALVES) is None


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, 80.0, float("nan"), float("inf")])
def test_a_coverage_that_is_no_share_is_refused(coverage: float) -> None:
    """0, 1, percentages and NaN are refused, and the error says what to give."""
    pairs, _ = world(HALVES, 5)
    with pytest.raises(SettingError, match=r"coverage is .*; it is a share between 0 and 1, such as 0.8"):
        fitted(HALVES).interval(pairs, coverage)


def test_steps_and_their_width() -> None:
    """The nearest level of each rating is found; a continuous scale has 21 levels, one of a single rating width 1."""
    np.testing.assert_array_equal(nearest_levels(HALVES, np.array([0.5, 5, 3.26, 9, -9])), [0, 9, 6, 9, 0])
    assert [level_spacing(s) for s in (HALVES, HUNDRED, OPEN, Scale(3, 3), Scale(3, 3, 1))] == [0.5, 1, 0.1, 1, 1]
