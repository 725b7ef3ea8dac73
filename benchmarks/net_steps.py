"""Measure a training step of the nets of fixed batches, and project the whole training from it.

    python benchmarks/net_steps.py FOLDER [--models autorec vae …] [--seconds 25] [--name "10 M ratings"]

FOLDER holds the ratings. Each net trains in its own process, in one thread, and is broken off after so many seconds of
processor time of steps. Peak memory includes reading. The whole training is projected: its epochs times their steps,
twice for a net that a pilot precedes.

Writes its table into benchmarks/RESULTS.md, in a separate part for each `--name`.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from cinematrix.data.catalog import Catalog
from cinematrix.data.readers import read
from cinematrix.models.autorec.training import AutoRecTask
from cinematrix.models.deep_mf_classic.training import ClassicTask
from cinematrix.models.neumf.training import NeuMFTask
from cinematrix.models.vae.training import VAETask
from measures import child, peak_megabytes, unfitted
from results import markdown, put

TASKS: dict[str, tuple[type[Any], int]] = {
    "autorec": (AutoRecTask, 2),
    "vae": (VAETask, 2),
    "neumf": (NeuMFTask, 2),
    "deep-mf-classic": (ClassicTask, 1),
}
"""Training task of each net, and its trainings: two where a pilot finds the number of epochs."""


class EnoughStepsError(Exception):
    """End of a measured training."""


def main() -> None:
    """Measure each net and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=list(TASKS))
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--name", default="")
    parser.add_argument("--fit", metavar="MODEL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(measure(options.folder, options.fit, options.seconds)))
        return
    seconds = f"{options.seconds:g}"
    found = [child("net_steps.py", str(options.folder), "--seconds", seconds, "--fit", net) for net in options.models]
    head = ["net", "steps an epoch", "step ms", "epochs", "whole training, CPU min (projected)", "peak MB"]
    rows = [row(net, figures) for net, figures in zip(options.models, found, strict=True)]
    put([f"## Steps of the nets of fixed batches\n\n{markdown(head, rows)}"], of=options.name)


def row(net: str, found: dict[str, float]) -> list[str]:
    """Return the row of a net as text."""
    trainings = TASKS[net.split()[0]][1]
    minutes = trainings * found["epochs"] * found["steps"] * found["step_ms"] / 60_000
    epochs = f"{trainings} × {found['epochs']}" if trainings > 1 else f"{found['epochs']}"
    megabytes = f"{found['megabytes']:,.0f}"
    return [f"`{net}`", f"{found['steps']:,}", f"{found['step_ms']:.1f}", epochs, f"{minutes:.0f}", megabytes]


def measure(folder: Path, net: str, seconds: float) -> dict[str, float]:
    """Train for `seconds` of processor time from the first step on; return the mean step, steps, epochs and memory."""
    dataset, model = read(folder), unfitted(net, seed=0)
    catalog = (dataset.catalog or Catalog.empty(dataset.ratings.movies)).align(dataset.ratings.movies)
    kind = TASKS[net.split()[0]][0]
    own, begun, found = kind.loss, [], {"epochs": model.settings.epochs}

    def timed(task: Any, batch: Any) -> Any:
        begun.append(time.process_time())
        if begun[-1] - begun[0] > seconds:
            found["steps"] = task.steps_per_epoch
            raise EnoughStepsError
        return own(task, batch)

    kind.loss = timed
    try:
        model.fit(dataset.ratings, catalog)
    except EnoughStepsError:
        step_ms = 1000 * (begun[-1] - begun[0]) / (len(begun) - 1)
        return found | {"step_ms": step_ms, "megabytes": peak_megabytes()}
    raise SystemExit(f"{net} was trained in less than {seconds:g} seconds; give it fewer with --seconds")


if __name__ == "__main__":
    main()
