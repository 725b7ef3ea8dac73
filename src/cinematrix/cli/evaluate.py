"""`cinematrix evaluate`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from cinematrix.cli.options import (
    Columns,
    Force,
    Json,
    JudgedOrder,
    MissingText,
    ModelFolder,
    ScaleText,
    SkipBad,
    parse_columns,
    parse_missing,
    parse_scale,
    print_warnings,
)

if TYPE_CHECKING:
    from cinematrix.data.dataset import Dataset
    from cinematrix.data.ratings import Ratings, Scale
    from cinematrix.evaluation.evaluate import EvaluationOptions
    from cinematrix.evaluation.measures import Evaluation
    from cinematrix.models.artifact import Artifact
    from cinematrix.models.base import Recommender


TestPath = Annotated[Path, typer.Argument(help="Held-out ratings, which the model wasn't trained on.")]
GivenPath = Annotated[
    Path | None, typer.Option("--given", help="Histories of the users. Default: the model's training ratings.")
]
Against = Annotated[
    str | None,
    typer.Option("--against", help="Another order of the lists, or the folder of another model, to compare with."),
]
RelevantFrom = Annotated[
    float | None, typer.Option("--relevant-from", help="Minimum rating of a relevant movie. Default: any rating.")
]
Metrics = Annotated[
    str | None,
    typer.Option("--metrics", help="Names, such as rmse,capped_recall (docs/evaluating.md). Default: the usual ones."),
]
Card = Annotated[bool, typer.Option("--card", help="Write the figures, by segment too, into the model's card.")]
Reliability = Annotated[
    Path | None, typer.Option("--reliability", help="Save a plot of the calibration of intervals as a PNG file.")
]


def evaluate(
    model: ModelFolder,
    test: TestPath,
    given: GivenPath = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the lists.")] = 10,
    by: JudgedOrder = None,
    against: Against = None,
    metrics: Metrics = None,
    relevant_from: RelevantFrom = None,
    card: Card = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the bootstrap.")] = 0,
    reliability: Reliability = None,
    force: Force = False,
    columns: Columns = None,
    scale: ScaleText = None,
    missing: MissingText = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Evaluate a model on held-out ratings, with confidence intervals and the protocol.

    docs/evaluating.md describes each measure and its limits. With --against, each measure's difference from the other
    order or model follows, paired by user. With --card, the figures stand in README.md in the model's folder.
    """
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.data.readers.pairs import describe_unmatched
    from cinematrix.models.card import read_around

    artifact = _load(model, by, reliability, force)
    recommender = artifact.model
    around = read_around(model, recommender, artifact.about) if card else None
    scale_read = parse_scale(scale) or recommender.data.scale
    read = partial(_read, columns=columns, scale=scale_read, missing=missing, skip_bad=skip_bad)
    tested, histories = read(test), None if given is None else read(given).ratings
    ratings, notes = tested.ratings, tested.report.sentences()
    users = ratings.users.ids if given is None else None
    notes += describe_unmatched(recommender.data, users, ratings.movies.ids, str(test))
    options: EvaluationOptions = {
        "given": histories, "k": k, "relevant_from": relevant_from, "seed": seed,
        "metrics": None if metrics is None else [name.strip() for name in metrics.split(",")],
        "split": f"as handed over in {test.name}", "progress": TerminalBar(),
    }  # fmt: skip
    evaluation = _evaluate(recommender, ratings, by, against, **options)
    if around is not None:
        _write_card(model, around, recommender, ratings, evaluation, options)
    if reliability is not None:
        _plot_reliability(recommender, ratings, histories, reliability, force)
    _print_evaluation(evaluation, notes, reliability, model if card else None, json)


def _load(folder: Path, by: str | None, reliability: Path | None, force: bool) -> "Artifact":
    """Load the model, and check what the evaluation needs before ratings are read."""
    from cinematrix.common.atomic_files import check_writable
    from cinematrix.evaluation.reliability import check_uncertainty
    from cinematrix.models.artifact import load
    from cinematrix.models.orders import resolve_order

    if reliability is not None:
        check_writable(reliability, force=force)
    artifact = load(folder)
    resolve_order(artifact.model, by)
    if reliability is not None:
        check_uncertainty(artifact.model)
    return artifact


def _write_card(
    folder: Path,
    around: tuple[str, str],
    model: "Recommender",
    ratings: "Ratings",
    evaluation: "Evaluation",
    options: "EvaluationOptions",
) -> None:
    from cinematrix.evaluation.by_segment import measure_movie_segments, measure_user_segments
    from cinematrix.models.card import write_figures

    segments = measure_user_segments(evaluation)
    segments += measure_movie_segments(model, ratings, evaluation, **options)
    write_figures(folder, around, evaluation.as_dict() | {"segments": segments})


def _read(path: Path, columns: str | None, scale: "Scale | None", missing: str | None, skip_bad: bool) -> "Dataset":
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.data.readers import read

    dataset = read(
        path, columns=parse_columns(columns), scale=scale, missing=parse_missing(missing), skip_bad=skip_bad,
        progress=TerminalBar(),
    )  # fmt: skip
    print_warnings(dataset.report.warnings)
    return dataset


def _evaluate(
    model: "Recommender",
    ratings: "Ratings",
    by: str | None,
    against: str | None,
    **options: "Unpack[EvaluationOptions]",
) -> "Evaluation":
    """Measure the model, and compare it with `against` if that is given: an order, else the folder of a model."""
    from cinematrix.evaluation.evaluate import evaluate
    from cinematrix.evaluation.paired import add_differences, evaluate_against_order
    from cinematrix.models.artifact import load
    from cinematrix.models.orders import is_order, resolve_order

    if against is not None and is_order(against):
        return evaluate_against_order(model, ratings, by, against, **options)
    other = None if against is None else load(against).model
    found = evaluate(model, ratings, by=resolve_order(model, by), **options)
    if other is None:
        return found
    return add_differences(found, evaluate(other, ratings, by=resolve_order(other, by), **options))


def _plot_reliability(
    model: "Recommender", ratings: "Ratings", histories: "Ratings | None", path: Path, force: bool
) -> None:
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.evaluation.plots import plot_reliability
    from cinematrix.evaluation.reliability import measure_reliability

    plot_reliability(measure_reliability(model, ratings, given=histories, progress=TerminalBar()), path, force=force)


def _print_evaluation(
    evaluation: "Evaluation", notes: list[str], reliability: Path | None, carded: Path | None, json: bool
) -> None:
    from cinematrix.cli.output import make_console, print_json, print_notes

    if json:
        print_json({**evaluation.as_dict(), "notes": notes})
        return
    print_notes(notes)
    make_console().print(str(evaluation), markup=False, soft_wrap=True)
    if reliability is not None:
        make_console().print(f"\nreliability plot saved in {reliability}", markup=False, soft_wrap=True)
    if carded is not None:
        make_console().print(f"\nfigures written into the card in {carded}", markup=False, soft_wrap=True)
