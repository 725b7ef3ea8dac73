"""A person's taste beside everyone's, and how well a model knows her.

What she loves more than others do is told by ratings over means: how much more a genre gets from her than her films get
at large, less the same of everybody, shrunk by how few films say so.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.histories import Histories
from cinematrix.data.ratings import nearest_levels
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender

Float64 = NDArray[np.float64]

SHRINKAGE = 5.0
"""Films' worth of doubt in what somebody's ratings of a genre say."""

FOLDS = 5
"""Parts of her ratings, each of which is predicted from the others."""


@dataclass(frozen=True)
class TasteCategory:
    """A genre or a decade.

    Attributes:
        name: `Drama`; `1990`.
        count: her films of it.
        yours, everyone: mean ratings of it; None where there are none.
        love: stars more than others love it, shrunk; 0 where she has none.
        share, usual: of her films and of everybody's.
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
        """How much more of her films are of it than of everybody's: a logarithm, shrunk."""
        return float(np.log((self.share + 0.01) / (self.usual + 0.01))) * self.count / (self.count + SHRINKAGE)


@dataclass(frozen=True)
class ProfileAccuracy:
    """How far predictions of `n` of her ratings miss, each made without it: the model's, and her mean rating's."""

    rmse: float
    baseline: float
    n: int


@dataclass(frozen=True, eq=False)
class PopulationTaste:
    """What all people's ratings come to; made once, for everybody's profile.

    Attributes:
        known: whose histories count.
    """

    data: TrainingData

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """All ratings; ones for plain interactions."""
        history = self.data.history
        return np.ones(len(history.items), np.float32) if history.values is None else history.values

    @cached_property
    def mean(self) -> float:
        """Of all ratings."""
        return float(self.values.mean(dtype=np.float64)) if len(self.values) else 0.0

    @cached_property
    def histogram(self) -> Float64:
        """The share of each of the scale's steps."""
        return compute_histogram(self.data, self.values)

    @cached_property
    def decades(self) -> tuple[list[str], sparse.csr_matrix]:
        """The decades that films are of, and films × decades."""
        years = self.data.catalog.years
        dated = np.flatnonzero(~np.isnan(years))
        found, places = np.unique((years[dated] // 10 * 10).astype(np.int64), return_inverse=True)
        cells = np.ones(len(dated), np.float32), (dated, places)
        return [str(decade) for decade in found.tolist()], sparse.csr_matrix(cells, shape=(len(years), len(found)))

    @cached_property
    def genres(self) -> tuple[list[str], sparse.csr_matrix]:
        """The genres, and films × genres."""
        return self.data.catalog.genres, self.data.catalog.genre_matrix()

    @cached_property
    def _totals(self) -> tuple[Float64, Float64]:
        """How many ratings each film has, and their sum."""
        items, n = self.data.history.items, len(self.data.movies)
        return self.data.raters.astype(np.float64), np.bincount(items, self.values, n).astype(np.float64)

    def parts(self, kind: str, history: Histories) -> list[TasteCategory]:
        """The `genres` or `decades` in somebody's history beside everyone's, the most loved first."""
        names, matrix = self.genres if kind == "genres" else self.decades
        counts, sums = self._totals
        values = np.ones(len(history.items)) if history.values is None else history.values.astype(np.float64)
        mine = matrix[history.items]
        n, usual = mine.sum(axis=0).A1, matrix.T @ counts
        yours = (mine.T @ values) / np.maximum(n, 1)
        everyone = (matrix.T @ sums) / np.maximum(usual, 1)
        own = values.mean() if len(values) else 0.0
        love = np.where(n > 0, ((yours - own) - (everyone - self.mean)) * n / (n + SHRINKAGE), 0)
        shares, usuals = n / max(len(values), 1), usual / max(counts.sum(), 1)
        found = [
            TasteCategory(name, int(n[at]), float(yours[at]) if n[at] else None, float(everyone[at]) if usual[at] else None,
                 float(love[at]), float(shares[at]), float(usuals[at]))
            for at, name in enumerate(names)
        ]  # fmt: skip
        return sorted(found, key=lambda part: (-part.love, part.name))


def compute_histogram(known: TrainingData, values: NDArray[np.float32]) -> Float64:
    """The share of `values` on each of the scale's steps; nothing without a scale."""
    if known.scale is None:
        return np.zeros(0)
    counts = np.bincount(nearest_levels(known.scale, values), minlength=len(known.scale.levels()))
    return counts / max(len(values), 1)


def measure_accuracy(model: Recommender, history: Histories) -> ProfileAccuracy | None:
    """How well the model predicts her own ratings, each from the other parts of her history by folding these in.

    None without stars, or with fewer than `FOLDS` ratings. For somebody whom the model was trained on, its movies have
    seen her ratings, and this flatters it a little.
    """
    n = len(history.items)
    if n < FOLDS or history.values is None or model.data.scale is None:
        return None
    part = np.random.default_rng(0).permutation(n) % FOLDS
    rest = [np.flatnonzero(part != fold) for fold in range(FOLDS)]
    parts = Histories.of_lists([(history.items[kept].tolist(), history.values[kept].tolist()) for kept in rest])
    predicted = model.predict_pairs(parts, part.astype(np.int32), history.items)
    means = np.array([history.values[kept].mean(dtype=np.float64) for kept in rest])[part]
    return ProfileAccuracy(_rmse(predicted - history.values), _rmse(means - history.values), n)


def _rmse(errors: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))
