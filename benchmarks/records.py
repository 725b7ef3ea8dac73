"""Measure our models by published protocols, beside the figures that papers report.

    python benchmarks/records.py --data FOLDER [--protocols NAME …] [--models NAME …] [--seeds 1]

FOLDER is MovieLens 1M, 10M, 20M, 25M or 32M, or any other data set, on which no figure is published. Each training runs
in its own process. Figures of papers are quoted, with their source. Writes its tables into benchmarks/RESULTS.md.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import fmean

from cinematrix.data.protocols import CODEX_DATES, find_dataset
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read
from cinematrix.evaluation.protocols import PROTOCOLS, measure_protocol, published_figures
from cinematrix.models import model_class
from measures import child, peak_megabytes
from results import markdown, put

MODELS = {
    "random-90-10": ["bias", "svd", "svd++", "pmf", "deep-mf"],
    "strong-generalisation": ["popular", "ials", "ease", "deep-mf"],
    "fixed-dates": ["bias", "item-knn", "svd++", "deep-mf"],
    "leave-one-out": ["popular", "ials", "ease", "deep-mf"],
}
"""Models measured by each protocol unless others are given."""


def main() -> None:
    """Measure each model by each protocol and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS)
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--fit", nargs=3, metavar=("PROTOCOL", "MODEL", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        protocol, model, seed = options.fit
        print(json.dumps(fit(options.data, protocol, model, int(seed))))
        return
    ratings = read(options.data).ratings
    names = options.protocols or applicable(ratings)
    tables = [measured(options.data, ratings, name, options.models or MODELS[name], options.seeds) for name in names]
    put(["## Published protocols", *tables], of=options.data.name)


def applicable(ratings: Ratings) -> list[str]:
    """Return the protocols that a data set can be measured by: fixed dates are known of four only."""
    dated = find_dataset(ratings) in CODEX_DATES
    return [name for name in PROTOCOLS if dated or name != "fixed-dates"]


def measured(data: Path, ratings: Ratings, name: str, models: list[str], seeds: int) -> str:
    """Return the table of one protocol: our models, then the papers'."""
    protocol, rows = PROTOCOLS[name], []
    for model in models:
        runs = [child("records.py", "--data", str(data), "--fit", name, model, str(seed)) for seed in range(seeds)]
        values = [f"{fmean(run[measure] for run in runs):.4f}" for measure in protocol.measures]
        costs = [f"{fmean(run['seconds'] for run in runs):.0f}", f"{max(run['megabytes'] for run in runs):,.0f}"]
        rows.append([f"`{model}`", *values, *costs, "measured here"])
    dataset, figures = published_figures(protocol, ratings)
    for each in figures:
        values = [f"{each.values[measure]:.4f}".rstrip("0") for measure in protocol.measures]
        rows.append([each.model, *values, "", "", f"quoted: {each.source}"])
    head = ["model", *protocol.measures, "CPU seconds", "peak MB", "source"]
    note = "" if figures else f" No figure is published on {dataset or 'this data set'} by this protocol."
    return f"### {name}: {protocol.title}\n\n{markdown(head, rows)}\n\nProtocol of {protocol.source}.{note}"


def fit(data: Path, name: str, model: str, seed: int) -> dict[str, float]:
    """Train and measure one model; the first seed is the paper's own."""
    dataset, protocol = read(data), PROTOCOLS[name]
    started = time.process_time()
    _, found = measure_protocol(protocol, model_class(model), dataset.ratings, dataset.catalog, protocol.seed + seed)
    spent = time.process_time() - started
    return {each.name: each.value for each in found} | {"seconds": spent, "megabytes": peak_megabytes()}


if __name__ == "__main__":
    main()
