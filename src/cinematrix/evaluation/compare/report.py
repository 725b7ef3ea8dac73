"""The report of a comparison: one document for machines, and one page for people that needs nothing beside it."""

import dataclasses
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from cinematrix.common.atomic_files import write_atomically
from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.compare import plots as plots
from cinematrix.evaluation.compare.cell import NEW_USERS
from cinematrix.evaluation.compare.results import QuestionResult, list_failures, summarise_results
from cinematrix.evaluation.compare.run import ComparisonOutcome, ComparisonPlan
from cinematrix.evaluation.compare.tables import (
    describe_protocol,
    describe_segments,
    format_number,
    format_settings,
    make_comparison_table,
    make_cost_table,
    make_main_table,
    make_segment_table,
)
from cinematrix.metrics.significance import ALPHA, NEGLIGIBLE_DIFFERENCE, RESAMPLES, SIGN_FLIPS

REPORT_FORMAT = 1
"""Of the JSON document; raised when something in it changes its name or meaning."""

LIBRARIES = ("cinematrix", "numpy", "scipy", "polars", "torch", "numba", "optuna")

METHOD = (
    f"Intervals: 95 %, percentile bootstrap over users, {RESAMPLES:,} resamples. P-values: paired randomisation over "
    f"users, {SIGN_FLIPS:,} changes of sides, every model against the best by this measure on this question, corrected by "
    f"Holm. Two models are told apart by a corrected p-value below {ALPHA:g}; a difference of less than {NEGLIGIBLE_DIFFERENCE:.1%} "
    "of the best value is called a little one. Seeds are put together user by user before anything is tested."
)


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison with everything that is needed to believe it or to do it again.

    Attributes:
        data: where the ratings come from and how many there are.
        plan: models with their settings, splits, seeds and trials.
        questions: what was found.
        failures: cells that came to nothing, each with `model`, `split`, `seed` and `why`.
        tuned: what was searched for: a row a cell, with the settings chosen and what they were worth in validation.
        versions: of the libraries.
        command: what to type to have it again.
    """

    data: dict[str, Any]
    plan: dict[str, Any]
    questions: tuple[QuestionResult, ...]
    failures: list[dict[str, Any]]
    tuned: list[dict[str, Any]]
    versions: dict[str, str]
    command: str

    @classmethod
    def of(
        cls, plan: ComparisonPlan, outcome: ComparisonOutcome, ratings: Ratings, source: str, command: str
    ) -> "ComparisonReport":
        """The report of what came of a plan; `source` names the ratings."""
        counts = {"users": len(ratings.users), "movies": len(ratings.movies), "ratings": len(ratings)}
        return cls(
            data={"source": source, **counts, "scale": str(ratings.scale) if ratings.scale else None},
            plan=dataclasses.asdict(plan),
            questions=summarise_results(plan, outcome, len(ratings.users)),
            failures=list_failures(outcome.failures),
            tuned=[
                {**{name: cell["key"][name] for name in ("model", "split", "seed")}, **cell["tuned"]}
                for cell in outcome.cells
                if "tuned" in cell
            ],
            versions=read_library_versions(),
            command=command,
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON; NaN where there is no number."""
        return {"format": REPORT_FORMAT, "method": METHOD, **dataclasses.asdict(self)}

    def page(self) -> str:
        """The HTML page: verdict first, then tables and pictures, then how it came about. Nothing in it is loaded."""
        template = Template(
            files("cinematrix.evaluation.compare").joinpath("templates/comparison.html").read_text(encoding="utf-8")
        )
        return template.substitute(
            source=escape(Path(self.data["source"]).name),
            data=escape(self.describe_data()),
            verdicts="".join(self._verdict(question) for question in self.questions) or "<p>No model was measured.</p>",
            failures=self._failures(),
            questions="".join(self._section(question) for question in self.questions),
            curves=_render_image(
                plots.plot_new_user_curves(self.questions), "Measures by how many ratings new users have given"
            ),
            tuned=self._tuned(),
            settings=_render_table(
                ["model", "settings"],
                [
                    [name, format_settings(settings) or "nothing to set"]
                    for name, settings in self.plan["settings"].items()
                ],
            ),
            method=escape(METHOD),
            versions=escape(", ".join(f"{name} {number}" for name, number in self.versions.items())),
            command=escape(self.command),
        )

    def describe_data(self) -> str:
        """`610 users × 9,724 movies, 100,836 ratings, 0.5–5`."""
        data = self.data
        what = f"ratings, {data['scale']}" if data["scale"] else "plain interactions"
        return f"{data['users']:,} users × {data['movies']:,} movies, {data['ratings']:,} {what}"

    def _verdict(self, question: QuestionResult) -> str:
        sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in question.verdicts)
        return f"<h3>{escape(question.name)}</h3><ul>{sentences}</ul>"

    def _section(self, question: QuestionResult) -> str:
        drawn = not question.name.startswith(NEW_USERS)  # these are drawn together, as curves
        return "\n".join(
            [
                f"<section><h2>{escape(question.name)}</h2>",
                f'<p class="quiet">{escape(describe_protocol(question))}</p>',
                _render_table(*make_main_table(question)),
                _render_image(plots.plot_accuracy_by_time(question) if drawn else None, "Accuracy by training time"),
                _render_table(*make_cost_table(question)),
                "<h3>Differences from the best</h3>",
                _render_table(*make_comparison_table(question)),
                _render_image(
                    plots.plot_differences(question) if drawn else None, "Differences from the best, with intervals"
                ),
                "<h3>By segment</h3>",
                f'<p class="quiet">{escape(describe_segments(question))}</p>',
                _render_table(*make_segment_table(question)),
                _render_image(plots.plot_segments(question) if drawn else None, "Measures by segment"),
                "</section>",
            ]
        )

    def _failures(self) -> str:
        if not self.failures:
            return ""
        rows = [[f["model"], f["split"], f["seed"], f["why"]] for f in self.failures]
        return "<section><h2>Not measured</h2>" + _render_table(["model", "split", "seed#", "why"], rows) + "</section>"

    def _tuned(self) -> str:
        if not self.tuned:
            return ""
        columns = ["model", "split", "seed#", "trials#", "given up#", "measure", "validation#", "untuned#", "chosen"]
        rows = [
            [t["model"], t["split"], t["seed"], t["trials"], t["pruned"], t["measure"], format_number(t["value"]),
             format_number(t["default"]), format_settings(t["chosen"])]
            for t in self.tuned
        ]  # fmt: skip
        return "<h3>Searched within the training part</h3>" + _render_table(columns, rows)


