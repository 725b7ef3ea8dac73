"""Measure our models by published protocols, beside the figures that papers report.

    python benchmarks/records.py --data FOLDER [--protocols NAME …] [--models NAME …] [--seeds 1]
    python benchmarks/records.py --simulate ml-1m [--models NAME …]

FOLDER is MovieLens 1M, 10M, 20M, 25M or 32M, or any other data set, on which no figure is published; the page says so.
`--simulate` takes simulated ratings of the size of one of these: its errors mean nothing, its time and memory do. Each
training runs in its own process. Writes its tables into benchmarks/RESULTS.md.
"""

import argparse
import tempfile
from contextlib import suppress
from pathlib import Path

from cinematrix.common.progress_bar import TerminalBar
from cinematrix.data.dataset import Dataset
from cinematrix.data.readers import read
from cinematrix.data.simulate import SimulationSettings, simulate
from cinematrix.errors import SettingError
from cinematrix.evaluation.compare.by_protocol import ProtocolReport
from cinematrix.evaluation.compare.run import ComparisonPlan, run_comparison
from cinematrix.evaluation.protocols import PROTOCOLS
from cinematrix.models import model_class
from results import markdown, put

MODELS = {
    "random-90-10": ["svd", "svd++", "pmf", "deep-mf"],
    "strong-generalisation": ["ials", "ease", "deep-mf"],
    "fixed-dates": ["item-knn", "svd++", "deep-mf"],
    "leave-one-out": ["ials", "ease", "deep-mf"],
}
"""Models measured by each protocol unless others are given; its baseline is always measured.

Of other models only those are measured that a protocol can measure.
"""

SIZES = {
    "ml-1m": SimulationSettings(users=6_000, movies=3_700, ratings=1_000_000),
    "ml-10m": SimulationSettings(users=70_000, movies=10_700, ratings=10_000_000),
    "ml-20m": SimulationSettings(users=138_000, movies=26_700, ratings=20_000_000),
    "ml-25m": SimulationSettings(users=162_000, movies=59_000, ratings=25_000_000),
    "ml-32m": SimulationSettings(users=200_000, movies=84_400, ratings=32_000_000),
}
"""Simulated data of about the size of a data set; never of its exact size, so that no figure seems comparable."""


SIMULATED = "Simulated ratings of about that size: the errors and lists mean nothing, time and memory do."
"""Note above figures on simulated data."""


def main() -> None:
    """Measure each model by each protocol and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path)
    source.add_argument("--simulate", choices=SIZES)
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS))
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    name = f"simulated-{options.simulate}" if options.simulate else options.data.name
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.data
        if options.simulate:
            folder = Path(scratch, name)
            simulate(SIZES[options.simulate], folder, progress=TerminalBar())
        dataset = read(folder, progress=TerminalBar())
        tables = [
            measured(dataset, protocol, suited(protocol, options.models), options.seeds, Path(scratch, "cells"))
            for protocol in options.protocols
        ]
    put([f"## Published protocols on `{name}`", *[SIMULATED] * bool(options.simulate), *tables], of=name)


def suited(protocol: str, models: list[str] | None) -> list[str]:
    """Return the models of a protocol: of those given, the ones that it can measure."""
    chosen = []
    for model in models or MODELS[protocol]:
        with suppress(SettingError):
            PROTOCOLS[protocol].check_model(model_class(model))
            chosen.append(model)
    return chosen


def measured(dataset: Dataset, name: str, models: list[str], seeds: int, folder: Path) -> str:
    """Return the table of one protocol: our models, then the papers', with what makes them incomparable."""
    plan = ComparisonPlan.of(models, {}, [name], seeds)
    outcome = run_comparison(plan, dataset.ratings, dataset.catalog, folder, TerminalBar())
    content = dataset.catalog is not None
    report = ProtocolReport.of(plan, outcome, dataset.ratings, dataset.source, "", content=content)
    columns, rows = report.table()
    described = "\n".join(line if line.startswith("- ") else f"\n{line}" for line in report.describe())
    table = markdown([column.removesuffix("#") for column in columns], rows)
    return "\n\n".join(
        [
            f"### {name}: {report.protocol['title']}",
            described.strip(),
            table,
            "\n".join(f"- {line}" for line in report.footnotes()),
        ]
    )


if __name__ == "__main__":
    main()
