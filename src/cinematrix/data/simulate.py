"""Simulated data sets of any size, with known ground truth, labelled as simulated."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from cinematrix.common.atomic_files import write_atomically
from cinematrix.common.progress import Progress
from cinematrix.data.simulated_world import GroundTruth, SimulatedWorld, SimulationSettings
from cinematrix.errors import SettingError

__all__ = ["LABEL", "GroundTruth", "SimulationSettings", "simulate"]

LABEL = "simulated by Cinematrix: no real person rated anything here"
"""Label in the metadata of every simulated data set."""


def simulate(
    settings: SimulationSettings,
    to: str | PathLike[str],
    *,
    format: Literal["parquet", "csv"] = "parquet",
    force: bool = False,
    progress: Progress | None = None,
) -> GroundTruth:
    """Simulate a world and write its ratings to the folder `to`, in constant memory.

    The folder holds `ratings.parquet` (or `ratings.csv`), `movies.csv`, `truth.npz` and `simulated.json`. It appears
    only when it is complete.

    Raises:
        SettingError: `format` is neither parquet nor csv.
        InputError: `to` exists and `force` isn't given, or can't be written to.
    """
    if format not in ("parquet", "csv"):
        raise SettingError(f"format {format!r} must be parquet or csv")
    world = SimulatedWorld(settings)
    if progress:
        progress.start("simulating ratings", settings.ratings)
    with write_atomically(Path(to), force=force) as folder:
        folder.mkdir(parents=True)
        write = _write_csv if format == "csv" else _write_parquet
        write(folder, world.batches(progress))
        world.catalog().write_csv(folder / "movies.csv")
        truth = world.truth()
        np.savez(folder / "truth.npz", allow_pickle=False, **vars(truth))
        metadata = {"label": LABEL, "settings": asdict(settings), "noise_floor": truth.noise_floor}
        (folder / "simulated.json").write_text(json.dumps(metadata, indent=2) + "\n")
    if progress:
        progress.stop()
    return truth


def _write_csv(folder: Path, batches: Iterator[pl.DataFrame]) -> None:
    with (folder / "ratings.csv").open("wb") as file:
        for i, batch in enumerate(batches):
            batch.write_csv(file, include_header=i == 0)


def _write_parquet(folder: Path, batches: Iterator[pl.DataFrame]) -> None:
    """Write batches to one file by way of one file each, because Polars can't append to a Parquet file."""
    parts = []
    for i, batch in enumerate(batches):
        parts.append(folder / f"part-{i:06}.parquet")
        batch.write_parquet(parts[-1], compression="lz4")
    pl.scan_parquet(parts).sink_parquet(folder / "ratings.parquet")
    for part in parts:
        part.unlink()