def write_page(report: ComparisonReport, path: Path, *, force: bool = False) -> None:
    """The page as a file, whole or absent.

    Raises:
        InputError: the file exists and `force` isn't given, or it can't be written.
    """
    page = report.page()
    with write_atomically(path, force=force) as file:
        file.write_text(page, encoding="utf-8")


def read_library_versions() -> dict[str, str]:
    """Of the libraries that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _render_table(columns: list[str], rows: list[list[Any]]) -> str:
    """A table in HTML, every text of it escaped."""
    kinds = [' class="number"' if name.endswith("#") else "" for name in columns]
    head = [
        f'<th scope="col"{kind}>{escape(name.removesuffix("#"))}</th>'
        for name, kind in zip(columns, kinds, strict=True)
    ]
    body = [[f"<td{kind}>{escape(str(cell))}</td>" for cell, kind in zip(row, kinds, strict=True)] for row in rows]
    lines = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in body)
    return f'<div class="wide"><table><thead><tr>{"".join(head)}</tr></thead><tbody>{lines}</tbody></table></div>'


def _render_image(shown: "plots.ThemedImage | None", alternative: str) -> str:
    """A picture for light and for dark, inside the page; nothing, if there is nothing to draw."""
    if shown is None:
        return ""
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{shown.dark}">'
        f'<img src="{shown.light}" alt="{escape(alternative)}"></picture>'
    )
