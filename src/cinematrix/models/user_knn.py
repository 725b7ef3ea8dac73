"""User neighbourhoods: a rating is predicted from those of users with similar taste (Resnick et al. 1994)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.settings import SearchRange, SearchSpace
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.components import neighbourhoods
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.neighbourhoods import (
    damped_mean,
    find_nearest,
    popularity_scores,
    residual_unit,
    shrink_rows,
)
from cinematrix.models.contract_types import Abilities, Ordering, Training

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class UserKNNSettings:
    """Hyper-parameters of `user-knn`.

    Attributes:
        neighbours: maximum neighbours of a user for their ratings, among the training users.
        shrinkage: shrinkage of the similarity between users, in ratings.
        exponent: exponent of the similarity in the weighted mean.
        damping: weight of an additional neighbour whose rating is that of the biases.
        ranking_neighbours: maximum neighbours of a user for lists, among the training users.
        ranking_shrinkage: shrinkage of the similarity for lists, in movies.
    """

    SPACE: ClassVar[SearchSpace] = {
        "neighbours": (100, 200, 300, 500),
        "shrinkage": SearchRange(1.0, 100.0, log=True),
        "exponent": SearchRange(0.5, 2.5),
        "damping": SearchRange(0.01, 1.0, log=True),
        "ranking_neighbours": (30, 60, 100, 200),
        "ranking_shrinkage": SearchRange(1.0, 50.0, log=True),
    }

    neighbours: int = 300
    shrinkage: float = 60.0
    exponent: float = 1.0
    damping: float = 0.4
    ranking_neighbours: int = 100
    ranking_shrinkage: float = 5.0

    def __post_init__(self) -> None:
        neighbourhoods.check_knn_settings(self)


class UserKNN(Recommender):
    """Expected ratings are biases plus a weighted mean of neighbours' residuals; list scores are sums of similarities.

        stars_ui = μ + b_u + b_i + Σ_v s_uv^exponent · residual_vi / (damping + Σ_v s_uv^exponent)

    The sum is over the neighbours v of u who rated i (`neighbourhoods`). Neighbours are found at prediction time from
    the user's history, so a training user and a new user with the same ratings get the same answer. A list by ranking
    adds up the similarities of each movie's viewers. For plain interactions, the probability is the share of the
    neighbours, weighted by similarity, who watched the movie. Only the biases are learned, and a prediction costs time
    in proportion to the number of training ratings.
    """

    name: ClassVar[str] = "user-knn"
    abilities: ClassVar[Abilities] = Abilities(stars=True, interactions=True)
    Settings = UserKNNSettings
    settings: UserKNNSettings

    biases: Biases | None = None

    def learn(self, training: Training) -> None:
        if self.data.scale:
            self.biases = Biases.of(training.ratings, len(self.data.movies))

    @cached_property
    def _residual_std(self) -> np.float32:
        """Standard deviation of the residuals over the biases, in stars."""
        assert self.biases is not None, "only for models of ratings"
        return residual_unit(self.biases.residuals(self.data.history)[1])

    @cached_property
    def _residuals(self) -> sparse.csr_matrix:
        """Residuals of the training users' ratings over the biases, in stars. `[n_users, n_movies]`."""
        assert self.biases is not None, "only for models of ratings"
        return self._matrix(self.data.history, self.biases.residuals(self.data.history)[1])

    @cached_property
    def _watched(self) -> sparse.csr_matrix:
        """Movies that the training users have rated or watched, as 1. `[n_users, n_movies]`."""
        return self._matrix(self.data.history)

    @cached_property
    def _rows_by_rating(self) -> sparse.csr_matrix:
        return shrink_rows(self._residuals / self._residual_std, self.settings.shrinkage)

    @cached_property
    def _rows_by_watching(self) -> sparse.csr_matrix:
        return shrink_rows(self._watched, self.settings.ranking_shrinkage)

    def _matrix(self, histories: Histories, values: Float32 | None = None) -> sparse.csr_matrix:
        return histories.matrix(len(self.data.movies), values)

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> Float32:
        if by == "stars" and self.biases:
            return self.biases.score(histories) + self._mean_residuals(histories)
        return np.asarray((self._find_viewers(histories) @ self._watched).toarray() + self._popularity, np.float32)

    @cached_property
    def _popularity(self) -> Float32:
        return popularity_scores(self.data)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> Float32:
        predicted, distinct = np.zeros(len(rows), np.float32), np.unique(rows)
        for start, stop in neighbourhoods.iterate_blocks(len(distinct), len(self.data.movies)):
            block = distinct[start:stop]
            in_block = np.flatnonzero((rows >= block[0]) & (rows <= block[-1]) & (movies >= 0))
            answers = self._predict_all(histories.take(block))
            predicted[in_block] = answers[np.searchsorted(block, rows[in_block]), movies[in_block]]
        if self.biases is None:
            return np.clip(predicted, 0, 1)
        assert self.data.scale is not None, "biases are of ratings"
        return self.data.scale.clip(predicted + self.biases.predict(self.biases.of_users(histories)[rows], movies))

    def _predict_all(self, histories: Histories) -> Float32:
        """Return the addition to the biases, or for plain interactions the probability. `[n, n_movies]`."""
        if self.biases:
            return self._mean_residuals(histories)
        viewers = self._find_viewers(histories)
        total_weight = np.asarray(viewers.sum(axis=1), np.float32)
        return np.asarray((viewers @ self._watched).toarray() / np.maximum(total_weight, np.float32(1e-9)), np.float32)

    def _find_viewers(self, histories: Histories) -> sparse.csr_matrix:
        """Return the similarity of each history to its nearest training users, by watched movies. `[n, n_users]`."""
        rows = shrink_rows(self._matrix(histories), self.settings.ranking_shrinkage)
        return find_nearest(rows, self._rows_by_watching, self.settings.ranking_neighbours)

    def _mean_residuals(self, histories: Histories) -> Float32:
        """Return the weighted mean of the neighbours' residuals, in stars. `[n, n_movies]`."""
        assert self.biases is not None, "only for models of ratings"
        s, residuals = self.settings, self.biases.residuals(histories)[1] / self._residual_std
        rows = shrink_rows(self._matrix(histories, residuals), s.shrinkage)
        near = find_nearest(rows, self._rows_by_rating, s.neighbours, exponent=s.exponent)
        sums = (near @ self._watched).toarray(), (near @ self._residuals).toarray()
        return damped_mean(*sums, s.damping)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return self.biases.arrays() if self.biases else {}

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data = data
        model.biases = Biases.from_arrays(arrays) if data.scale else None
        return model
