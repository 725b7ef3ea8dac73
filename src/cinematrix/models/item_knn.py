"""Item neighbourhoods: a rating is predicted from the user's ratings of similar movies.

Papers: Koren 2010; Bell & Koren 2007.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.progress import Progress, running
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
    genre_adjusted_similarity,
    popularity_scores,
    residual_unit,
    shrink_rows,
)
from cinematrix.models.contract_types import Abilities, Ordering, ScoreShares, Training


@dataclass(frozen=True)
class ItemKNNSettings:
    """Hyper-parameters of `item-knn`.

    Attributes:
        neighbours: maximum neighbours of a movie for its rating.
        shrinkage: shrinkage of each movie's similarity to others, in ratings.
        exponent: exponent of the similarity in the weighted mean.
        damping: weight of an additional neighbour whose rating is that of the biases.
        ranking_neighbours: maximum neighbours of a movie for lists.
        ranking_shrinkage: shrinkage of the similarity for lists, in viewers.
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
    shrinkage: float = 20.0
    exponent: float = 1.5
    damping: float = 0.1
    ranking_neighbours: int = 100
    ranking_shrinkage: float = 5.0

    def __post_init__(self) -> None:
        neighbourhoods.check_knn_settings(self)


class ItemKNN(Recommender):
    """Expected ratings are biases plus a weighted mean of the user's residuals; list scores are sums of similarities.

        stars_ui = μ + b_u + b_i + Σ_j s_ij^exponent · residual_uj / (damping + Σ_j s_ij^exponent)

    The sum is over the movies j of the user's history that are among the neighbours of i (`neighbourhoods`). A list by
    ranking adds up each movie's similarity to those of the history, by common viewers. For plain interactions, the
    probability is the share of a movie's neighbours, weighted by similarity, that the user has watched.
    """

    name: ClassVar[str] = "item-knn"
    abilities: ClassVar[Abilities] = Abilities(stars=True, interactions=True, similarity=True, explains=True)
    Settings = ItemKNNSettings
    settings: ItemKNNSettings

    biases: Biases | None = None
    near: sparse.csr_matrix | None = None

    def learn(self, training: Training) -> None:
        s, n, progress = self.settings, len(self.data.movies), training.progress
        with running(progress, self.name, n * (2 if self.data.scale else 1)):
            if self.data.scale:
                self.biases = Biases.of(training.ratings, n)
                residuals = self.biases.residuals(self.data.history)[1]
                self.near = self._find_neighbours(
                    residuals / residual_unit(residuals), s.neighbours, s.shrinkage, s.exponent, progress
                )
            seen = np.ones(len(self.data.history.items), np.float32)
            self.together = self._find_neighbours(seen, s.ranking_neighbours, s.ranking_shrinkage, 1.0, progress)

    def _find_neighbours(
        self, entries: NDArray[np.float32], n: int, shrinkage: float, exponent: float, progress: Progress
    ) -> sparse.csr_matrix:
        """Return each movie's neighbours by the `entries` of the histories. `[n_movies, n_movies]`."""
        movies = shrink_rows(self.data.history.matrix(len(self.data.movies), entries).T.tocsr(), shrinkage)
        return find_nearest(movies, movies, n, exponent=exponent, themselves=True, progress=progress)

    @cached_property
    def _transposed(self) -> dict[Ordering, sparse.csr_matrix]:
        """Transposed neighbour matrices, by rating and by watching: row j holds the movies that j is a neighbour of."""
        both: dict[Ordering, sparse.csr_matrix | None] = {"stars": self.near, "ranking": self.together}
        return {by: matrix.T.tocsr() for by, matrix in both.items() if matrix is not None}

    @cached_property
    def _popularity(self) -> NDArray[np.float32]:
        return popularity_scores(self.data)

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        n, by_neighbour = len(self.data.movies), self._transposed
        if by == "ranking" or self.biases is None:
            return np.asarray((histories.matrix(n) @ by_neighbour["ranking"]).toarray() + self._popularity, np.float32)
        added = (histories.matrix(n, self.biases.residuals(histories)[1]) @ by_neighbour["stars"]).toarray()
        weight = (histories.matrix(n) @ by_neighbour["stars"]).toarray()
        return self.biases.score(histories) + damped_mean(weight, added, self.settings.damping)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        if self.biases is None or self.near is None:
            total_weight = np.append(np.asarray(self.together.sum(axis=1)).ravel(), 0)[movies]
            watched_weight = self._sum_over_neighbours(self.together, histories, None, rows, movies)
            return np.asarray(np.clip(watched_weight / np.maximum(total_weight, 1e-9), 0, 1), np.float32)
        added = self._sum_over_neighbours(self.near, histories, self.biases.residuals(histories)[1], rows, movies)
        weight = self._sum_over_neighbours(self.near, histories, None, rows, movies)
        assert self.data.scale is not None, "biases are of ratings"
        base = self.biases.predict(self.biases.of_users(histories)[rows], movies)
        return self.data.scale.clip(base + damped_mean(weight, added, self.settings.damping))

    def _sum_over_neighbours(
        self, neighbours: sparse.csr_matrix, histories: Histories, values: NDArray[np.float32] | None, rows: Numbers,
        movies: Numbers,
    ) -> NDArray[np.float32]:  # fmt: skip
        """Return Σ similarity × value over the history and the neighbours of each pair; 0 for `UNKNOWN`. `[n]`."""
        values_matrix, sums = histories.matrix(neighbours.shape[0], values), np.zeros(len(rows), np.float32)
        for start, stop in neighbourhoods.iterate_blocks(len(rows), int(np.diff(neighbours.indptr).max(initial=1))):
            products = neighbours[np.maximum(movies[start:stop], 0)].multiply(values_matrix[rows[start:stop]])
            sums[start:stop] = np.asarray(products.sum(axis=1)).ravel()
        return sums * (movies >= 0)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        stars = by == "stars" and self.biases is not None
        neighbours = self.near if stars else self.together
        assert neighbours is not None, "a model of ratings has neighbours by rating"
        weight = neighbours[np.maximum(movies, 0)][:, history.items].toarray() * (movies >= 0)[:, None]
        if not stars or self.biases is None:
            popular = np.append(self._popularity, np.float32(0))[movies]
            score = popular + weight.sum(axis=1, dtype=np.float64)
            return ScoreShares(score, {"movie_bias": popular}, weight, np.zeros_like(weight))
        base, added = self.biases.shares(history, movies), weight * self.biases.residuals(history)[1]
        ratings = damped_mean(weight.sum(axis=1, keepdims=True), added, self.settings.damping)
        return ScoreShares(base.score + ratings.sum(axis=1, dtype=np.float64), base.parts, ratings, base.by_content)

    def similarities(self, movie: int) -> NDArray[np.float32]:
        """Return similarities by common viewers."""
        return genre_adjusted_similarity(self.together[[movie]].toarray()[0], movie, self.data)

    def arrays(self) -> dict[str, NDArray[Any]]:
        together = neighbourhoods.pack_matrix("together", self.together)
        if self.biases is None or self.near is None:
            return together
        return together | neighbourhoods.pack_matrix("near", self.near) | self.biases.arrays()

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.together = data, neighbourhoods.unpack_matrix("together", arrays)
        if data.scale:
            model.biases, model.near = Biases.from_arrays(arrays), neighbourhoods.unpack_matrix("near", arrays)
        return model
