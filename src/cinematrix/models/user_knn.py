"""User neighbourhoods: a movie gets what people with the person's taste gave it (Resnick et al. 1994)."""

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
from cinematrix.models.base import Abilities, Ordering, Recommender, Training
from cinematrix.models.components import neighbourhoods
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.neighbourhoods import (
    damped_mean,
    find_nearest,
    popularity_scores,
    residual_unit,
    shrink_rows,
)

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class UserKNNSettings:
    """Hyper-parameters of `user-knn`.

    Attributes:
        neighbours: known users who speak for a person's ratings, at most.
        shrinkage: ratings' worth of doubt in anybody's likeness to others.
        exponent: to which likeness counts in the average.
        damping: weight of a neighbour who rates as the biases expect, who is always there.
        ranking_neighbours: known users who speak for what she will watch.
        ranking_shrinkage: movies' worth of doubt there.
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
    """Stars are the biases and a weighted mean of her neighbours' residuals over them; lists add up likeness.

        stars_ui = μ + b_u + b_i + Σ_v s_uv^exponent · residual_vi / (damping + Σ_v s_uv^exponent)

    over the neighbours v of u who rated i (`similarity`). Who is like her is computed when she asks, from her history:
    a known user and a stranger with the same ratings get the same answer. A list by ranking adds up how like her each
    movie's viewers are; for plain interactions the chance is the share of her neighbours, weighed by likeness, who
    watched it. Nothing is learned but the biases, and an answer costs as much as there are ratings.
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
    def _unit(self) -> np.float32:
        """The standard deviation of what the biases leave, in stars."""
        assert self.biases is not None, "only asked of ratings"
        return residual_unit(self.biases.residuals(self.data.history)[1])

    @cached_property
    def _left(self) -> sparse.csr_matrix:
        """What the biases leave of the known users' ratings, in stars. `[n_users, n_movies]`."""
        assert self.biases is not None, "only asked of ratings"
        return self._matrix(self.data.history, self.biases.residuals(self.data.history)[1])

    @cached_property
    def _seen(self) -> sparse.csr_matrix:
        """What the known users have rated or watched. `[n_users, n_movies]`."""
        return self._matrix(self.data.history)

    @cached_property
    def _tastes(self) -> sparse.csr_matrix:
        return shrink_rows(self._left / self._unit, self.settings.shrinkage)

    @cached_property
    def _habits(self) -> sparse.csr_matrix:
        return shrink_rows(self._seen, self.settings.ranking_shrinkage)

    def _matrix(self, histories: Histories, values: Float32 | None = None) -> sparse.csr_matrix:
        return histories.matrix(len(self.data.movies), values)

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> Float32:
        if by == "stars" and self.biases:
            return self.biases.score(histories) + self._added(histories)
        return np.asarray((self._viewers(histories) @ self._seen).toarray() + self._popular, np.float32)

    @cached_property
    def _popular(self) -> Float32:
        return popularity_scores(self.data)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> Float32:
        found, distinct = np.zeros(len(rows), np.float32), np.unique(rows)
        for start, stop in neighbourhoods.iterate_blocks(len(distinct), len(self.data.movies)):
            some = distinct[start:stop]
            here = np.flatnonzero((rows >= some[0]) & (rows <= some[-1]) & (movies >= 0))
            answers = self._answers(histories.take(some))
            found[here] = answers[np.searchsorted(some, rows[here]), movies[here]]
        if self.biases is None:
            return np.clip(found, 0, 1)
        assert self.data.scale is not None, "biases are of ratings"
        return self.data.scale.clip(found + self.biases.predict(self.biases.of_users(histories)[rows], movies))

    def _answers(self, histories: Histories) -> Float32:
        """What is added to the biases, or, for plain interactions, the chance. `[n, n_movies]`."""
        if self.biases:
            return self._added(histories)
        viewers = self._viewers(histories)
        whole = np.asarray(viewers.sum(axis=1), np.float32)
        return np.asarray((viewers @ self._seen).toarray() / np.maximum(whole, np.float32(1e-9)), np.float32)

    def _viewers(self, histories: Histories) -> sparse.csr_matrix:
        """How like each history's owner her nearest users are by what they have watched. `[n, n_users]`."""
        asked = shrink_rows(self._matrix(histories), self.settings.ranking_shrinkage)
        return find_nearest(asked, self._habits, self.settings.ranking_neighbours)

    def _added(self, histories: Histories) -> Float32:
        """The weighted mean of the neighbours' residuals, in stars. `[n, n_movies]`."""
        assert self.biases is not None, "only asked of ratings"
        s, own = self.settings, self.biases.residuals(histories)[1] / self._unit
        alike = find_nearest(
            shrink_rows(self._matrix(histories, own), s.shrinkage), self._tastes, s.neighbours, exponent=s.exponent
        )
        sums = (alike @ self._seen).toarray(), (alike @ self._left).toarray()
        return damped_mean(*sums, s.damping)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return self.biases.arrays() if self.biases else {}

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data = data
        model.biases = Biases.from_arrays(arrays) if data.scale else None
        return model
