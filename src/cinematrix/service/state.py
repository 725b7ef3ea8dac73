"""State of the app that the routes share, and the threads for writes and for lists."""

import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial, wraps
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Request

from cinematrix.service.deadlines import give_up_at
from cinematrix.service.facts import FactsSource
from cinematrix.service.group_commit import GroupCommit
from cinematrix.service.impressions import Impressions
from cinematrix.service.list_cache import CachedList, CacheKey
from cinematrix.service.list_pool import Foreground, ListPool
from cinematrix.service.passwords import PasswordHashing
from cinematrix.service.prefetch import Prefetcher
from cinematrix.service.problems import Problem
from cinematrix.service.served_model import ServedModel
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.supervisor import Supervisor
from cinematrix.service.telemetry import Telemetry
from cinematrix.service.worker_group import WorkerGroup
from cinematrix.service.worker_readings import Pool, Readings, read_worker
from cinematrix.store.records import Store
from cinematrix.store.user_ids import draw_lot

if TYPE_CHECKING:
    from cinematrix.service.refit_runner import RefitRunner
    from cinematrix.service.tmdb import PosterCache
    from cinematrix.service.tmdb_details import DetailsCache


RouteParams = ParamSpec("RouteParams")
RouteResult = TypeVar("RouteResult")


@dataclass
class ServiceState:
    """Parts of one app. A route reads `served` once a request.

    Attributes:
        served_or_none: the served model; None until there is a first one.
        group: workers of the server, one of which is this one.
        candidate: the model that serves a share of the users; None: there is none.
        films: revision of the added movies in `served` (`store.movies.read_movies_revision`).
        facts: facts of movies, for filters and the search.
        posters, details: caches of posters and of details; None without a TMDB key.
        ahead: prefetcher of lists; None until the server runs.
        supervisor: supervisor of the background tasks.
        readers: limiter of the threads for other requests; None until the server runs.
        started: start of the worker in epoch seconds.
        swap_lock: lock to hold while `served` is replaced.
        export_thread: limiter of the thread that computes exports of lists.
        import_limiter: limiter of concurrent imports.
        writers: limiter of the threads for write requests.
        foreground: requests that compute or write.
        lists: threads that compute lists.
        writes: queue of single writes, which share transactions.
        passwords: thread that hashes passwords.
        impressions: record of the movies that users were shown.
    """

    settings: ServiceSettings
    store: Store
    served_or_none: ServedModel | None
    figures: Telemetry
    refit_runner: "RefitRunner"
    group: WorkerGroup
    candidate: ServedModel | None = None
    films: int = 0
    facts: FactsSource = field(default_factory=FactsSource)
    posters: "PosterCache | None" = None
    details: "DetailsCache | None" = None
    ahead: Prefetcher | None = None
    supervisor: Supervisor = field(init=False)
    readers: CapacityLimiter | None = None
    started: float = field(default_factory=time.time)
    swap_lock: Lock = field(default_factory=Lock)
    export_thread: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    import_limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    writers: CapacityLimiter = field(init=False)
    foreground: Foreground = field(default_factory=Foreground)
    lists: ListPool = field(init=False)
    impressions: Impressions = field(init=False)
    writes: GroupCommit = field(init=False)
    passwords: PasswordHashing = field(default_factory=PasswordHashing)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.figures, self.settings)
        # SQLite allows one writer; others wait here instead of polling its lock.
        is_sqlite = self.store.engine.dialect.name == "sqlite"
        self.writers = CapacityLimiter(1 if is_sqlite else self.settings.writer_threads)
        self.lists = ListPool(self.settings, self.foreground, partial(self.figures.note_span, "list"))
        self.impressions = Impressions(
            self.store, self.settings, lambda: self.served_or_none, self.rival, counts=self.group.number == 0
        )
        self.writes = GroupCommit(self.store, self.settings.write_seconds, self.writers, self.foreground)

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
        self.group.report(None if served is None else served.version, self.supervisor.failing(), self.readings())

    def readings(self) -> Readings:
        """Return the readings of this worker."""
        lists, threads = self.lists.in_flight, self.settings.list_threads
        pools = {
            "requests": None if self.readers is None else Pool.of(self.readers),
            "writes": Pool.of(self.writers, self.writes.n_waiting),
            "lists": Pool(threads, min(lists, threads), max(lists - threads, 0)),
            "connections": Pool.of_connections(self.store.engine),
        }
        waiting = self.ahead.n_waiting if self.ahead else 0
        return read_worker(self.started, waiting, {name: pool for name, pool in pools.items() if pool})

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

    def served_for(self, user: str | None) -> ServedModel:
        """Return the model that makes the lists of a user (ID as in the store); None: a visitor."""
        served, candidate = self.served, self.candidate
        if user is None or candidate is None or draw_lot(self.store, user) >= self.settings.candidate_share:
            return served
        return candidate

    def rival(self, served: ServedModel, user: str) -> str:
        """Return the version whose lists are compared with those of `served` to the user; empty: none is."""
        if self.candidate is None or served.base_version != self.served_for(user).base_version:
            return ""
        versions = {self.candidate.base_version, self.served.base_version} - {served.base_version}
        return versions.pop() if versions else ""

    async def write(self, work: Callable[[], RouteResult]) -> RouteResult:
        """Do work that writes in a writer thread, which slows down no other requests.

        Work that has waited for a thread for `write_seconds` is refused. It waits for locks of the database only as
        long as is left of that time.
        """
        deadline = time.monotonic() + self.settings.write_seconds

        def timed() -> RouteResult:
            with give_up_at(deadline):
                return work()

        with self.foreground.work():
            return await run_sync(timed, limiter=self.writers)

    def find_list(self, key: CacheKey) -> tuple[ServedModel, CachedList] | None:
        """Return the cached list of a request, current or not, and the model that serves its user; None: no list."""
        for served in (self.served_or_none, self.candidate):
            if served is not None and (cached := served.lists.find(key)):
                return (served, cached) if served is self.served_for(cached.user) else None
        return None


async def _get_state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_get_state)]


def run_in_writer_thread(
    route: Callable[RouteParams, RouteResult],
) -> Callable[RouteParams, Coroutine[Any, Any, RouteResult]]:
    """Decorate a route that writes, so that it runs as `ServiceState.write` does it.

    The route must have a parameter `state`.
    """

    @wraps(route)
    async def run(*args: RouteParams.args, **kwargs: RouteParams.kwargs) -> RouteResult:
        return await _state_of(kwargs).write(partial(route, *args, **kwargs))

    return run


def run_in_list_thread(
    route: Callable[RouteParams, RouteResult],
) -> Callable[RouteParams, Coroutine[Any, Any, RouteResult]]:
    """Decorate a route that computes a list, so that it runs in a thread of lists and delays no other requests.

    The route must have a parameter `state`, and its path must match `LIST_PATH`.
    """

    @wraps(route)
    async def run(*args: RouteParams.args, **kwargs: RouteParams.kwargs) -> RouteResult:
        def compute(_: object) -> list[RouteResult | Exception]:
            return [route(*args, **kwargs)]

        return await _state_of(kwargs).lists.run(compute, None)

    return run


def _state_of(parameters: Mapping[str, Any]) -> ServiceState:
    state = parameters["state"]
    assert isinstance(state, ServiceState)
    return state
