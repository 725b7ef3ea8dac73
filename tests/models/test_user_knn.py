"""The model `user-knn` against loops written out."""

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
    """User-user neighbourhoods keep the contract."""

    kind = UserKNN


SMALL = UserKNNSettings(neighbours=9, shrinkage=3, exponent=1.5, damping=0.2)


def by_loops(ratings: Ratings, s: UserKNNSettings, user: int, movie: int) -> float:
    """The stars of one pair, user by user and movie by movie, by the equation of the class."""
    assert ratings.rating is not None
    biases = Biases.of(ratings)
    of_users = biases.of_users(ratings.by_user)
    left: dict[int, dict[int, float]] = {u: {} for u in range(len(ratings.users))}
    for u, m, stars in zip(ratings.user, ratings.movie, ratings.rating, strict=True):
        left[int(u)][int(m)] = float(stars - biases.mean - of_users[u] - biases.movie[m])
    unit = np.std([value for movies in left.values() for value in movies.values()])

    def like(u: int, v: int) -> float:
        dot = sum(left[u][m] * left[v][m] / unit**2 for m in left[u].keys() & left[v].keys())
        norms = [sum(value**2 for value in left[w].values()) / unit**2 + s.shrinkage for w in (u, v)]
        return float(dot / np.sqrt(norms[0] * norms[1]))

    likeness = sorted(((like(user, v), v) for v in left), reverse=True)[: s.neighbours]
    weights = [(near**s.exponent, left[v][movie]) for near, v in likeness if near > 0 and movie in left[v]]
    added = sum(w * value for w, value in weights) / (s.damping + sum(w for w, _ in weights))
    return float(biases.mean + of_users[user] + biases.movie[movie] + added)


def test_pairs_are_what_loops_find(world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch) -> None:
    """The sparse products, in blocks, give what the equation gives, one pair after the other."""
    ratings, _ = world
    model = UserKNN(SMALL).fit(ratings)
    monkeypatch.setattr(neighbourhoods, "BLOCK_CELLS", 100)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(ratings.users), 40).astype(np.int32)
    movies = rng.integers(0, len(ratings.movies), 40).astype(np.int32)
    expected = np.clip([by_loops(ratings, SMALL, u, m) for u, m in zip(rows, movies, strict=True)], 0.5, 5)
    np.testing.assert_allclose(model.predict_pairs(ratings.by_user, rows, movies), expected, atol=2e-5)


def test_a_stranger_with_a_users_ratings_gets_her_answers(world: tuple[Ratings, Catalog]) -> None:
    """Who somebody is like is a matter of her history alone."""
    ratings, _ = world
    model = UserKNN().fit(ratings)
    her = replace(ratings.by_user.take(np.array([4])), owners=None)
    for by in ("ranking", "stars"):
        known = model.score(model.data.history.take(np.array([4])), by=by)  # type: ignore[arg-type]
        np.testing.assert_allclose(model.score(her, by=by), known, atol=1e-6)  # type: ignore[arg-type]


def test_planted_neighbours_are_found() -> None:
    """Two crowds watch the odd or the even movies: of a stranger's crowd are all that lead her list."""
    seen = np.random.default_rng(4).random((80, 30)) < 0.4
    seen &= np.arange(80)[:, None] % 2 == np.arange(30) % 2
    model = UserKNN(UserKNNSettings(ranking_neighbours=20)).fit(Ratings.from_arrays(*np.nonzero(seen)))
    scores = model.score(Histories.of_lists([([0, 2], None), ([1, 5], None)]))
    assert scores[0, ::2].min() > scores[0, 1::2].max()
    assert scores[1, 1::2].min() > scores[1, ::2].max()


def test_the_chance_is_the_share_of_neighbours_by_hand() -> None:
    """The stranger has seen movie 0, as one viewer of 0 and 2 and one of 0 alone have: the second is more like her."""
    model = UserKNN(UserKNNSettings(ranking_shrinkage=0)).fit(Ratings.from_arrays([1, 1, 2, 3], [0, 2, 0, 1]))
    asked = Histories.of_lists([([0], None)])
    chance = model.predict_pairs(asked, np.zeros(4, np.int32), np.array([0, 2, 1, -1], np.int32))
    like = 1 / np.sqrt(2)
    np.testing.assert_allclose(chance, [1, like / (1 + like), 0, 0], rtol=1e-5)


def test_wrong_settings_are_refused() -> None:
    """No neighbours is no model; doubts, damping and the exponent are finite and not below 0."""
    with pytest.raises(SettingError, match="ranking_neighbours is 0; it must be at least 1"):
        UserKNNSettings(ranking_neighbours=0)
    with pytest.raises(SettingError, match="damping is nan; it must be a finite number, 0 or above"):
        UserKNNSettings(damping=float("nan"))
