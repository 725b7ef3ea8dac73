"""Measure time and memory of training `deep-mf` by the number of ratings, on simulated data.

    python benchmarks/scaling.py [--sizes 0.1 1 10 32] [--fast-sizes 0.1 1 10 32]
        [--set epochs=2 --set ranking_epochs=2] [--name "10 M ratings"]

Sizes are in millions of ratings; fast ones are trained with `preset=fast`. Each training runs in its own process for
its peak memory. Time and memory include saving; reading is part of the memory only. `--set` changes settings, to try
the script in less time. Seconds are wall-clock time; those of work are processor time of all cores, which a busy
machine doesn't change. Writes its table into benchmarks/RESULTS.md, in a separate part for each `--name`.
"""

import argparse
import json
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cinematrix.cli.options import parse_settings
from cinematrix.data.catalog import Catalog
from cinematrix.data.features import movie_features
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read
from cinematrix.data.simulate import SimulationSettings, simulate
from cinematrix.data.splits import random
from cinematrix.models.artifact import save
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.tasks import StarsTask
from cinematrix.models.training.loop import seeded_torch
from measures import child, peak_megabytes
from results import markdown, put

WORLDS = {
    0.1: SimulationSettings(users=1_000, movies=2_000, ratings=100_000),
    1.0: SimulationSettings(users=6_000, movies=3_700, ratings=1_000_000),
    10.0: SimulationSettings(users=70_000, movies=10_700, ratings=10_000_000, tail=1.2),
    32.0: SimulationSettings(users=200_948, movies=87_585, ratings=32_000_204, tail=1.2),
}
"""Simulated data sets by size, the last one of the size of ml-32m. The tail gives a movie more than 50,000 raters."""
USUAL = (0.1, 1.0, 10.0)
"""Sizes unless others are given."""

MAX_TEST = 100_000
"""Maximum ratings kept aside for the error."""


def main() -> None:
    """Measure each size and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", choices=WORLDS, default=USUAL)
    parser.add_argument("--fast-sizes", type=float, nargs="*", choices=WORLDS, default=USUAL)
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
        "RMSE (noise floor)",
        "of the towers alone",
        "seconds",
        "of work",
        "µs a rating",
        "peak MB",
    ]
    put(
        [
            f"## Size: training `deep-mf` on simulated ratings\n\n{markdown([*head, 'step ms'], rows)}",
            "Trained on all ratings but a tenth, at most 100,000, of which the RMSE is. No prediction is better than "
            "the noise floor. The last column is the work of a step of the rating head.",
        ],
        of=options.name,
    )


def measured(name: str, size: float, settings: list[str]) -> list[str]:
    """Train on a simulated data set; return one row of the table."""
    world = WORLDS[size]
    with tempfile.TemporaryDirectory() as scratch:
        truth = simulate(world, Path(scratch, "world"))
        found = child("scaling.py", *(f"--set={pair}" for pair in settings), f"--fit={scratch}/world")
    return [
        name or "as they are",
        f"{world.users:,} × {world.movies:,}",
        f"{world.ratings:,}",
        f"{found['rmse']:.4f} ({truth.noise_floor:.3f})",
        f"{found['towers']:.4f}",
        f"{found['seconds']:.0f}",
        f"{found['work']:.0f}",
        f"{1e6 * found['work'] / world.ratings:.0f}",
        f"{found['megabytes']:,.0f}",
        f"{1000 * found['step']:.0f}",
    ]


def fit(folder: Path, settings: DeepMFSettings) -> dict[str, float]:
    """Train once, then measure the error and the time of a step."""
    dataset = read(folder)
    cut = random(dataset.ratings, min(0.1, MAX_TEST / len(dataset.ratings)))
    catalog = (dataset.catalog or Catalog.empty(dataset.ratings.movies)).align(dataset.ratings.movies)
    started, worked = time.perf_counter(), time.process_time()
    model = DeepMF(settings).fit(cut.train, catalog)
    with tempfile.TemporaryDirectory() as scratch:
        save(model, Path(scratch, "model"))
    spent = {"seconds": time.perf_counter() - started, "work": time.process_time() - worked}
    megabytes = peak_megabytes()
    tested = cut.test.by_user
    users = np.flatnonzero(tested.counts)
    tested = tested.take(users)
    given = model.data.history.take(users)
    stars = model.predict_pairs(given, tested.rows, tested.items)
    assert tested.values is not None
    assert model.stars is not None
    missing, _ = model.stars.held_out_residuals(given, tested)
    errors = {"rmse": root_mean_square(stars - tested.values), "towers": root_mean_square(missing)}
    return {**spent, **errors, "megabytes": megabytes, "step": time_step(cut.train, catalog, settings)}


def root_mean_square(errors: NDArray[np.float32]) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(errors**2, dtype=np.float64)))


def time_step(ratings: Ratings, catalog: Catalog, settings: DeepMFSettings) -> float:
    """Return the CPU seconds of a step of the rating head, forward and backward, a mean over the first cycle."""
    device, settings = torch.device("cpu"), settings.for_ratings(len(ratings))
    with seeded_torch(settings.seed, 0):
        data = HeadData.of(ratings, ratings, movie_features(catalog), len(catalog))
        task = StarsTask(data, settings, device)
        task.net.train()
        started = time.process_time()
        for batch in islice(task.batches(np.random.default_rng(0)), task.plan.cycle):
            task.loss(batch).backward()  # type: ignore[no-untyped-call]
        return (time.process_time() - started) / task.plan.cycle


if __name__ == "__main__":
    main()
