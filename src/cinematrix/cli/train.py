"""`cinematrix train`."""

import time
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinematrix.cli.options import (
    Columns,
    Force,
    Json,
    MissingText,
    MoviesPath,
    RatingsPath,
    ScaleText,
    SkipBad,
    Threads,
    parse_settings,
    read_dataset,
)

if TYPE_CHECKING:
    from cinematrix.data.dataset import Dataset
    from cinematrix.models.base import Recommender
    from cinematrix.models.contract_types import TrainingOptions

MODEL_NAMES = (
    "popular, bias, svd, svd++, nmf, als, ials, pmf, item-knn, user-knn, ease, "
    "deep-mf-classic, autorec, vae, neumf, deep-mf or blend."
)
"""Names of the models, for the help."""


def train(
    ratings: RatingsPath,
    out: Annotated[Path, typer.Option("--out", help="Folder for the model.")],
    model: Annotated[str, typer.Option("--model", help=MODEL_NAMES)] = "deep-mf",
    set_: Annotated[list[str] | None, typer.Option("--set", help="A hyper-parameter, key=value; repeatable.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all random numbers.")] = 0,
    threads: Threads = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted training.")] = False,
    movies: MoviesPath = None,
    columns: Columns = None,
    scale: ScaleText = None,
    missing: MissingText = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Train a model on a table of ratings and save it.

    Until training ends, checkpoints are saved beside the model (OUT.checkpoint.*); --resume continues from them.
    Started by torchrun, several processes train one deep-mf together; the first reads RATINGS and writes OUT.
    """
    from cinematrix.models import model_class
    from cinematrix.models.contract_types import TrainingOptions
    from cinematrix.models.launch import joined_world

    with joined_world() as world:
        if world.rank > 0:
            world.work()
            return
        kind = model_class(model)
        recommender = kind(parse_settings(kind, set_ or [], seed=seed))
        _check(recommender, out, force)
        dataset = read_dataset(ratings, movies, columns, scale, skip_bad, missing)
        run = TrainingOptions(threads, device, out.with_name(f"{out.name}.checkpoint"), resume, world)
        _train_and_save(recommender, dataset, run, out, force=force, json=json)


def _check(recommender: "Recommender", out: Path, force: bool) -> None:
    """Check what training needs, before anything is read."""
    from cinematrix.common.optional import require_package
    from cinematrix.models.artifact import check_output_folder

    check_output_folder(out, force=force)
    require_package(recommender.abilities.trains_with, recommender.name)


def _train_and_save(
    recommender: "Recommender", dataset: "Dataset", run: "TrainingOptions", out: Path, *, force: bool, json: bool
) -> None:
    from cinematrix.cli.output import make_console, print_json, print_notes
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.models.artifact import build_manifest, save

    if not run.resume:
        _remove_checkpoints(out)
    started = time.perf_counter()
    recommender.fit(dataset.ratings, dataset.catalog, progress=TerminalBar(), run=run)
    seconds = time.perf_counter() - started
    manifest = build_manifest(recommender, dataset.ratings, dataset.name, dataset.source)
    save(recommender, out, manifest, force=force)
    _remove_checkpoints(out)
    if json:
        print_json({"out": str(out), "seconds": seconds, **manifest, "reading": dataset.report.as_dict()})
    else:
        print_notes(dataset.report.sentences())
        by = f" by {run.world.size} workers" if run.world.size > 1 else ""
        make_console().print(
            f"{dataset.ratings!r}\n{recommender.name} trained{by} in {seconds:.1f} s and saved in {out}"
        )


def _remove_checkpoints(out: Path) -> None:
    """Remove the checkpoints of `out`, one per net with its name after `.checkpoint`."""
    for pattern in (f"{escape(out.name)}.checkpoint", f"{escape(out.name)}.checkpoint.*"):
        for checkpoint in out.parent.glob(pattern):
            checkpoint.unlink()
