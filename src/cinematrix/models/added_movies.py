"""Movies added after training: each one is a weighted mean of its nearest trained movies by content.

Genres, year and tags give the similarity (the cosine of their features), and movies with many raters weigh more.
Scores, stars, vectors and explanations of an added movie are means over those movies, for any model. So its score parts
add up as theirs do.
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
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import ALL, Abilities, Ordering, ScoreShares, Training

N_NEAREST = 30
"""Trained movies that an added movie is made of; more or fewer give larger errors (docs/experiments.md)."""

MIN_NEARNESS = 1e-6
"""Similarity of movies that have nothing in common; it decides where the catalog has no content."""

BLOCK_MOVIES = 256
"""Added movies compared with all trained movies at a time."""


def add_movies(model: Recommender, movies: Sequence[MovieMetadata]) -> Recommender:
    """Return a model that also answers for the movies described by `movies`."""
    return WithAddedMovies(model, build_catalog(movies, model.data.movies)) if movies else model


class WithAddedMovies(Recommender):
    """A trained model (`base`) extended by the movies of a catalog.

    For trained movies the catalog's metadata replaces the model's.

    A user's rating of an added movie excludes it from their recommendations. It changes their taste only after a
    retraining.

    Attributes:
        near: float32 CSR `[n_added, n_trained]`, weights of the trained movies in each added one; rows add up to 1.
    """

    name: ClassVar[str] = "added-movies"
    abilities: ClassVar[Abilities] = Abilities()
    Settings: ClassVar[Callable[..., Any]] = dict

    def __init__(self, base: Recommender, catalog: Catalog) -> None:
        self.base, self.settings = base, base.settings
        self.name, self.abilities = base.name, base.abilities  # type: ignore[misc]
        described = base.data.catalog.updated(catalog)
        self.data: TrainingData = replace(base.data, movies=described.movies, catalog=described)
        self.rarity_weight = base.rarity_weight
        self.near = blend_nearest_movies(described, base.data.raters)

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        return self._add_columns(self.base.score(self._base_histories(histories), by=by))

    @property
    def learns_watching(self) -> bool:
        return self.base.learns_watching

    def log_chances(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.base.log_chances(scores)

    def rough_stars(self, histories: Histories) -> NDArray[np.float32]:
        return self._add_columns(self.base.rough_stars(self._base_histories(histories)))

    def _add_columns(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Append the added movies' weighted means to scores of the trained movies. `[n, len(data.movies)]`."""
        return np.hstack([scores, np.asarray(self.near @ scores.T, np.float32).T])

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        weights, parts = self._trained_parts(movies)
        part_rows = rows[np.repeat(np.arange(len(movies)), np.diff(weights.indptr))]
        return np.asarray(
            weights @ self.base.predict_pairs(self._base_histories(histories), part_rows, parts), np.float32
        )

    @property
    def has_intervals(self) -> bool:
        return self.base.has_intervals

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        stars = self.predict_pairs(histories, rows, movies) if stars is None else stars
        return self.base.distribution_pairs(
            self._base_histories(histories), rows, self._or_unknown(movies), stars=stars
        )

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
        return self.base.interval_pairs(
            self._base_histories(histories), rows, self._or_unknown(movies), coverage, stars=stars
        )

    def vectors(self) -> NDArray[np.float32]:
        return self._append_added(self.base.vectors())

    def comparison_vectors(self, movies: Numbers | slice = ALL) -> NDArray[np.float32]:
        weights, parts = self._trained_parts(np.arange(len(self.data.movies), dtype=np.int32)[movies])
        return np.asarray(weights @ self.base.comparison_vectors(parts), np.float32)

    def similarities(self, movie: int) -> NDArray[np.float32]:
        """Return the base model's similarities; those of an added movie are the means of its trained movies'."""
        weights, parts = self._trained_parts(np.array([movie]))
        part_similarities = np.stack([self.base.similarities(part) for part in parts.tolist()])
        return self._append_added(np.asarray(weights @ part_similarities, np.float32)[0])

    def _append_added(self, trained: NDArray[np.float32]) -> NDArray[np.float32]:
        """Append the added movies' weighted means to an array of the trained movies. `[len(data.movies), …]`."""
        return np.concatenate([trained, np.asarray(self.near @ trained, np.float32)])

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        weights, parts = self._trained_parts(movies)
        base = self.base.shares(self._base_histories(history), parts, by=by)
        return ScoreShares(
            np.asarray(weights @ base.score, np.float64),
            {name: np.asarray(weights @ part, np.float32) for name, part in base.parts.items()},
            self._mix_ratings(weights, base.ratings, history), self._mix_ratings(weights, base.by_content, history),
        )  # fmt: skip

    def rating_shares(
        self, histories: Histories, movies: Sequence[Numbers], *, by: Ordering = "ranking"
    ) -> list[NDArray[np.float32]]:
        weights, parts = zip(*map(self._trained_parts, movies), strict=True)
        shares = self.base.rating_shares(self._base_histories(histories), parts, by=by)
        return list(map(self._mix_ratings, weights, shares, histories.split()))

    def _mix_ratings(
        self, weights: sparse.csr_matrix, part: NDArray[np.float32], history: Histories
    ) -> NDArray[np.float32]:
        """Return the ratings' parts in the movies from those in their trained movies; 0 for ratings of added ones."""
        trained = history.items < len(self.base.data.movies)
        padded = np.zeros((weights.shape[0], len(history.items)), np.float32)
        padded[:, trained] = weights @ part
        return padded

    def _base_histories(self, histories: Histories) -> Histories:
        """Return the histories without added movies, as the base model reads them."""
        trained = histories.items < len(self.base.data.movies)
        return histories if trained.all() else replace(select_entries(histories, trained), owners=histories.owners)

    def _or_unknown(self, movies: Numbers) -> Numbers:
        """Return the movies with added ones replaced by `UNKNOWN`."""
        return np.where(movies < len(self.base.data.movies), movies, UNKNOWN).astype(np.int32)

    def _trained_parts(self, movies: Numbers) -> tuple[sparse.csr_matrix, Numbers]:
        """Return the trained movies of each of `movies`: weights `[n, parts]`, and the movie number of each part.

        A trained movie has one part, itself, of weight 1.
        """
        n_trained = len(self.base.data.movies)
        added = movies >= n_trained
        counts = np.ones(len(movies), np.int64)
        blend = self.near[movies[added] - n_trained]
        counts[added] = np.diff(blend.indptr)
        starts = np.concatenate([[0], np.cumsum(counts)])
        part_of_added = np.repeat(added, counts)
        parts, weights = np.zeros(starts[-1], np.int32), np.ones(starts[-1], np.float32)
        parts[~part_of_added], parts[part_of_added], weights[part_of_added] = movies[~added], blend.indices, blend.data
        return sparse.csr_matrix((weights, np.arange(starts[-1]), starts), shape=(len(movies), starts[-1])), parts

    def learn(self, training: Training) -> None:
        raise SettingError("a model with added movies only serves; retrain the model itself")

    def arrays(self) -> dict[str, NDArray[Any]]:
        return self.base.arrays()

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        raise SettingError("added movies are stored in the database; restore the model itself")


