"""Tests of the model `user-knn` against loops written out."""

from dataclasses import replace

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError
from cinematrix.models.components import neighbourhoods
from cinematrix.models.components.biases import Biases
from cinematrix.models.user_knn import UserKNN, UserKNNSettings
from contract import Contract


class TestUserKNN(Contract):
    """Contract tests of `user-knn`."""

    kind = UserKNN


SMALL = UserKNNSettings(neighbours=9, shrinkage=3, exponent=1.5, damping=0.2)


def by_loops(ratings: Ratings, s: UserKNNSettings, user: int, movie: int) -> float:
    """Return the expected rating of one pair, user by user and movie by movie, by the equation of the class."""
    assert ratings.rating is not None
    biases = Biases.of(ratings)
    of_users = biases.of_users(ratings.by_user)
    residuals: dict[int, dict[int, float]] = {u: {} for u in range(len(ratings.users))}
    for u, m, stars in zip(ratings.user, ratings.movie, ratings.rating, strict=True):
        residuals[int(u)][int(m)] = float(stars - biases.mean - of_users[u] - biases.movie[m])
    unit = np.std([value for movies in residuals.values() for value in movies.values()])

    def similarity(u: int, v: int) -> float:
        dot = sum(residuals[u][m] * residuals[v][m] / unit**2 for m in residuals[u].keys() & residuals[v].keys())
        norms = [sum(value**2 for value in residuals[w].values()) / unit**2 + s.shrinkage for w in (u, v)]
        return float(dot / np.sqrt(norms[0] * norms[1]))

    neighbours = sorted(((similarity(user, v), v) for v in residuals), reverse=True)[: s.neighbours]
    weights = [
        (weight**s.exponent, residuals[v][movie]) for weight, v in neighbours if weight > 0 and movie in residuals[v]
    ]
    added = sum(w * value for w, value in weights) / (s.damping + sum(w for w, _ in weights))
    return float(biases.mean + of_users[user] + biases.movie[movie] + added)


def test_pairs_equal_loops(world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch) -> None:
    """The sparse products, in blocks, equal the equation, pair by pair."""
    ratings, _ = world
    model = UserKNN(SMALL).fit(ratings)
    monkeypatch.setattr(neighbourhoods, "BLOCK_CELLS", 100)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(ratings.users), 40).astype(np.int32)
    movies = rng.integers(0, len(ratings.movies), 40).astype(np.int32)
    expected = np.clip([by_loops(ratings, SMALL, u, m) for u, m in zip(rows, movies, strict=True)], 0.5, 5)
    np.testing.assert_allclose(model.predict_pairs(ratings.by_user, rows, movies), expected, atol=2e-5)


def test_a_new_user_with_a_training_users_ratings_gets_the_same_scores(world: tuple[Ratings, Catalog]) -> None:
    """Neighbours depend on the history alone."""
    ratings, _ = world
    model = UserKNN().fit(ratings)
    new_user = replace(ratings.by_user.take(np.array([4])), owners=None)
    for by in ("ranking", "stars"):
        expected = model.score(model.data.history.take(np.array([4])), by=by)  # type: ignore[arg-type]
        np.testing.assert_allclose(model.score(new_user, by=by), expected, atol=1e-6)  # type: ignore[arg-type]


def test_planted_neighbours_are_found() -> None:
    """Two groups watch the odd or the even movies: a new user's list starts with all movies of their group."""
    seen = np.random.default_rng(4).random((80, 30)) < 0.4
    seen &= np.arange(80)[:, None] % 2 == np.arange(30) % 2
    model = UserKNN(UserKNNSettings(ranking_neighbours=20)).fit(Ratings.from_arrays(*np.nonzero(seen)))
    scores = model.score(Histories.of_lists([([0, 2], None), ([1, 5], None)]))
    assert scores[0, ::2].min() > scores[0, 1::2].max()
    assert scores[1, 1::2].min() > scores[1, ::2].max()


def test_the_probability_is_the_share_of_neighbours_by_hand() -> None:
    """The history is movie 0; viewers of 0 and 2 and of 0 alone are neighbours, and the second one is more similar."""
    model = UserKNN(UserKNNSettings(ranking_shrinkage=0)).fit(Ratings.from_arrays([1, 1, 2, 3], [0, 2, 0, 1]))
    history = Histories.of_lists([([0], None)])
    probability = model.predict_pairs(history, np.zeros(4, np.int32), np.array([0, 2, 1, -1], np.int32))
    similarity = 1 / np.sqrt(2)
    np.testing.assert_allclose(probability, [1, similarity / (1 + similarity), 0, 0], rtol=1e-5)


def test_wrong_settings_are_refused() -> None:
    """Zero neighbours and numbers that aren't finite are refused."""
    with pytest.raises(SettingError, match="ranking_neighbours is 0; it must be at least 1"):
        UserKNNSettings(ranking_neighbours=0)
    with pytest.raises(SettingError, match="damping is nan; it must be a finite number, 0 or above"):
        UserKNNSettings(damping=float("nan"))
