"""Measure time and memory of training `deep-mf` by the number of ratings, on simulated data.

    python benchmarks/scaling.py [--sizes 0.1 1 10] [--fast-sizes 0.1 1 10] [--set epochs=2 --set ranking_epochs=2]
        [--name "10 M ratings"]

Sizes are in millions of ratings; fast ones are trained with `preset=fast`. Each training runs in its own process for
its peak memory; reading is part of the memory and not of the time. `--set` changes settings, to try the script in less
time. Seconds are wall-clock time; those of work are processor time of all cores, which a busy machine doesn't change.
Writes its table into benchmarks/RESULTS.md, in a separate part for each `--name`.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from cinematrix.cli.options import parse_settings
from cinematrix.data.catalog import Catalog
from cinematrix.data.features import movie_features
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read
from cinematrix.data.simulate import SimulationSettings, simulate
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.network import VisibleHistories
from cinematrix.models.deep_mf.pooling import ContentMatrix
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.tasks import StarsTask
from cinematrix.models.training.loop import seeded_torch
from measures import child, peak_megabytes
from results import markdown, put

WORLDS = {
    0.1: SimulationSettings(users=1_000, movies=2_000, ratings=100_000),
    1.0: SimulationSettings(users=6_000, movies=3_700, ratings=1_000_000),
    10.0: SimulationSettings(users=70_000, movies=10_700, ratings=10_000_000, tail=1.2),
}
"""Simulated data sets by size. The tail of the largest gives it a movie with more than 50,000 raters."""


def main() -> None:
    """Measure each size and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", choices=WORLDS, default=list(WORLDS))
    parser.add_argument("--fast-sizes", type=float, nargs="*", choices=WORLDS, default=list(WORLDS))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--name", default="")
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit(options.fit, parse_settings(DeepMF, options.set))))
        return
    rows = [measured("", size, options.set) for size in options.sizes]
    rows += [measured("preset=fast", size, ["preset=fast", *options.set]) for size in options.fast_sizes]
    head = [
        "settings",
        "users × movies",
        "ratings",
        "most raters of a movie",
        "seconds",
        "of work",
        "µs a rating",
        "peak MB",
    ]
    shares = ["user's tower", "movie's tower", "step ms"]
    put(
        [
            f"## Size: training `deep-mf` on simulated ratings\n\n{markdown([*head, *shares], rows)}",
            "The towers' columns are their shares of a step of the rating head, forward and backward.",
        ],
        of=options.name,
    )


def measured(name: str, size: float, settings: list[str]) -> list[str]:
    """Train on a simulated data set; return one row of the table."""
    world = WORLDS[size]
    with tempfile.TemporaryDirectory() as scratch:
        simulate(world, Path(scratch, "world"))
        found = child("scaling.py", *(f"--set={pair}" for pair in settings), f"--fit={scratch}/world")
    return [
        name or "as they are",
        f"{world.users:,} × {world.movies:,}",
        f"{world.ratings:,}",
        f"{found['most_raters']:,.0f}",
        f"{found['seconds']:.0f}",
        f"{found['work']:.0f}",
        f"{1e6 * found['seconds'] / world.ratings:.0f}",
        f"{found['megabytes']:,.0f}",
        f"{found['users'] / found['step']:.0%}",
        f"{found['movies'] / found['step']:.0%}",
        f"{1000 * found['step']:.0f}",
    ]


def fit(folder: Path, settings: DeepMFSettings) -> dict[str, float]:
    """Train once, then time the parts of a step."""
    dataset = read(folder)
    ratings = dataset.ratings
    catalog = (dataset.catalog or Catalog.empty(ratings.movies)).align(ratings.movies)
    started, worked = time.perf_counter(), time.process_time()
    DeepMF(settings).fit(ratings, catalog)
    spent = {"seconds": time.perf_counter() - started, "work": time.process_time() - worked}
    cost = {**spent, "megabytes": peak_megabytes()}
    most = float(np.bincount(ratings.movie).max())
    return {**cost, "most_raters": most, **step_parts(ratings, catalog, settings)}


def step_parts(ratings: Ratings, catalog: Catalog, settings: DeepMFSettings) -> dict[str, float]:
    """Return the seconds of a step of the rating head, and of each tower alone, forward and backward."""
    device = torch.device("cpu")
    with seeded_torch(settings.seed, 0):
        content = ContentMatrix(movie_features(catalog), device)
        task = StarsTask(ratings, ratings, content, len(catalog), settings, device)
        batch = next(task.batches(np.random.default_rng(0)))
        mask = task.encoder.full_mask()
        mask[batch] = 0
        residual = task.encoder.residuals(mask)[1]
        sides = {"users": task.encoder.pattern, "movies": task.encoder.pattern.transposed}
        towers = {"users": task.net.users, "movies": task.net.movies}
        found = {
            name: seconds(
                lambda name=name: towers[name](  # type: ignore[misc]
                    VisibleHistories.of(sides[name], mask, residual), content
                ).sum()
            )
            for name in sides
        }
        return {**found, "step": seconds(lambda: task.loss(batch))}


def seconds(loss: Callable[[], torch.Tensor], times: int = 3) -> float:
    """Return the fewest seconds for a loss and its gradient."""

    def once() -> float:
        started = time.perf_counter()
        loss().backward()  # type: ignore[no-untyped-call]
        return time.perf_counter() - started

    return min(once() for _ in range(times))


if __name__ == "__main__":
    main()
