"""State of the app that the routes share, and the thread pool for writes."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial, wraps
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Request

from cinematrix.service.prefetch import Prefetcher
from cinematrix.service.problems import Problem
from cinematrix.service.served_model import ServedModel
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.supervisor import Supervisor
from cinematrix.service.telemetry import Telemetry
from cinematrix.service.worker_group import WorkerGroup
from cinematrix.store.records import Store

if TYPE_CHECKING:
    from cinematrix.service.refit_runner import RefitRunner
    from cinematrix.service.tmdb import PosterCache


WRITER_THREADS = {"sqlite": 1, "postgresql": 4}
"""Threads for write requests, by database. SQLite allows one writer; others wait here instead of polling its lock."""

RouteParams = ParamSpec("RouteParams")
RouteResult = TypeVar("RouteResult")


@dataclass
class ServiceState:
    """Parts of one app. A route reads `served` once a request.

    Attributes:
        served_or_none: the served model; None until there is a first one.
        group: workers of the server, one of which is this one.
        films: revision of the added movies in `served` (`store.movies.read_movies_revision`).
        posters: poster cache; None without a TMDB key.
        ahead: prefetcher of lists; None until the server runs.
        supervisor: supervisor of the background tasks.
        swap_lock: lock to hold while `served` is replaced.
        import_limiter: limiter of concurrent imports.
        writers: limiter of the threads for write requests.
    """

    settings: ServiceSettings
    store: Store
    served_or_none: ServedModel | None
    figures: Telemetry
    refit_runner: "RefitRunner"
    group: WorkerGroup
    films: int = 0
    posters: "PosterCache | None" = None
    ahead: Prefetcher | None = None
    supervisor: Supervisor = field(init=False)
    swap_lock: Lock = field(default_factory=Lock)
    import_limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    writers: CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.figures)
        self.writers = CapacityLimiter(WRITER_THREADS[self.store.engine.dialect.name])

    def prefetch_for(self, *users: str) -> None:
        """Schedule a prefetch for users (IDs as in the store) whose data has changed."""
        if self.ahead:
            for user in users:
                self.ahead.schedule(user)

    def report(self) -> None:
        """Report to the other workers."""
        served = self.served_or_none
        if served is not None:
            served.shown.count_waiting()
        self.group.report(None if served is None else served.version, self.supervisor.failing())

    @property
    def served(self) -> ServedModel:
        """The served model.

        Raises:
            Problem: 503, there is no model yet.
        """
        if self.served_or_none is None:
            detail = "the server has no model yet; save one to its model folder with 'cinematrix train --out'"
            raise Problem(503, detail, {"Retry-After": "10"})
        return self.served_or_none

    @served.setter
    def served(self, served: ServedModel) -> None:
        """Serve this model from the next request on."""
        before, self.served_or_none = self.served_or_none, served
        if before is not None and before.version != served.version:
            before.forget_exposure()


async def _get_state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_get_state)]


def run_in_writer_thread(
    route: Callable[RouteParams, RouteResult],
) -> Callable[RouteParams, Coroutine[Any, Any, RouteResult]]:
    """Decorate a route that writes, so that it runs in a writer thread and slow writes don't delay other requests.

    The route must have a parameter `state`.
    """

    @wraps(route)
    async def run(*args: RouteParams.args, **kwargs: RouteParams.kwargs) -> RouteResult:
        state = kwargs["state"]
        assert isinstance(state, ServiceState)
        return await run_sync(partial(route, *args, **kwargs), limiter=state.writers)

    return run
