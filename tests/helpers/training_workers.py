"""Trainings of `deep-mf` by several workers, started as a launcher does.

    RANK=0 WORLD_SIZE=2 … python tests/helpers/training_workers.py FOLDER

writes what the workers have found into FOLDER/two.npz; the other ranks work for the first one.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cinematrix.common.world import World
from cinematrix.data.features import movie_features
from cinematrix.data.splits import random
from cinematrix.models.contract_types import Ordering, TrainingOptions
from cinematrix.models.deep_mf.batches import UserBatch
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.head_job import HeadJob
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.tasks import StarsTask
from cinematrix.models.launch import joined_world
from cinematrix.models.training.optimizer import AdamW
from worlds import as_interactions, taste_world

SMALL = DeepMFSettings(factors=5, members=2, ranking_members=2, batch=60, epochs=2, ranking_epochs=2)
EVERYTHING = replace(SMALL, id_embeddings=True, blocks=2)
CASES: dict[str, tuple[Ordering, bool, DeepMFSettings]] = {
    "stars": ("stars", True, replace(EVERYTHING, epochs=3)),
    "stars of all users in a step": ("stars", True, replace(SMALL, batch=10**6, epochs=1)),
    "few users a step": ("stars", True, replace(SMALL, batch=30, epochs=1, members=1)),
    "ranking": ("ranking", True, replace(SMALL, ranking_epochs=1)),
    "interactions": ("ranking", False, replace(SMALL, ranking_epochs=1)),
}
"""Trainings by name: the head, whether there are stars, and the settings. The first one has 60 steps."""


def make_job(by: Ordering, stars: bool, settings: DeepMFSettings) -> HeadJob:
    """Return a training of a head on the planted world."""
    ratings, catalog = taste_world(np.random.default_rng(5))
    cut = random(ratings if stars else as_interactions(ratings), 0.1)
    movies = ratings.movies.extend(catalog.movies.ids)
    data = HeadData.of(cut.train, cut.test, movie_features(catalog.align(movies)), len(movies))
    return HeadJob(by, settings, settings.schedule(by), data, TrainingOptions(), "", by)


def train_all(world: World) -> dict[str, NDArray[Any]]:
    """Train all cases and a whole model; return the arrays by name."""
    found: dict[str, NDArray[Any]] = {}
    cases = [(name, make_job(*case)) for name, case in CASES.items()]
    for name, whole in cases:
        net, _, log = world.scatter(whole, lambda rank, job=whole: job.of_worker(world, rank)).train(world)
        found |= {f"{name}: {key}": tensor.detach().numpy() for key, tensor in net.state_dict().items()}
        found |= {f"{name}: errors": np.array(log.errors), f"{name}: losses": np.array(log.losses)}
    ratings, catalog = taste_world(np.random.default_rng(5))
    model = DeepMF(replace(SMALL, two_stage=False, ranking=False)).fit(
        ratings, catalog, run=TrainingOptions(world=world)
    )
    return found | {name: array for name, array in model.arrays().items() if name.startswith("stars.")}


@dataclass(frozen=True)
class CountedSteps:
    """Two cycles of steps of the rating head, of which the bytes are counted."""

    job: HeadJob

    def train(self, world: Any) -> tuple[list[int], list[int]]:
        """Return the bytes that this worker has sent in each cycle, and those that docs/several-machines.md tells."""
        task = StarsTask(self.job.data, self.job.settings, torch.device("cpu"), world)
        optimizer = AdamW(task.net.parameters(), world=world)
        sent, computed, before = [], [0], world.sent
        for batch in islice(task.batches(np.random.default_rng(0)), 2 * task.plan.cycle):
            optimizer.clear_gradients()
            loss = task.loss(batch)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.sum_gradients(loss.detach())
            optimizer.clip(100)
            optimizer.step(0.01)
            computed[-1] += count_bytes(task, batch.batch)
            if batch.batch.last_of:
                sent.append(world.sent - before)
                computed, before = [*computed, 0], world.sent
        return sent, computed[:-1]


def count_bytes(task: StarsTask, batch: UserBatch) -> int:
    """Return the bytes that the first of two workers sends in a step, by hand."""
    data, shape = task.data, task.net.shape
    n_movies, width, step = data.n_movies, shape.width, batch.users_part.total
    shared = sum(p.numel() for p in task.net.parameters() if not hasattr(p, "part"))
    tables = 2 + 2 * bool(batch.last_of)
    numbers = shared + 1 + tables  # gradients and loss; norms of the tables that learn
    numbers += data.movies.size + 3 * step  # hidden ratings of movies; totals of users
    numbers += 3 * step * width + step * shape.members * (shape.factors + 1)
    others = n_movies - data.movies.size
    return 4 * (numbers + 3 * width * (others * batch.first + data.movies.size * bool(batch.last_of)))


def start_workers(command: Sequence[str], size: int, **environment: str) -> list[subprocess.Popen[str]]:
    """Start a Python command on `size` workers of this machine, as `torchrun` does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    shared["TORCH_CPP_LOG_LEVEL"] = "ERROR"  # the command line sets it before it loads torch
    return [
        subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **shared, **environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(size)
    ]  # fmt: skip


def finish(workers: Sequence[subprocess.Popen[str]], seconds: float = 120) -> list[tuple[int, str]]:
    """Wait for all workers; return the exit code and output of each."""
    try:
        outputs = [worker.communicate(timeout=seconds)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [(worker.returncode, output) for worker, output in zip(workers, outputs, strict=True)]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined_world() as world:
        if world.rank == 0:
            whole = make_job("stars", True, SMALL)
            counted = world.scatter(CountedSteps(whole), lambda rank: CountedSteps(whole.of_worker(world, rank)))
            sent, computed = counted.train(world)
            folder = Path(sys.argv[1])
            np.savez(folder / "two.npz", **train_all(world), sent=sent, computed=computed)
        else:
            world.work()
