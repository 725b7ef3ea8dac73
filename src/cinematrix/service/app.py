"""Factory of the FastAPI app: routes, middleware, error handlers and background tasks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError

from cinematrix.common.optional import require_package
from cinematrix.service import problems
from cinematrix.service.auth import READ, Authenticator
from cinematrix.service.cache_middleware import CacheMiddleware
from cinematrix.service.candidate import CandidateWatcher, load_candidate
from cinematrix.service.middleware import RequestGuardMiddleware
from cinematrix.service.model_watcher import Fingerprint, ModelWatcher, read_fingerprint, refresh_movies
from cinematrix.service.prefetch import Prefetcher
from cinematrix.service.preloading import PreloadedModel
from cinematrix.service.problems import Problem
from cinematrix.service.proxies import ProxyMiddleware
from cinematrix.service.refit_runner import RefitRunner
from cinematrix.service.responses import PROBLEM_RESPONSES
from cinematrix.service.routes import (
    admin_exports,
    admin_keys,
    admin_movies,
    admin_overview,
    admin_people,
    admin_refits,
    admin_sign_ins,
    changes,
    expected_stars,
    exports,
    facts,
    groups,
    imports,
    model,
    movies,
    page,
    plays,
    posters,
    predictions,
    profile,
    questionnaire,
    ratings,
    recommendations,
    shared,
    shelves,
    sign_in,
    taste_map,
    tokens,
    unmatched,
)
from cinematrix.service.schemas import ProblemBody
from cinematrix.service.served_model import ServedModel
from cinematrix.service.server_metrics import ServerMetrics
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.startup import return_free_memory
from cinematrix.service.state import ServiceState, State
from cinematrix.service.tmdb import PosterCache
from cinematrix.service.tmdb_details import DetailsCache
from cinematrix.service.tmdb_facts import FactsGatherer
from cinematrix.service.tracing import install_tracing
from cinematrix.service.worker_group import REPORT_SECONDS, WorkerGroup
from cinematrix.service.worker_health import Health, count_workers, find_problem
from cinematrix.service.worker_metrics import make_telemetry
from cinematrix.store.engine import check_integrity, free_bytes
from cinematrix.store.records import Store
from cinematrix.store.timing import observe

REQUEST_THREADS = {"sqlite": 2, "postgresql": 4}
"""Default number of worker threads for requests, by database.

