"""What the routes share: the app's parts, how bodies are read, and how errors are described."""

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
from cinematrix.service.telemetry import Telemetry
from cinematrix.store.records import Store

if TYPE_CHECKING:
    from cinematrix.service.refit_runner import RefitRunner
    from cinematrix.service.tmdb import PosterCache


WRITER_THREADS = {"sqlite": 1, "postgresql": 4}
"""Threads of requests that write: SQLite lets one at a time, and who waits here needn't ask it again and again."""

RouteParams = ParamSpec("RouteParams")
RouteResult = TypeVar("RouteResult")


@dataclass
class ServiceState:
    """The parts of one app. A route takes `served` once; `served_or_none` is None until there is a first model.

    Attributes:
        films: which of the store's movies `served` has in it (`store.movies.mark_of_movies`).
        ahead: makes lists before they are asked for; None until the server runs.
        posters: None where the operator has no key to them.
        changing: held by who puts another in the place of `served`.
        importing: held by who reads somebody's file.
        writers: the threads of requests that write.
    """

    settings: ServiceSettings
    store: Store
    served_or_none: ServedModel | None
    figures: Telemetry
    refit_runner: "RefitRunner"
    films: tuple[int, int] = (0, 0)
    posters: "PosterCache | None" = None
    ahead: Prefetcher | None = None
    swap_lock: Lock = field(default_factory=Lock)
    import_limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    writers: CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self.writers = CapacityLimiter(WRITER_THREADS[self.store.engine.dialect.name])

    def prefetch_for(self, *users: str) -> None:
        """Something was kept or taken back of each of `users`, as the store has them."""
        if self.ahead:
            for user in users:
                self.ahead.schedule(user)

    @property
    def served(self) -> ServedModel:
        """The model that answers.

        Raises:
            Problem: 503, there is none yet.
        """
        if self.served_or_none is None:
            why = "there is no model yet; write one to the server's model folder with 'cinematrix train --out'"
            raise Problem(503, why, {"Retry-After": "10"})
        return self.served_or_none

    @served.setter
    def served(self, served: ServedModel) -> None:
        """Let it answer from the next request on."""
        self.served_or_none = served
        self.figures.model.clear()
        self.figures.model.labels(served.version).set(1)


async def _get_state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_get_state)]


def run_in_writer_thread(
    route: Callable[RouteParams, RouteResult],
) -> Callable[RouteParams, Coroutine[Any, Any, RouteResult]]:
    """A route, called with `state`, that writes: it runs in a thread of the writers.

    While the disk takes its time with what they write, all others are answered.
    """

    @wraps(route)
    async def beside(*given: RouteParams.args, **named: RouteParams.kwargs) -> RouteResult:
        state = named["state"]
        assert isinstance(state, ServiceState)
        return await run_sync(partial(route, *given, **named), limiter=state.writers)

    return beside
