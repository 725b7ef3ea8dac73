"""Hot swap of the served model when another one is saved to its folder, without a failing request.

`artifact.save` replaces the folder atomically, so a new `model.json` means a new model. The new model is loaded and
warmed up while the old one serves, then replaces it in one assignment. Each request uses one model to its end.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from cinematrix.models.added_movies import WithAddedMovies, add_movies
from cinematrix.models.artifact import MANIFEST
from cinematrix.service.logging import LOG
from cinematrix.service.served_model import ServedModel
from cinematrix.service.startup import freeze_loaded_objects
from cinematrix.service.state import ServiceState
from cinematrix.store.movies import list_movies, read_movies_revision
from cinematrix.store.records import Store

Fingerprint = tuple[int, int] | None

WARM_SECONDS = 10.0
"""Maximum seconds that the indexes of the first model wait for other requests, whose lists aren't kept yet."""


def read_fingerprint(folder: Path) -> Fingerprint:
    """Return the inode and modification time of the manifest in `folder`; None while there is no model."""
    try:
        status = (folder / MANIFEST).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


class ModelWatcher:
    """Watcher of the model's folder. `before`: its fingerprint when the served model was loaded."""

    def __init__(self, state: ServiceState, before: Fingerprint) -> None:
        self._state, self._before, self._warm = state, before, False
        freeze_loaded_objects()

    def check(self) -> None:
        """Swap the model if the folder has another, and take over movies added by other servers.

        The first model is warmed up at the first check, once no request computes or writes, or after a while.
        """
        if self._state.served_or_none is not None and not self._warm:
            self._state.foreground.idle.wait(WARM_SECONDS)
            self._state.served_or_none.warm()
            self._state.facts.of(self._state.served_or_none).warm()
            freeze_loaded_objects()
        self._warm = True
        fingerprint = read_fingerprint(self._state.settings.model)
        if fingerprint is not None and fingerprint != self._before:
            with self._state.group.turn("model"):  # the others answer meanwhile
                swap_model(self._state)
            self._before = fingerprint
        if self._state.served_or_none is not None:
            refresh_movies(self._state)


def swap_model(state: ServiceState) -> None:
    """Serve the model in the folder. If it can't be served, log the error once and keep the current model.

    A file of another hand may fail in any way. Only an error of the store is raised, and the swap tried again.
    """
    try:
        served = ServedModel.load(state.settings.model, state.settings.list_cache, state.group)
        if served.model.data.scale is not None:
            state.store.fix_scale(served.model.data.scale)
    except SQLAlchemyError:
        raise
    except Exception as error:
        state.figures.load_failures.inc()
        LOG.error(
            "the new model can't be served, version %s keeps serving: %s",
            state.served_or_none and state.served_or_none.version,
            error,
        )
        return
    with state.swap_lock:
        revision = read_movies_revision(state.store)
        fresh = with_stored_movies(served, state.store).warm()
        state.facts.of(fresh).warm()
        state.served, state.films = fresh, revision
    state.facts.forget_others((state.served, state.candidate))
    freeze_loaded_objects(replaced=True)
    LOG.info("model version %s serves from now on", served.version)


def refresh_movies(state: ServiceState) -> None:
    """Serve with the added movies in the store if they have changed, by this or another server."""
    with state.swap_lock:
        revision = read_movies_revision(state.store)
        if revision != state.films:
            state.served, state.films = with_stored_movies(state.served, state.store), revision


def with_stored_movies(served: ServedModel, store: Store) -> ServedModel:
    """Return the model extended by the added movies in the store, with their hash as a suffix of its version."""
    base = served.model.base if isinstance(served.model, WithAddedMovies) else served.model
    movies, version = list_movies(store), served.version.partition(".")[0]
    if not movies and served.model is base:
        return served
    digest = hashlib.sha256(json.dumps(movies).encode()).hexdigest()[:6]
    return replace(served, model=add_movies(base, movies), version=f"{version}.{digest}" if movies else version)
