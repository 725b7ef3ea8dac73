"""Another model in the same folder is served as soon as it is there, without a request failing.

`artifact.save` exchanges folders whole, so a new `model.json` means a new model. It is loaded and warmed beside the one
that serves and takes its place by one assignment; each request has taken its model once and keeps it to the end.
"""

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from cinematrix.errors import CinematrixError
from cinematrix.models.added_movies import WithAddedMovies, add_movies
from cinematrix.models.artifact import MANIFEST
from cinematrix.service.logging import LOG
from cinematrix.service.served_model import ServedModel
from cinematrix.service.startup import freeze_loaded_objects
from cinematrix.service.state import ServiceState
from cinematrix.store.movies import list_movies, read_movies_revision
from cinematrix.store.records import Store

Fingerprint = tuple[int, int] | None


def read_fingerprint(folder: Path) -> Fingerprint:
    """What changes when another model stands in `folder`; None while none does."""
    try:
        found = (folder / MANIFEST).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


async def watch_model(state: ServiceState, before: Fingerprint) -> None:
    """Warm the first model once it answers; then swap whenever the folder's mark is another than `before`."""
    freeze_loaded_objects()
    await asyncio.sleep(state.settings.watch_seconds)
    if state.served_or_none is not None:
        await run_sync(state.served_or_none.warm)
        freeze_loaded_objects()
    while True:
        found = read_fingerprint(state.settings.model)
        try:
            if found is not None and found != before:
                await run_sync(swap_model, state)
                before = found
            if state.served_or_none is not None:
                await run_sync(refresh_movies, state)
        except SQLAlchemyError as error:
            LOG.error(
                "the store can't be read now, version %s stays: %s",
                state.served_or_none and state.served_or_none.version,
                error,
            )
        await asyncio.sleep(state.settings.watch_seconds)


def swap_model(state: ServiceState) -> None:
    """Serve the model that is in the folder now; if it can't be served, go on with the one before and say so once."""
    try:
        served = ServedModel.load(state.settings.model)
        if served.model.data.scale is not None:
            state.store.fix_scale(served.model.data.scale)
    except (CinematrixError, OSError) as error:
        state.figures.load_failures.inc()
        LOG.error("version %s stays: %s", state.served_or_none and state.served_or_none.version, error)
        return
    with state.swap_lock:
        films = read_movies_revision(state.store)
        state.served, state.films = with_stored_movies(served, state.store).warm(), films
    freeze_loaded_objects()
    LOG.info("version %s is served now", served.version)


def refresh_movies(state: ServiceState) -> None:
    """Serve with the movies that the store has now, if they aren't those of before, whichever server got them."""
    with state.swap_lock:
        found = read_movies_revision(state.store)
        if found != state.films:
            state.served, state.films = with_stored_movies(state.served, state.store), found


def with_stored_movies(served: ServedModel, store: Store) -> ServedModel:
    """The same model with the movies in it that the store has now; its version tells that it has some."""
    base = served.model.base if isinstance(served.model, WithAddedMovies) else served.model
    films, version = list_movies(store), served.version.partition(".")[0]
    if not films and served.model is base:
        return served
    told = hashlib.sha256(json.dumps(films).encode()).hexdigest()[:6]
    return replace(served, model=add_movies(base, films), version=f"{version}.{told}" if films else version)
