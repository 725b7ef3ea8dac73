"""Tests of the model `item-knn`, and of similarities, against loops written out."""

import numpy as np
import pytest
from scipy import sparse

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError
from cinematrix.models.components import neighbourhoods
from cinematrix.models.components.biases import Biases
from cinematrix.models.item_knn import ItemKNN, ItemKNNSettings
from cinematrix.recommendation.lists import recommend
from contract import Contract


class TestItemKNN(Contract):
    """Contract tests of `item-knn`."""

    kind = ItemKNN


SMALL = ItemKNNSettings(neighbours=6, shrinkage=3, exponent=1.5, damping=0.2)


def by_loops(ratings: Ratings, s: ItemKNNSettings, user: int, movie: int) -> float:
    """Return the expected rating of one pair, movie by movie and rater by rater, by the equation of the class."""
    assert ratings.rating is not None
    biases = Biases.of(ratings)
    of_users = biases.of_users(ratings.by_user)
    residuals: dict[int, dict[int, float]] = {m: {} for m in range(len(ratings.movies))}
    for u, m, stars in zip(ratings.user, ratings.movie, ratings.rating, strict=True):
        residuals[int(m)][int(u)] = float(stars - biases.mean - of_users[u] - biases.movie[m])
    unit = np.std([value for raters in residuals.values() for value in raters.values()])

    def similarity(i: int, j: int) -> float:
        dot = sum(residuals[i][u] * residuals[j][u] / unit**2 for u in residuals[i].keys() & residuals[j].keys())
        norms = [sum(v**2 for v in residuals[m].values()) / unit**2 + s.shrinkage for m in (i, j)]
        return float(dot / np.sqrt(norms[0] * norms[1]))

    neighbours = sorted(((similarity(movie, j), j) for j in residuals if j != movie), reverse=True)[: s.neighbours]
    weights = [
        (weight**s.exponent, residuals[j][user]) for weight, j in neighbours if weight > 0 and user in residuals[j]
    ]
    added = sum(w * value for w, value in weights) / (s.damping + sum(w for w, _ in weights))
    return float(biases.mean + of_users[user] + biases.movie[movie] + added)


def test_pairs_equal_loops(world: tuple[Ratings, Catalog]) -> None:
    """The sparse products equal the equation, pair by pair."""
    ratings, _ = world
    model = ItemKNN(SMALL).fit(ratings)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(ratings.users), 40).astype(np.int32)
    movies = rng.integers(0, len(ratings.movies), 40).astype(np.int32)
    expected = np.clip([by_loops(ratings, SMALL, u, m) for u, m in zip(rows, movies, strict=True)], 0.5, 5)
    np.testing.assert_allclose(model.predict_pairs(ratings.by_user, rows, movies), expected, atol=2e-5)


def test_pairs_are_the_entries_of_the_scores(world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs, in blocks, have the expected ratings of the scores of all movies."""
    ratings, catalog = world
    model = ItemKNN().fit(ratings, catalog)
    history = model.data.history
    rows, movies = (each.ravel().astype(np.int32) for each in np.indices((len(history), len(catalog))))
    scores = model.data.scale.clip(model.score(history, by="stars")).ravel()  # type: ignore[union-attr]
    monkeypatch.setattr(neighbourhoods, "BLOCK_CELLS", 100)
    np.testing.assert_allclose(model.predict_pairs(history, rows, movies), scores, atol=1e-5)
    np.testing.assert_allclose(
        ItemKNN().fit(ratings, catalog).score(history, by="stars").ravel(), model.score(history, by="stars").ravel(),
        atol=1e-5,
    )  # fmt: skip


def test_similarity_by_hand() -> None:
    """Two rows: (3·4 + 4·3) over √((25 + 5)(25 + 5)) is 0.8, squared 0.64; negative values give no neighbours."""
    rows = neighbourhoods.shrink_rows(sparse.csr_matrix(np.array([[3, 4], [4, 3], [-1, 0]], np.float32)), 5.0)
    nearest = neighbourhoods.find_nearest(rows, rows, 2, exponent=2, themselves=True).toarray()
    np.testing.assert_allclose(nearest, [[0, 0.64, 0], [0.64, 0, 0], [0, 0, 0]], rtol=1e-5)


def test_only_the_nearest_are_kept() -> None:
    """The largest n of each row remain, in the order of their columns; a large n leaves all positive ones."""
    rng = np.random.default_rng(0)
    rows = neighbourhoods.shrink_rows(sparse.csr_matrix(rng.normal(size=(30, 9)).astype(np.float32)), 1.0)
    full = neighbourhoods.find_nearest(rows, rows, 30, themselves=True).toarray()
    few = neighbourhoods.find_nearest(rows, rows, 3, themselves=True).toarray()
    for full_row, row in zip(full, few, strict=True):
        least = np.sort(full_row)[-3]
        np.testing.assert_allclose(row, np.where(full_row >= least, full_row, 0))


def test_planted_neighbours_are_found() -> None:
    """Movies 2k and 2k+1 are always watched together: each is first in the list of a user who has seen the other."""
    seen = np.repeat(np.random.default_rng(4).random((80, 15)) < 0.2, 2, axis=1)
    model = ItemKNN().fit(Ratings.from_arrays(*np.nonzero(seen)))
    for movie in range(30):
        first = recommend(model, Histories.of_lists([([movie], None)]), 1).items[0]
        assert (first.movie, first.because[0].movie) == (movie ^ 1, movie)


def test_the_probability_is_the_share_of_a_movies_neighbours() -> None:
    """The probability is 1 for a user who has seen all neighbours of a movie, and 0 for one who has seen nothing."""
    seen = np.repeat(np.random.default_rng(4).random((80, 15)) < 0.2, 2, axis=1)
    model = ItemKNN().fit(Ratings.from_arrays(*np.nonzero(seen)))
    everything, nothing = (list(range(30)), None), ([], None)
    histories = Histories.of_lists([everything, nothing])
    probability = model.predict_pairs(histories, np.array([0, 1, 0], np.int32), np.array([4, 4, -1], np.int32))
    np.testing.assert_allclose(probability, [1, 0, 0], atol=1e-6)


def test_the_scale_makes_no_difference() -> None:
    """Ratings of 1–5 and the same times twenty give predictions times twenty."""
    rng = np.random.default_rng(0)
    users, movies = np.nonzero(rng.random((40, 20)) < 0.4)
    stars = rng.integers(1, 6, len(users)).astype(float)
    few = ItemKNN().fit(Ratings.from_arrays(users, movies, stars))
    many = ItemKNN().fit(Ratings.from_arrays(users, movies, stars * 20))
    np.testing.assert_allclose(many.predict(users, movies), 20 * few.predict(users, movies), atol=1e-3)


def test_wrong_settings_are_refused() -> None:
    """Zero neighbours are refused; so are shrinkages, damping and exponents below 0."""
    with pytest.raises(SettingError, match="neighbours is 0; it must be at least 1"):
        ItemKNNSettings(neighbours=0)
    for name in ("shrinkage", "exponent", "damping", "ranking_shrinkage"):
        with pytest.raises(SettingError, match=f"{name} is -1; it must be a finite number, 0 or above"):
            ItemKNNSettings(**{name: -1})
