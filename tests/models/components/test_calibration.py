"""Calibration of scores to probabilities: `cinematrix.models.components.calibration`."""

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split, random
from cinematrix.models import model_class
from cinematrix.models.base import Recommender
from cinematrix.models.components.calibration import Calibration, log_estimates

NONE = Histories.empty(300)


@pytest.mark.parametrize(("unit", "zero"), [(1.0, 0.0), (1e-3, 0.0), (50.0, 1e3)])
def test_planted_slope_and_offset_are_recovered(unit: float, zero: float) -> None:
    """Slope 1.5 and offset −4 of a planted logistic function are recovered for any unit and zero of the scores."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (300, 400))
    later = Histories.of_pairs(*np.nonzero(rng.random(x.shape) < 1 / (1 + np.exp(4 - 1.5 * x))), None, 300)
    calibration = Calibration.fitted((zero + unit * x).astype(np.float32), NONE, later)
    np.testing.assert_allclose(calibration.slope * unit, 1.5, atol=0.1)
    np.testing.assert_allclose(calibration.offset + calibration.slope * zero, -4, atol=0.15)


def test_movies_of_the_histories_are_ignored() -> None:
    """The calibration is of unseen movies: scores of movies in the history don't change it."""
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 1, (300, 60)).astype(np.float32)
    given = Histories.of_lists([(range(30), None)] * 300)
    later = Histories.of_pairs(*np.nonzero(rng.random((300, 60)) < np.repeat([0, 0.3], 30)), None, 300)
    calibration = Calibration.fitted(scores, given, later)
    scores[:, :30] += 7
    assert Calibration.fitted(scores, given, later) == calibration
    assert abs(float(calibration(scores[:, 30:]).mean()) - 0.3) < 0.02


@pytest.mark.parametrize("watched", [[], range(50)], ids=["nothing", "everything"])
def test_it_stays_finite(watched: list[int]) -> None:
    """Probabilities are numbers from 0 to 1, also if no or all movies were watched, or scores separate them exactly."""
    scores = np.tile(np.arange(60, dtype=np.float32), (300, 1))
    later = Histories.of_lists([(watched, None)] * 300)
    for each in (scores, np.zeros_like(scores)):
        probabilities = Calibration.fitted(each, NONE, later)(each)
        assert np.all((probabilities >= 0) & (probabilities <= 1))


def test_log_estimates_by_hand() -> None:
    """Estimates at or below 0 are equal, and the logarithm grows with all others."""
    logs = log_estimates(np.array([-2, 0, 0.1, 0.9], np.float32))
    assert logs[0] == logs[1]
    np.testing.assert_allclose(logs[1:], np.log([0.003, 0.103, 0.903]), atol=1e-6)


@pytest.fixture(scope="module")
def world() -> Split:
    """400 users of four tastes watch 40 % of their own 20 of 80 movies and few others; a tenth is held out."""
    rng = np.random.default_rng(3)
    own = np.arange(400)[:, None] % 4 == np.arange(80) % 4
    share = np.where(own, 0.4, np.linspace(0.02, 0.15, 80))
    user, movie = np.nonzero(rng.random(share.shape) < share)
    return random(Ratings.from_arrays(user, movie), 0.1)


def unseen_probabilities(model: Recommender, cut: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities of all unseen movies, and a mask of the held-out ones."""
    given, later = cut.train.by_user, cut.test.by_user
    unseen, watched = np.ones((400, 80), bool), np.zeros((400, 80), bool)
    unseen[given.rows, given.items] = False
    watched[later.rows, later.items] = True
    rows, movies = (each.astype(np.int32) for each in np.nonzero(unseen))
    return model.predict_pairs(model.data.history, rows, movies), watched[unseen]


CALIBRATED = {
    "ease": {"regularization": 20},
    "ials": {"factors": 8},
    "vae": {"factors": 8, "hidden": 16, "learning_rate": 0.01},
    "neumf": {"factors": 8, "batch": 128, "epochs": 8, "learning_rate": 0.02},
}
"""Models with calibrated probabilities, with settings that train fast."""


@pytest.mark.parametrize("name", CALIBRATED)
def test_probabilities_add_up_to_the_held_out_views(world: Split, name: str) -> None:
    """The sum of probabilities is near the number of held-out views: in all within 15 %, in each third within 60 %."""
    kind = model_class(name)
    model = kind(kind.Settings(**CALIBRATED[name])).fit(world.train)
    probability, watched = unseen_probabilities(model, world)
    assert abs(watched.sum() / probability.sum() - 1) < 0.15
    thirds = np.array_split(np.argsort(probability), 3)
    assert probability[thirds[2]].mean() > 2 * probability[thirds[0]].mean()
    for third in thirds:
        assert 1 / 1.6 < watched[third].sum() / probability[third].sum() < 1.6


@pytest.mark.parametrize("name", ["ease", "ials"])
def test_a_model_saved_without_calibration_keeps_the_order(world: Split, name: str) -> None:
    """A model saved without calibration has probabilities in the order of the calibrated ones."""
    kind = model_class(name)
    model = kind(kind.Settings(**CALIBRATED[name])).fit(world.train)
    arrays = {key: array for key, array in model.arrays().items() if key != "calibration"}
    old = kind.restore(model.settings, model.data, arrays)
    new, before = unseen_probabilities(model, world)[0], unseen_probabilities(old, world)[0]
    assert np.all((before >= 0) & (before <= 1))
    assert abs(np.corrcoef(np.argsort(np.argsort(new)), np.argsort(np.argsort(before)))[0, 1]) > 0.99
