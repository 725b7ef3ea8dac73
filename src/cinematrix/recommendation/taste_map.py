"""The taste map: films as points in two dimensions, near each other where the same people watch them.

The films' vectors, with their genres beside them, are joined to their nearest by cosine, laid out along their two
principal axes, and moved in small steps: joined films pull each other by 1 / (1 + d²), and each is pushed off by films
drawn at random, as in UMAP (McInnes et al. 2018) with a = b = 1, but for all films at once in NumPy.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.vectors import normalise_rows, normalise_sparse_rows
from cinematrix.data.ids import Numbers
from cinematrix.models.base import Recommender

Float32 = NDArray[np.float32]

MAX_MOVIES = 10_000
"""Films on the map, the most rated ones."""

NEIGHBOURS = 15
"""Films that each is joined with."""

GENRE_WEIGHT = 0.8
"""What genres count beside who watches."""

STEPS, NEGATIVE_SAMPLES, REPULSION_WEIGHT = 220, 6, 5.0
"""Steps of the layout, films that push another off in each, and how much more than they would by their number."""

OUTLIER_SHARE, MARGIN = 0.01, 0.05
"""The share of films that may lie beyond the others on a side, and how much room these have beside the others'."""

BLOCK_MOVIES = 1024
"""Films whose nearest are looked for at a time."""


@dataclass(frozen=True, eq=False)
class TasteMap:
    """Where films lie.

    Attributes:
        movies: int32 `[n]`, their numbers, the most rated first.
        places: float32 `[n, 2]`, 0…1.
        genre: int64 `[n]`, the rarest of each film's genres, its place in `genres`; -1 where it has none.
        genres: names.
    """

    movies: Numbers
    places: Float32
    genre: NDArray[np.int64]
    genres: list[str]

    @classmethod
    def of(cls, model: Recommender, *, seed: int = 0) -> "TasteMap":
        """The map of a model's films; seconds of work, and the same for the same model.

        Raises:
            SettingError: the model can't compare movies.
        """
        traits, catalog = model.comparison_vectors(), model.data.catalog
        movies = np.argsort(-model.data.raters, kind="stable")[:MAX_MOVIES].astype(np.int32)
        has = catalog.genre_matrix()[movies]
        genres = normalise_sparse_rows(has).toarray()
        rows = np.hstack([normalise_rows(traits[movies]), GENRE_WEIGHT * genres]).astype(np.float32)
        places = compute_layout(rows, find_nearest(rows, min(NEIGHBOURS, len(rows) - 1)), np.random.default_rng(seed))
        return cls(movies, fit_to_square(places), _rarest(has), catalog.genres)


def find_nearest(rows: Float32, n: int) -> NDArray[np.int64]:
    """The `n` nearest others of each row by cosine. `[len(rows), n]`."""
    rows, found = normalise_rows(rows), []
    for start in range(0, len(rows), BLOCK_MOVIES):
        alike = rows[start : start + BLOCK_MOVIES] @ rows.T
        alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = -2
        found.append(np.argpartition(-alike, n - 1, axis=1)[:, :n] if n else np.zeros((len(alike), 0), np.int64))
    return np.concatenate(found) if found else np.zeros((0, n), np.int64)


def compute_layout(rows: Float32, near: NDArray[np.int64], rng: np.random.Generator) -> Float32:
    """Places where rows lie near those that they are joined with. `[len(rows), 2]`."""
    n = len(rows)
    places = _axes(rows) + rng.normal(0, 1e-3, (n, 2)).astype(np.float32)
    cells = np.ones(near.size, np.float32), (np.repeat(np.arange(n), near.shape[1]), near.ravel())
    joined = sparse.csr_matrix(cells, shape=(n, n))
    joined = ((joined + joined.T) > 0).tocoo()
    degree = np.maximum(np.bincount(joined.row, minlength=n), 1).astype(np.float32)[:, None]
    for step in range(STEPS):
        pull = _pull(places, joined.row, joined.col) / degree
        push = sum(_push(places, rng.integers(0, n, n)) for _ in range(NEGATIVE_SAMPLES)) * (
            REPULSION_WEIGHT / NEGATIVE_SAMPLES
        )
        places = places + (1 - step / STEPS) * np.clip(2 * (pull + push), -4, 4).astype(np.float32)
    return places


def _pull(places: Float32, one: NDArray[Any], other: NDArray[Any]) -> Float32:
    """What joined films pull: 2 (y_j − y_i) / (1 + d²), summed."""
    apart = places[other] - places[one]
    weight = 2 / (1 + np.einsum("ij,ij->i", apart, apart))
    sums = [np.bincount(one, weight * apart[:, axis], len(places)) for axis in (0, 1)]
    return np.stack(sums, axis=1).astype(np.float32)


def _push(places: Float32, others: NDArray[Any]) -> Float32:
    """How one other film each pushes: 2 (y_i − y_j) / ((0.01 + d²)(1 + d²)), bounded."""
    apart = places - places[others]
    square = np.einsum("ij,ij->i", apart, apart)[:, None]
    return np.asarray(np.clip(2 * apart / ((0.01 + square) * (1 + square)), -4, 4), np.float32)


def _axes(rows: Float32) -> Float32:
    """The two principal axes, each of standard deviation 1; a second one of zeros where there is but one."""
    centred = np.hstack([rows - rows.mean(axis=0, keepdims=True), np.zeros((len(rows), 2), np.float32)])
    places = centred @ np.linalg.eigh((centred.T @ centred).astype(np.float64))[1][:, -2:].astype(np.float32)
    return np.asarray(places / np.maximum(places.std(axis=0), 1e-6), np.float32)


def fit_to_square(places: Float32) -> Float32:
    """In the unit square, with strays at its edge rather than all others in a corner of it."""
    if not len(places):
        return places
    low, high = np.quantile(places, [OUTLIER_SHARE, 1 - OUTLIER_SHARE], axis=0)
    low, high = low - MARGIN * (high - low), high + MARGIN * (high - low)
    return np.asarray(np.clip((places - low) / np.maximum(high - low, 1e-9), 0, 1), np.float32)


def _rarest(has: sparse.csr_matrix) -> NDArray[np.int64]:
    """The rarest genre of each film; -1 where it has none."""
    if has.shape[1] == 0:
        return np.full(has.shape[0], -1)
    films = np.asarray(has.sum(axis=0)).ravel()
    rare = has.multiply(1 / np.maximum(films, 1)).toarray()
    return np.where(rare.any(axis=1), rare.argmax(axis=1), -1)
