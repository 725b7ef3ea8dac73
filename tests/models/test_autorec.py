"""The model `autorec`."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.splits import random
from cinematrix.errors import SettingError
from cinematrix.models.autorec.model import AutoRec
from cinematrix.models.autorec.settings import AutoRecSettings
from cinematrix.models.bias import Bias
from cinematrix.models.components.mlp_torch import build_mlp, export_mlp
from contract import Contract


class TestItemAutoRec(Contract):
    """Contract tests of the autoencoder of movies."""

    kind = AutoRec
    settings = {"hidden": 16, "batch": 10, "epochs": 20, "learning_rate": 0.02}  # noqa: RUF012


class TestUserAutoRec(Contract):
    """Contract tests of the autoencoder of users."""

    kind = AutoRec
    settings = {"side": "user", "hidden": 16, "batch": 10, "epochs": 20, "learning_rate": 0.02}  # noqa: RUF012


SMALL = AutoRecSettings(hidden=16, batch=20, epochs=30, learning_rate=0.02)
SIDES = pytest.mark.parametrize("side", ["item", "user"])


@pytest.fixture(scope="module")
def planted() -> Ratings:
    """120 users and 80 movies with one planted factor each, a standard deviation of 1 star; noise of 0.3 stars."""
    rng = np.random.default_rng(4)
    stars = 3 + rng.choice([-1, 1], (120, 1)) * rng.choice([-1, 1], (1, 80)) + rng.normal(0, 0.3, (120, 80))
    users, movies = np.nonzero(rng.random(stars.shape) < 0.4)
    return Ratings.from_arrays(900 - users, 7 * movies, np.clip(stars[users, movies], 1, 5), scale=Scale(1, 5))


def rmse(model: AutoRec | Bias, test: Ratings, trained: bool = True) -> float:
    """Return the RMSE of held-out ratings, for training users or for new users with the same history."""
    histories = model.data.history if trained else replace(model.data.history, owners=None)
    assert test.rating is not None
    return float(np.sqrt(np.mean((model.predict_pairs(histories, test.user, test.movie) - test.rating) ** 2)))


@SIDES
@pytest.mark.parametrize("trained", [True, False], ids=["training users", "new users"])
def test_a_planted_factor_is_found(planted: Ratings, side: str, trained: bool) -> None:
    """Held-out errors are near the noise, for new users too; those of biases alone are near one star."""
    cut = random(planted)
    model = AutoRec(replace(SMALL, side=side)).fit(cut.train)
    assert rmse(Bias().fit(cut.train), cut.test) > 0.95
    assert rmse(model, cut.test, trained) < 0.5


def test_numpy_equals_torch() -> None:
    """The layers that serve equal the net's, to 1e-5."""
    torch.manual_seed(0)
    net, rows = build_mlp([30, 12, 30], "sigmoid"), np.random.default_rng(0).normal(size=(9, 30)).astype(np.float32)
    with torch.inference_mode():
        expected = net(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(export_mlp(net, "sigmoid")(rows), expected, atol=1e-5)


def test_a_new_user_is_folded_in_by_ridge_regression(planted: Ratings) -> None:
    """Both forms, by movies and by hidden units, are the textbook's solution; an empty history gives 0."""
    model = AutoRec(replace(SMALL, epochs=2)).fit(planted)
    rng = np.random.default_rng(0)
    for n in (0, 3, 16, 40):
        movies, residual = rng.choice(80, n, replace=False).astype(np.int32), rng.normal(size=n).astype(np.float32)
        x, ridge = model.codes[movies].astype(np.float64), model.ridge.item()
        expected = np.linalg.solve(x.T @ x + ridge * np.eye(16), x.T @ residual)
        np.testing.assert_allclose(model._fold_in(movies, residual), expected, atol=1e-4)


@SIDES
def test_lists_and_pairs_agree(planted: Ratings, side: str) -> None:
    """A list's score of a movie is its expected rating, before it is clipped to the scale."""
    model = AutoRec(replace(SMALL, side=side, epochs=3)).fit(planted)
    rows, movies = (x.ravel().astype(np.int32) for x in np.indices((120, 80)))
    scores = model.score(model.data.history).reshape(-1)
    found = model.predict_pairs(model.data.history, rows, movies)
    np.testing.assert_allclose(found, np.clip(scores, 1, 5), atol=1e-5)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("side", "film", "side is 'film'; it is item or user"),
        ("hidden", 0, "hidden is 0; it must be at least 1"),
        ("weight_decay", -1, "weight_decay is -1; it can't be negative"),
        ("dropout", 1, "dropout is 1; it is a share from 0 to below 1"),
        ("validation_share", 0, "validation_share is 0; it is a share between 0 and 1"),
        ("learning_rate", 0, "learning_rate is 0; it must be above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: str, value: float, message: str) -> None:
    """The message names the setting, its value and the rule."""
    with pytest.raises(SettingError, match=message):
        AutoRecSettings(**{setting: value})  # type: ignore[arg-type]
