"""The model `als`."""

import numpy as np
import pytest

from cinematrix.errors import SettingError
from cinematrix.models.als import ALS, ALSSettings
from cinematrix.models.components.biases import Biases
from contract import Contract
from worlds import check_planted_factors, factor_world


class TestALS(Contract):
    """Contract tests of `als`."""

    kind = ALS


def test_planted_factors_are_recovered() -> None:
    """Unseen ratings are predicted to less than their noise, and the movies' vectors are the planted ones."""
    check_planted_factors(ALS(ALSSettings(shrinkage=1.0, regularization=0.01)))


def test_a_training_user_and_a_new_user_with_the_same_history_agree() -> None:
    """A training user gets the predictions of a new user with the same history."""
    world = factor_world(np.random.default_rng(1), n_users=40, n_movies=30)
    model = ALS(ALSSettings(factors=4, iterations=2)).fit(world.train)
    row, movies = world.train.by_user.take(np.array([7])), np.arange(10, dtype=np.int32)
    as_new_user = model.predict_pairs(row, np.zeros(10, np.int32), movies)
    as_training_user = model.predict([world.train.users.ids[7]] * 10, world.train.movies.ids[:10])
    np.testing.assert_allclose(as_new_user, as_training_user, atol=1e-4)


def test_wrong_settings_are_refused() -> None:
    """The minimum is one iteration."""
    with pytest.raises(SettingError, match="iterations is 0; it must be at least 1"):
        ALSSettings(iterations=0)


def test_it_converges_to_the_solution_of_a_movies_own_regression() -> None:
    """After convergence, a movie's factors and bias are the ridge regression of ratings minus raters' biases."""
    world = factor_world(np.random.default_rng(2), n_users=40, n_movies=30)
    model = ALS(ALSSettings(factors=2, shrinkage=1.0, regularization=0.01, iterations=150)).fit(world.train)
    raters, factors = world.train.by_movie, model.factors
    users = factors.users(world.train.by_user)[raters.items_of(0)]
    assert raters.values is not None
    z = factors.standardise(raters.values[: len(users)]) - users[:, -1]
    x = np.column_stack([users[:, :-1], np.ones(len(users))])
    shrinkage = Biases.of(world.train).movie_shrinkage
    penalty = np.diag([1 + 0.01 * len(users)] * 2 + [shrinkage])
    expected = np.linalg.solve(x.T @ x + penalty, x.T @ z)
    np.testing.assert_allclose([*factors.movies[0, :-1], factors.bias[0]], expected, atol=0.01)
