"""Record of the movies that users were shown, and of what they did about them.

A list costs its request an entry in a queue. A background task writes the queue to the store every minute, and counts
outcomes. A server that is killed loses the impressions of the last minute, nothing else.
"""

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from cinematrix.data.ids import Numbers
from cinematrix.service.served_model import ServedModel
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.impressions import (
    Impression,
    ListOutcomes,
    count_outcomes,
    list_outcomes,
    move_old_impressions,
    save_impressions,
)
from cinematrix.store.records import Store

MAX_SHOWN = 50
"""Maximum movies of one list that count as shown; nobody looks at more."""


class _Shown(NamedTuple):
    """The lists of one kind that a user got from a model, compared with the version `against`."""

    served: ServedModel
    user: str
    kind: str
    against: str


class Impressions:
    """Queue of the lists that were sent to users, and the task that stores them.

    Args:
        store: the store.
        settings: settings of the service.
        find_served: returns the served model; None if there is none yet.
        find_rival: returns the version that a model is compared with for a user; empty: none.
        counts: outcomes are counted here, not by another worker.

    Attributes:
        outcomes: outcomes by kind of list and version, as counted last.
    """

    def __init__(
        self,
        store: Store,
        settings: ServiceSettings,
        find_served: Callable[[], ServedModel | None],
        find_rival: Callable[[ServedModel, str], str],
        *,
        counts: bool,
    ) -> None:
        self._store, self._settings, self._counts, self._lock = store, settings, counts, Lock()
        self._find_served, self._find_rival = find_served, find_rival
        self._waiting: dict[_Shown, set[int]] = {}
        self.outcomes: list[ListOutcomes] = []

    def add(self, user: str | None, kind: str, served: ServedModel, movies: Numbers) -> None:
        """Add a list that was sent to a user; None: a visitor, of whom nothing is kept."""
        if user is None:
            return
        shown = _Shown(served, user, kind, self._find_rival(served, user))
        with self._lock:
            if shown in self._waiting or len(self._waiting) < self._settings.impressions:
                self._waiting.setdefault(shown, set()).update(movies[:MAX_SHOWN].tolist())

    def save(self) -> None:
        """Write the queue to the store."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        save_impressions(self._store, [_to_store(shown, movies) for shown, movies in waiting.items()])

    def run(self) -> None:
        """Write the queue to the store. The first worker counts outcomes too."""
        self.save()
        served = self._find_served()
        if served is not None and self._counts:
            count_outcomes(self._store, lambda user: _find_mean(self._store, served, user))
            move_old_impressions(self._store)
        self.outcomes = list_outcomes(self._store)

    def stop(self) -> None:
        """Write the queue for the last time, if the store can."""
        with suppress(SQLAlchemyError):
            self.save()


def _to_store(shown: _Shown, movies: set[int]) -> Impression:
    """Return the impression of a user with the IDs of the store. Added movies don't make another version."""
    served, ids = shown.served, shown.served.model.data.movies.ids
    return Impression(
        shown.user, shown.kind, served.base_version, shown.against, served.was_trained_on(shown.user),
        [str(ids[movie]) for movie in sorted(movies)],
    )  # fmt: skip


def _find_mean(store: Store, served: ServedModel, user: str) -> float | None:
    """Return the mean of a user's current ratings in steps of the scale; None if there is none."""
    values, scale = served.history(store.person(user)).values, served.model.data.scale
    return None if values is None or scale is None or not len(values) else float(np.mean(values)) / scale.step
