"""Exposure of movies: catalog coverage, inequality and popularity of all lists that a model version has sent."""

from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ids import Numbers
from cinematrix.metrics.diversity import coverage, gini
from cinematrix.service.worker_group import WorkerGroup

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
    """Thread-safe counter of the times that each movie was recommended, by all workers.

    Args:
        raters: number of ratings of each movie, `[movies]`.
        version: version of the model.
        group: workers that count together.
    """

    def __init__(self, raters: NDArray[np.int64], version: str = "", group: WorkerGroup | None = None) -> None:
        group = group or WorkerGroup()
        ordered = np.sort(raters)
        self._more_popular = 1 - np.searchsorted(ordered, raters, side="right") / max(len(raters), 1)
        self._counts = group.map_counts(f"exposure-{version}", len(raters) + 1)  # the last is of the lists
        self._own, self._lock = self._counts[group.number], Lock()
        self._waiting: list[Numbers] = []

    def add(self, movies: Numbers) -> None:
        """Add a list that was sent. It contains no movie twice."""
        with self._lock:
            self._waiting.append(movies)
            if len(self._waiting) >= COUNT_BATCH_SIZE:
                self._count()

    def count_waiting(self) -> None:
        """Count the lists added lately, so that other workers see them."""
        with self._lock:
            self._count()

    def spread(self) -> ExposureSummary:
        """Return the summary of all lists until now."""
        with self._lock:
            self._count()
            counts = self._counts.sum(0)
        exposures, lists = counts[:-1], int(counts[-1])
        total = exposures.sum()
        if not total:
            return ExposureSummary(lists, None, None, None)
        return ExposureSummary(
            lists, coverage(exposures), gini(exposures), float(exposures @ self._more_popular / total)
        )

    def _count(self) -> None:
        """Count the waiting lists in one batch, which takes hardly longer than a single list."""
        np.add.at(self._own, np.concatenate([np.zeros(0, np.int32), *self._waiting]), 1)
        self._own[-1] += len(self._waiting)
        self._waiting.clear()
