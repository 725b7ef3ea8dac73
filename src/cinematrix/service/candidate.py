"""A second model, the candidate, whose lists a share of the users gets, so that both are compared by what users do.

A keyed hash of the ID decides who gets them: always the same users, and nobody outside can tell who.
"""

from cinematrix.errors import SettingError
from cinematrix.service.logging import LOG
from cinematrix.service.model_watcher import Fingerprint, read_fingerprint, with_stored_movies
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState
from cinematrix.store.movies import read_movies_revision


def load_candidate(state: ServiceState) -> None:
    """Load the candidate and serve a share of the users with it, if there is one.

    Raises:
        ArtifactError: it can't be loaded.
        SettingError: its ratings or IDs aren't of the served model's kind.
    """
    folder = state.settings.candidate
    if folder is None:
        return
    loaded = ServedModel.load(folder, state.settings.list_cache, state.group)
    data, other = loaded.model.data, state.served.model.data
    for what, one, two in (
        ("scale", data.scale, other.scale),
        ("type of user IDs", data.users.ids.dtype.kind, other.users.ids.dtype.kind),
        ("type of movie IDs", data.movies.ids.dtype.kind, other.movies.ids.dtype.kind),
    ):
        if one != two:
            raise SettingError(f"the candidate {folder} has the {what} {one} instead of {two}; train it on like data")
    before, state.candidate = state.candidate, with_stored_movies(loaded, state.store)
    if before is not None and before.base_version != loaded.version:
        before.forget_exposure()
    LOG.info("candidate %s serves %.0f %% of the users", loaded.version, 100 * state.settings.candidate_share)


class CandidateWatcher:
    """Watcher of the candidate's folder, and of the movies that are added to it as to the served model."""

    def __init__(self, state: ServiceState) -> None:
        self._state, self._films = state, 0
        folder = state.settings.candidate
        self._before: Fingerprint = read_fingerprint(folder) if folder and state.candidate else None

    def check(self) -> None:
        """Load the candidate if its folder has another. One that can't serve leaves the candidate before."""
        state, folder = self._state, self._state.settings.candidate
        if folder is None or state.served_or_none is None:
            return
        fingerprint = read_fingerprint(folder)
        if fingerprint is not None and fingerprint != self._before:
            self._before = fingerprint
            try:
                load_candidate(state)
            except Exception as error:  # a file of another hand may fail in any way
                state.figures.load_failures.inc()
                LOG.error("the candidate in %s can't serve: %s", folder, error)
        revision = read_movies_revision(state.store)
        if state.candidate is not None and revision != self._films:
            state.candidate, self._films = with_stored_movies(state.candidate, state.store), revision
