"""What a version of the model has recommended so far, all lists together: how much of the catalog, and how popular."""

from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ids import Numbers
from cinematrix.metrics.diversity import coverage, gini

COUNT_BATCH_SIZE = 1_000
"""Lists that wait to be counted."""


class ExposureSummary(NamedTuple):
    """What lists together are like; None before there are any.

    Attributes:
        lists: how many were sent.
        coverage: the share of the catalog that stood in at least one.
        gini: how unequally movies were shown, from 0, all as often, to 1.
        popularity: the mean, over all that was shown, of the share of movies with more ratings; 0 is the most rated.
    """

    lists: int
    coverage: float | None
    gini: float | None
    popularity: float | None


class ExposureCounter:
    """Counts how often each movie is shown.

    Args:
        raters: how many ratings each movie has, `[movies]`.
    """

    def __init__(self, raters: NDArray[np.int64]) -> None:
        ordered = np.sort(raters)
        self._more_popular = 1 - np.searchsorted(ordered, raters, side="right") / max(len(raters), 1)
        self._exposures = np.zeros(len(raters), np.int64)
        self._lists, self._lock = 0, Lock()
        self._waiting: list[Numbers] = []

    def add(self, movies: Numbers) -> None:
        """A list was sent; no movie stands in it twice."""
        with self._lock:
            self._lists += 1
            self._waiting.append(movies)
            if len(self._waiting) >= COUNT_BATCH_SIZE:
                self._count()

    def spread(self) -> ExposureSummary:
        """What the lists until now are like."""
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
        """Count the lists that wait, all at once, which takes hardly longer than one."""
        np.add.at(self._exposures, np.concatenate([np.zeros(0, np.int32), *self._waiting]), 1)
        self._waiting.clear()
