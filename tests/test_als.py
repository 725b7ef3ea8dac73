"""The model `als`."""

import numpy as np
import pytest

from cinematrix.errors import SettingError
from cinematrix.models.als import ALS, ALSSettings
from contract import Contract
from worlds import check_planted_factors, factor_world


class TestALS(Contract):
    """ALS keeps the contract."""

    kind = ALS


def test_planted_factors_are_recovered() -> None:
    """Unseen ratings are predicted to less than their noise, and the movies' vectors are the planted ones."""
    check_planted_factors(ALS(ALSSettings(shrinkage=1.0, regularization=0.01)))


def test_a_known_user_and_the_same_history_as_a_stranger_agree() -> None:
    """A known user is a stranger whose history we already hold."""
    world = factor_world(np.random.default_rng(1), n_users=40, n_movies=30)
    model = ALS(ALSSettings(factors=4, iterations=2)).fit(world.train)
    row, movies = world.train.by_user.take(np.array([7])), np.arange(10, dtype=np.int32)
    as_stranger = model.predict_pairs(row, np.zeros(10, np.int32), movies)
    known = model.predict([world.train.users.ids[7]] * 10, world.train.movies.ids[:10])
    np.testing.assert_allclose(as_stranger, known, atol=1e-4)


def test_what_cannot_be_set() -> None:
    """One iteration is the least."""
    with pytest.raises(SettingError, match="iterations is 0; it must be at least 1"):
        ALSSettings(iterations=0)
