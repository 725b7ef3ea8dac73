"""NMF: non-negative matrix factorization of the observed ratings; tastes as sums of parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.progress import running
from cinematrix.common.settings import SearchRange, SearchSpace
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.components.factors import require_positive
from cinematrix.models.contract_types import Abilities, Ordering, Training

Float32 = NDArray[np.float32]

FOLD_IN_ITERATIONS = 40
"""Updates of a user's vector in the fold-in; more hardly change it."""

MIN_FACTOR = np.float32(1e-12)
"""Smallest divisor."""


@dataclass(frozen=True)
class NMFSettings:
    """Hyper-parameters of `nmf`.

    Attributes:
        factors: number of factors of each user and movie.
        shrinkage: penalty that pulls each vector to the mean vector of its side, in ratings.
        iterations: updates of both sides.
        seed: random seed of the initial vectors.
    """

    SPACE: ClassVar[SearchSpace] = {
        "factors": (4, 8, 16, 32),
        "shrinkage": SearchRange(0.5, 30.0, log=True),
        "iterations": (50, 100, 200),
    }

    factors: int = 16
    shrinkage: float = 3.0
    iterations: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        require_positive(self, "factors", "shrinkage", "iterations")


class NMF(Recommender):
    """rating ≈ floor + mean height · (p_u · q_i), with no entry of either vector below 0.

        Σ (x_ui − p_u·q_i)² + λ Σ_u |p_u − p̄|² + λ Σ_i |q_i − q̄|²       over the observed ratings

    x is a rating's height above the floor, which lies a step below the scale, divided by the mean height. Training uses
    Lee & Seung's multiplicative updates (2001) on observed entries alone (Zhang, Wang, Ford & Makedon 2006). Vectors
    are pulled to their means instead of to 0, so that a user without ratings has the mean vector. The same update is
    training and fold-in; users inside and outside the training data are folded in alike.
    """

    name: ClassVar[str] = "nmf"
    abilities: ClassVar[Abilities] = Abilities(stars=True, vectors=True)
    Settings = NMFSettings
    settings: NMFSettings

    def learn(self, training: Training) -> None:
        s, ratings, progress = self.settings, training.ratings, training.progress
        stars, scale = ratings.stars(self.name)
        self.floor = float(scale.low - scale.step)
        self.height = float(stars.mean(dtype=np.float64)) - self.floor
        rng, root = np.random.default_rng(s.seed), np.float32(s.factors**-0.5)
        users, movies = (
            root * (1 + rng.uniform(-0.5, 0.5, (len(side), s.factors))).astype(np.float32)
            for side in (ratings.users, ratings.movies)
        )
        with running(progress, self.name, s.iterations):
            for _ in range(s.iterations):
                users = self._update(ratings.by_user, users, movies, users.mean(axis=0))
                movies = self._update(ratings.by_movie, movies, users, movies.mean(axis=0))
                progress.advance()
        self.mean = users.mean(axis=0)
        more = len(self.data.movies) - len(movies) + 1
        self.movies = np.vstack([movies, np.tile(movies.mean(axis=0), (more, 1))])  # the last row is for UNKNOWN

    def _update(self, histories: Histories, vectors: Float32, table: Float32, mean: Float32) -> Float32:
        """Return the vectors of `histories` after one multiplicative update; `table` holds their items' vectors."""
        shrinkage, n = np.float32(self.settings.shrinkage), len(table)
        predicted = np.einsum("nk,nk->n", vectors[histories.rows], table[histories.items])
        numerator = histories.matrix(n, self._heights(histories)) @ table + shrinkage * mean
        denominator = histories.matrix(n, predicted) @ table + shrinkage * vectors + MIN_FACTOR
        return np.asarray(vectors * numerator / denominator, np.float32)

    def _heights(self, histories: Histories) -> Float32:
        assert histories.values is not None, "NMF is fitted on ratings with stars only"
        return np.asarray((histories.values - np.float32(self.floor)) / np.float32(self.height), np.float32)

    def _fold_in(self, histories: Histories) -> Float32:
        """Fold in each history, starting from the mean user vector. `[len(histories), factors]`."""
        vectors = np.tile(self.mean, (len(histories), 1))
        if histories.values is None:
            return vectors
        for _ in range(FOLD_IN_ITERATIONS):
            vectors = self._update(histories, vectors, self.movies, self.mean)
        return vectors

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        return np.asarray(self._stars(self._fold_in(histories) @ self.movies[:-1].T), np.float32)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        assert self.data.scale is not None, "NMF is fitted on ratings with stars only"
        dots = np.einsum("nk,nk->n", self._fold_in(histories)[rows], self.movies[movies])
        return self.data.scale.clip(self._stars(dots))

    def _stars(self, dots: Float32) -> Float32:
        return np.asarray(np.float32(self.floor) + np.float32(self.height) * dots, np.float32)

    def vectors(self) -> NDArray[np.float32]:
        return self.movies[:-1]

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"movies": self.movies, "mean": self.mean, "constants": np.array([self.floor, self.height])}

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.movies, model.mean = data, arrays["movies"], arrays["mean"]
        model.floor, model.height = arrays["constants"].tolist()
        return model
