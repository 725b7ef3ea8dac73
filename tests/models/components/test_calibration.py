"""From scores to chances."""

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split, random
from cinematrix.models import model_class
from cinematrix.models.base import Recommender
from cinematrix.models.components.calibration import Calibration, log_estimates

NONE = Histories.empty(300)


@pytest.mark.parametrize(("unit", "middle"), [(1.0, 0.0), (1e-3, 0.0), (50.0, 1e3)])
def test_a_planted_slope_and_offset_are_found(unit: float, middle: float) -> None:
    """Where movies are watched with the chance σ(1.5 x − 4), that is found, whatever unit and zero the scores have."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (300, 400))
    later = Histories.of_pairs(*np.nonzero(rng.random(x.shape) < 1 / (1 + np.exp(4 - 1.5 * x))), None, 300)
    chance = Calibration.fitted((middle + unit * x).astype(np.float32), NONE, later)
    np.testing.assert_allclose(chance.slope * unit, 1.5, atol=0.1)
    np.testing.assert_allclose(chance.offset + chance.slope * middle, -4, atol=0.15)


def test_movies_of_the_histories_say_nothing() -> None:
    """The chance is of unseen movies: scores of what a history holds don't change it."""
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 1, (300, 60)).astype(np.float32)
    given = Histories.of_lists([(range(30), None)] * 300)
    later = Histories.of_pairs(*np.nonzero(rng.random((300, 60)) < np.repeat([0, 0.3], 30)), None, 300)
    chance = Calibration.fitted(scores, given, later)
    scores[:, :30] += 7
    assert Calibration.fitted(scores, given, later) == chance
    assert abs(float(chance(scores[:, 30:]).mean()) - 0.3) < 0.02


@pytest.mark.parametrize("watched", [[], range(50)], ids=["nothing", "everything"])
def test_it_stays_finite(watched: list[int]) -> None:
    """Where nothing was watched or everything, and where scores tell it exactly, chances are numbers from 0 to 1."""
    scores = np.tile(np.arange(60, dtype=np.float32), (300, 1))
    later = Histories.of_lists([(watched, None)] * 300)
    for each in (scores, np.zeros_like(scores)):
        found = Calibration.fitted(each, NONE, later)(each)
        assert np.all((found >= 0) & (found <= 1))


def test_the_evidence_of_an_estimate_is_its_logarithm() -> None:
    """Estimates at or below 0 are alike, and it grows with all others."""
    found = log_estimates(np.array([-2, 0, 0.1, 0.9], np.float32))
    assert found[0] == found[1]
    np.testing.assert_allclose(found[1:], np.log([0.003, 0.103, 0.903]), atol=1e-6)


@pytest.fixture(scope="module")
def world() -> Split:
    """400 people of four tastes: 40 % of one's own 20 of 80 movies are watched, few others; a tenth is cut off."""
    rng = np.random.default_rng(3)
    own = np.arange(400)[:, None] % 4 == np.arange(80) % 4
    share = np.where(own, 0.4, np.linspace(0.02, 0.15, 80))
    user, movie = np.nonzero(rng.random(share.shape) < share)
    return random(Ratings.from_arrays(user, movie), 0.1)


def unseen_chances(model: Recommender, cut: Split) -> tuple[np.ndarray, np.ndarray]:
    """The chances of everything unseen, and what of it the part cut off holds."""
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
"""Models whose chances are of this kind, with settings that are quick."""


@pytest.mark.parametrize("name", CALIBRATED)
def test_as_many_are_watched_as_the_chances_say(world: Split, name: str) -> None:
    """Held-out views are as many as the chances add up to: in all within 15 %, in each third within 60 %."""
    kind = model_class(name)
    model = kind(kind.Settings(**CALIBRATED[name])).fit(world.train)
    chance, watched = unseen_chances(model, world)
    assert abs(watched.sum() / chance.sum() - 1) < 0.15
    thirds = np.array_split(np.argsort(chance), 3)
    assert chance[thirds[2]].mean() > 2 * chance[thirds[0]].mean()
    for third in thirds:
        assert 1 / 1.6 < watched[third].sum() / chance[third].sum() < 1.6


@pytest.mark.parametrize("name", ["ease", "ials"])
def test_a_model_without_a_slope_of_its_own_answers_still(world: Split, name: str) -> None:
    """One that was saved before chances were learned keeps the order of its scores."""
    kind = model_class(name)
    model = kind(kind.Settings(**CALIBRATED[name])).fit(world.train)
    arrays = {key: array for key, array in model.arrays().items() if key != "chance"}
    old = kind.restore(model.settings, model.data, arrays)
    new, before = unseen_chances(model, world)[0], unseen_chances(old, world)[0]
    assert np.all((before >= 0) & (before <= 1))
    assert abs(np.corrcoef(np.argsort(np.argsort(new)), np.argsort(np.argsort(before)))[0, 1]) > 0.99
