"""Tests of the regularised biases and of the model `bias`."""

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.models.bias import Bias
from cinematrix.models.components import biases
from cinematrix.models.components.biases import Biases
from contract import Contract


class TestBias(Contract):
    """Contract tests of `bias`."""

    kind = Bias
    learns_taste = False


def planted(rng: np.random.Generator, n_users: int = 300, n_movies: int = 80) -> tuple[Ratings, np.ndarray]:
    """Ratings on a wide scale with planted movie biases (standard deviation 6) and noise 5."""
    user, movie = np.nonzero(rng.random((n_users, n_movies)) < 0.3)
    of_user, of_movie = rng.normal(0, 8, n_users), rng.normal(0, 6, n_movies)
    stars = 50 + of_user[user] + of_movie[movie] + rng.normal(0, 5, len(user))
    return Ratings.from_arrays(user, movie, np.clip(stars, 1, 100)), of_movie


def test_planted_biases_are_recovered() -> None:
    """With 90 raters per movie and noise 5, a movie's bias is estimated to about 0.6."""
    ratings, of_movie = planted(np.random.default_rng(0))
    found = Biases.of(ratings).movie
    assert np.corrcoef(found, of_movie)[0, 1] > 0.99
    assert np.std((found - found.mean()) - (of_movie - of_movie.mean())) < 0.9


def test_shrinkage_is_the_ratio_of_the_variances() -> None:
    """Noise 5² over the users' variance 8² is a shrinkage of 0.39 ratings."""
    ratings, _ = planted(np.random.default_rng(1))
    assert abs(Biases.of(ratings).user_shrinkage - 25 / 64) < 0.1


def test_a_new_users_bias_is_the_shrunk_mean_of_the_residuals() -> None:
    """The closed form by hand: (Σ rating − mean − movie bias) / (n + shrinkage)."""
    biases = Biases(3.0, np.array([0.5, -0.5, 0.0], np.float32), 2.0, 2.0)
    history = Histories.of_lists([([0, 1], [4.0, 4.0]), ([], [])])
    np.testing.assert_allclose(biases.of_users(history), [(0.5 + 1.5) / 4, 0.0])


def test_a_training_user_and_a_new_user_with_the_same_history_agree() -> None:
    """A training user gets the predictions of a new user with the same history."""
    ratings, _ = planted(np.random.default_rng(2))
    model = Bias().fit(ratings)
    row = ratings.by_user.take(np.array([7]))
    pairs = np.arange(10, dtype=np.int32)
    as_new_user = model.predict_pairs(row, np.zeros(10, np.int32), pairs)
    np.testing.assert_array_equal(as_new_user, model.predict([7] * 10, ratings.movies.ids[:10]))


def test_the_shrinkage_factor_shrinks_the_movies_biases_alone() -> None:
    """With a factor of 10, a movie's bias is (Σ residual) / (n + 10 × shrinkage), given the user biases."""
    ratings, _ = planted(np.random.default_rng(3), n_users=40, n_movies=30)
    plain, shrunk = Biases.of(ratings), Biases.of(ratings, movie_shrinkage_factor=10)
    assert shrunk.movie_shrinkage == 10 * plain.movie_shrinkage
    assert shrunk.user_shrinkage == plain.user_shrinkage
    assert ratings.rating is not None
    user = shrunk.of_users(ratings.by_user)
    residuals = ratings.rating - np.float32(shrunk.mean) - user[ratings.user]
    sums, n = np.bincount(ratings.movie, residuals), np.bincount(ratings.movie)
    np.testing.assert_allclose(shrunk.movie, sums / (n + shrunk.movie_shrinkage), atol=0.01)  # of 1 to 100


@pytest.mark.parametrize(("n_users", "sweeps"), [(300, 8), (3000, 5)])
def test_biases_are_settled_when_their_estimation_stops(
    monkeypatch: pytest.MonkeyPatch, n_users: int, sweeps: int
) -> None:
    """They equal those of many more sweeps up to a hundredth of the noise; dense ratings need few."""
    ratings, _ = planted(np.random.default_rng(4), n_users)
    fits = []
    fit = biases._BiasEstimate.fit
    monkeypatch.setattr(biases._BiasEstimate, "fit", lambda side, left: (fits.append(side), fit(side, left)))
    found = [Biases.of(ratings, movie_shrinkage_factor=10)]
    n = len(fits) / 2
    monkeypatch.setattr(biases, "SETTLED", 0.0)
    monkeypatch.setattr(biases, "MAX_SWEEPS", 200)
    found.append(Biases.of(ratings, movie_shrinkage_factor=10))
    assert 2 < n <= 2 * sweeps
    np.testing.assert_allclose(found[0].movie, found[1].movie, atol=0.05)
    assert found[0].user_shrinkage == pytest.approx(found[1].user_shrinkage, rel=0.01)
