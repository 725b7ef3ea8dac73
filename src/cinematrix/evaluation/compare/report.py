"""Report of a comparison: a JSON document and a self-contained HTML page."""

import dataclasses
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from cinematrix.common.html import html_table
from cinematrix.common.text import text_table
from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.compare import plots
from cinematrix.evaluation.compare.cell import NEW_USERS
from cinematrix.evaluation.compare.page import (
    fill_page,
    read_library_versions,
    render_image,
    render_settings,
    render_table,
)
from cinematrix.evaluation.compare.results import QuestionResult, list_failures, summarise_results
from cinematrix.evaluation.compare.run import ComparisonOutcome, ComparisonPlan
from cinematrix.evaluation.compare.tables import (
    LIKING_NOTE,
    describe_counts,
    describe_protocol,
    describe_segments,
    format_number,
    format_settings,
    make_comparison_table,
    make_cost_table,
    make_liking_table,
    make_main_table,
    make_segment_table,
    make_summary_table,
)
from cinematrix.metrics.significance import ALPHA, NEGLIGIBLE_DIFFERENCE, RESAMPLES, SIGN_FLIPS

REPORT_FORMAT = 1
"""Version of the JSON document; raised when a field changes its name or meaning."""

METHOD = (
    f"Intervals: 95 %, percentile bootstrap over users, {RESAMPLES:,} resamples. P-values: paired randomisation test "
    f"over users, {SIGN_FLIPS:,} random sign flips, every model against the best one by the same measure on the same "
    f"question, with Holm's correction. A difference is significant if its corrected p-value is below {ALPHA:g}, and "
    f"small if it is less than {NEGLIGIBLE_DIFFERENCE:.1%} of the best value. Each user's results of all seeds are "
    "added up before any test."
)
"""Description of the statistics, part of every report."""


@dataclass(frozen=True)
class ComparisonReport:
    """Results of a comparison, with everything needed to check and to repeat it.

    Attributes:
        data: source, counts and scale of the ratings.
        plan: models with their settings, splits, seeds and trials.
        questions: results by question.
        failures: failed cells, each with `model`, `split`, `seed` and `why`.
        tuned: hyper-parameter searches, one row per cell, with the settings chosen and their validation measure.
        versions: versions of the libraries.
        command: command that repeats the comparison.
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
        """Create the report of a plan's outcome; `source` names the ratings, `command` repeats the comparison."""
        return cls(
            data={"source": source, **describe_counts(ratings)},
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
        """Return the report for JSON; NaN stands for undefined numbers."""
        return {"format": REPORT_FORMAT, "method": METHOD, **dataclasses.asdict(self)}

    def __str__(self) -> str:
        parts = [self.describe_data()]
        for question in self.questions:
            parts += ["", question.name, *question.verdicts, "", text_table(*make_summary_table(question))]
        parts += [f"{f['model']} on {f['split']}, seed {f['seed']}: {f['why']}" for f in self.failures]
        return "\n".join(parts)

    def to_frame(self) -> pl.DataFrame:
        """Return a frame: question, segment, model, measure, value, low, high, users."""
        rows = [
            (
                question.name,
                row.segment,
                row.model,
                measure.name,
                measure.value,
                measure.low,
                measure.high,
                measure.n_users,
            )
            for question in self.questions
            for row in question.rows
            for measure in row.measures
        ]
        names = ["question", "segment", "model", "measure", "value", "low", "high", "users"]
        return pl.DataFrame(rows, schema=names, orient="row")

    def _repr_html_(self) -> str:
        tables = [
            html_table(*make_main_table(question), question.name)
            + html_table(*make_liking_table(question), notes="\n".join(question.verdicts))
            for question in self.questions
        ]
        failures = [[f["model"], f["split"], f["seed"], f["why"]] for f in self.failures]
        if failures:
            tables.append(html_table(["model", "split", "seed#", "why"], failures, "Not measured"))
        return f"<p>{escape(self.describe_data())}</p>{''.join(tables)}"

    def page(self) -> str:
        """Render the HTML page: verdicts, tables and plots by question, then method and settings. It loads nothing."""
        return fill_page(
            source=escape(Path(self.data["source"]).name),
            data=escape(self.describe_data()),
            verdicts="".join(self._verdict(question) for question in self.questions) or "<p>No model was measured.</p>",
            failures=self._failures(),
            questions="".join(self._section(question) for question in self.questions),
            curves=render_image(
                plots.plot_new_user_curves(self.questions), "Measures by the number of ratings that new users gave"
            ),
            tuned=self._tuned(),
            settings=render_settings(self.plan["settings"]),
            method=escape(METHOD),
            versions=escape(", ".join(f"{name} {number}" for name, number in self.versions.items())),
            command=escape(self.command),
        )

    def describe_data(self) -> str:
        """Describe the data, such as `610 users × 9,724 movies, 100,836 ratings, 0.5–5`."""
        data = self.data
        what = f"ratings, {data['scale']}" if data["scale"] else "plain interactions"
        return f"{data['users']:,} users × {data['movies']:,} movies, {data['ratings']:,} {what}"

    def _verdict(self, question: QuestionResult) -> str:
        sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in question.verdicts)
        return f"<h3>{escape(question.name)}</h3><ul>{sentences}</ul>"

    def _section(self, question: QuestionResult) -> str:
        drawn = not question.name.startswith(NEW_USERS)  # curves at the top show these instead
        return "\n".join(
            [
                f"<section><h2>{escape(question.name)}</h2>",
                f'<p class="quiet">{escape(describe_protocol(question))}</p>',
                render_table(*make_main_table(question)),
                "<h3>Liking</h3>",
                f'<p class="quiet">{escape(LIKING_NOTE)}</p>',
                render_table(*make_liking_table(question)),
                render_image(plots.plot_accuracy_by_time(question) if drawn else None, "Accuracy by training time"),
                render_table(*make_cost_table(question)),
                "<h3>Differences from the best</h3>",
                render_table(*make_comparison_table(question)),
                render_image(
                    plots.plot_differences(question) if drawn else None, "Differences from the best, with intervals"
                ),
                "<h3>By segment</h3>",
                f'<p class="quiet">{escape(describe_segments(question))}</p>',
                render_table(*make_segment_table(question)),
                render_image(plots.plot_segments(question) if drawn else None, "Measures by segment"),
                "</section>",
            ]
        )

    def _failures(self) -> str:
        if not self.failures:
            return ""
        rows = [[f["model"], f["split"], f["seed"], f["why"]] for f in self.failures]
        return "<section><h2>Not measured</h2>" + render_table(["model", "split", "seed#", "why"], rows) + "</section>"

    def _tuned(self) -> str:
        if not self.tuned:
            return ""
        columns = ["model", "split", "seed#", "trials#", "pruned#", "measure", "validation#", "untuned#", "chosen"]
        rows = [
            [t["model"], t["split"], t["seed"], t["trials"], t["pruned"], t["measure"], format_number(t["value"]),
             format_number(t["default"]), format_settings(t["chosen"])]
            for t in self.tuned
        ]  # fmt: skip
        return "<h3>Hyper-parameter search within the training part</h3>" + render_table(columns, rows)
