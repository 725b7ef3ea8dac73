"""A second model, the candidate, whose lists a share of the users gets, so that both are compared by what users do.

A keyed hash of the ID decides who gets them: always the same users, and nobody outside can tell who.
"""

from typing import TYPE_CHECKING

from cinematrix.errors import SettingError
from cinematrix.service.logging import LOG
from cinematrix.service.model_watcher import Fingerprint, read_fingerprint, with_stored_movies
from cinematrix.service.served_model import ServedModel
from cinematrix.store.movies import read_movies_revision
from cinematrix.store.records import Store

if TYPE_CHECKING:
    from cinematrix.service.state import ServiceState


def draw_lot(store: Store, user: str) -> float:
    """Return the user's lot, from 0 to 1: the candidate serves those below its share."""
    return int(store.pseudonym(f"candidate {user}")[:8], 16) / 2**32


class CandidateWatcher:
    """Watcher of the candidate's folder, and of the movies that are added to it as to the served model."""

    def __init__(self, state: "ServiceState") -> None:
        self._state, self._films = state, 0
        self._before: Fingerprint = None

    def check(self) -> None:
        """Load the candidate if its folder has another. One that can't serve leaves the candidate before."""
        folder = self._state.settings.candidate
        if folder is None or self._state.served_or_none is None:
            return
        fingerprint = read_fingerprint(folder)
        if fingerprint != self._before:
            self._before = fingerprint
            try:
                self.load()
            except Exception as error:  # a file of another hand may fail in any way
                self._state.figures.load_failures.inc()
                LOG.error("the candidate in %s can't serve: %s", folder, error)
        if self._state.candidate is not None:
            self._add_movies(self._state.candidate)

    def load(self) -> None:
        """Load the candidate.

        Raises:
            ArtifactError: it can't be loaded.
            SettingError: its ratings or IDs aren't of the served model's kind.
        """
        state, folder = self._state, self._state.settings.candidate
        if folder is None or state.served_or_none is None:
            return
        self._before = read_fingerprint(folder)
        loaded = ServedModel.load(folder, state.settings.list_cache, state.group)
        data, other = loaded.model.data, state.served.model.data
        for what, one, two in (
            ("scale", data.scale, other.scale),
            ("type of user IDs", data.users.ids.dtype.kind, other.users.ids.dtype.kind),
            ("type of movie IDs", data.movies.ids.dtype.kind, other.movies.ids.dtype.kind),
        ):
            if one != two:
                raise SettingError(
                    f"the candidate {folder} has the {what} {one} instead of {two}; train it on like data"
                )
        before, self._films, state.candidate = state.candidate, 0, loaded
        if before is not None and before.version != loaded.version:
            before.forget_exposure()
        self._add_movies(loaded)
        LOG.info("candidate %s serves %.0f %% of the users", loaded.version, 100 * state.settings.share)

    def _add_movies(self, candidate: ServedModel) -> None:
        revision = read_movies_revision(self._state.store)
        if revision != self._films:
            self._state.candidate, self._films = with_stored_movies(candidate, self._state.store), revision
