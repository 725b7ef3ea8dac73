"""Health of all workers of a server, as any of them tells it."""

from collections import Counter

from pydantic import BaseModel

from cinematrix.service.state import ServiceState


class WorkerCount(BaseModel):
    """Number of all workers of a server, and of those that answer."""

    all: int
    ready: int


class Health(BaseModel):
    """Health of the server: `alive` or `ready`. `workers`: with several of them only."""

    status: str
    workers: WorkerCount | None = None


def find_problem(state: ServiceState) -> str | None:
    """Return the first problem of this worker's background tasks or of another worker; None if there is none."""
    if failing := state.supervisor.failing():
        return f"the background task {failing[0]} fails; the server's log has the reason"
    for number, worker in enumerate(state.group.states()):
        if worker.is_missing:
            return f"worker {number + 1} of {state.group.size} doesn't answer; the server's log has the reason"
        if worker.failing:
            return (
                f"the background task {worker.failing[0]} of worker {number + 1} fails; the server's log has the reason"
            )
    return None


def count_workers(state: ServiceState) -> WorkerCount | None:
    """Return how many workers there are, and how many have reported lately; None in a group of one."""
    states = state.group.states()
    return (
        WorkerCount(all=len(states), ready=sum(worker.ready and not worker.is_missing for worker in states))
        if states
        else None
    )


def count_versions(state: ServiceState) -> Counter[str]:
    """Return how many workers serve each version of the model."""
    return Counter(worker.version for worker in state.group.states() if worker.version) or Counter(
        [state.served.version]
    )
