"""The model `vae`."""

import numpy as np
import pytest
import torch

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random
from cinematrix.errors import SettingError
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.models.components.mlp import normalise_histories
from cinematrix.models.components.mlp_torch import export_mlp
from cinematrix.models.vae.model import VAE
from cinematrix.models.vae.settings import VAESettings
from cinematrix.models.vae.training import VAENet
from contract import Contract

SMALL = VAESettings(factors=8, hidden=16, batch=10, epochs=20, learning_rate=0.01)


class TestVAE(Contract):
    """Contract tests of `vae`."""

    kind = VAE
    settings = {"factors": 8, "hidden": 16, "batch": 10, "epochs": 20, "learning_rate": 0.01}  # noqa: RUF012


@pytest.fixture(scope="module")
def groups() -> Ratings:
    """200 users in four groups of 15 movies; each user has watched ten movies of their group and two of any."""
    rng = np.random.default_rng(3)
    rows = [
        (user, movie)
        for user in range(200)
        for movie in {*(15 * (user % 4) + rng.choice(15, 10, replace=False)), *rng.choice(60, 2, replace=False)}
    ]
    users, movies = np.array(rows).T
    return Ratings.from_arrays(1000 - users, movies * 7)


def test_planted_groups_are_found(groups: Ratings) -> None:
    """Most held-out movies are in the list of ten: the group has five to seven left to choose from."""
    cut = random(groups)
    model = VAE(SMALL).fit(cut.train)
    assert evaluate(model, cut.test)["recall@10"] > 0.8


@pytest.mark.parametrize("hidden", [0, 12])
def test_numpy_equals_torch(groups: Ratings, hidden: int) -> None:
    """Log probabilities of the served arrays equal the trained net's, to 1e-5."""
    torch.manual_seed(0)
    settings = VAESettings(factors=5, hidden=hidden)
    net = VAENet(60, settings, 1).eval()
    rows = normalise_histories(groups.by_user, 60)
    with torch.inference_mode():
        expected = net(torch.from_numpy(rows.toarray()))[0].numpy()
    code = export_mlp(net.encoder, "tanh").outputs(slice(5))(rows)
    logits = export_mlp(net.decoder, "tanh")(code)
    log_probabilities = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    np.testing.assert_allclose(log_probabilities, expected, atol=1e-5)


def test_the_probability_is_that_of_some_draws_among_unseen_movies(groups: Ratings) -> None:
    """It follows 1 − (1 − π)ⁿ with π the softmax outside the history and n a tenth of it, at least 1; unknown: 0."""
    model = VAE(VAESettings(factors=4, hidden=6, epochs=1)).fit(groups)
    history = Histories.of_lists([(range(20), None), ([3], None)])
    score = np.exp(model.score(history).astype(np.float64))
    for row, seen, draws in ((0, range(20), 2.0), (1, [3], 1.0)):
        rest = np.delete(score[row], list(seen)).sum()
        predicted = model.predict_pairs(history, np.array([row] * 2, np.int32), np.array([40, -1], np.int32))
        log_hit = np.log(1 - (1 - score[row, 40] / rest) ** draws)
        np.testing.assert_allclose(predicted, [model.calibration(np.array([log_hit]))[0], 0], rtol=1e-5)


def test_pairs_in_blocks_are_pairs_at_once(groups: Ratings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pair has the same probability for any size of the blocks."""
    model = VAE(VAESettings(factors=4, hidden=6, epochs=1)).fit(groups)
    rng = np.random.default_rng(0)
    rows, movies = rng.integers(0, 200, 500).astype(np.int32), rng.integers(-1, 60, 500).astype(np.int32)
    at_once = model.predict_pairs(model.data.history, rows, movies)
    monkeypatch.setattr(VAE, "ROWS", 7)
    np.testing.assert_allclose(model.predict_pairs(model.data.history, rows, movies), at_once, atol=1e-6)


def test_the_divergence_is_the_gaussians(groups: Ratings) -> None:
    """The divergence is torch's of N(μ, σ²) from N(0, 1), and its weight rises linearly to beta and stays."""
    torch.manual_seed(0)
    net = VAENet(60, VAESettings(factors=5, hidden=0, beta=0.4), 4).eval()
    rows = torch.from_numpy(normalise_histories(groups.by_user, 60).toarray())
    mean, log_variance = net.encoder(rows).chunk(2, dim=1)
    normal = torch.distributions.Normal(mean, (log_variance / 2).exp())
    standard = torch.distributions.Normal(torch.zeros(()), torch.ones(()))
    torch.testing.assert_close(net(rows)[1], torch.distributions.kl_divergence(normal, standard).sum(1))
    assert [net.next_beta() for _ in range(6)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


@pytest.mark.parametrize(
    ("setting", "value", "rule"),
    [
        ("factors", 0, "must be at least 1"),
        ("beta", -1, "can't be negative"),
        ("dropout", 1, "is a share from 0 to below 1"),
        ("anneal_share", 2, "is a share from 0 to 1"),
        ("validation_share", 1, "is a share between 0 and 1"),
        ("learning_rate", 0, "must be above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: str, value: float, rule: str) -> None:
    """The message names the setting, its value and the rule."""
    with pytest.raises(SettingError, match=rf"{setting} is {value}; it {rule}"):
        VAESettings(**{setting: value})  # type: ignore[arg-type]
