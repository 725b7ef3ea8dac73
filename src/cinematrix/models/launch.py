"""The workers of a training as a launcher has started them; without one, this process alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cinematrix.common.optional import require_package
from cinematrix.common.world import ALONE, World


@contextmanager
def joined_world() -> Iterator[World]:
    """Join the workers that `torchrun` has started, which are told by the environment variable `WORLD_SIZE`.

    Raises:
        TrainingError: a worker can't be reached, or was lost inside the context.
    """
    if int(os.environ.get("WORLD_SIZE") or 1) < 2:
        yield ALONE
        return
    require_package("torch", "training by several workers")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # a worker without a job would warn each second
    from cinematrix.models.training.workers import Workers

    with Workers.joined() as world:
        yield world
