"""The model `nmf`."""

from typing import Any, ClassVar

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import SettingError
from cinematrix.models.nmf import NMF, NMFSettings
from contract import Contract


class TestNMF(Contract):
    """Contract tests of `nmf`."""

    kind = NMF
    settings: ClassVar[dict[str, Any]] = {"shrinkage": 0.5, "factors": 4}


def parts(rng: np.random.Generator, n_users: int = 120, n_movies: int = 50) -> tuple[Ratings, np.ndarray]:
    """Ratings 1…100 that are sums of two non-negative parts, and the same of all pairs without noise."""
    p, q = rng.gamma(2, 1, (n_users, 2)), rng.gamma(2, 1, (n_movies, 2))
    heights = p @ q.T
    user, movie = np.nonzero(rng.random(heights.shape) < 0.5)
    stars = 1 + 98 * heights / heights.max()
    return Ratings.from_arrays(user, movie, stars[user, movie].round(), scale=Scale(1, 100, 1)), stars


def test_planted_parts_are_recovered() -> None:
    """Unrated pairs are predicted to a few steps of a hundred, with no negative parts."""
    ratings, stars = parts(np.random.default_rng(0))
    model = NMF(NMFSettings(factors=2, shrinkage=0.01, iterations=500)).fit(ratings)
    users, movies = ratings.users.ids.astype(int), ratings.movies.ids.astype(int)
    unseen = np.ones((len(users), len(movies)), bool)
    unseen[ratings.user, ratings.movie] = False
    truth = stars[np.ix_(users, movies)][unseen]
    error = model.score(model.data.history)[unseen] - truth
    assert np.sqrt(np.mean(error**2)) < 0.15 * truth.std()
    assert (model.movies >= 0).all()
    assert (model.mean >= 0).all()


def test_an_update_never_raises_the_loss() -> None:
    """Updates of the users' vectors alone lower the loss, as Lee & Seung prove."""
    ratings, _ = parts(np.random.default_rng(1))
    model = NMF(NMFSettings(factors=3, iterations=5)).fit(ratings)
    histories = ratings.by_user

    def loss(vectors: np.ndarray) -> float:
        residuals = model._heights(histories) - (vectors[histories.rows] * model.movies[histories.items]).sum(1)
        penalty = model.settings.shrinkage * ((vectors - model.mean) ** 2).sum()
        return float((residuals.astype(np.float64) ** 2).sum() + penalty)

    vectors, losses = np.tile(model.mean, (len(histories), 1)), []
    for _ in range(30):
        losses.append(loss(vectors))
        vectors = model._update(histories, vectors, model.movies, model.mean)
    assert np.all(np.diff(losses) <= 1e-4)
    assert losses[-1] < 0.8 * losses[0]


def test_an_empty_history_has_the_mean_vector() -> None:
    """Updates don't move the vector of an empty history from the mean."""
    ratings, _ = parts(np.random.default_rng(2))
    model = NMF().fit(ratings)
    np.testing.assert_allclose(model._fold_in(Histories.empty(2)), np.tile(model.mean, (2, 1)), rtol=1e-5)


@pytest.mark.parametrize("wrong", [{"factors": 0}, {"shrinkage": 0.0}, {"iterations": -1}, {"shrinkage": float("nan")}])
def test_settings_that_are_wrong_are_refused(wrong: dict[str, Any]) -> None:
    """The error names the setting."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        NMFSettings(**wrong)
