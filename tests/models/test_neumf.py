"""The model `neumf`."""

from typing import Any

import numpy as np
import pytest
import torch

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError
from cinematrix.models.neumf import training
from cinematrix.models.neumf.model import NeuMF
from cinematrix.models.neumf.settings import NeuMFSettings
from cinematrix.models.neumf.training import NeuMFNet, NeuMFTask
from contract import Contract

SMALL: dict[str, Any] = {"factors": 8, "batch": 128, "epochs": 20, "learning_rate": 0.02, "weight_decay": 1.0}


class TestNeuMF(Contract):
    """Contract tests of `neumf`."""

    kind = NeuMF
    settings = SMALL


@pytest.fixture(scope="module")
def model() -> NeuMF:
    """Model of 160 users in four groups of 15 movies; each user has watched nine movies of their group."""
    rng = np.random.default_rng(3)
    rows = [(user, movie) for user in range(160) for movie in 15 * (user % 4) + rng.choice(15, 9, replace=False)]
    users, movies = np.array(rows).T
    return NeuMF(NeuMFSettings(**SMALL)).fit(Ratings.from_arrays(users, movies))


@pytest.mark.parametrize("trained", [True, False], ids=["training users", "new users"])
def test_planted_groups_are_found(model: NeuMF, trained: bool) -> None:
    """Nine of ten movies with the highest scores, of those that a user hasn't watched, are of their group."""
    history = (
        model.data.history
        if trained
        else Histories.of_lists([([15 * c + m for m in range(4)], None) for c in range(4)])
    )
    scores = model.score(history)
    scores[history.rows, history.items] = -np.inf
    best = np.argsort(-scores, axis=1)[:, :6]
    group = np.arange(len(history)) % 4
    assert np.mean(best // 15 == group[:, None]) > 0.9


def test_numpy_equals_torch(model: NeuMF) -> None:
    """Logits of the served arrays equal the net's, to 1e-5."""
    net = NeuMFNet(160, 60, 8)
    with torch.no_grad():
        net.users.copy_(torch.from_numpy(model.users))
        net.movies.copy_(torch.from_numpy(model.movies))
        net.product.copy_(torch.from_numpy(model.product))
        for place, layer in enumerate(net.net[::2]):
            layer.weight.copy_(torch.from_numpy(model.net.weights[place].T))
            layer.bias.copy_(torch.from_numpy(model.net.biases[place]))
        users, movies = torch.arange(60), torch.arange(60).flip(0)
        expected = net(users, movies).numpy()
    logits = (model.score(model.data.history) - model.popular)[users.numpy(), movies.numpy()]
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_validation_in_blocks_is_the_loss_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of seven pairs, the last one smaller, have the same mean loss as all pairs, and none is larger."""
    rng = np.random.default_rng(0)
    ratings = Ratings.from_arrays(np.repeat(np.arange(10), 5), np.tile(np.arange(25), 2))
    task = NeuMFTask(ratings, ratings.take(rng.permutation(50)[:9]), 25, NeuMFSettings(**SMALL), torch.device("cpu"))
    sizes: list[int] = []
    task.net.register_forward_pre_hook(lambda _, pair: sizes.append(len(pair[0])))
    with torch.inference_mode():
        at_once = task.validate()
        monkeypatch.setattr(training, "VALIDATED_PAIRS", 7)
        assert task.validate() == pytest.approx(at_once, rel=1e-6)
    assert max(sizes[1:]) == 7
    assert sizes[-1] < 7
    assert sum(sizes[1:]) == sizes[0]


def test_slopes_are_the_derivatives(model: NeuMF) -> None:
    """Slopes equal finite differences of each logit by the user's embeddings."""
    user = model.users[5] + np.float32(0.01)
    _, slopes = model._slopes(user, model.movies)
    step = np.float32(1e-3)
    for place in range(len(user)):
        moved = np.zeros_like(user)
        moved[place] = step
        up, down = (model._logits((user + sign * moved)[None], model.movies) for sign in (1, -1))
        error = np.abs((up - down) / (2 * step) - slopes[:, place])
        assert np.median(error) < 1e-2


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("factors", 1, "factors is 1; it must be at least 2"),
        ("negatives", 0, "negatives is 0; it must be at least 1"),
        ("popularity_exponent", 2, "popularity_exponent is 2; it is a power from 0 to 1"),
        ("weight_decay", -1, "weight_decay is -1; it can't be negative"),
        ("validation_share", 1, "validation_share is 1; it is a share between 0 and 1"),
        ("learning_rate", 0, "learning_rate is 0; it must be above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: str, value: float, message: str) -> None:
    """The message names the setting, its value and the rule."""
    with pytest.raises(SettingError, match=message):
        NeuMFSettings(**{setting: value})  # type: ignore[arg-type]
