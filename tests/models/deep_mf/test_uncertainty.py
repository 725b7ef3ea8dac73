"""Distributions and intervals around predictions: `cinematrix.models.deep_mf.uncertainty`."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Scale, level_spacing, nearest_levels
from cinematrix.errors import SettingError
from cinematrix.models.components.ordinal import OrdinalRegression
from cinematrix.models.deep_mf.uncertainty import (
    HABIT_PRIOR_RATINGS,
    PredictedPairs,
    RatingUncertainty,
    calibrate_levels,
    movie_facts,
)

STARS, HALVES, HUNDRED, OPEN = Scale(1, 5, 1), Scale(0.5, 5, 0.5), Scale(0, 100, 1), Scale(-1, 1)
N_MOVIES = 30


def world(scale: Scale, n: int, noise: float = 0.2, seed: int = 0) -> tuple[PredictedPairs, NDArray[np.float32]]:
    """Users of even numbers scatter half as much as the others; predictions are right on average.

    Returns predictions of `n` ratings and the ratings; the histories have 12 entries each.
    """
    rng = np.random.default_rng(seed)
    width, n_users = scale.high - scale.low, 300
    deviation = noise * width * np.where(np.arange(n_users) % 2, 1.0, 0.5)
    rows = np.repeat(np.arange(n_users), 12)
    items = np.concatenate([rng.choice(N_MOVIES, 12, replace=False) for _ in range(n_users)])
    residual = rng.normal(0, np.where(rows % 2, 1.0, 0.5))
    values = rounded(scale, (scale.low + scale.high) / 2 + residual * noise * width)
    histories = Histories.of_pairs(rows, items, values, n_users)
    user, movie = rng.integers(0, n_users, n).astype(np.int32), rng.integers(0, N_MOVIES, n).astype(np.int32)
    stars = rng.uniform(scale.low + 0.2 * width, scale.high - 0.2 * width, n).astype(np.float32)
    ratings = rounded(scale, stars + rng.normal(0, deviation[user]))
    return PredictedPairs(histories, residual.astype(np.float32), user, movie, stars), ratings


def rounded(scale: Scale, stars: NDArray[np.float64]) -> NDArray[np.float32]:
    """Ratings as they can be given."""
    return scale.clip(scale.levels()[nearest_levels(scale, stars)] if scale.step else stars)


def learned(scale: Scale, n: int) -> RatingUncertainty:
    pairs, ratings = world(scale, n)
    before = RatingUncertainty.before(scale, pairs.histories, pairs.residual, N_MOVIES)
    return before.fitted(pairs, ratings, before.movies)


SPREADS = {str(s): learned(s, n) for s, n in ((STARS, 10_000), (HALVES, 8_000), (HUNDRED, 3_000), (OPEN, 5_000))}


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("scale", [STARS, HALVES, HUNDRED, OPEN], ids=str)
def test_intervals_cover_what_they_promise(scale: Scale, coverage: float) -> None:
    """On new ratings, on whole stars as on a continuous scale, the share inside is the one asked for, ± 2 points."""
    pairs, ratings = world(scale, 10_000, seed=1)
    low, high = SPREADS[str(scale)].interval(pairs, coverage)
    assert np.mean((low <= ratings) & (ratings <= high)) == pytest.approx(coverage, abs=0.02)


@pytest.mark.parametrize("scale", [STARS, HALVES, HUNDRED, OPEN], ids=str)
def test_who_scatters_more_gets_wider_intervals(scale: Scale) -> None:
    """Users whose histories scatter twice as much get clearly wider intervals, and both get the coverage."""
    pairs, ratings = world(scale, 10_000, seed=1)
    low, high = SPREADS[str(scale)].interval(pairs, 0.8)
    wild = pairs.rows % 2 == 1
    assert (high - low)[wild].mean() > 1.3 * (high - low)[~wild].mean()
    for some in (wild, ~wild):
        assert np.mean((low <= ratings) & (ratings <= high), where=some) == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("scale", [STARS, HALVES, HUNDRED, OPEN], ids=str)
def test_what_is_said_to_be_likely_happens(scale: Scale) -> None:
    """Of ratings given a probability of p to reach a level, about p reach it; the likelihood beats the shares'."""
    pairs, ratings = world(scale, 6_000, seed=1)
    spread = SPREADS[str(scale)]
    distribution, found = spread.distribution(pairs).astype(np.float64), nearest_levels(scale, ratings)
    level = distribution.shape[1] * 2 // 3
    reach, reached = distribution[:, level:].sum(1), found >= level
    for part in np.array_split(np.argsort(reach), 5):
        assert reached[part].mean() == pytest.approx(reach[part].mean(), abs=0.05)
    assert np.log(distribution[np.arange(len(found)), found]).mean() > np.log(spread.shares[found]).mean() + 0.2


