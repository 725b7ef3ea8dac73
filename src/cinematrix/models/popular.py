"""Popular: the same list for every user; the baseline that a recommender has to beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import Abilities, Ordering, ScoreShares, Training


@dataclass(frozen=True)
class PopularSettings:
    """Hyper-parameters of `popular`: none."""


class Popular(Recommender):
    """Movies ordered by the number of users who rated (or watched) them; expected ratings are each movie's shrunk mean.

    The shrunk mean is (sum of ratings + 5 × overall mean) / (number of ratings + 5). For plain interactions,
    `predict_pairs` is the share of users who watched the movie.
    """

    name: ClassVar[str] = "popular"
    abilities: ClassVar[Abilities] = Abilities(stars=True, interactions=True, explains=True)
    Settings = PopularSettings
    settings: PopularSettings
    SHRINKAGE: ClassVar[float] = 5.0

    def learn(self, training: Training) -> None:
        ratings, n = training.ratings, len(self.data.movies)
        self.counts = np.bincount(ratings.movie, minlength=n).astype(np.float32)
        if ratings.rating is None:
            self.expected = np.append(self.counts / len(ratings.users), 0).astype(np.float32)
        else:
            mean = ratings.rating.mean(dtype=np.float64)
            sums = np.bincount(ratings.movie, ratings.rating, n)
            shrunk = (sums + self.SHRINKAGE * mean) / (self.counts + self.SHRINKAGE)
            self.expected = np.append(shrunk, mean).astype(np.float32)

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        one = self.counts if by == "ranking" else self.expected[:-1]
        return np.tile(one, (len(histories), 1))

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        return self.expected[movies]  # the last entry is for UNKNOWN (-1)

    def movie_index(self) -> NDArray[np.float32]:
        return self.counts[:, None]

    def user_index(self, histories: Histories) -> NDArray[np.float32]:
        return np.ones((len(histories), 1), np.float32)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        score = np.append(self.counts, np.float32(0))[movies] if by == "ranking" else self.expected[movies]
        none = np.zeros((len(movies), len(history.items)), np.float32)
        return ScoreShares(score.astype(np.float64), {"movie_bias": score}, none, none)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"counts": self.counts, "expected": self.expected}

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.counts, model.expected = data, arrays["counts"], arrays["expected"]
        return model
