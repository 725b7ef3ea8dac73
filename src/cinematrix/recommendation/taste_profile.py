"""Taste profile of a user compared with all users, and the model's accuracy for the user.

The love for a genre is the user's mean rating of it over the user's mean, minus the same of all users, shrunk for few
ratings.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import nearest_levels
from cinematrix.data.training_data import TrainingData
from cinematrix.metrics.accuracy import rmse
from cinematrix.models.base import Recommender

Float64 = NDArray[np.float64]

SHRINKAGE = 5.0
"""Shrinkage of a user's love for a category, in ratings."""

FOLDS = 5
"""Folds of the cross-validation of a user's ratings."""


@dataclass(frozen=True)
class TasteCategory:
    """A user's taste for a genre or a decade.

    Attributes:
        name: `Drama`; `1990`.
        count: the user's ratings in the category.
        yours, everyone: mean rating by the user and by all users; None without ratings.
        love: shrunken excess of the user's mean rating over that of all users, in stars; 0 without ratings.
        share, usual: share of the category in the ratings of the user and of all users, 0…1.
    """

    name: str
    count: int
    yours: float | None
    everyone: float | None
    love: float
    share: float
    usual: float

    @property
    def log_lift(self) -> float:
        """Shrunken log ratio of the user's share to that of all users."""
        return float(np.log((self.share + 0.01) / (self.usual + 0.01))) * self.count / (self.count + SHRINKAGE)


@dataclass(frozen=True)
class ProfileAccuracy:
    """Cross-validated RMSE over a user's `n` ratings: of the model, and of the user's mean rating as baseline."""

    rmse: float
    baseline: float
    n: int


@dataclass(frozen=True, eq=False)
class PopulationTaste:
    """Statistics of all users' ratings, computed once for all profiles.

    Attributes:
        data: training data of the model.
    """

    data: TrainingData

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """All ratings; ones for plain interactions."""
        history = self.data.history
        return np.ones(len(history.items), np.float32) if history.values is None else history.values

    @cached_property
    def mean(self) -> float:
        """Mean of all ratings; 0 without ratings."""
        return float(self.values.mean(dtype=np.float64)) if len(self.values) else 0.0

    @cached_property
    def histogram(self) -> Float64:
        """Share of the ratings at each level of the scale."""
        return compute_histogram(self.data, self.values)

    @cached_property
    def decades(self) -> tuple[list[str], sparse.csr_matrix]:
        """Names of the decades, and the matrix movies × decades."""
        years = self.data.catalog.years
        dated = np.flatnonzero(~np.isnan(years))
        decades, places = np.unique((years[dated] // 10 * 10).astype(np.int64), return_inverse=True)
        cells = np.ones(len(dated), np.float32), (dated, places)
        return [str(decade) for decade in decades.tolist()], sparse.csr_matrix(cells, shape=(len(years), len(decades)))

    @cached_property
    def genres(self) -> tuple[list[str], sparse.csr_matrix]:
        """Names of the genres, and the matrix movies × genres."""
        return self.data.catalog.genres, self.data.catalog.genre_matrix()

    @cached_property
    def _totals(self) -> tuple[Float64, Float64]:
        """Number and sum of each movie's ratings."""
        items, n = self.data.history.items, len(self.data.movies)
        return self.data.raters.astype(np.float64), np.bincount(items, self.values, n).astype(np.float64)

    def parts(self, kind: str, history: Histories) -> list[TasteCategory]:
        """Compare a user's `genres` or `decades` with those of all users, the most loved first."""
        names, matrix = self.genres if kind == "genres" else self.decades
        counts, sums = self._totals
        values = np.ones(len(history.items)) if history.values is None else history.values.astype(np.float64)
        rows = matrix[history.items]
        n, usual = rows.sum(axis=0).A1, matrix.T @ counts
        yours = (rows.T @ values) / np.maximum(n, 1)
        everyone = (matrix.T @ sums) / np.maximum(usual, 1)
        own = values.mean() if len(values) else 0.0
        love = np.where(n > 0, ((yours - own) - (everyone - self.mean)) * n / (n + SHRINKAGE), 0)
        shares, usuals = n / max(len(values), 1), usual / max(counts.sum(), 1)
        categories = [
            TasteCategory(
                name, int(n[at]), float(yours[at]) if n[at] else None, float(everyone[at]) if usual[at] else None,
                float(love[at]), float(shares[at]), float(usuals[at]),
            )
            for at, name in enumerate(names)
        ]  # fmt: skip
        return sorted(categories, key=lambda part: (-part.love, part.name))


def compute_histogram(known: TrainingData, values: NDArray[np.float32]) -> Float64:
    """Return the share of `values` at each level of the scale; empty without a scale."""
    if known.scale is None:
        return np.zeros(0)
    counts = np.bincount(nearest_levels(known.scale, values), minlength=len(known.scale.levels()))
    return counts / max(len(values), 1)


def measure_accuracy(model: Recommender, history: Histories) -> ProfileAccuracy | None:
    """Measure the model's accuracy for the user by cross-validation: each fold is predicted by fold-in of the others.

    The result is optimistic for a user of the training data, since the movies' parameters have seen their ratings.

    Returns:
        The accuracy; None without stars or with fewer than `FOLDS` ratings.
    """
    n = len(history.items)
    if n < FOLDS or history.values is None or model.data.scale is None:
        return None
    part = np.random.default_rng(0).permutation(n) % FOLDS
    rest = [np.flatnonzero(part != fold) for fold in range(FOLDS)]
    parts = Histories.of_lists([(history.items[fold].tolist(), history.values[fold].tolist()) for fold in rest])
    predicted = model.predict_pairs(parts, part.astype(np.int32), history.items)
    means = np.array([history.values[fold].mean(dtype=np.float64) for fold in rest])[part]
    return ProfileAccuracy(rmse(history.values, predicted), rmse(history.values, means), n)
