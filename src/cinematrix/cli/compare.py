"""`cinematrix compare`."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cinematrix.cli.options import (
    Columns,
    Force,
    Json,
    JudgedOrder,
    MissingText,
    MoviesPath,
    RatingsPath,
    RunOn,
    ScaleText,
    SkipBad,
    parse_settings,
    read_dataset,
)
from cinematrix.errors import InputError, SettingError

if TYPE_CHECKING:
    from rich.table import Table

    from cinematrix.data.dataset import Dataset
    from cinematrix.evaluation.compare.by_protocol import ProtocolReport
    from cinematrix.evaluation.compare.report import ComparisonReport
    from cinematrix.evaluation.compare.run import ComparisonOutcome, ComparisonPlan


SplitNames = Annotated[
    list[str] | None,
    typer.Option("--split", help="random, time, half, new-users or new-movies; comma-separated. Default: random."),
]
ProtocolName = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        help="Published protocol instead of splits: random-90-10, strong-generalisation, fixed-dates or leave-one-out.",
    ),
]


def compare(
    ratings: RatingsPath,
    models: Annotated[
        str, typer.Option("--models", help="Names, such as deep-mf,svd; popular and bias are always included.")
    ],
    split: SplitNames = None,
    protocol: ProtocolName = None,
    report: Annotated[Path, typer.Option("--report", help="HTML page to write.")] = Path("comparison.html"),
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Number of seeds, each with a new split and model.")] = 1,
    by: JudgedOrder = None,
    tune: Annotated[
        int, typer.Option("--tune", min=0, help="Tuning trials per model, within the training part; 0: no tuning.")
    ] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A hyper-parameter, MODEL.key=value; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep existing results and continue.")] = False,
    on: RunOn = "processes:1",
    movies: MoviesPath = None,
    columns: Columns = None,
    scale: ScaleText = None,
    missing: MissingText = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Compare models on the same splits, in a report: accuracy with intervals, significance tests, time and memory.

    Each model, split and seed is measured in a separate process, one at a time unless --on says otherwise. The results
    are saved in a folder beside the report (REPORT without its suffix, plus `.cells`), from which --resume continues.
    docs/comparing.md describes the splits. With --protocol, the figures that papers report stand beside the models'.
    """
    from cinematrix.evaluation.compare.page import write_page
    from cinematrix.evaluation.compare.run import ComparisonPlan, choose_splits

    names = _split_names([models])
    splits = choose_splits(None if split is None else _split_names(split), protocol)
    plan = ComparisonPlan.of(names, _parse_model_settings(names, set_ or []), splits, seeds, tune, by)
    folder = report.with_name(f"{report.stem}.cells")
    _check_output(report, folder, force, resume)
    dataset = read_dataset(ratings, movies, columns, scale, skip_bad, missing)
    outcome = _run(plan, dataset, folder, on, anew=force and not resume)
    result = _make_report(plan, outcome, dataset, str(ratings), published=bool(protocol))
    write_page(result, report, force=True)
    _print_report(result, report, json)


def _make_report(
    plan: "ComparisonPlan",
    outcome: "ComparisonOutcome",
    dataset: "Dataset",
    source: str,
    *,
    published: bool,
) -> "ComparisonReport | ProtocolReport":
    from cinematrix.evaluation.compare.by_protocol import ProtocolReport
    from cinematrix.evaluation.compare.report import ComparisonReport

    command = shlex.join(["cinematrix", *sys.argv[1:]])
    if not published:
        return ComparisonReport.of(plan, outcome, dataset.ratings, source, command)
    content = dataset.catalog is not None
    return ProtocolReport.of(plan, outcome, dataset.ratings, source, command, content=content)


def _check_output(report: Path, folder: Path, force: bool, resume: bool) -> None:
    from cinematrix.common.atomic_files import check_writable

    check_writable(report, force=force or (resume and folder.exists()))
    if folder.exists() and not (force or resume):
        raise InputError(f"{folder} holds earlier results; add --resume to continue, or --force to start again")


def _run(plan: "ComparisonPlan", dataset: "Dataset", folder: Path, on: str, anew: bool) -> "ComparisonOutcome":
    """Measure the cells of the plan, after removing earlier results if `anew`."""
    import shutil

    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.evaluation.compare.run import run_comparison

    if anew:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        return run_comparison(plan, dataset.ratings, dataset.catalog, folder, TerminalBar(), on)
    except KeyboardInterrupt:
        typer.echo(f"finished results are in {folder}; continue with --resume", err=True)
        raise


def _print_report(result: "ComparisonReport | ProtocolReport", report: Path, json: bool) -> None:
    from cinematrix.cli.output import make_console, print_json

    if json:
        print_json(result.as_dict())
        return
    from cinematrix.evaluation.compare.by_protocol import ProtocolReport

    lines = _render_protocol(result) if isinstance(result, ProtocolReport) else _render_report(result)
    for line in lines:
        make_console().print(line, markup=False, soft_wrap=isinstance(line, str))
    more = "" if isinstance(result, ProtocolReport) else ", with all measures, costs, segments and pictures"
    make_console().print(f"\nreport written to {report}{more}", markup=False, soft_wrap=True)


def _render_protocol(report: "ProtocolReport") -> list[Any]:
    """Render the report of a published protocol as lines and a table."""
    from cinematrix.cli.output import make_table

    return [*report.describe(), "", make_table(*report.table()), "", *report.footnotes()]


def _split_names(texts: list[str]) -> list[str]:
    """Split comma-separated names, without repetitions."""
    return list(dict.fromkeys(word.strip() for text in texts for word in text.split(",") if word.strip()))


def _parse_model_settings(models: list[str], pairs: list[str]) -> dict[str, Any]:
    """Parse `MODEL.key=value` texts to settings by model.

    Raises:
        SettingError: a text without the name of a compared model, or what `parse_settings` refuses.
    """
    from cinematrix.models import model_class

    by_model: dict[str, list[str]] = {}
    for pair in pairs:
        model, dot, setting = pair.partition(".")
        if not dot or model not in models:
            raise SettingError(
                f"--set {pair!r} isn't understood; write MODEL.key=value with one of {', '.join(models)}"
            )
        by_model.setdefault(model, []).append(setting)
    return {model: parse_settings(model_class(model), settings) for model, settings in by_model.items()}


def _render_report(report: "ComparisonReport") -> list[Any]:
    """Render the report as lines and tables: for each question its verdicts, then its figures."""
    from rich.text import Text

    from cinematrix.cli.output import make_table
    from cinematrix.evaluation.compare.tables import describe_protocol, make_summary_table

    lines: list[Any] = [report.describe_data()]
    for question in report.questions:
        verdicts, figures = _render_verdicts(question.verdicts), make_table(*make_summary_table(question))
        lines += ["", Text(question.name, style="bold"), verdicts, "", figures]
        lines += ["", Text(describe_protocol(question), style="dim")]
    for failure in report.failures:
        lines.append(f"\n{failure['model']} on {failure['split']}, seed {failure['seed']}: {failure['why']}")
    return lines


def _render_verdicts(verdicts: Sequence[str]) -> "Table":
    """Render verdicts, each `MEASURE: TEXT`, with the texts below each other."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for verdict in verdicts:
        measure, _, text = verdict.partition(": ")
        grid.add_row(Text(f"  {measure}"), Text(text))
    return grid