def blend_nearest_movies(catalog: Catalog, raters: NDArray[np.int64]) -> sparse.csr_matrix:
    """Return the weights of the nearest rated movies for the movies from number `len(raters)` on; rows add up to 1.

    A weight is the cosine of the features times the root of the number of raters. Raters break ties of the cosine.
    """
    features, rated = movie_features(catalog), np.flatnonzero(raters)
    unit = normalise_sparse_rows(features)
    trained, trust = unit[rated].T.tocsc(), raters[rated] / raters.max(initial=1)
    n_near, n_new = min(N_NEAREST, len(rated)), len(catalog) - len(raters)
    items, weights = np.zeros((n_new, n_near), np.int32), np.zeros((n_new, n_near), np.float32)
    for start in range(0, n_new, BLOCK_MOVIES):
        similarity = (unit[len(raters) + start :][:BLOCK_MOVIES] @ trained).toarray() + MIN_NEARNESS * (1 + trust)
        top = np.argsort(-similarity, axis=1, kind="stable")[:, :n_near]
        items[start : start + BLOCK_MOVIES] = rated[top]
        weights[start : start + BLOCK_MOVIES] = np.take_along_axis(similarity, top, 1) * np.sqrt(trust[top])
    weights /= np.maximum(weights.sum(1, keepdims=True), np.finfo(np.float32).tiny)
    starts = np.arange(0, n_new * n_near + 1, max(n_near, 1))[: n_new + 1]
    return sparse.csr_matrix((weights.ravel(), items.ravel(), starts), shape=(n_new, len(raters)))
