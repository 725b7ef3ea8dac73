"""Measure what it costs to train `deep-mf` with several workers instead of one, on simulated data.

    python benchmarks/workers.py [--size 1] [--workers 1 2 4] [--steps 30] [--name "10 M ratings"]

The size is in millions of ratings. Workers are processes of this machine that exchange through gloo. Steps are those of
the rating head after a cycle to warm up. Seconds are processor time, which a busy machine changes little. Writes its
table into benchmarks/RESULTS.md, in a separate part for each `--name`.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from cinematrix.common.world import World
from cinematrix.data.features import movie_features
from cinematrix.data.readers import read
from cinematrix.data.simulate import simulate
from cinematrix.models.contract_types import TrainingOptions
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.head_job import HeadJob
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.tasks import StarsTask
from cinematrix.models.launch import joined_world
from cinematrix.models.training.loop import seeded_torch
from cinematrix.models.training.optimizer import AdamW
from results import markdown, put
from scaling import WORLDS

QUIET = {"OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}
"""Environment of the workers: one thread, and errors alone are told."""


def main() -> None:
    """Measure each number of workers and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, choices=WORLDS, default=1.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--name", default="")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.steps)
        return
    with tempfile.TemporaryDirectory() as scratch:
        simulate(WORLDS[options.size], Path(scratch, "world"))
        found = {n: measured(Path(scratch, "world"), n, options.steps) for n in options.workers}
    alone = found[options.workers[0]]["seconds"]
    rows = [
        [
            f"{n}",
            f"{1000 * f['seconds']:.0f}",
            f"{f['seconds'] / alone:.2f}",
            f"{f['megabytes']:.2f}",
            f"{f['loss']:.6f}",
        ]
        for n, f in found.items()
    ]
    head = ["workers", "CPU ms a step, all together", "of the first row", "MB a worker sends", "loss of the last step"]
    title = f"## Workers: a step of the rating head at {WORLDS[options.size].ratings:,} ratings"
    put([f"{title}\n\n{markdown(head, rows)}"], of=options.name)


def measured(folder: Path, n: int, steps: int) -> dict[str, float]:
    """Run the steps with `n` workers; return the sum of their seconds, and what one of them sends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": str(n)}
    command = [sys.executable, __file__, f"--work={folder}", f"--steps={steps}"]
    workers = [
        subprocess.Popen(command, env={**os.environ, **address, **QUIET, "RANK": str(rank)}, stdout=subprocess.PIPE)
        for rank in range(n)
    ]
    found = [json.loads(worker.communicate()[0]) for worker in workers]
    return {**found[0], "seconds": sum(each["seconds"] for each in found)}


def work(folder: Path, steps: int) -> None:
    """Be a worker; print what it found as JSON."""
    with joined_world() as world:
        if world.rank:
            world.work()
            return
        dataset = read(folder)
        ratings, catalog = dataset.ratings, dataset.catalog
        assert catalog is not None, "simulated data have a catalog"
        settings = DeepMFSettings().for_ratings(len(ratings))
        data = HeadData.of(ratings, ratings, movie_features(catalog.align(ratings.movies)), len(ratings.movies))
        job = HeadJob("stars", settings, settings.schedule("stars"), data, TrainingOptions(), "", "stars")
        whole = TimedSteps(job, steps)
        world.scatter(whole, lambda rank: TimedSteps(job.of_worker(world, rank), steps)).train(world)


@dataclass(frozen=True)
class TimedSteps:
    """Steps of the rating head, of which seconds and bytes are measured."""

    job: HeadJob
    steps: int

    def train(self, world: World) -> None:
        """Train, and print a worker's figures for a step."""
        with seeded_torch(0, 1):
            task = StarsTask(self.job.data, self.job.settings, torch.device("cpu"), world)
            optimizer = AdamW(task.net.parameters(), weight_decay=0.1, world=world)
            task.net.train()
            warm_up = task.plan.cycle
            for number, batch in enumerate(islice(task.batches(np.random.default_rng(0)), warm_up + self.steps)):
                optimizer.clear_gradients()
                loss = task.loss(batch)
                loss.backward()  # type: ignore[no-untyped-call]
                value = float(optimizer.sum_gradients(loss.detach()))
                optimizer.clip(100)
                optimizer.step(0.001)
                if number == warm_up - 1:  # the next cycle's totals count too
                    started, before = time.process_time(), getattr(world, "sent", 0)
        seconds, sent = time.process_time() - started, getattr(world, "sent", 0) - before
        print(json.dumps({"seconds": seconds / self.steps, "megabytes": sent / self.steps / 1e6, "loss": value}))


if __name__ == "__main__":
    main()
