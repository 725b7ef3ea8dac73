"""Tests of `cinematrix.evaluation.reliability`: coverage, widths and calibration by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import DataError, SettingError
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.evaluation.reliability import BINS, COVERAGES, choose_levels, measure_reliability
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular
from worlds import as_interactions, taste_world

SCALE = Scale(1, 3, 1)
TRAIN = [(1, 10, 1), (1, 20, 2), (2, 10, 3), (2, 30, 3), (3, 20, 2), (3, 30, 1), (3, 10, 3), (4, 10, 3)]
TEST = [(1, 30, 1), (2, 20, 2), (4, 20, 3), (4, 99, 3), (9, 10, 2)]


def table(rows: list[tuple[int, int, int]]) -> Ratings:
    users, movies, stars = np.array(rows, np.int64).reshape(-1, 3).T
    return Ratings.from_arrays(users, movies, stars.astype(np.float32), scale=SCALE)


class Sure(Popular):
    """Two stars for every pair, intervals that widen with the coverage, and fixed distributions."""

    @property
    def has_intervals(self) -> bool:
        return self.data.scale is not None

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        return np.full(len(rows), 2, np.float32)

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: object = None
    ) -> NDArray[np.float32]:
        distribution = np.tile(np.array([0.25, 0.25, 0.5], np.float32), (len(rows), 1))
        distribution[movies == UNKNOWN] = 0.04, 0.04, 0.92
        return distribution

    def interval_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, coverage: float = 0.8, *, stars: object = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        half = np.float32(1.0 if coverage > 0.72 else coverage / 10)
        return np.full(len(rows), 2 - half, np.float32), np.full(len(rows), 2 + half, np.float32)


def test_shares_and_widths_by_hand() -> None:
    """Two of five ratings are 2 stars, so two are inside narrow intervals and all inside wide ones."""
    found = measure_reliability(Sure().fit(table(TRAIN)), table(TEST))
    assert (found.model, found.ratings) == ("popular", 5)
    wide = COVERAGES > 0.72
    np.testing.assert_allclose(found.covered, np.where(wide, 1.0, 2 / 5))
    np.testing.assert_allclose(found.width, np.where(wide, 2, COVERAGES / 5), rtol=1e-5)
    np.testing.assert_array_equal(found.asked, COVERAGES)


def test_calibration_by_hand() -> None:
    """Six of the eight training ratings reach 2 and four reach 3; each predicted probability falls into its bin."""
    found = measure_reliability(Sure().fit(table(TRAIN)), table(TEST))
    np.testing.assert_array_equal(found.stars, [2, 3])
    count, predicted, observed = np.zeros((2, BINS)), np.full((2, BINS), np.nan), np.full((2, BINS), np.nan)
    count[0, [7, 9]], predicted[0, [7, 9]], observed[0, [7, 9]] = (4, 1), (0.75, 0.96), (3 / 4, 1)
    count[1, [5, 9]], predicted[1, [5, 9]], observed[1, [5, 9]] = (4, 1), (0.5, 0.92), (1 / 4, 1)
    np.testing.assert_array_equal(found.count, count)
    np.testing.assert_allclose(found.predicted, predicted, atol=1e-6)
    np.testing.assert_allclose(found.observed, observed, atol=1e-6)


def test_evaluation_measures_uncertainty() -> None:
    """Coverage and width of 80 % intervals and the log loss by hand, pooled over ratings, intervals over users."""
    found = evaluate(Sure().fit(table(TRAIN)), table(TEST), k=2)
    assert [m.name for m in found.measures[:5]] == ["rmse", "mae", "within80", "width80", "log_loss"]
    assert found["within80"] == 1
    assert found["width80"] == 2
    assert found["log_loss"] == pytest.approx(-np.log([0.25, 0.25, 0.5, 0.92, 0.25]).mean())
    assert found["rmse"] == pytest.approx((3 / 5) ** 0.5)
    np.testing.assert_allclose(found.per_user["log_loss"][2], -np.log([0.5, 0.92]).mean(), rtol=1e-6)
    low, high = next((m.low, m.high) for m in found.measures if m.name == "log_loss")
    assert low < found["log_loss"] < high
    without = evaluate(Bias().fit(table(TRAIN)), table(TEST), k=2)
    assert {"within80", "width80", "log_loss"}.isdisjoint(m.name for m in without.measures)


def test_given_histories_and_block_size_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Block size and given histories don't change the numbers; progress counts every user."""
    calls: list[object] = []

    class Bar:
        def start(self, what: str, total: int) -> None:
            calls.append((what, total))

        def advance(self, steps: int = 1, note: str = "") -> None:
            calls.append(steps)

        def stop(self) -> None:
            calls.append("stop")

    model = Sure().fit(table(TRAIN))
    at_once = measure_reliability(model, table(TEST), given=table([(9, 20, 1)]))
    monkeypatch.setattr("cinematrix.evaluation.reliability.BLOCK_USERS", 1)
    one_by_one = measure_reliability(model, table(TEST), progress=Bar())
    np.testing.assert_allclose(one_by_one.covered, at_once.covered)
    np.testing.assert_allclose(one_by_one.observed, at_once.observed)
    assert calls == [("measuring the reliability of popular", 4), 1, 1, 1, 1, "stop"]


def test_unusable_inputs_are_errors() -> None:
    """No distributions, no stars, no ratings, and tested ratings in the histories are errors."""
    model = Sure().fit(table(TRAIN))
    with pytest.raises(SettingError, match="bias has no distributions of ratings; train deep-mf on ratings"):
        measure_reliability(Bias().fit(table(TRAIN)), table(TEST))
    with pytest.raises(DataError, match="a reliability diagram needs ratings with stars"):
        measure_reliability(model, as_interactions(taste_world(np.random.default_rng(0))[0]))
    with pytest.raises(DataError, match="are also in the histories"):
        measure_reliability(model, table(TRAIN))
    with pytest.raises(SettingError, match="0 ratings are tested"):
        measure_reliability(model, table(TEST).take(np.zeros(0, np.int64)))


@pytest.mark.parametrize(
    ("stars", "scale", "levels"),
    [
        ([1, 2, 3, 4, 5] * 4, Scale(1, 5, 1), [1, 2, 4]),
        ([5] * 9, Scale(1, 5, 1), [1]),
        ([1] * 9, Scale(1, 5, 1), [1]),
        ([3, 3], Scale(3, 3, 1), []),
    ],
    ids=["even", "all best", "all worst", "one level"],
)
def test_choice_of_levels(stars: list[float], scale: Scale, levels: list[int]) -> None:
    """Levels that about a quarter, a half and three quarters of the ratings reach, each once, never the lowest."""
    ratings = Ratings.from_arrays(range(len(stars)), range(len(stars)), stars, scale=scale)
    assert choose_levels(Sure().fit(ratings)).tolist() == levels