More threads would only compete for Python's global interpreter lock, which costs a fifth of the time. A database server
gets a few more, because requests wait for it.
"""

REFRESHES_AHEAD = 0.4
"""Interval at which the keys are read in the background, as a share of the time for which they are valid."""

MEMORY_SECONDS = 2.0
"""Interval in seconds at which an idle server returns free memory to the system."""

ROUTERS = (
    *(
        ratings.ROUTER,
        plays.ROUTER,
        changes.ROUTER,
        unmatched.ROUTER,
        recommendations.USER_ROUTER,
        recommendations.ROUTER,
        imports.ROUTER,
        exports.ROUTER,
        shared.ROUTER,
        groups.ROUTER,
    ),
    *(
        movies.ROUTER,
        predictions.ROUTER,
        posters.ROUTER,
        questionnaire.ROUTER,
        tokens.ROUTER,
        admin_refits.ROUTER,
        admin_movies.ROUTER,
    ),
    *(
        admin_overview.ROUTER,
        admin_exports.ROUTER,
        admin_keys.ROUTER,
        admin_people.ROUTER,
        admin_sign_ins.ROUTER,
        sign_in.ROUTER,
        model.ROUTER,
        shelves.ROUTER,
        taste_map.ROUTER,
        expected_stars.ROUTER,
        facts.ROUTER,
        profile.ROUTER,
        page.ROUTER,
    ),
)
"""Routers in the order in which they are matched against a request."""


def create_app(
    settings: ServiceSettings, group: WorkerGroup | None = None, preloaded: PreloadedModel | None = None,
    app: FastAPI | None = None,
) -> FastAPI:  # fmt: skip
    """Create the app that serves one model and one store. The model may be added later.

    Args:
        group: the workers of the server, one of which runs the app; None: there are no others.
        preloaded: the model that the workers share, unless the folder has another by now.
        app: routes that the workers share (`make_routes`) and that no other app has; None: make them.

    Raises:
        ArtifactError: the model can't be loaded.
        InputError: the poster folder can't be written to.
        MissingExtraError: retraining is scheduled, but the package that trains the model isn't installed.
        StoreError: the store can't be opened or holds ratings on another scale.
    """
    fingerprint, group = read_fingerprint(settings.model), group or WorkerGroup()
    store, figures = Store.open(settings.db, settings.store), make_telemetry(group)
    check_integrity(store.engine)
    observe(store.engine, figures.note_store)
    refitter = RefitRunner(settings, store, figures)
    state = ServiceState(settings, store, None, figures, refitter, group)
    _open_caches(state)
    if fingerprint is not None:
        is_current = preloaded is not None and preloaded.fingerprint == fingerprint
        _load_first_model(state, preloaded if is_current else None)
    app = app or make_routes()
    app.state.service, app.state.fingerprint = state, fingerprint
    app.state.authenticator = Authenticator(store, settings, group)
    app.add_middleware(CacheMiddleware, state=state)
    app.add_middleware(RequestGuardMiddleware, settings=settings, figures=figures)
    install_tracing(app, figures, settings)
    app.add_middleware(ProxyMiddleware, proxies=settings.proxies)
    app.openapi = lambda: _build_openapi(app, settings)  # type: ignore[method-assign]
    return app


def make_routes() -> FastAPI:
    """Make an app of all routes, with neither settings nor a store and a model behind them."""
    app = FastAPI(
        title="Cinematrix", version=version("cinematrix"), lifespan=_run, openapi_url=None,
        redirect_slashes=False,  # a redirect would name http://, behind TLS without --proxy
    )  # fmt: skip
    problems.install_error_handlers(app)
    page.load_assets()
    for router in ROUTERS:
        app.include_router(router)
    app.router.default = page.send_unknown_path
    _add_health_routes(app)
    return app


@asynccontextmanager
async def _run(app: FastAPI) -> AsyncIterator[None]:
    """Run the background tasks of an app while it answers requests."""
    state: ServiceState = app.state.service
    make = partial(recommendations.prefetch_list, state)
    state.ahead = Prefetcher(make, state.settings.prefetched, state.foreground.idle)
    state.ahead.start()
    _start_tasks(state, app.state.authenticator, app.state.fingerprint)
    yield
    await _stop_tasks(state, app.state.authenticator)
    state.store.close()


def _open_caches(state: ServiceState) -> None:
    """Open the caches of what TMDB has, if the operator has a key."""
    if state.settings.posters:
        state.posters, state.details = PosterCache(state.settings.posters), DetailsCache(state.settings.posters)


def _start_tasks(state: ServiceState, authenticator: Authenticator, fingerprint: Fingerprint) -> None:
    """Set the number of threads for requests, and start the background tasks."""
    threads = state.settings.request_threads or REQUEST_THREADS[state.store.engine.dialect.name]
    state.readers = anyio.to_thread.current_default_thread_limiter()
    state.readers.total_tokens = threads
    supervisor, seconds = state.supervisor, state.settings.watch_seconds
    supervisor.add("model", ModelWatcher(state, fingerprint).check, seconds)
    if state.settings.candidate:
        supervisor.add("candidate", CandidateWatcher(state).check, seconds)
    supervisor.add("refits", state.refit_runner.check_progress, seconds)
    supervisor.add("erasure", state.store.finish_erasure, seconds)
    supervisor.add("keys", authenticator.refresh, REFRESHES_AHEAD * state.settings.key_seconds)
    supervisor.add("key uses", authenticator.save_uses, state.settings.use_seconds)
    supervisor.add("memory", partial(_return_memory_if_idle, state), MEMORY_SECONDS)
    if state.settings.impressions:
        supervisor.add("impressions", state.impressions.run, state.settings.impression_seconds)
    if state.settings.posters and state.details and state.settings.posters.facts_rate:
        gatherer = FactsGatherer(state, state.details, state.settings.posters)
        supervisor.add("facts", gatherer.run, gatherer.seconds)
    if state.settings.workers > 1:
        supervisor.add("report", state.report, REPORT_SECONDS)
        state.report()
    supervisor.start()


def _return_memory_if_idle(state: ServiceState) -> None:
    if state.foreground.idle.is_set():
        return_free_memory()


async def _stop_tasks(state: ServiceState, authenticator: Authenticator) -> None:
    """Stop the background tasks and wait for their last runs."""
    await state.supervisor.stop()
    state.refit_runner.stop()
    state.impressions.stop()
    if state.ahead:
        state.ahead.stop()
    await anyio.to_thread.run_sync(state.figures.end_traces)
    with suppress(SQLAlchemyError):
        authenticator.save_uses()


def _load_first_model(state: ServiceState, preloaded: PreloadedModel | None) -> None:
    if preloaded is None:
        served = ServedModel.load(state.settings.model, state.settings.list_cache, state.group)
    else:
        served = preloaded.served.for_worker(state.group)
        state.facts.keep(preloaded.facts)
    if served.model.data.scale is not None:
        state.store.fix_scale(served.model.data.scale)
    if state.settings.refit_every:
        require_package(served.model.abilities.trains_with, served.model.name)
    state.served = served
    refresh_movies(state)
    state.facts.of(state.served)
    load_candidate(state)


def _add_health_routes(app: FastAPI) -> None:
    @app.head("/livez", include_in_schema=False)
    @app.get("/livez", response_model_exclude_none=True)
    async def livez() -> Health:
        """Report that the process is alive."""
        return Health(status="alive")

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz", responses=PROBLEM_RESPONSES, response_model_exclude_none=True)
    def readyz(state: State) -> Health:
        """Report that model, store, its disk and the background tasks of all workers are all right; else 503."""
        assert state.served
        state.store.n_users()
        if problem := find_problem(state):
            raise Problem(503, problem, {"Retry-After": "10"})
        if free_bytes(state.store.engine) < state.settings.free_bytes:
            raise Problem(503, "the store's disk is nearly full; free some space", {"Retry-After": "10"})
        return Health(status="ready", workers=count_workers(state))

    @app.get("/metrics", dependencies=[READ], responses=PROBLEM_RESPONSES, response_class=PlainTextResponse)
    def metrics(state: State) -> Response:
        """Return the metrics in Prometheus text format."""
        return Response(state.figures.text(ServerMetrics(state)), media_type="text/plain; version=0.0.4")

    @app.get("/openapi.json", dependencies=[READ], include_in_schema=False)
    def openapi() -> dict[str, Any]:
        """Return this OpenAPI description."""
        return app.openapi()


def _build_openapi(app: FastAPI, settings: ServiceSettings) -> dict[str, Any]:
    """Return the OpenAPI description, including the schema of problem responses and the limits of this server."""
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = app.openapi_schema.setdefault("components", {}).setdefault("schemas", {})
        schemas[ProblemBody.__name__] = ProblemBody.model_json_schema()
        schemas[groups.GroupRequest.__name__]["properties"]["members"]["maxItems"] = settings.group_members
    return app.openapi_schema
