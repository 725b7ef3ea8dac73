"""Extreme settings, scales, histories and numbers of threads with `deep-mf` give finite numbers.

Degenerate tables (one user, one movie, constant ratings) are in `contract.py`; the equality of NumPy's and the net's
numbers is in `test_model.py`.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.simulate import SimulationSettings
from cinematrix.data.simulated_world import SimulatedWorld as Simulated
from cinematrix.errors import TrainingError
from cinematrix.models.contract_types import TrainingOptions
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.recommendation.lists import recommend

SMALL: dict[str, Any] = {"factors": 8, "members": 2, "epochs": 4, "ranking_epochs": 4, "learning_rate": 0.01}

EXTREMES: list[dict[str, Any]] = [
    {"learning_rate": 1e-9, "ranking_learning_rate": 1e-9},
    {"learning_rate": 1e3},
    {"learning_rate": 1e30},
    {"ranking_learning_rate": 1e3},
    {"ranking_learning_rate": 1e30},
    {"weight_decay": 0.0},
    {"weight_decay": 1e9},
    {"dropout": 0.99},
    {"row_dropout": 0.99},
    {"factors": 1, "members": 1},
    {"factors": 1, "pair_width": 1, "blocks": 0},
    {"hidden_share": 0.99},
    {"hidden_share": 0.05, "epochs": 1, "ranking_epochs": 1},
    {"batch": 100, "epochs": 1, "ranking_epochs": 1},
    {"movie_shrinkage": 1e9},
    {"movie_shrinkage": 1e-9},
    {"ease_rank": 1},
    {"validation_share": 0.9},
    {"validation_share": 1e-6},
]


def settings(**changed: Any) -> DeepMFSettings:
    """Return settings that train in a moment."""
    return DeepMFSettings(**{**SMALL, **changed})


def check(model: DeepMF, scale: Scale) -> None:
    """Check that all predictions are numbers on the scale, of unknown movies too, and all scores are numbers."""
    data = model.data
    rows, movies = np.indices((len(data.users), len(data.movies) + 1), np.int32)
    stars = model.predict_pairs(data.history, rows.ravel(), movies.ravel() - 1)
    assert np.all((stars >= scale.low) & (stars <= scale.high))
    assert np.isfinite(model.score(data.history)).all()
    assert np.isfinite(model.score(Histories.empty(1), by="stars")).all()


@pytest.mark.parametrize("extreme", EXTREMES, ids=str)
def test_extreme_settings_train_or_say_what_to_change(extreme: dict[str, Any], world: tuple[Ratings, Catalog]) -> None:
    """All allowed settings give finite numbers; only too large a step may end in one clear error instead."""
    ratings, catalog = world
    assert ratings.scale is not None
    try:
        model = DeepMF(settings(**extreme)).fit(ratings, catalog)
    except TrainingError:
        assert max(extreme.get(name, 0) for name in ("learning_rate", "ranking_learning_rate", "weight_decay")) > 1
    else:
        check(model, ratings.scale)


@pytest.mark.parametrize(
    "scale",
    [
        Scale(1, 100, 1),
        Scale(0, 1, 0),
        Scale(-10, 10, 0.01),
        Scale(0, 1e6, 0),
    ],
    ids=str,
)
def test_the_scale_does_not_matter(scale: Scale, world: tuple[Ratings, Catalog]) -> None:
    """The same ratings on another scale give the same predictions on it, to a hundredth of its width."""
    ratings, catalog = world[0].take(np.arange(0, len(world[0]), 4)), world[1]  # 2,001 steps take long to fit
    assert ratings.rating is not None
    assert ratings.scale is not None
    width, other = ratings.scale.high - ratings.scale.low, scale.high - scale.low
    part = (ratings.rating.astype(np.float64) - ratings.scale.low) / width
    stretched = replace(ratings, rating=(scale.low + other * part).astype(np.float32), scale=scale)
    models = [DeepMF(settings(ranking=False)).fit(table, catalog) for table in (ratings, stretched)]
    check(models[1], scale)
    users, movies = ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]
    before, after = (model.predict(users, movies).astype(np.float64) for model in models)
    np.testing.assert_allclose((after - scale.low) / other, (before - ratings.scale.low) / width, atol=0.01)


def test_two_ratings_are_enough() -> None:
    """Two ratings of one movie by users who disagree give a model."""
    ratings = Ratings.from_arrays([1, 2], [7, 7], [1.0, 5.0], scale=Scale(1, 5, 1))
    check(DeepMF(settings()).fit(ratings), Scale(1, 5, 1))


def test_a_new_user_who_has_rated_20_000_movies(world: tuple[Ratings, Catalog]) -> None:
    """A history a thousand times longer than any in training is predicted; the list holds unseen movies only."""
    ratings, catalog = world
    scale = Scale(0.5, 5, 0.5)
    movies = [*catalog.movies.ids.tolist(), *range(10_000, 30_000 - len(catalog) + 3)]
    model = DeepMF(settings(epochs=1, ranking_epochs=1)).fit(
        ratings, Catalog.of(movies, genres=[["Comedy"]] * len(movies))
    )
    rng = np.random.default_rng(0)
    stars = scale.low + scale.step * rng.integers(0, 10, 20_000)
    (history, unknown) = model.data.histories([dict(zip(movies, stars.tolist(), strict=False))])
    assert (len(history.items), unknown) == (20_000, [])
    predicted = model.predict_pairs(history, np.zeros(len(movies), np.int32), np.arange(len(movies), dtype=np.int32))
    assert np.all((predicted >= scale.low) & (predicted <= scale.high))
    assert {line.movie for line in recommend(model, history, 10).items} == set(movies[20_000:])


def test_threads_change_no_visible_digit() -> None:
    """Trained on one or two threads, a seed gives the same predictions to a ten-thousandth of the scale's width."""
    simulated = Simulated(SimulationSettings(users=100, movies=150, ratings=3_000))
    (batch,) = simulated.batches(None)
    columns = (batch[name].to_numpy() for name in ("userId", "movieId", "rating"))
    ratings = Ratings.from_arrays(*columns, scale=Scale(0.5, 5, 0.5))
    users, movies = ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]
    one, two = (
        DeepMF(settings(factors=16, epochs=2, ranking=False))
        .fit(ratings, run=TrainingOptions(threads=threads))
        .predict(users, movies)
        for threads in (1, 2)
    )
    np.testing.assert_allclose(two, one, atol=1e-4 * 4.5)
