"""`cinematrix compare`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cinematrix.cli.options import (
    Columns,
    Force,
    Json,
    MoviesPath,
    RatingsPath,
    ScaleText,
    SkipBad,
    parse_settings,
    read_dataset,
)
from cinematrix.errors import InputError, SettingError

if TYPE_CHECKING:
    from cinematrix.evaluation.compare.report import ComparisonReport


def compare(
    ratings: RatingsPath,
    models: Annotated[
        str, typer.Option("--models", help="Names, such as deep-mf,svd; popular and bias come by themselves.")
    ],
    split: Annotated[
        list[str] | None,
        typer.Option("--split", help="random, time, new-users or new-movies; several by commas. Default: random."),
    ] = None,
    report: Annotated[Path, typer.Option("--report", help="The page to write.")] = Path("comparison.html"),
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often, each time cut and trained anew.")] = 1,
    tune: Annotated[
        int, typer.Option("--tune", min=0, help="Trials to tune each model with, within the training part.")
    ] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A hyper-parameter, MODEL.key=value; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what was measured before and go on.")] = False,
    movies: MoviesPath = None,
    columns: Columns = None,
    scale: ScaleText = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Compare models on the same splits: accuracy with intervals, tests against the best, time and memory, in a report.

    Each model on each split with each seed is measured in a process of its own; what is measured lies in a folder
    beside the report (REPORT without its ending, and `.cells`), from which --resume goes on. docs/comparing.md says
    which split answers which question.
    """
    import shutil

    from cinematrix.cli.output import ProgressBar, make_console, print_json
    from cinematrix.common.atomic_files import check_writable
    from cinematrix.evaluation.compare.report import ComparisonReport, write_page
    from cinematrix.evaluation.compare.run import ComparisonPlan, run_comparison

    names = _split_names([models])
    plan = ComparisonPlan.of(names, _settings(names, set_ or []), _split_names(split or ["random"]), seeds, tune)
    folder = report.with_name(f"{report.stem}.cells")
    check_writable(report, force=force or (resume and folder.exists()))
    if folder.exists() and not (force or resume):
        raise InputError(f"{folder} holds what was measured before; add --resume to go on, or --force to begin anew")
    dataset = read_dataset(ratings, movies, columns, scale, skip_bad)
    if force and not resume:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        outcome = run_comparison(plan, dataset.ratings, dataset.catalog, folder, ProgressBar())
    except KeyboardInterrupt:
        typer.echo(f"what is finished lies in {folder}; go on with --resume", err=True)
        raise
    found = ComparisonReport.of(plan, outcome, dataset.ratings, str(ratings), shlex.join(["cinematrix", *sys.argv[1:]]))
    write_page(found, report, force=True)
    if json:
        print_json(found.as_dict())
        return
    for line in _render_report(found):
        make_console().print(line, markup=False, soft_wrap=isinstance(line, str))
    make_console().print(f"\nreport written to {report}", markup=False, soft_wrap=True)


def _split_names(texts: list[str]) -> list[str]:
    """The words of texts with commas, each once."""
    return list(dict.fromkeys(word.strip() for text in texts for word in text.split(",") if word.strip()))


def _settings(models: list[str], pairs: list[str]) -> dict[str, Any]:
    """`MODEL.key=value` texts as settings of the models that they name.

    Raises:
        SettingError: a text without a model's name, or of a model that isn't compared; what `parse_settings` refuses.
    """
    from cinematrix.models import model_class

    of: dict[str, list[str]] = {}
    for pair in pairs:
        model, dot, setting = pair.partition(".")
        if not dot or model not in models:
            raise SettingError(
                f"--set {pair!r} isn't understood; write MODEL.key=value with one of {', '.join(models)}"
            )
        of.setdefault(model, []).append(setting)
    return {model: parse_settings(model_class(model), mine) for model, mine in of.items()}


def _render_report(report: "ComparisonReport") -> list[Any]:
    """The report as lines and tables."""
    from cinematrix.cli.output import make_table
    from cinematrix.evaluation.compare.cell import NEW_USERS
    from cinematrix.evaluation.compare.tables import (
        describe_protocol,
        make_cost_table,
        make_main_table,
        make_segment_table,
    )

    lines: list[Any] = [report.describe_data()]
    for question in report.questions:
        lines += [
            "",
            make_table(*make_main_table(question), title=question.name),
            "",
            make_table(*make_cost_table(question)),
        ]
        if not question.name.startswith(NEW_USERS):
            lines += ["", make_table(*make_segment_table(question))]
        lines += ["", describe_protocol(question)]
    for failure in report.failures:
        lines.append(f"\n{failure['model']} on {failure['split']}, seed {failure['seed']}: {failure['why']}")
    lines.append("\nVerdict")
    lines += [f"  {question.name}: {sentence}" for question in report.questions for sentence in question.verdicts]
    return lines
