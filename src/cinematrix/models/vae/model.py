"""Mult-VAE: a variational autoencoder of histories, for lists."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Abilities, Ordering, Recommender, Training
from cinematrix.models.components.calibration import UNCALIBRATED, Calibration
from cinematrix.models.components.mlp import MLP, iterate_pair_blocks, normalise_histories
from cinematrix.models.vae.settings import VAESettings

if TYPE_CHECKING:
    pass


class VAE(Recommender):
    """A history is encoded in a code, and the code decoded into a distribution over all movies (Liang et al. 2018).

        code ~ N(μ(x), σ²(x)),    x the history as a row of length 1,    watched movies ~ Multinomial(softmax(f(code)))

    It learns by the evidence bound, whose second part, the code's divergence from N(0, 1), weighs `beta`. Serving
    takes the code's mean. Any rating is an interaction and counts alike: this model ranks and has no stars. A known
    user is her history as a stranger is; nothing is kept for her.

    `predict` is the chance that a tenth put aside holds the movie. The distribution over the movies that the history
    doesn't hold says how likely it is among so many draws (at least one); by a slope and an offset of the logarithm,
    which the pilot finds (`chances`), that becomes the chance. A movie that the model doesn't know is never drawn.
    """

    name: ClassVar[str] = "vae"
    abilities: ClassVar[Abilities] = Abilities(stars=False, interactions=True, vectors=True, trains_with="torch")
    Settings = VAESettings
    settings: VAESettings
    NEXT: ClassVar[float] = 0.1
    LEAST: ClassVar[float] = 1e-9
    ROWS: ClassVar[int] = 1024
    calibration: Calibration = UNCALIBRATED

    def learn(self, training: Training) -> None:
        from cinematrix.models.vae.training import train_vae

        net, (pilot, given, later), self.log["ranking"] = train_vae(self.settings, len(self.data.movies), training)
        self.encoder, self.decoder = pilot
        self.calibration = Calibration.fitted(self._evidence(given), given, later)
        self.encoder, self.decoder = net

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        return self.decoder(self.codes(histories))

    def codes(self, histories: Histories) -> NDArray[np.float32]:
        """The mean code of each history. float32 `[len(histories), factors]`."""
        return self.encoder(normalise_histories(histories, len(self.data.movies)))

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        chances = np.zeros(len(rows), np.float32)
        for here, some, places in iterate_pair_blocks(histories, rows, self.ROWS):
            chances[here] = self.calibration(self._evidence(some)[places, movies[here]])
        return np.where(movies == UNKNOWN, np.float32(0), chances)

    def _evidence(self, histories: Histories) -> NDArray[np.float32]:
        """ln(1 − (1 − π)ⁿ), π a movie's share beside what the history doesn't hold, n the draws. `[n, n_movies]`."""
        weights = self.score(histories).astype(np.float64)
        weights = np.exp(weights - weights.max(axis=1, keepdims=True))
        held = np.zeros(weights.shape, bool)
        held[histories.rows, histories.items] = True
        rest = np.where(held, 0, weights).sum(axis=1, keepdims=True) + np.where(held, weights, 0)
        draws = np.maximum(self.NEXT * histories.counts, 1)[:, None]
        share = np.clip(weights / np.maximum(rest, 1e-300), self.LEAST, 1 - self.LEAST)
        return np.asarray(np.log(np.maximum(-np.expm1(draws * np.log1p(-share)), self.LEAST)), np.float32)

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
