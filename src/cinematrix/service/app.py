"""The app, made by a call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import PlainTextResponse

from cinematrix.common.optional import needs
from cinematrix.service import problems
from cinematrix.service.auth import READ, Doorkeeper
from cinematrix.service.cache_middleware import Again
from cinematrix.service.middleware import Guard
from cinematrix.service.model_watcher import mark, refresh, watch
from cinematrix.service.prefetch import Ahead
from cinematrix.service.problems import Problem
from cinematrix.service.refit_runner import Refitter
from cinematrix.service.responses import PROBLEMS
from cinematrix.service.routes import (
    admin_movies,
    admin_overview,
    admin_refits,
    exports,
    groups,
    imports,
    model,
    movies,
    page,
    posters,
    profile,
    questionnaire,
    ratings,
    recommendations,
    shelves,
    taste_map,
    tokens,
)
from cinematrix.service.schemas import Health, ProblemBody
from cinematrix.service.served_model import Served
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.state import ServiceState, State
from cinematrix.service.telemetry import Figures
from cinematrix.service.tmdb import Posters
from cinematrix.store.engine import check_whole, free_bytes
from cinematrix.store.records import Store

THREADS = {"sqlite": 2, "postgresql": 4}
"""Requests computed at once. More would only take turns on Python's lock, in which a fifth of the time goes; a few more
for a database that they wait for."""

ROUTERS = (
    *(ratings.ROUTER, recommendations.USERS, recommendations.ROUTER, imports.ROUTER, exports.ROUTER, groups.ROUTER),
    *(movies.ROUTER, posters.ROUTER, questionnaire.ROUTER, tokens.ROUTER, admin_refits.ROUTER, admin_movies.ROUTER),
    *(admin_overview.ROUTER, model.ROUTER, shelves.ROUTER, taste_map.ROUTER, profile.ROUTER, page.ROUTER),
)
"""In the order in which they are asked whether a request is theirs."""


def create_app(settings: ServiceSettings) -> FastAPI:
    """The service of one model and one store, ready to answer; the model may come later.

    Raises:
        ArtifactError: the model can't be loaded.
        InputError: posters can't be kept where they should be.
        MissingExtraError: refits are scheduled and what trains the model isn't installed.
        StoreError: the store can't be opened or holds ratings on another scale.
    """
    before = mark(settings.model)
    store, figures = Store.open(settings.db), Figures()
    check_whole(store.engine)
    refitter = Refitter(settings, store, figures)
    shown = Posters(settings.posters) if settings.posters else None
    state = ServiceState(settings, store, None, figures, refitter, posters=shown)
    if before is not None:
        _take_first(state)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS[store.engine.dialect.name]
        state.ahead = Ahead(partial(recommendations.make_ahead, state))
        state.ahead.start()
        watching = [asyncio.create_task(watch(state, before)), asyncio.create_task(refitter.watch())]
        yield
        for each in watching:
            each.cancel()
        refitter.stop()
        state.ahead.stop()
        with state.changing:  # a look at the store that had begun has its connection back
            store.close()

    app = FastAPI(title="Cinematrix", version=version("cinematrix"), lifespan=lifespan, openapi_url=None)
    app.state.service = state
    limits = {"page": settings.visits, "read": settings.reads, "write": settings.writes, "admin": settings.writes}
    app.state.doorkeeper = Doorkeeper(store, limits, settings.public)
    problems.install(app)
    page.assets()
    for router in ROUTERS:
        app.include_router(router)
    _add_health(app)
    app.add_middleware(Again, state=state)
    app.add_middleware(Guard, settings=settings, figures=figures)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _take_first(state: ServiceState) -> None:
    served = Served.load(state.settings.model)
    if served.model.known.scale is not None:
        state.store.fix_scale(served.model.known.scale)
    if state.settings.refit_every:
        needs(served.model.abilities.trains_with, served.model.name)
    state.served = served
    refresh(state)


def _add_health(app: FastAPI) -> None:
    @app.get("/livez")
    async def livez() -> Health:
        """Whether the process answers."""
        return Health(status="alive")

    @app.get("/readyz", responses=PROBLEMS)
    def readyz(state: State) -> Health:
        """Whether the model is loaded, the store answers, and its disk has room."""
        assert state.served
        state.store.n_users()
        if free_bytes(state.store.engine) < state.settings.free_bytes:
            raise Problem(503, "the store's disk is nearly full; make room", {"Retry-After": "10"})
        return Health(status="ready")

    @app.get("/metrics", dependencies=[READ], responses=PROBLEMS, response_class=PlainTextResponse)
    def metrics(state: State) -> Response:
        """Figures for Prometheus."""
        return Response(
            state.figures.text(state.served.trained, state.served.shown.spread()),
            media_type="text/plain; version=0.0.4",
        )

    @app.get("/openapi.json", dependencies=[READ], include_in_schema=False)
    def openapi() -> dict[str, Any]:
        """This description of the routes."""
        return app.openapi()


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with the form of all problems."""
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = app.openapi_schema.setdefault("components", {}).setdefault("schemas", {})
        schemas[ProblemBody.__name__] = ProblemBody.model_json_schema()
    return app.openapi_schema
