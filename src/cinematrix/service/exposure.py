"""Exposure of movies: catalog coverage, inequality and popularity of all lists that a model version has sent."""

from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ids import Numbers
from cinematrix.metrics.diversity import coverage, gini

COUNT_BATCH_SIZE = 1_000
"""Lists counted in one batch."""


class ExposureSummary(NamedTuple):
    """Summary of all lists sent. The figures are None before the first list.

    Attributes:
        lists: number of lists sent.
        coverage: share of the catalog that was in at least one list.
        gini: inequality of exposure, from 0 (all movies equally often) to 1.
        popularity: mean share of movies with more ratings than the one shown. 0: only the most rated movie.
    """

    lists: int
    coverage: float | None
    gini: float | None
    popularity: float | None


class ExposureCounter:
    """Thread-safe counter of the times that each movie was recommended.

    Args:
        raters: number of ratings of each movie, `[movies]`.
    """

    def __init__(self, raters: NDArray[np.int64]) -> None:
        ordered = np.sort(raters)
        self._more_popular = 1 - np.searchsorted(ordered, raters, side="right") / max(len(raters), 1)
        self._exposures = np.zeros(len(raters), np.int64)
        self._lists, self._lock = 0, Lock()
        self._waiting: list[Numbers] = []

    def add(self, movies: Numbers) -> None:
        """Add a list that was sent. It contains no movie twice."""
        with self._lock:
            self._lists += 1
            self._waiting.append(movies)
            if len(self._waiting) >= COUNT_BATCH_SIZE:
                self._count()

    def spread(self) -> ExposureSummary:
        """Return the summary of all lists until now."""
        with self._lock:
            self._count()
            exposures, lists = self._exposures.copy(), self._lists
        total = exposures.sum()
        if not total:
            return ExposureSummary(lists, None, None, None)
        return ExposureSummary(
            lists, coverage(exposures), gini(exposures), float(exposures @ self._more_popular / total)
        )

    def _count(self) -> None:
        """Count the waiting lists in one batch, which takes hardly longer than a single list."""
        np.add.at(self._exposures, np.concatenate([np.zeros(0, np.int32), *self._waiting]), 1)
        self._waiting.clear()
