"""Measure time and memory of training by the number of ratings, on simulated data.

    python benchmarks/scaling.py [--sizes 0.1 1 10 32] [--models deep-mf pmf …] [--name "10 M ratings"]

Sizes are in millions of ratings. A model is a name with its settings. Each training runs in its own process for its
peak memory. Time and memory include saving; reading is part of the memory only. Seconds are wall-clock time; those of
work are processor time of all cores, which a busy machine changes little. Writes its table into benchmarks/RESULTS.md,
in a separate part for each `--name`.
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

from cinematrix.data.catalog import Catalog
from cinematrix.data.features import movie_features
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read
from cinematrix.data.simulate import GroundTruth, SimulationSettings, simulate
from cinematrix.data.splits import random
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.models.artifact import save
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.tasks import StarsTask
from cinematrix.models.training.loop import seeded_torch
from measures import child, peak_megabytes, unfitted
from results import markdown, put

WORLDS = {
    0.1: SimulationSettings(users=1_000, movies=2_000, ratings=100_000),
    1.0: SimulationSettings(users=6_000, movies=3_700, ratings=1_000_000),
    10.0: SimulationSettings(users=70_000, movies=10_700, ratings=10_000_000, tail=1.2),
    32.0: SimulationSettings(users=200_948, movies=87_585, ratings=32_000_204, tail=1.2),
}
"""Simulated data sets by size, the last one of the size of ml-32m. The tail gives a movie more than 50,000 raters."""

MAX_TEST = 100_000
"""Maximum ratings kept aside for the error."""
LISTED = 2_000
"""Users whose lists are measured."""

COLUMNS = {
    "rmse": "RMSE (noise floor)",
    "towers": "of the towers alone",
    "ndcg@10": "NDCG@10",
    "seconds": "seconds",
    "work": "of work",
    "each": "µs a rating",
    "megabytes": "peak MB",
    "step": "step ms",
}
"""Columns by figure, from the error on; one that no model of the table has is left out."""


def main() -> None:
    """Measure each model at each size and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", choices=WORLDS, default=[0.1, 1.0, 10.0])
    parser.add_argument("--models", nargs="+", default=["deep-mf", "deep-mf preset=fast"])
    parser.add_argument("--name", default="")
    parser.add_argument("--fit", nargs=2, metavar=("FOLDER", "MODEL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit(Path(options.fit[0]), options.fit[1])))
        return
    rows = [row for size in options.sizes for row in measured(options.models, WORLDS[size])]
    kept = [name for name in COLUMNS if any(name in row for row in rows)]
    head = ["model", "users × movies", "ratings", *(COLUMNS[name] for name in kept)]
    shown = [[*(row[name] for name in head[:3]), *(row.get(name, "–") for name in kept)] for row in rows]
    put(
        [
            f"## Size: training on simulated ratings\n\n{markdown(head, shown)}",
            f"Trained on all ratings but a tenth, at most {MAX_TEST:,}, of which the RMSE is; no prediction is better "
            f"than the noise floor. NDCG@10 is that of the lists by ranking of {LISTED:,} users. A step is one of "
            "`deep-mf`'s rating head, in processor time.",
        ],
        of=options.name,
    )


def measured(models: list[str], world: SimulationSettings) -> list[dict[str, str]]:
    """Train the models on a simulated data set; return a row of the table for each."""
    with tempfile.TemporaryDirectory() as scratch:
        truth = simulate(world, Path(scratch, "world"))
        return [row(model, world, truth, child("scaling.py", "--fit", f"{scratch}/world", model)) for model in models]


def row(model: str, world: SimulationSettings, truth: GroundTruth, found: dict[str, float]) -> dict[str, str]:
    """Return the row of one training as text."""
    digits = {"towers": ".4f", "ndcg@10": ".4f", "seconds": ".0f", "work": ".0f", "megabytes": ",.0f", "step": ".0f"}
    shown = {name: f"{found[name]:{form}}" for name, form in digits.items() if name in found}
    if "rmse" in found:
        shown["rmse"] = f"{found['rmse']:.4f} ({truth.noise_floor:.3f})"
    return shown | {
        "model": f"`{model}`",
        "users × movies": f"{world.users:,} × {world.movies:,}",
        "ratings": f"{world.ratings:,}",
        "each": f"{1e6 * found['work'] / world.ratings:.0f}",
    }


def fit(folder: Path, name: str) -> dict[str, float]:
    """Train once, then measure errors and lists, and of `deep-mf` its towers and a step."""
    dataset = read(folder)
    cut = random(dataset.ratings, min(0.1, MAX_TEST / len(dataset.ratings)))
    catalog = (dataset.catalog or Catalog.empty(dataset.ratings.movies)).align(dataset.ratings.movies)
    started, worked = time.perf_counter(), time.process_time()
    model = unfitted(name, seed=0).fit(cut.train, catalog)
    with tempfile.TemporaryDirectory() as scratch:
        save(model, Path(scratch, "model"))
    spent = {"seconds": time.perf_counter() - started, "work": time.process_time() - worked}
    spent["megabytes"] = peak_megabytes()
    if model.abilities.stars:
        found = model.predict(cut.test.users.ids[cut.test.user], cut.test.movies.ids[cut.test.movie])
        spent["rmse"] = root_mean_square(found - cut.test.stars(name)[0])
    listed = cut.test.take(np.flatnonzero(cut.test.user <= np.unique(cut.test.user)[:LISTED][-1]))
    [ndcg] = evaluate(model, listed, by="ranking", metrics=["ndcg@10"]).measures
    spent["ndcg@10"] = ndcg.value
    if isinstance(model, DeepMF):
        spent |= {"towers": towers_error(model, cut.test), "step": 1000 * time_step(cut.train, catalog, model.settings)}
    return spent


def towers_error(model: DeepMF, test: Ratings) -> float:
    """Return the RMSE of the towers alone."""
    assert model.stars is not None
    tested = test.by_user
    users = np.flatnonzero(tested.counts)
    missing, _ = model.stars.held_out_residuals(model.data.history.take(users), tested.take(users))
    return root_mean_square(missing)


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
