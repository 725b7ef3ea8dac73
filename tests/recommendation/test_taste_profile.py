"""Tests of `cinematrix.recommendation.taste_profile`."""

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.models.popular import Popular
from cinematrix.models.svd import SVD
from cinematrix.recommendation.taste_profile import FOLDS, PopulationTaste, compute_histogram, measure_accuracy


@pytest.fixture(scope="module")
def known() -> TrainingData:
    """Four movies; the mean rating of dramas is 3, of comedies 4, of all 3.5."""
    ratings = Ratings.from_arrays([1, 1, 2, 2], [10, 11, 12, 13], [2, 4, 3, 5], scale=Scale(1, 5, 1))
    catalog = Catalog.of(
        [10, 11, 12, 13], year=[1991, 1999, 2001, None], genres=[["Drama"], ["Drama"], ["Comedy"], ["Comedy"]]
    )
    return TrainingData.of(ratings, catalog)


def test_love_is_the_shrunken_excess_over_other_users(known: TrainingData) -> None:
    """Dramas rated 5 and a comedy rated 2: ((5 − 4) − (3 − 3.5)) × 2/7 and ((2 − 4) − (4 − 3.5)) × 1/6."""
    history, _ = known.histories([{10: 5, 11: 5, 12: 2}])
    drama, comedy = PopulationTaste(known).parts("genres", history)
    assert (drama.name, drama.count, drama.yours, drama.everyone) == ("Drama", 2, 5, 3)
    assert drama.love == pytest.approx(1.5 * 2 / 7)
    assert comedy.love == pytest.approx(-2.5 / 6)
    assert (drama.share, drama.usual) == (pytest.approx(2 / 3), 0.5)
    nineties, noughties = PopulationTaste(known).parts("decades", history)
    assert (nineties.name, nineties.count, noughties.name, noughties.count) == ("1990", 2, "2000", 1)


def test_without_ratings_love_is_0(known: TrainingData) -> None:
    """Without ratings the user has no means and no love."""
    parts = PopulationTaste(known).parts("genres", Histories.empty(1))
    assert [(part.name, part.count, part.yours, part.love) for part in parts] == [
        ("Comedy", 0, None, 0), ("Drama", 0, None, 0),
    ]  # fmt: skip


def test_a_histogram_has_each_level_of_the_scale(known: TrainingData) -> None:
    """Each level has its share, also levels without ratings."""
    assert PopulationTaste(known).histogram.tolist() == [0, 0.25, 0.25, 0.25, 0.25]
    assert compute_histogram(known, np.zeros(0, np.float32)).tolist() == [0] * 5


def test_accuracy_is_cross_validated() -> None:
    """The baseline is the mean of the other folds, computed by hand; a model of taste beats it."""
    rng = np.random.default_rng(1)
    likes = rng.integers(0, 2, 80)
    users, movies = np.nonzero(rng.random((80, 40)) < 0.6)
    stars = np.where(likes[users] == movies % 2, 5.0, 1.0)
    model = SVD().fit(Ratings.from_arrays(users, movies, stars, scale=Scale(1, 5, 1)))
    history, _ = model.data.histories([{movie: 5.0 if movie % 2 else 1.0 for movie in range(12)}])
    found = measure_accuracy(model, history)
    assert found is not None
    part = np.random.default_rng(0).permutation(12) % FOLDS
    assert history.values is not None
    means = np.array([history.values[part != fold].mean() for fold in part])
    assert found.baseline == pytest.approx(np.sqrt(np.mean((means - history.values) ** 2)))
    assert found.rmse < 0.5 * found.baseline
    few, _ = model.data.histories([dict.fromkeys(range(FOLDS - 1), 3.0)])
    assert measure_accuracy(model, few) is None


def test_plain_interactions_have_no_accuracy() -> None:
    """A model of plain interactions has no stars, so no accuracy and no histogram."""
    views = Ratings.from_arrays([1] * 6 + [2], [1, 2, 3, 4, 5, 6, 1])
    model = Popular().fit(views)
    assert measure_accuracy(model, model.data.history.take(np.array([0]))) is None
    assert compute_histogram(model.data, np.ones(3, np.float32)).tolist() == []
