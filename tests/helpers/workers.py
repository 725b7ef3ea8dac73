"""Trainings of `deep-mf` by several workers, started as a launcher does.

    RANK=0 WORLD_SIZE=2 … python tests/helpers/workers.py OUT.npz

writes the weights of all `jobs` after their steps; the other ranks work for the first one.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cinematrix.common.world import World
from cinematrix.data.features import movie_features
from cinematrix.data.splits import random
from cinematrix.models.base import Ordering, TrainingOptions
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.head_job import HeadJob
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.launch import joined_world
from worlds import as_interactions, taste_world

STEPS = 50
"""About the steps of each training."""

SMALL = DeepMFSettings(factors=5, members=2, ranking_members=2, batch=60, epochs=2, ranking_epochs=2)
EVERYTHING = replace(SMALL, id_embeddings=True, blocks=2)
CASES: dict[str, tuple[Ordering, bool, DeepMFSettings]] = {
    "stars": ("stars", True, SMALL),
    "stars of all users in a step": ("stars", True, replace(SMALL, batch=10**6, epochs=4)),
    "stars with everything": ("stars", True, EVERYTHING),
    "a user a step": ("stars", True, replace(SMALL, batch=6, epochs=1)),
    "ranking": ("ranking", True, EVERYTHING),
    "interactions": ("ranking", False, SMALL),
}
"""Trainings by name: the head, whether there are stars, and the settings."""


def make_job(by: Ordering, stars: bool, settings: DeepMFSettings, run: TrainingOptions | None = None) -> HeadJob:
    """Return a training of a head on the planted world."""
    ratings, catalog = taste_world(np.random.default_rng(5))
    cut = random(ratings if stars else as_interactions(ratings), 0.1)
    movies = ratings.movies.extend(catalog.movies.ids)
    data = HeadData.of(cut.train, cut.test, movie_features(catalog.align(movies)), len(movies))
    return HeadJob(by, settings, settings.schedule(by), data, run or TrainingOptions(), "", by)


def train_all(world: World) -> dict[str, NDArray[Any]]:
    """Train all cases; return the weights, validation errors and bytes sent, by names."""
    found: dict[str, NDArray[Any]] = {}
    for name, case in CASES.items():
        whole = make_job(*case)
        net, _, log = world.scatter(whole, lambda rank, job=whole: job.of_worker(world, rank)).train(world)
        found |= {f"{name}: {key}": tensor.detach().numpy() for key, tensor in net.state_dict().items()}
        found |= {f"{name}: errors": np.array(log.errors), f"{name}: losses": np.array(log.losses)}
    return found


def start_workers(command: Sequence[str], size: int, **environment: str) -> list[subprocess.Popen[str]]:
    """Start a Python command on `size` workers of this machine, as `torchrun` does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
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
            np.savez(Path(sys.argv[1]), **train_all(world))
        else:
            world.work()
