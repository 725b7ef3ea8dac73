"""Tests of the model `ease`, and of its regression against the formula written out."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError, TrainingError
from cinematrix.models.artifact import load, save
from cinematrix.models.components import ease_exact
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.calibration import log_estimates
from cinematrix.models.ease import POPULARITY_ITEM_WEIGHT, Ease, EaseSettings
from cinematrix.recommendation.lists import recommend
from contract import Contract
from worlds import as_interactions


class TestEase(Contract):
    """Contract tests of `ease`; the regression is by movies, which are fewer than users in its world."""

    kind = Ease
    learns_taste = False


class TestEaseOfLowRank(Contract):
    """Contract tests of `ease` cut to a part of the spectrum."""

    kind = Ease
    settings = {"rank": 8}  # noqa: RUF012
    learns_taste = False


def views(n_users: int, n_movies: int, seed: int = 0) -> tuple[np.ndarray, Ratings]:
    """Random views as a matrix and as a table; each movie has a viewer and each user a view."""
    x = np.random.default_rng(seed).random((n_users, n_movies)) < 0.3
    x[np.arange(n_users), np.arange(n_users) % n_movies] = x[np.arange(n_movies) % n_users, np.arange(n_movies)] = True
    return x.astype(float), Ratings.from_arrays(*np.nonzero(x))


def written_out(x: np.ndarray, given: np.ndarray, ridge: float) -> np.ndarray:
    """Scores by the paper's formula, with a column of `POPULARITY_ITEM_WEIGHT` after the movies."""
    x, given = (np.column_stack([each, np.full(len(each), POPULARITY_ITEM_WEIGHT)]) for each in (x, given))
    p = np.linalg.inv(x.T @ x + ridge * np.eye(x.shape[1]))
    b = -p / np.diag(p)
    np.fill_diagonal(b, 0)
    return np.asarray(given @ b)[:, :-1]


SHAPES = pytest.mark.parametrize(
    ("n_users", "n_movies", "rank", "kind", "error"),
    [
        (50, 30, 0, "ItemSideEase", 2e-5),
        (14, 30, 0, "UserSideEase", 2e-5),
        (50, 30, 99, "LowRankEase", 2e-4),
        (14, 30, 99, "LowRankEase", 2e-4),
    ],
)
"""Sizes of a world, the form that is fitted, and the error of its scores; low-rank EASE has 16 bits."""


@SHAPES
def test_it_is_the_formula_of_the_paper_from_either_side(
    n_users: int, n_movies: int, rank: int, kind: str, error: float
) -> None:
    """Scores of unseen movies (by movies, of all) are the formula's, for training and new users and either shape."""
    x, ratings = views(n_users, n_movies)
    new_users = (np.random.default_rng(1).random((5, n_movies)) < 0.2).astype(float)
    new_users[0] = 0
    model = Ease(EaseSettings(regularization=5, rank=rank)).fit(ratings)
    assert type(model.item_model).__name__ == kind
    new_histories = Histories.of_pairs(*np.nonzero(new_users), None, 5)
    for given, histories in ((x, model.data.history), (new_users, new_histories)):
        expected, unseen = written_out(x, given, 5), (given == 0) | (kind == "ItemSideEase")
        np.testing.assert_allclose(model.score(histories)[unseen], expected[unseen], atol=error)
        rows, movies = (each.astype(np.int32) for each in np.nonzero(unseen))
        probability = model.predict_pairs(histories, rows, movies)
        np.testing.assert_allclose(probability, model.calibration(log_estimates(expected[unseen])), atol=5 * error)


@SHAPES
def test_shares_are_the_weights_of_the_formula(n_users: int, n_movies: int, rank: int, kind: str, error: float) -> None:
    """Each view of a history adds its own weight: the score of that view alone minus the score of an empty history."""
    x, ratings = views(n_users, n_movies)
    model = Ease(EaseSettings(regularization=5, rank=rank)).fit(ratings)
    history, movies = Histories.of_lists([([3, 7, 11], None)]), np.array([1, -1, 20], np.int32)
    shares = model.shares(history, movies)
    one, none = np.eye(n_movies)[[3, 7, 11]], np.zeros((1, n_movies))
    weights = (written_out(x, one, 5) - written_out(x, none, 5)).T[[1, 20]]
    np.testing.assert_allclose(shares.ratings[[0, 2]], weights, atol=error)
    np.testing.assert_allclose(shares.parts["movie_bias"][[0, 2]], written_out(x, none, 5)[0, [1, 20]], atol=error)
    assert shares.score[1] == 0
    assert not shares.ratings[1].any()


def test_planted_companions_are_found() -> None:
    """Movies 2k and 2k+1 are always watched together: each is first in the list of a user who has seen the other."""
    seen = np.repeat(np.random.default_rng(4).random((80, 15)) < 0.2, 2, axis=1)
    model = Ease(EaseSettings(regularization=2)).fit(Ratings.from_arrays(*np.nonzero(seen)))
    for movie in range(30):
        first = recommend(model, Histories.of_lists([([movie], None)]), 1).items[0]
        assert (first.movie, first.because[0].movie) == (movie ^ 1, movie)


def test_an_empty_history_gets_popular_movies() -> None:
    """Without a history, movies are ordered by their viewers."""
    x = np.zeros((60, 5))
    for movie, n in enumerate((12, 50, 3, 30, 20)):
        x[np.random.default_rng(movie).permutation(60)[:n], movie] = 1
    model = Ease().fit(Ratings.from_arrays(*np.nonzero(x)))
    assert np.argsort(-model.score(Histories.empty(1))[0]).tolist() == [1, 3, 4, 0, 2]


