"""Item neighbourhoods: a movie gets what the person gave to movies like it (Koren 2010; Bell & Koren 2007)."""

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
from cinematrix.models.base import Abilities, Ordering, Recommender, ScoreShares, Training
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


@dataclass(frozen=True)
class ItemKNNSettings:
    """Hyper-parameters of `item-knn`.

    Attributes:
        neighbours: movies that speak for a movie's rating, at most.
        shrinkage: ratings' worth of doubt in each movie's likeness to others.
        exponent: to which likeness counts in the average.
        damping: weight of a neighbour rated as the biases expect, which is always there.
        ranking_neighbours: movies that speak for watching a movie.
        ranking_shrinkage: viewers' worth of doubt there.
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
    """Stars are the biases and a weighted mean of the person's residuals over them; lists add up likeness.

        stars_ui = μ + b_u + b_i + Σ_j s_ij^exponent · residual_uj / (damping + Σ_j s_ij^exponent)

    over the movies j of her history that are among the neighbours of i (`similarity`). A list by ranking adds up how
    alike each movie is to hers by who has watched both. For plain interactions the chance is the share of a movie's
    neighbours, weighed by likeness, that she has watched.
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
                left = self.biases.residuals(self.data.history)[1]
                self.near = self._nearest(left / residual_unit(left), s.neighbours, s.shrinkage, s.exponent, progress)
            seen = np.ones(len(self.data.history.items), np.float32)
            self.together = self._nearest(seen, s.ranking_neighbours, s.ranking_shrinkage, 1.0, progress)

    def _nearest(
        self, entries: NDArray[np.float32], n: int, doubt: float, exponent: float, progress: Progress | None
    ) -> sparse.csr_matrix:
        """Each movie's neighbours by the `entries` of the histories. `[n_movies, n_movies]`."""
        movies = shrink_rows(self.data.history.matrix(len(self.data.movies), entries).T.tocsr(), doubt)
        return find_nearest(movies, movies, n, exponent=exponent, themselves=True, progress=progress)

    @cached_property
    def _outward(self) -> dict[Ordering, sparse.csr_matrix]:
        """Of which movies each movie is a neighbour, by rating and by watching."""
        both: dict[Ordering, sparse.csr_matrix | None] = {"stars": self.near, "ranking": self.together}
        return {by: matrix.T.tocsr() for by, matrix in both.items() if matrix is not None}

    @cached_property
    def _popular(self) -> NDArray[np.float32]:
        return popularity_scores(self.data)

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        n, outward = len(self.data.movies), self._outward
        if by == "ranking" or self.biases is None:
            return np.asarray((histories.matrix(n) @ outward["ranking"]).toarray() + self._popular, np.float32)
        added = (histories.matrix(n, self.biases.residuals(histories)[1]) @ outward["stars"]).toarray()
        weight = (histories.matrix(n) @ outward["stars"]).toarray()
        return self.biases.score(histories) + damped_mean(weight, added, self.settings.damping)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        if self.biases is None or self.near is None:
            whole = np.append(np.asarray(self.together.sum(axis=1)).ravel(), 0)[movies]
            alike = self._sums(self.together, histories, None, rows, movies)
            return np.asarray(np.clip(alike / np.maximum(whole, 1e-9), 0, 1), np.float32)
        added = self._sums(self.near, histories, self.biases.residuals(histories)[1], rows, movies)
        weight = self._sums(self.near, histories, None, rows, movies)
        assert self.data.scale is not None, "biases are of ratings"
        base = self.biases.predict(self.biases.of_users(histories)[rows], movies)
        return self.data.scale.clip(base + damped_mean(weight, added, self.settings.damping))

    def _sums(
        self, near: sparse.csr_matrix, histories: Histories, values: NDArray[np.float32] | None, rows: Numbers,
        movies: Numbers,
    ) -> NDArray[np.float32]:  # fmt: skip
        """Σ likeness × value over the history and the neighbours of each pair; 0 for `UNKNOWN`. `[n]`."""
        given, sums = histories.matrix(near.shape[0], values), np.zeros(len(rows), np.float32)
        for start, stop in neighbourhoods.iterate_blocks(len(rows), int(np.diff(near.indptr).max(initial=1))):
            pair = near[np.maximum(movies[start:stop], 0)].multiply(given[rows[start:stop]])
            sums[start:stop] = np.asarray(pair.sum(axis=1)).ravel()
        return sums * (movies >= 0)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        stars = by == "stars" and self.biases is not None
        near = self.near if stars else self.together
        assert near is not None, "a model of ratings has neighbours by rating"
        weight = near[np.maximum(movies, 0)][:, history.items].toarray() * (movies >= 0)[:, None]
        if not stars or self.biases is None:
            anybody = np.append(self._popular, np.float32(0))[movies]
            whole = anybody + weight.sum(axis=1, dtype=np.float64)
            return ScoreShares(whole, {"movie_bias": anybody}, weight, np.zeros_like(weight))
        base, added = self.biases.shares(history, movies), weight * self.biases.residuals(history)[1]
        ratings = damped_mean(weight.sum(axis=1, keepdims=True), added, self.settings.damping)
        return ScoreShares(base.score + ratings.sum(axis=1, dtype=np.float64), base.parts, ratings, base.by_content)

    def similarities(self, movie: int) -> NDArray[np.float32]:
        """By who has watched both."""
        return genre_adjusted_similarity(self.together[[movie]].toarray()[0], movie, self.data)

    def arrays(self) -> dict[str, NDArray[Any]]:
        found = neighbourhoods.pack_matrix("together", self.together)
        if self.biases is None or self.near is None:
            return found
        return found | neighbourhoods.pack_matrix("near", self.near) | self.biases.arrays()

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.together = data, neighbourhoods.unpack_matrix("together", arrays)
        if data.scale:
            model.biases, model.near = Biases.from_arrays(arrays), neighbourhoods.unpack_matrix("near", arrays)
        return model
