"""Taste map: movies as points in two dimensions, close together if the same users watch them.

The layout is that of UMAP (McInnes et al. 2018) with a = b = 1, for all movies at once in NumPy. Each movie is a vector
of the model's comparison vector and its genres, and is joined to its nearest neighbours by cosine. The layout starts
from the two principal components. In each step, joined movies attract each other, and random movies repel each other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.eigen import eigenvectors
from cinematrix.common.vectors import normalise_rows, normalise_sparse_rows
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender

Float32 = NDArray[np.float32]

MAX_MOVIES = 10_000
"""Maximum movies on the map, the most rated."""

NEIGHBOURS = 15
"""Nearest neighbours of each movie in the graph."""

GENRE_WEIGHT = 0.8
"""Weight of the genres relative to the comparison vectors."""

STEPS, NEGATIVE_SAMPLES, REPULSION_WEIGHT = 220, 6, 5.0
"""Steps of the layout, random movies that repel each movie per step, and weight of the repulsion."""

OUTLIER_SHARE, MARGIN = 0.01, 0.05
"""Share of outliers on each side of the map, and margin around the other movies as a share of their extent."""

BLOCK_MOVIES = 1024
"""Movies whose neighbours are computed per block; bounds the memory."""


@dataclass(frozen=True, eq=False)
class TasteMap:
    """Coordinates of the movies.

    Attributes:
        movies: int32 `[n]`, numbers of the movies, most rated first.
        places: float32 `[n, 2]`, coordinates, 0…1.
        genre: int64 `[n]`, the rarest of each movie's genres as an index of `genres`; -1 without genres.
        genres: names of the genres.
    """

    movies: Numbers
    places: Float32
    genre: NDArray[np.int64]
    genres: list[str]

    @classmethod
    def of(cls, model: Recommender, *, seed: int = 0) -> "TasteMap":
        """Create the map of a model; it takes seconds and is deterministic.

        Raises:
            SettingError: the model can't compare movies.
        """
        movies, catalog = list_movies(model.data), model.data.catalog
        genre_matrix = catalog.genre_matrix()[movies]
        genres = normalise_sparse_rows(genre_matrix).toarray()
        rows = np.hstack([normalise_rows(model.comparison_vectors(movies)), GENRE_WEIGHT * genres]).astype(np.float32)
        places = compute_layout(rows, find_nearest(rows, min(NEIGHBOURS, len(rows) - 1)), np.random.default_rng(seed))
        return cls(movies, fit_to_square(places), _rarest_genre(genre_matrix), catalog.genres)


def list_movies(known: TrainingData) -> Numbers:
    """Return the numbers of the movies on the map, most rated first. int32."""
    return np.argsort(-known.raters, kind="stable")[:MAX_MOVIES].astype(np.int32)


def find_nearest(rows: Float32, n: int) -> NDArray[np.int64]:
    """Return the `n` nearest neighbours of each row by cosine, without itself. `[len(rows), n]`."""
    rows, blocks = normalise_rows(rows), []
    for start in range(0, len(rows), BLOCK_MOVIES):
        cosines = rows[start : start + BLOCK_MOVIES] @ rows.T
        cosines[np.arange(len(cosines)), np.arange(start, start + len(cosines))] = -2
        blocks.append(np.argpartition(-cosines, n - 1, axis=1)[:, :n] if n else np.zeros((len(cosines), 0), np.int64))
    return np.concatenate(blocks) if blocks else np.zeros((0, n), np.int64)


def compute_layout(rows: Float32, near: NDArray[np.int64], rng: np.random.Generator) -> Float32:
    """Return coordinates that place rows close to their neighbours `near`. `[len(rows), 2]`."""
    n = len(rows)
    places = _principal_components(rows) + rng.normal(0, 1e-3, (n, 2)).astype(np.float32)
    cells = np.ones(near.size, np.float32), (np.repeat(np.arange(n), near.shape[1]), near.ravel())
    graph = sparse.csr_matrix(cells, shape=(n, n))
    graph = ((graph + graph.T) > 0).tocoo()
    degree = np.maximum(np.bincount(graph.row, minlength=n), 1).astype(np.float32)[:, None]
    for step in range(STEPS):
        attraction = _attraction(places, graph.row, graph.col) / degree
        repulsion = sum(_repulsion(places, rng.integers(0, n, n)) for _ in range(NEGATIVE_SAMPLES)) * (
            REPULSION_WEIGHT / NEGATIVE_SAMPLES
        )
        places = places + (1 - step / STEPS) * np.clip(2 * (attraction + repulsion), -4, 4).astype(np.float32)
    return places


def _attraction(places: Float32, sources: NDArray[Any], targets: NDArray[Any]) -> Float32:
    """Return the attraction along the edges: 2 (y_j − y_i) / (1 + d²), summed per movie."""
    offsets = places[targets] - places[sources]
    weight = 2 / (1 + np.einsum("ij,ij->i", offsets, offsets))
    sums = [np.bincount(sources, weight * offsets[:, axis], len(places)) for axis in (0, 1)]
    return np.stack(sums, axis=1).astype(np.float32)


def _repulsion(places: Float32, others: NDArray[Any]) -> Float32:
    """Return the repulsion of each movie by one other: 2 (y_i − y_j) / ((0.01 + d²)(1 + d²)), clipped."""
    offsets = places - places[others]
    square = np.einsum("ij,ij->i", offsets, offsets)[:, None]
    return np.asarray(np.clip(2 * offsets / ((0.01 + square) * (1 + square)), -4, 4), np.float32)


def _principal_components(rows: Float32) -> Float32:
    """Return the first two principal components, each of standard deviation 1; zeros for a missing one."""
    centred = np.hstack([rows - rows.mean(axis=0, keepdims=True), np.zeros((len(rows), 2), np.float32)])
    places = centred @ eigenvectors(centred.T @ centred)[1][:, -2:].astype(np.float32)
    return np.asarray(places / np.maximum(places.std(axis=0), 1e-6), np.float32)


def fit_to_square(places: Float32) -> Float32:
    """Scale coordinates to the unit square; outliers are clipped to its edge."""
    if not len(places):
        return places
    low, high = np.quantile(places, [OUTLIER_SHARE, 1 - OUTLIER_SHARE], axis=0)
    low, high = low - MARGIN * (high - low), high + MARGIN * (high - low)
    return np.asarray(np.clip((places - low) / np.maximum(high - low, 1e-9), 0, 1), np.float32)


def _rarest_genre(genre_matrix: sparse.csr_matrix) -> NDArray[np.int64]:
    """Return the rarest genre of each movie; -1 without genres."""
    if genre_matrix.shape[1] == 0:
        return np.full(genre_matrix.shape[0], -1)
    counts = np.asarray(genre_matrix.sum(axis=0)).ravel()
    rarity = genre_matrix.multiply(1 / np.maximum(counts, 1)).toarray()
    return np.where(rarity.any(axis=1), rarity.argmax(axis=1), -1)
