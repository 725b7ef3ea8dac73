"""Measure the expected ratings of `deep-mf` without each of its parts.

    python benchmarks/ablations.py [--data FOLDER] [--seeds 2]

Ratings are predicted that were cut from the training part of the random split 42, so that no choice sees the test. Each
training runs in its own process. The ranking head isn't trained. Writes its table into benchmarks/RESULTS.md.
"""

import argparse
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cinematrix.data.movielens import default
from cinematrix.data.readers import read
from cinematrix.data.splits import random
from cinematrix.metrics.accuracy import rmse
from cinematrix.models.deep_mf import tasks
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.network import HistoryNet
from cinematrix.models.deep_mf.settings import DeepMFSettings
from measures import child
from results import markdown, mean, over_seeds, put

VARIANTS: dict[str, dict[str, Any]] = {
    "`deep-mf` as it is": {},
    "users without their movies": {"silent": "users"},
    "movies without their raters": {"silent": "movies"},
    "no content": {"content": False},
    "an embedding for each user and movie besides": {"id_embeddings": True},
    "no hidden layer": {"blocks": 0},
    "an MLP on the pair of vectors": {"pair_width": 16},
    "one member": {"members": 1},
}
"""Changed settings of each variant; `silent`: the tower whose histories are left out."""

VALIDATION_SHARE = 0.1
"""Part of the training ratings that is predicted."""


def main() -> None:
    """Train each variant with each seed and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--fit", nargs=2, metavar=("VARIANT", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit(options.data, options.fit[0], int(options.fit[1]))))
        return
    data = default(options.data).path
    found = {
        name: [child("ablations.py", "--data", str(data), "--fit", name, str(seed)) for seed in range(options.seeds)]
        for name in VARIANTS
    }
    put([table(found, options.seeds)], of=data.name)


def table(found: dict[str, list[dict[str, float]]], seeds: int) -> str:
    """Return the part of RESULTS.md."""
    rows = [
        [name, over_seeds(run["towers"] for run in runs), over_seeds(run["whole"] for run in runs), seconds(runs)]
        for name, runs in found.items()
    ]
    text = (
        f"RMSE on a tenth of the training ratings of the random split 42, means over {seeds} cuts, each with a seed of "
        "its own. Towers: biases and towers alone; whole: with the Gaussian process on the user's residuals; both "
        "without `pmf`. One thread; CPU seconds of a training without the ranking head."
    )
    head = ["variant", "towers", "whole", "CPU s"]
    return f"## Parts of `deep-mf`, left out one at a time\n\n{markdown(head, rows)}\n\n{text}"


def seconds(runs: list[dict[str, float]]) -> str:
    """Return the mean CPU seconds of some trainings."""
    return f"{mean(run['seconds'] for run in runs):.0f}"


def fit(data: Path, variant: str, seed: int) -> dict[str, float]:
    """Train a variant; return its errors with and without the process."""
    changed = dict(VARIANTS[variant])
    if side := changed.pop("silent", None):
        setattr(tasks, "HistoryNet", partial(build_silent, side))  # noqa: B010
    dataset = read(data)
    cut = random(random(dataset.ratings, 0.2, 42).train, VALIDATION_SHARE, seed)
    catalog = dataset.catalog and dataset.catalog.align(dataset.ratings.movies)
    users, movies = cut.test.users.ids[cut.test.user], cut.test.movies.ids[cut.test.movie]
    truth, _ = cut.test.stars("an ablation")
    started = time.process_time()
    model = DeepMF(DeepMFSettings(seed=seed, ranking=False, pmf=False, **changed)).fit(cut.train, catalog)
    spent = time.process_time() - started
    whole = rmse(truth, model.predict(users, movies))
    assert model.stars is not None, "a model of ratings has a rating head"
    model.stars = replace(model.stars, residual_gp=None, new_movie_gp=None)
    return {"towers": rmse(truth, model.predict(users, movies)), "whole": whole, "seconds": spent}


def build_silent(side: str, *arguments: Any) -> HistoryNet:
    """Build a net of which the tower `side` has only statistics and content: its tables stay 0."""
    net = HistoryNet(*arguments)
    tower = getattr(net, side)
    for parameter in (*tower.tables, *tower.item_content):
        parameter.data.zero_()
        parameter.requires_grad_(False)
    return net


if __name__ == "__main__":
    main()
