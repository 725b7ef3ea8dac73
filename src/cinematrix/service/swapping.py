"""Another model in the same folder is served as soon as it is there, without a request failing.

`artifact.save` exchanges folders whole, so a new `model.json` means a new model. It is loaded and warmed beside the one
that serves and takes its place by one assignment; each request has taken its model once and keeps it to the end.
"""

import asyncio
from pathlib import Path

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from cinematrix.artifact import MANIFEST
from cinematrix.errors import CinematrixError
from cinematrix.service.logs import LOG
from cinematrix.service.memory import settle
from cinematrix.service.newcomers import refresh, with_newcomers
from cinematrix.service.people import Served
from cinematrix.service.state import ServiceState
from cinematrix.store.movies import mark_of_movies

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
