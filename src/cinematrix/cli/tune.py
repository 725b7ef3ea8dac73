"""`cinematrix tune`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinematrix.cli.options import (
    Columns,
    Json,
    MissingText,
    MoviesPath,
    RatingsPath,
    RunOn,
    ScaleText,
    SkipBad,
    parse_settings,
    read_dataset,
)

if TYPE_CHECKING:
    from cinematrix.evaluation.tuning import TuningResult


def tune(
    ratings: RatingsPath,
    model: Annotated[str, typer.Option("--model", help="Name of a model with a search space.")] = "deep-mf",
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="Total number of trials, including those of a resumed study.")
    ] = 30,
    split: Annotated[
        str,
        typer.Option("--split", help="Validation split: random, per-user, time, half, new-users or new-movies."),
    ] = "random",
    study: Annotated[
        Path | None,
        typer.Option("--study", help="File of the study; an existing one is resumed. Default: MODEL.study."),
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A starting value, key=value; repeatable.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the search and of the model.")] = 0,
    on: RunOn = "local",
    movies: MoviesPath = None,
    columns: Columns = None,
    scale: ScaleText = None,
    missing: MissingText = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Tune a model's hyper-parameters by validation within the given ratings; Ctrl-C keeps the finished trials.

    Give only the training part, without the test ratings of a later evaluation. Four trials at a time can run in other
    processes or on other machines (--on); the result is the same.
    """
    from cinematrix.common.atomic_files import check_writable
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.evaluation.tuning import check_tunable
    from cinematrix.evaluation.tuning import tune as search
    from cinematrix.models import model_class

    kind = model_class(model)
    settings = parse_settings(kind, set_ or [], seed=seed)
    check_tunable(kind)
    file = study or Path(f"{model}.study")
    check_writable(file, force=True)
    dataset = read_dataset(ratings, movies, columns, scale, skip_bad, missing)
    file.absolute().parent.mkdir(parents=True, exist_ok=True)
    result = search(
        kind, dataset.ratings, dataset.catalog, trials=trials, settings=settings, cut=split, study=file, seed=seed,
        progress=TerminalBar(), on=on,
    )  # fmt: skip
    pairs = [*(set_ or []), *(f"{key}={value}" for key, value in result.chosen.items())]
    words = ["cinematrix", "train", str(ratings), "--out", "model", "--model", model, "--seed", str(seed)]
    command = shlex.join([*words, *(word for pair in pairs for word in ("--set", pair))])
    _print_result(model, result, file, command, json)


def _print_result(model: str, result: "TuningResult", study: Path, command: str, json: bool) -> None:
    from cinematrix.cli.output import make_console, print_json
    from cinematrix.common.text import count_of

    if json:
        print_json({**vars(result), "settings": vars(result.settings), "study": str(study), "command": command})
        return
    default = "" if result.default is None else f", {result.default:.4f} before"
    make_console().print(
        f"{model}: {result.measure} {result.value:.4f} in validation{default}; {count_of(result.trials, 'trial')}, "
        f"{result.pruned} stopped early; the study is in {study}\n\n{command}",
        markup=False, soft_wrap=True,
    )  # fmt: skip
