"""Measure time and memory of simulating ten million ratings, reading them from CSV, and from the cache.

    python benchmarks/data_speed.py [--ratings 10000000] [--folder FOLDER]

Each step runs in its own process, so its peak memory is measured separately. Prints one line of JSON per step.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measures import peak_megabytes

STEPS = ("simulate-csv", "simulate-parquet", "csv", "csv-into-cache", "cache", "parquet", "describe")


def main() -> None:
    """Run all steps, or the one given by `--step`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=STEPS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(measure(options.step, options.folder, options.ratings)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        for step in STEPS:
            command = [
                sys.executable,
                __file__,
                "--step",
                step,
                "--folder",
                scratch,
                "--ratings",
                str(options.ratings),
            ]
            subprocess.run(command, check=True, env={**os.environ, "CINEMATRIX_CACHE": str(Path(scratch, "cache"))})


def measure(step: str, folder: Path, n_ratings: int) -> dict[str, object]:
    """Measure seconds and memory of one step."""
    from cinematrix.data.readers import read
    from cinematrix.data.simulate import SimulationSettings, simulate
    from cinematrix.data.summary import describe

    idle, start = peak_megabytes(), time.perf_counter()
    found: dict[str, object] = {"step": step}
    if step.startswith("simulate"):
        form = step.removeprefix("simulate-")
        settings = SimulationSettings(
            users=max(2, n_ratings // 143), movies=max(20, n_ratings // 1000), ratings=n_ratings
        )
        truth = simulate(settings, folder / form, format="csv" if form == "csv" else "parquet")
        found["noise_floor"] = round(truth.noise_floor, 4)
    else:
        source = folder / ("parquet" if step in ("parquet", "describe") else "csv")
        dataset = read(source, cache=step in ("csv-into-cache", "cache"))
        ratings = dataset.ratings
        if step == "describe":
            start = time.perf_counter()
            found["most_rated"] = describe(dataset).per_movie["max"]
        found["ratings"] = len(ratings)
        found["bytes_a_rating"] = _bytes(ratings) / len(ratings)
        found["seconds"] = round(time.perf_counter() - start, 2)
        found["bytes_a_rating_with_views"] = (_bytes(ratings.by_user, ratings.by_movie) + _bytes(ratings)) / len(
            ratings
        )
    found.setdefault("seconds", round(time.perf_counter() - start, 2))
    return found | {"peak_mb": round(peak_megabytes()), "idle_mb": round(idle), "cores": os.cpu_count()}


def _bytes(*tables: object) -> int:
    columns = [getattr(table, name, None) for table in tables for name in ("user", "movie", "rating", "time", "count")]
    columns += [getattr(table, name, None) for table in tables for name in ("starts", "items", "values")]
    own = {id(column): column.nbytes for column in columns if column is not None and hasattr(column, "nbytes")}
    return sum(own.values())


if __name__ == "__main__":
    main()
