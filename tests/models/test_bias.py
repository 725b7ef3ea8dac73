"""Regularised biases and the model `bias`."""

import numpy as np

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.models.bias import Bias
from cinematrix.models.components.biases import Biases
from contract import Contract


class TestBias(Contract):
    """Bias keeps the contract."""

    kind = Bias
    learns_taste = False


def planted(rng: np.random.Generator, n_users: int = 300, n_movies: int = 80) -> tuple[Ratings, np.ndarray]:
    """Ratings on a wide scale with planted movie biases (standard deviation 6) and noise 5."""
    user, movie = np.nonzero(rng.random((n_users, n_movies)) < 0.3)
    of_user, of_movie = rng.normal(0, 8, n_users), rng.normal(0, 6, n_movies)
    stars = 50 + of_user[user] + of_movie[movie] + rng.normal(0, 5, len(user))
    return Ratings.from_arrays(user, movie, np.clip(stars, 1, 100)), of_movie


def test_planted_biases_are_recovered() -> None:
    """With 90 raters a movie and noise 5, a movie's bias is known to about 0.6."""
    ratings, of_movie = planted(np.random.default_rng(0))
    found = Biases.of(ratings).movie
    assert np.corrcoef(found, of_movie)[0, 1] > 0.99
    assert np.std((found - found.mean()) - (of_movie - of_movie.mean())) < 0.9


def test_shrinkage_is_the_ratio_of_the_variances() -> None:
    """Noise 5² over the users' spread 8² is 0.39 ratings' worth of doubt, and that is what is estimated."""
    ratings, _ = planted(np.random.default_rng(1))
    assert abs(Biases.of(ratings).user_shrinkage - 25 / 64) < 0.1


def test_a_strangers_bias_is_the_shrunk_mean_of_her_residuals() -> None:
    """Closed form by hand: (Σ rating − mean − movie bias) / (n + shrinkage)."""
    biases = Biases(3.0, np.array([0.5, -0.5, 0.0], np.float32), 2.0, 2.0)
    history = Histories.of_lists([([0, 1], [4.0, 4.0]), ([], [])])
    np.testing.assert_allclose(biases.of_users(history), [(0.5 + 1.5) / 4, 0.0])


def test_a_known_user_and_the_same_history_as_a_stranger_agree() -> None:
    """A known user is a stranger whose history we already hold."""
    ratings, _ = planted(np.random.default_rng(2))
    model = Bias().fit(ratings)
    row = ratings.by_user.take(np.array([7]))
    pairs = np.arange(10, dtype=np.int32)
    as_stranger = model.predict_pairs(row, np.zeros(10, np.int32), pairs)
    np.testing.assert_array_equal(as_stranger, model.predict([7] * 10, ratings.movies.ids[:10]))


def test_doubt_in_movies_shrinks_their_biases_and_nothing_else() -> None:
    """Ten times the doubt: (Σ residual) / (n + 10 × shrinkage) for a movie, to the user biases that go with it."""
    ratings, _ = planted(np.random.default_rng(3), n_users=40, n_movies=30)
    plain, doubtful = Biases.of(ratings), Biases.of(ratings, movie_doubt=10)
    assert doubtful.movie_shrinkage == 10 * plain.movie_shrinkage
    assert doubtful.user_shrinkage == plain.user_shrinkage
    assert ratings.rating is not None
    user = doubtful.of_users(ratings.by_user)
    left = ratings.rating - np.float32(doubtful.mean) - user[ratings.user]
    sums, n = np.bincount(ratings.movie, left), np.bincount(ratings.movie)
    np.testing.assert_allclose(doubtful.movie, sums / (n + doubtful.movie_shrinkage), atol=1e-3)
