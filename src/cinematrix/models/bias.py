"""Bias: overall mean + user bias + movie bias, regularised; the baseline prediction without taste."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.components.biases import Biases
from cinematrix.models.contract_types import Abilities, Ordering, ScoreShares, Training


@dataclass(frozen=True)
class BiasSettings:
    """Hyper-parameters of `bias`: none; its shrinkage is estimated from the data."""


class Bias(Recommender):
    """User and movie biases as a model; every list has the best-rated movies first."""

    name: ClassVar[str] = "bias"
    abilities: ClassVar[Abilities] = Abilities(stars=True, explains=True)
    Settings = BiasSettings
    settings: BiasSettings

    def learn(self, training: Training) -> None:
        self.biases = Biases.of(training.ratings, len(self.data.movies))

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        return self.biases.score(histories)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        assert self.data.scale is not None, "Bias is fitted on ratings with stars only"
        return self.data.scale.clip(self.biases.predict(self.biases.of_users(histories)[rows], movies))

    def movie_index(self) -> NDArray[np.float32]:
        return self.biases.movie[:, None]

    def user_index(self, histories: Histories) -> NDArray[np.float32]:
        return np.ones((len(histories), 1), np.float32)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        return self.biases.shares(history, movies)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return self.biases.arrays()

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.biases = data, Biases.from_arrays(arrays)
        return model
