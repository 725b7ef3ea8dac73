"""Mult-VAE: a variational autoencoder of histories, to rank movies."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.components.calibration import UNCALIBRATED, Calibration
from cinematrix.models.components.mlp import MLP, iterate_pair_blocks, normalise_histories
from cinematrix.models.contract_types import Abilities, Ordering, Training
from cinematrix.models.vae.settings import VAESettings


class VAE(Recommender):
    """A history is encoded to a code, and the code is decoded to a distribution over all movies (Liang et al. 2018).

        code ~ N(μ(x), σ²(x)),    x the history as a row of length 1,    watched movies ~ Multinomial(softmax(f(code)))

    It learns by the evidence lower bound, in which the code's divergence from N(0, 1) has the weight `beta`. Serving
    takes the code's mean. Any rating is an interaction and counts alike: this model ranks and doesn't predict ratings.
    Training users and new users take the same path; nothing is stored per user.

    `predict` is the probability that a held-out tenth holds the movie. The distribution over the movies that the
    history doesn't hold gives the probability of at least one hit in that many draws. Its logarithm is calibrated by a
    slope and an offset from the pilot (`calibration`). The probability of an unknown movie is 0.
    """

    name: ClassVar[str] = "vae"
    abilities: ClassVar[Abilities] = Abilities(stars=False, interactions=True, vectors=True, trains_with="torch")
    Settings = VAESettings
    settings: VAESettings
    DRAW_SHARE: ClassVar[float] = 0.1
    MIN_SHARE: ClassVar[float] = 1e-9
    ROWS: ClassVar[int] = 1024
    calibration: Calibration = UNCALIBRATED

    def learn(self, training: Training) -> None:
        from cinematrix.models.vae.training import train_vae

        net, (pilot, given, later), self.log["ranking"] = train_vae(self.settings, len(self.data.movies), training)
        self.encoder, self.decoder = pilot
        self.calibration = Calibration.fitted(self._log_hit_probability(given), given, later)
        self.encoder, self.decoder = net

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        return self.decoder(self.codes(histories))

    def codes(self, histories: Histories) -> NDArray[np.float32]:
        """Return the mean code of each history. float32 `[len(histories), factors]`."""
        return self.encoder(normalise_histories(histories, len(self.data.movies)))

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        probabilities = np.zeros(len(rows), np.float32)
        for pairs, block, pair_rows in iterate_pair_blocks(histories, rows, self.ROWS):
            probabilities[pairs] = self.calibration(self._log_hit_probability(block)[pair_rows, movies[pairs]])
        return np.where(movies == UNKNOWN, np.float32(0), probabilities)

    def _log_hit_probability(self, histories: Histories) -> NDArray[np.float32]:
        """Return ln(1 − (1 − π)ⁿ), n draws, π a movie's share of those outside the history. `[n, n_movies]`."""
        weights = self.score(histories).astype(np.float64)
        weights = np.exp(weights - weights.max(axis=1, keepdims=True))
        in_history = np.zeros(weights.shape, bool)
        in_history[histories.rows, histories.items] = True
        rest = np.where(in_history, 0, weights).sum(axis=1, keepdims=True) + np.where(in_history, weights, 0)
        draws = np.maximum(self.DRAW_SHARE * histories.counts, 1)[:, None]
        share = np.clip(weights / np.maximum(rest, 1e-300), self.MIN_SHARE, 1 - self.MIN_SHARE)
        return np.asarray(np.log(np.maximum(-np.expm1(draws * np.log1p(-share)), self.MIN_SHARE)), np.float32)

    def vectors(self) -> NDArray[np.float32]:
        return np.ascontiguousarray(self.decoder.weights[-1].T)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return (
            self.encoder.arrays("encoder.")
            | self.decoder.arrays("decoder.")
            | {"calibration": self.calibration.array()}
        )

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data = data
        model.encoder = MLP.from_arrays(arrays, "encoder.", "tanh")
        model.decoder = MLP.from_arrays(arrays, "decoder.", "tanh")
        model.calibration = Calibration.from_array(arrays.get("calibration"))
        return model