def test_stars_are_those_of_the_biases(world: tuple[Ratings, Catalog]) -> None:
    """The regression doesn't use ratings, so expected ratings are those of `bias`."""
    ratings, catalog = world
    model = Ease().fit(ratings, catalog)
    expected = Biases.of(ratings, len(catalog)).score(ratings.by_user)
    np.testing.assert_array_equal(model.score(ratings.by_user, by="stars"), expected)


def test_higher_ratings_weigh_more(world: tuple[Ratings, Catalog]) -> None:
    """With ratings, entries are 1 + a fifth of the residual in standard deviations, in X and in the history alike."""
    ratings, _ = world
    history, biases = ratings.by_user, Biases.of(ratings)
    assert history.values is not None
    residuals = history.values - biases.predict(biases.of_users(history)[history.rows], history.items)
    x = np.zeros((len(history), len(ratings.movies)))
    x[history.rows, history.items] = 1 + np.clip(residuals / residuals.std(), -2, 2) / 5
    model, expected = Ease(EaseSettings(regularization=5)).fit(ratings), written_out(x, x, 5)
    np.testing.assert_allclose(model.score(history)[x == 0], expected[x == 0], atol=1e-4)


@pytest.mark.parametrize("rank", [0, 8])
def test_views_by_few_users_are_saved_and_loaded(rank: int, world: tuple[Ratings, Catalog], tmp_path: Path) -> None:
    """The users' side saves no movies × movies array, and the loaded model has the same scores."""
    few = as_interactions(world[0].take(world[0].user < 20))
    model = Ease(EaseSettings(rank=rank)).fit(few)
    assert all(len(model.data.movies) not in array.shape[1:] for array in model.arrays().values())
    save(model, tmp_path / "model")
    restored = load(tmp_path / "model").model
    np.testing.assert_array_equal(restored.score(restored.data.history), model.score(model.data.history))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results in blocks equal those at once."""
    _, ratings = views(14, 30)
    at_once = Ease().fit(ratings)
    monkeypatch.setattr(ease_exact, "BLOCK_CELLS", 40)
    np.testing.assert_allclose(Ease().fit(ratings).score(ratings.by_user), at_once.score(ratings.by_user), atol=1e-6)


def test_the_inversion_takes_the_memory_of_one_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix is inverted in place: at its peak the inversion takes a tenth more than its result."""
    monkeypatch.setattr(ease_exact, "BLOCK_CELLS", 15_000)
    rows = sparse.random(1_500, 100, 0.05, "csr", np.float32, random_state=0)
    tracemalloc.start()
    inverse = ease_exact.invert_regularised_gram(rows, 10.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.1 * inverse.nbytes
    np.testing.assert_allclose(inverse @ ((rows @ rows.T).toarray() + 10 * np.eye(1_500)), np.eye(1_500), atol=1e-5)


def test_a_matrix_that_is_too_large_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matrix with more than `MAX_SIDE` rows isn't inverted; the error advises a bounded rank."""
    monkeypatch.setattr(ease_exact, "MAX_SIDE", 10)
    _, ratings = views(14, 30)
    with pytest.raises(SettingError, match=r"14 users or 31 movies inverts a matrix of .* GB; .* set rank, such as"):
        Ease().fit(ratings)
    assert np.isfinite(Ease(EaseSettings(rank=4)).fit(ratings).score(ratings.by_user)).all()


def test_the_ridge_follows_from_validation(tmp_path: Path) -> None:
    """A larger ridge is chosen if many users share a few tastes; among few ratings it is the usual one.

    The model is the one of that ridge, whose value is saved.
    """
    rng = np.random.default_rng(0)
    logit = rng.normal(size=(1500, 3)) @ rng.normal(size=(3, 120)) / 3**0.5 - 1
    ratings = Ratings.from_arrays(*np.nonzero(rng.random(logit.shape) < 1 / (1 + np.exp(-logit))))
    model = Ease().fit(ratings)
    assert model.regularization > 200
    given = Ease(EaseSettings(regularization=model.regularization)).fit(ratings)
    np.testing.assert_array_equal(model.score(ratings.by_user), given.score(ratings.by_user))
    save(model, tmp_path / "model")
    restored = load(tmp_path / "model").model
    assert isinstance(restored, Ease)
    assert restored.regularization == model.regularization
    assert Ease().fit(views(14, 30)[1]).regularization == 200


def test_wrong_settings_are_refused() -> None:
    """A ridge below 0, a negative rank, and a ridge lost in rounding are errors."""
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(SettingError, match=r"regularization is .*; it must be a finite number above 0"):
            EaseSettings(regularization=wrong)
    with pytest.raises(SettingError, match="rank is -1; it can't be negative"):
        EaseSettings(rank=-1)
    twins = Ratings.from_arrays(np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4))
    with pytest.raises(TrainingError, match="regularization 1e-12 is too small for single precision"):
        Ease(EaseSettings(regularization=1e-12)).fit(twins)


def test_progress_is_reported() -> None:
    """Two steps, the choice of the ridge and the fit, are started, advanced and stopped."""
    calls: list[object] = []

    class Recorder:
        def start(self, what: str, total: int) -> None:
            calls.append((what, total))

        def advance(self, steps: int = 1, note: str = "") -> None:
            calls.append(steps)

        def stop(self) -> None:
            calls.append("stop")

    Ease().fit(views(14, 30)[1], progress=Recorder())
    assert calls == [("ease", 2), 1, 1, "stop"]
