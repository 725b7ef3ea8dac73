"""Movies that a model hasn't learned of, answered for at once: each as its nearest known ones by content, on average.

Genres, year and tags say which movies are near (the cosine of their features), and movies of many raters say more.
Scores, stars, vectors and reasons are then means over them, whatever the model: a newcomer's parts add up as theirs do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.vectors import normalise_sparse_rows
from cinematrix.data.catalog import Catalog, MovieMetadata, build_catalog
from cinematrix.data.features import movie_features
from cinematrix.data.histories import Histories, select_entries
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.models.base import Abilities, Ordering, Recommender, ScoreShares, Training

N_NEAREST = 30
"""How many known movies a newcomer is like; more or fewer err more (docs/experiments.md)."""

MIN_NEARNESS = 1e-6
"""The nearness of movies that have nothing in common: what is left where the catalog tells nothing."""

BLOCK_MOVIES = 256
"""Newcomers compared with all movies at a time."""


def add_movies(model: Recommender, films: Sequence[MovieMetadata]) -> Recommender:
    """A model that knows of described movies too."""
    return WithAddedMovies(model, build_catalog(films, model.data.movies)) if films else model


class WithAddedMovies(Recommender):
    """`base`, with movies of a catalog that it doesn't know; of those that it does, the catalog has the last word.

    What somebody rates among them isn't recommended to her again, and tells the model of her taste after a refit.

    Attributes:
        near: float32 CSR `[n_newcomers, n_known]`, what each newcomer is made of; rows add up to 1.
    """

    name: ClassVar[str] = "newcomers"
    abilities: ClassVar[Abilities] = Abilities()
    Settings: ClassVar[Callable[..., Any]] = dict

    def __init__(self, base: Recommender, catalog: Catalog) -> None:
        self.base, self.settings = base, base.settings
        self.name, self.abilities = base.name, base.abilities  # type: ignore[misc]
        described = base.data.catalog.updated(catalog)
        self.data: TrainingData = replace(base.data, movies=described.movies, catalog=described)
        self.near = blend_nearest_movies(described, base.data.raters)

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        scores = self.base.score(self._read(histories), by=by)
        return np.hstack([scores, np.asarray(self.near @ scores.T, np.float32).T])

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        made, parts = self._made_of(movies)
        whose = rows[np.repeat(np.arange(len(movies)), np.diff(made.indptr))]
        return np.asarray(made @ self.base.predict_pairs(self._read(histories), whose, parts), np.float32)

    @property
    def has_intervals(self) -> bool:
        return self.base.has_intervals

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        stars = self.predict_pairs(histories, rows, movies) if stars is None else stars
        return self.base.distribution_pairs(self._read(histories), rows, self._or_unknown(movies), stars=stars)

    def interval_pairs(
        self,
        histories: Histories,
        rows: Numbers,
        movies: Numbers,
        coverage: float = 0.8,
        *,
        stars: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        stars = self.predict_pairs(histories, rows, movies) if stars is None else stars
        return self.base.interval_pairs(self._read(histories), rows, self._or_unknown(movies), coverage, stars=stars)

    def vectors(self) -> NDArray[np.float32]:
        return self._with_new(self.base.vectors())

    def comparison_vectors(self) -> NDArray[np.float32]:
        return self._with_new(self.base.comparison_vectors())

    def similarities(self, movie: int) -> NDArray[np.float32]:
        """As the base compares them; a newcomer is as like others as what it is made of."""
        made, parts = self._made_of(np.array([movie]))
        found = np.stack([self.base.similarities(part) for part in parts.tolist()])
        return self._with_new(np.asarray(made @ found, np.float32)[0])

    def _with_new(self, known: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is said of each known movie, and then of each newcomer. `[len(known.movies), …]`."""
        return np.concatenate([known, np.asarray(self.near @ known, np.float32)])

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        made, parts = self._made_of(movies)
        found = self.base.shares(self._read(history), parts, by=by)
        counted = history.items < len(self.base.data.movies)

        def mixed(part: NDArray[Any]) -> NDArray[np.float32]:
            return np.asarray(made @ part, np.float32)

        def of_ratings(part: NDArray[np.float32]) -> NDArray[np.float32]:
            whole = np.zeros((len(movies), len(history.items)), np.float32)
            whole[:, counted] = mixed(part)
            return whole

        return ScoreShares(
            np.asarray(made @ found.score, np.float64), {name: mixed(part) for name, part in found.parts.items()},
            of_ratings(found.ratings), of_ratings(found.by_content),
        )  # fmt: skip

    def _read(self, histories: Histories) -> Histories:
        """The histories as the base knows them."""
        counted = histories.items < len(self.base.data.movies)
        return histories if counted.all() else replace(select_entries(histories, counted), owners=histories.owners)

    def _or_unknown(self, movies: Numbers) -> Numbers:
        return np.where(movies < len(self.base.data.movies), movies, UNKNOWN).astype(np.int32)

    def _made_of(self, movies: Numbers) -> tuple[sparse.csr_matrix, Numbers]:
        """What each of `movies` is made of: weights `[n, parts]`, and the known movie of each part (itself alone)."""
        n_known = len(self.base.data.movies)
        new = movies >= n_known
        counts = np.ones(len(movies), np.int64)
        rows = self.near[movies[new] - n_known]
        counts[new] = np.diff(rows.indptr)
        starts = np.concatenate([[0], np.cumsum(counts)])
        of_new = np.repeat(new, counts)
        parts, weights = np.zeros(starts[-1], np.int32), np.ones(starts[-1], np.float32)
        parts[~of_new], parts[of_new], weights[of_new] = movies[~new], rows.indices, rows.data
        return sparse.csr_matrix((weights, np.arange(starts[-1]), starts), shape=(len(movies), starts[-1])), parts

    def learn(self, training: Training) -> None:
        raise SettingError("a model with added movies only serves; retrain the model itself")

    def arrays(self) -> dict[str, NDArray[Any]]:
        return self.base.arrays()

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        raise SettingError("newcomers are kept in the store; restore the model itself")


def blend_nearest_movies(catalog: Catalog, raters: NDArray[np.int64]) -> sparse.csr_matrix:
    """What the movies from number `len(raters)` on are made of: the nearest rated ones before, weights adding up to 1.

    A weight is the cosine of the features times the root of the number of raters; equally near ones go by raters.
    """
    found, rated = movie_features(catalog), np.flatnonzero(raters)
    unit = normalise_sparse_rows(found)
    known, trust = unit[rated].T.tocsc(), raters[rated] / raters.max(initial=1)
    n_near, n_new = min(N_NEAREST, len(rated)), len(catalog) - len(raters)
    items, weights = np.zeros((n_new, n_near), np.int32), np.zeros((n_new, n_near), np.float32)
    for start in range(0, n_new, BLOCK_MOVIES):
        alike = (unit[len(raters) + start :][:BLOCK_MOVIES] @ known).toarray() + MIN_NEARNESS * (1 + trust)
        top = np.argsort(-alike, axis=1, kind="stable")[:, :n_near]
        items[start : start + BLOCK_MOVIES] = rated[top]
        weights[start : start + BLOCK_MOVIES] = np.take_along_axis(alike, top, 1) * np.sqrt(trust[top])
    weights /= np.maximum(weights.sum(1, keepdims=True), np.finfo(np.float32).tiny)
    starts = np.arange(0, n_new * n_near + 1, max(n_near, 1))[: n_new + 1]
    return sparse.csr_matrix((weights.ravel(), items.ravel(), starts), shape=(n_new, len(raters)))