@given(
    st.sampled_from(list(SPREADS)),
    st.floats(-1e6, 1e6),
    st.integers(UNKNOWN, N_MOVIES - 1),
    st.lists(st.tuples(st.integers(0, N_MOVIES - 1), st.floats(0, 1), st.floats(-50, 50)), max_size=8),
)
def test_any_pair_gets_a_distribution_and_nested_intervals(
    name: str, stars: float, movie: int, history: list[tuple[int, float, float]]
) -> None:
    """Probabilities are above 0 and add up to 1; ends are ordered, on the scale, around the prediction, and nested."""
    spread = SPREADS[name]
    scale = spread.scale
    rated = [scale.low + share * (scale.high - scale.low) for _, share, _ in history]
    person = Histories.of_lists([([item for item, _, _ in history], rated)])
    residual = np.array([r for _, _, r in history], np.float32)
    zero = np.zeros(1, np.int32)
    pair = PredictedPairs(person, residual, zero, zero + np.int32(movie), scale.clip(np.array([stars])))
    distribution = spread.distribution(pair)
    assert distribution.dtype == np.float32
    assert distribution.shape == (1, len(scale.levels()))
    assert np.all(distribution > 0)
    assert distribution.sum() == pytest.approx(1, abs=1e-5)
    inner = scale.clip(np.array([stars])), scale.clip(np.array([stars]))
    for coverage in (0.01, 0.5, 0.8, 0.95, 0.999):
        low, high = spread.interval(pair, coverage)
        assert scale.low <= low <= inner[0] <= inner[1] <= high <= scale.high
        inner = low, high


def test_quantiles_by_hand() -> None:
    """Steps 1…5 with 0.1, 0.2, 0.4, 0.2, 0.1: half of 2 and half of 4 hold 60 %; each step is one star wide."""
    spread = SPREADS[str(STARS)]
    p = np.array([[0.1, 0.2, 0.4, 0.2, 0.1]])
    for level, stars in ((0.2, 2.0), (0.8, 4.0), (0.5, 3.0), (0.3, 2.5), (0.05, 1.0), (0.01, 1.0), (1.0, 5.0)):
        assert spread._quantile(p, level) == pytest.approx(stars)
    # 4 lies at 0.1 + 0.2 + 0.4 + 0.1 = 0.8 of the distribution: the interval from 0.2 to 0.8, level 0.6, just holds it.
    ratings, predicted = np.array([4, 2, 3, 5], np.float32), np.array([3, 3, 3, 4.9], np.float32)
    needed = spread._level_needed(np.repeat(p, 4, axis=0), predicted, ratings)
    np.testing.assert_allclose(needed, [0.6, 0.6, 0, 0.9])
    exact = spread._level_needed(p, np.array([4], np.float32), np.array([4], np.float32))
    assert exact == 0, "the prediction itself lies in every interval"
    above = spread._level_needed(p, np.array([4.5], np.float32), np.array([4], np.float32))
    assert above == 0, "the prediction is above the rating, and the interval reaches up to it"


def test_habits_by_hand() -> None:
    """Who gives whole stars alone prefers them to their neighbours; who has no history has no habits."""
    spread = RatingUncertainty(
        HALVES, OrdinalRegression.usual(10, 1.0), np.full(10, 0.1), np.linspace(0, 1, 101), np.zeros((1, 2))
    )
    whole = ([0, 1, 2, 3, 4] * 8, [1.0, 2.0, 3.0, 4.0, 5.0] * 8)
    habits = spread.habits(Histories.of_lists([whole, ([], [])]))
    assert np.all(habits[0, 1::2] > 0.3)
    assert np.all(habits[0, :-1:2] < -1)
    np.testing.assert_allclose(habits[1], 0, atol=1e-12)
    near = np.exp(-0.5 * ((np.arange(10)[:, None] - np.arange(10)) / 1.2) ** 2)
    used = np.array([0, 8] * 5) + HABIT_PRIOR_RATINGS * 0.1
    wanted = np.log(used[3] / (used @ near[3])) - np.log(0.1 / (0.1 * near[3].sum()))
    assert habits[0, 3] == pytest.approx(wanted)


def test_the_level_is_calibrated_by_what_was_needed() -> None:
    """Ratings that all needed 0.6 raise lower levels towards it; without any, a level is what it says."""
    np.testing.assert_array_equal(calibrate_levels(np.zeros(0)), np.linspace(0, 1, 101))
    many = calibrate_levels(np.full(100_000, 0.6))
    np.testing.assert_allclose(many[1:], 0.6, atol=0.001)
    few = calibrate_levels(np.full(100, 0.6))
    np.testing.assert_allclose(few[[20, 60, 100]], [0.4, 0.6, 0.8], atol=0.001)
    uniform = calibrate_levels((np.arange(10_000) + 0.5) / 10_000)
    np.testing.assert_allclose(uniform, np.linspace(0, 1, 101), atol=0.001)


