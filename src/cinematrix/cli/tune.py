"""`cinematrix tune`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cinematrix.cli.options import (
    Columns,
    Json,
    MoviesPath,
    RatingsPath,
    ScaleText,
    SkipBad,
    parse_settings,
    read_dataset,
)


def tune(
    ratings: RatingsPath,
    model: Annotated[str, typer.Option("--model", help="Its name; it must declare what may be searched.")] = "deep-mf",
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="In all, those of a search gone on with included.")
    ] = 30,
    split: Annotated[
        str,
        typer.Option("--split", help="How validation ratings are cut: random, per-user, time, new-users, new-movies."),
    ] = "random",
    study: Annotated[
        Path | None,
        typer.Option("--study", help="File of the search, which goes on if it is there. Default: MODEL.study."),
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Where to start, key=value; repeatable.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the search and of the model.")] = 0,
    movies: MoviesPath = None,
    columns: Columns = None,
    scale: ScaleText = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Search for a model's best hyper-parameters, by validation within the ratings given; Ctrl-C keeps what is found.

    Give the training part alone, and nothing that the model is tested on later.
    """
    from cinematrix.cli.output import ProgressBar, make_console, print_json
    from cinematrix.common.atomic_files import check_writable
    from cinematrix.evaluation.tuning import check_tunable
    from cinematrix.evaluation.tuning import tune as search
    from cinematrix.models import model_class

    kind = model_class(model)
    settings = parse_settings(kind, set_ or [], seed=seed)
    check_tunable(kind)
    file = study or Path(f"{model}.study")
    check_writable(file, force=True)
    dataset = read_dataset(ratings, movies, columns, scale, skip_bad)
    file.absolute().parent.mkdir(parents=True, exist_ok=True)
    found = search(
        kind, dataset.ratings, dataset.catalog, trials=trials, settings=settings, cut=split, study=file, seed=seed,
        progress=ProgressBar(),
    )  # fmt: skip
    pairs = [*(set_ or []), *(f"{key}={value}" for key, value in found.chosen.items())]
    words = ["cinematrix", "train", str(ratings), "--out", "model", "--model", model, "--seed", str(seed)]
    command = shlex.join([*words, *(word for pair in pairs for word in ("--set", pair))])
    if json:
        print_json({**vars(found), "settings": vars(found.settings), "study": str(file), "command": command})
        return
    default = "" if found.default is None else f", {found.default:.4f} before"
    make_console().print(
        f"{model}: {found.measure} {found.value:.4f} in validation{default}; {found.trials} trials, "
        f"{found.pruned} given up early; the search is in {file}\n\n{command}",
        markup=False, soft_wrap=True,
    )  # fmt: skip
