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
from cinematrix.models.added_movies import Newcomers, with_films
from cinematrix.models.artifact import MANIFEST
from cinematrix.service.logging import LOG
from cinematrix.service.served_model import Served
from cinematrix.service.startup import settle
from cinematrix.service.state import ServiceState
from cinematrix.store.movies import all_movies, mark_of_movies
from cinematrix.store.records import Store

Mark = tuple[int, int] | None


def mark(folder: Path) -> Mark:
    """What changes when another model stands in `folder`; None while none does."""
    try:
        found = (folder / MANIFEST).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


async def watch(state: ServiceState, before: Mark) -> None:
    """Warm the first model once it answers; then swap whenever the folder's mark is another than `before`."""
    settle()
    await asyncio.sleep(state.settings.watch_seconds)
    if state.newest is not None:
        await run_sync(state.newest.warm)
        settle()
    while True:
        found = mark(state.settings.model)
        try:
            if found is not None and found != before:
                await run_sync(swap, state)
                before = found
            if state.newest is not None:
                await run_sync(refresh, state)
        except SQLAlchemyError as error:
            LOG.error("the store can't be read now, version %s stays: %s", state.newest and state.newest.version, error)
        await asyncio.sleep(state.settings.watch_seconds)


def swap(state: ServiceState) -> None:
    """Serve the model that is in the folder now; if it can't be served, go on with the one before and say so once."""
    try:
        served = Served.load(state.settings.model)
        if served.model.known.scale is not None:
            state.store.fix_scale(served.model.known.scale)
    except (CinematrixError, OSError) as error:
        state.figures.load_failures.inc()
        LOG.error("version %s stays: %s", state.newest and state.newest.version, error)
        return
    with state.changing:
        films = mark_of_movies(state.store)
        state.served, state.films = with_newcomers(served, state.store).warm(), films
    settle()
    LOG.info("version %s is served now", served.version)


def refresh(state: ServiceState) -> None:
    """Serve with the movies that the store has now, if they aren't those of before, whichever server got them."""
    with state.changing:
        found = mark_of_movies(state.store)
        if found != state.films:
            state.served, state.films = with_newcomers(state.served, state.store), found


def with_newcomers(served: Served, store: Store) -> Served:
    """The same model with the movies in it that the store has now; its version tells that it has some."""
    base = served.model.base if isinstance(served.model, Newcomers) else served.model
    films, version = all_movies(store), served.version.partition(".")[0]
    if not films and served.model is base:
        return served
    told = hashlib.sha256(json.dumps(films).encode()).hexdigest()[:6]
    return replace(served, model=with_films(base, films), version=f"{version}.{told}" if films else version)