def test_movies_are_told_from_their_raters() -> None:
    """A movie on which residuals scatter has the larger second fact; an unknown one that of no ratings."""
    histories = Histories.of_lists([([0, 1], [3.0, 3.0])] * 9)
    facts = movie_facts(histories, np.array([0.1, 2.0] * 9, np.float32), 4)
    assert facts.shape == (5, 2)
    np.testing.assert_allclose(facts[0], [np.log(10) / 3 - 1, 0.5 * np.log((3 + 9 * 0.01) / 12)], atol=1e-6)
    np.testing.assert_allclose(facts[1], [np.log(10) / 3 - 1, 0.5 * np.log((3 + 9 * 4) / 12)], atol=1e-6)
    np.testing.assert_allclose(facts[[3, UNKNOWN]], [[-1, 0], [-1, 0]], atol=1e-6)


@pytest.mark.parametrize("scale", [STARS, HUNDRED, OPEN, Scale(3, 3), Scale(0, 1, 1)], ids=str)
def test_before_any_comparison_there_is_something_sensible(scale: Scale) -> None:
    """From histories alone: finite, on the scale, about as wide as ratings scatter; one rating is no reason to fail."""
    pairs, ratings = world(scale, 40)
    before = RatingUncertainty.before(scale, pairs.histories, pairs.residual, N_MOVIES)
    low, high = before.interval(pairs, 0.8)
    assert np.all((scale.low <= low) & (low <= high) & (high <= scale.high))
    if scale.high > scale.low:
        assert 0.2 < np.mean(high - low) / (scale.high - scale.low) < 0.99
    few = replace(pairs, rows=pairs.rows[:1], movies=pairs.movies[:1], stars=pairs.stars[:1])
    again = before.fitted(few, ratings[:1], before.movies).interval(pairs, 0.8)
    assert np.isfinite(again).all()
    nobody = RatingUncertainty.before(scale, Histories.empty(1), np.zeros(0, np.float32), N_MOVIES)
    assert np.isfinite(nobody.distribution(replace(few, histories=Histories.empty(1), rows=few.rows * 0))).all()


def test_many_pairs_go_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunk by chunk or at once, and however pairs are ordered, the numbers are the same; no pairs give none."""
    pairs, _ = world(HALVES, 500, seed=3)
    spread = SPREADS[str(HALVES)]
    whole, ends = spread.distribution(pairs), spread.interval(pairs, 0.8)
    monkeypatch.setattr("cinematrix.models.deep_mf.uncertainty.BLOCK_PAIRS", 7)
    order = np.random.default_rng(0).permutation(500)
    mixed = replace(pairs, rows=pairs.rows[order], movies=pairs.movies[order], stars=pairs.stars[order])
    np.testing.assert_allclose(spread.distribution(mixed), whole[order], atol=1e-6)
    np.testing.assert_allclose(spread.interval(mixed, 0.8), np.array(ends)[:, order], atol=1e-6)
    none = replace(pairs, rows=pairs.rows[:0], movies=pairs.movies[:0], stars=pairs.stars[:0])
    assert spread.distribution(none).shape == (0, 10)
    assert spread.interval(none, 0.8)[0].shape == (0,)


def test_many_ratings_are_learned_from_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more ratings than it takes, evenly chosen ones give nearly the same."""
    monkeypatch.setattr("cinematrix.models.deep_mf.uncertainty.MAX_CELLS", 40_000)
    pairs, _ = world(HALVES, 500, seed=3)
    off = learned(HALVES, 8_000).distribution(pairs) - SPREADS[str(HALVES)].distribution(pairs)
    assert 0 < np.abs(off).mean() < 0.02


def test_saved_and_restored_it_is_the_same() -> None:
    """Its arrays are all there is; arrays for another scale are refused; none give none."""
    spread = SPREADS[str(HALVES)]
    pairs, _ = world(HALVES, 50, seed=4)
    again = RatingUncertainty.from_arrays(spread.arrays(), HALVES)
    assert again is not None
    np.testing.assert_array_equal(again.distribution(pairs), spread.distribution(pairs))
    np.testing.assert_array_equal(again.interval(pairs, 0.8), spread.interval(pairs, 0.8))
    with pytest.raises(ValueError, match="10 steps don't fit the scale 0–100"):
        RatingUncertainty.from_arrays(spread.arrays(), HUNDRED)
    assert RatingUncertainty.from_arrays({}, HALVES) is None


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, 80.0, float("nan"), float("inf")])
def test_a_coverage_that_is_no_share_is_refused(coverage: float) -> None:
    """0, 1, percents and NaN are told what to give."""
    pairs, _ = world(HALVES, 5)
    with pytest.raises(SettingError, match=r"coverage is .*; it is a share between 0 and 1, such as 0.8"):
        SPREADS[str(HALVES)].interval(pairs, coverage)


def test_steps_and_their_width() -> None:
    """The nearest level of each rating; a continuous scale has 21 levels, a scale of one rating one width of 1."""
    np.testing.assert_array_equal(nearest_levels(HALVES, np.array([0.5, 5, 3.26, 9, -9])), [0, 9, 6, 9, 0])
    assert [level_spacing(s) for s in (HALVES, HUNDRED, OPEN, Scale(3, 3), Scale(3, 3, 1))] == [0.5, 1, 0.1, 1, 1]
