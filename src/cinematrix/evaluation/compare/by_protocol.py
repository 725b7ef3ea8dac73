"""Report of a comparison by a published protocol: our models' measures, then the figures that papers report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from statistics import fmean
from typing import Any, Self

import polars as pl

from cinematrix.common.html import html_table
from cinematrix.common.text import text_table
from cinematrix.data.protocols import find_dataset
from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.compare.page import fill_page, read_library_versions, render_settings, render_table
from cinematrix.evaluation.compare.results import list_failures
from cinematrix.evaluation.compare.run import ComparisonOutcome, ComparisonPlan
from cinematrix.evaluation.compare.tables import TextTable, describe_counts, format_number
from cinematrix.evaluation.protocols import PROTOCOLS, PublishedProtocol

REPORT_FORMAT = 1
"""Version of the JSON document; raised when a field changes its name or meaning."""

METHOD = (
    "Each model is trained and measured in a process of its own. A value is the mean over seeds; behind it stand the "
    "95 % interval of one seed (percentile bootstrap over users), or the lowest and highest of several. "
    "CPU seconds are of training and measuring."
)
"""Description of the measurement, part of every report."""

CONTENT_REMARK = "deep-mf, pmf and blend also learn from genres, years and tags; the papers' models from ratings alone."
"""Remark on data sets with a catalog."""


@dataclass(frozen=True)
class ProtocolReport:
    """Results of a comparison by a published protocol.

    Attributes:
        data: source, counts and scale of the ratings, and the name of the data set if papers report on it.
        protocol: name, title, source and measures of the protocol, and the split in words.
        incomparable: reasons why these figures don't compare with the published ones; empty if they do.
        remarks: differences that hold for every data set.
        models: by model, `measures` (value, low, high and by_seed of each) and the costs `training_s`, `cpu_s` and
            `peak_mb`.
        published: published figures: data set, model, source, values, where they were checked, and a note.
        failures: failed cells, each with `model`, `split`, `seed` and `why`.
        settings: the models' settings.
        versions: versions of the libraries.
        command: command that repeats the comparison.
    """

    data: dict[str, Any]
    protocol: dict[str, Any]
    incomparable: tuple[str, ...]
    remarks: tuple[str, ...]
    models: dict[str, dict[str, Any]]
    published: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    settings: dict[str, dict[str, Any]]
    versions: dict[str, str]
    command: str

    @classmethod
    def of(
        cls, plan: ComparisonPlan, outcome: ComparisonOutcome, ratings: Ratings, source: str, command: str,
        *, content: bool = False,
    ) -> Self:  # fmt: skip
        """Create the report of a plan's outcome.

        Args:
            content: the models had a catalog to learn from.
        """
        (name,) = plan.splits
        protocol, failures = PROTOCOLS[name], list_failures(outcome.failures)
        failed = {failure["model"] for failure in failures}
        by_model = {model: [c for c in outcome.cells if c["key"]["model"] == model] for model in plan.settings}
        return cls(
            data={"source": source, "dataset": find_dataset(ratings), **describe_counts(ratings)},
            protocol=_describe(protocol) | {"split": outcome.cells[0]["protocol"] if outcome.cells else ""},
            incomparable=outcome.checks[name],
            remarks=protocol.remarks + (CONTENT_REMARK,) * content,
            models={model: _pool_seeds(cells) for model, cells in by_model.items() if cells and model not in failed},
            published=[
                {"dataset": dataset, **asdict(figure), "status": figure.status}
                for dataset, figure in protocol.published_figures(ratings)
            ],
            failures=failures,
            settings={model: asdict(settings) for model, settings in plan.settings.items()},
            versions=read_library_versions(),
            command=command,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        return {"format": REPORT_FORMAT, "method": METHOD, **asdict(self)}

    def table(self) -> TextTable:
        """Return a row for each of our models and for each published figure."""
        names = self.protocol["measures"]
        columns = ["model", *(f"{name}#" for name in names), "CPU s#", "peak MB#", "data", "source", "status"]
        ours = [
            [
                model, *(_format_measure(found["measures"][name]) for name in names), f"{found['cpu_s']:,.1f}",
                f"{found['peak_mb']:,.0f}", "here", "", "measured",
            ]
            for model, found in self.models.items()
        ]  # fmt: skip
        theirs = [
            [each["model"], *(_format_published(each["values"].get(name)) for name in names), "", "", each["dataset"],
             each["source"], each["status"]]
            for each in self.published
        ]  # fmt: skip
        return columns, ours + theirs

    def verdict(self) -> tuple[str, list[str]]:
        """Return a sentence on whether the figures compare, and the reasons why they don't."""
        if not self.published:
            return "No figure is published by this protocol.", []
        if self.incomparable:
            return "Not comparable with the published figures:", list(self.incomparable)
        return f"Comparable with the published figures on {self.data['dataset']}.", []

    def describe_data(self) -> str:
        """Describe the data, such as `610 users × 9,724 movies, 100,836 ratings, 0.5–5`."""
        data = self.data
        what = f"ratings, {data['scale']}" if data["scale"] else "plain interactions"
        return f"{data['users']:,} users × {data['movies']:,} movies, {data['ratings']:,} {what}"

    def describe_protocol(self) -> list[str]:
        """Return source, split and remarks, a line each."""
        split = self.protocol["split"]
        return [f"Protocol of {self.protocol['source']}.", *[f"Split: {split}."] * bool(split), *self.remarks]

    def describe(self) -> list[str]:
        """Return the data, the verdict and the protocol, a line each."""
        sentence, reasons = self.verdict()
        return [
            self.describe_data(),
            f"{self.protocol['name']}: {self.protocol['title']}",
            sentence,
            *(f"- {reason}" for reason in reasons),
            *self.describe_protocol(),
        ]

    def footnotes(self) -> list[str]:
        """Return where published figures were verified, what to know of them, and why models weren't measured."""
        return [*self._notes(), *self.unmeasured()]

    def _notes(self) -> list[str]:
        texts = dict.fromkeys(each["checked"] for each in self.published if each["checked"])
        verified = [f"verified in {text}: {self._name_models('checked', text)}" for text in texts]
        notes = dict.fromkeys(each["note"] for each in self.published if each["note"])
        return [*verified, *(f"{self._name_models('note', note)}: {note}" for note in notes)]

    def _name_models(self, field: str, value: str) -> str:
        return ", ".join(dict.fromkeys(each["model"] for each in self.published if each[field] == value))

    def unmeasured(self) -> list[str]:
        """Return a line for each model that failed."""
        return [f"{f['model']}, seed {f['seed']}: {f['why']}" for f in self.failures]

    def __str__(self) -> str:
        return "\n".join([*self.describe(), "", text_table(*self.table()), "", *self.footnotes()])

    def to_frame(self) -> pl.DataFrame:
        """Return a frame: model, data, measure, value, low, high, source, status."""
        here = self.data["dataset"] or self.data["source"]
        rows = [
            (model, here, name, measure["value"], measure["low"], measure["high"], "", "measured")
            for model, found in self.models.items()
            for name, measure in found["measures"].items()
        ]
        rows += [
            (each["model"], each["dataset"], name, value, None, None, each["source"], each["status"])
            for each in self.published
            for name, value in each["values"].items()
        ]
        names = ["model", "data", "measure", "value", "low", "high", "source", "status"]
        return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)

    def _repr_html_(self) -> str:
        return html_table(*self.table(), self.protocol["title"], "\n".join([*self.describe(), *self.footnotes()]))

    def page(self) -> str:
        """Render the HTML page. It loads nothing."""
        sentence, reasons = self.verdict()
        title = f"<h2>{escape(self.protocol['name'])}: {escape(self.protocol['title'])}</h2>"
        lines = "".join(f'<p class="quiet">{escape(line)}</p>' for line in self.describe_protocol())
        notes = "".join(f'<p class="quiet">{escape(line)}</p>' for line in self._notes())
        failures = _render_list(self.unmeasured())
        return fill_page(
            source=escape(Path(self.data["source"]).name),
            data=escape(self.describe_data()),
            verdicts=f"<p>{escape(sentence)}</p>{_render_list(reasons)}",
            failures=f"<section><h2>Not measured</h2>{failures}</section>" if failures else "",
            questions=f"<section>{title}{lines}{render_table(*self.table())}{notes}</section>",
            settings=render_settings(self.settings),
            method=escape(METHOD),
            versions=escape(", ".join(f"{name} {number}" for name, number in self.versions.items())),
            command=escape(self.command),
        )


def _describe(protocol: PublishedProtocol) -> dict[str, Any]:
    return {name: getattr(protocol, name) for name in ("name", "title", "source", "measures")}


def _pool_seeds(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the measures and costs of one model from its cells, one a seed."""
    costs = {name: fmean(cell[name] for cell in cells) for name in ("training_s", "cpu_s")}
    measures = {name: _pool_measure([cell["measures"][name] for cell in cells]) for name in cells[0]["measures"]}
    return {"measures": measures, **costs, "peak_mb": max(cell["peak_mb"] for cell in cells)}


def _pool_measure(seeds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean of a measure over seeds; the ends are those of one seed's interval, or of several values."""
    values = [each["value"] for each in seeds]
    known = [value for value in values if value is not None]
    ends = {"low": min(known, default=None), "high": max(known, default=None)}
    if len(seeds) == 1:
        ends = {end: seeds[0][end] for end in ends}
    return {"value": fmean(known) if known else None, **ends, "by_seed": values}


def _render_list(items: Sequence[str]) -> str:
    """Render an HTML list; empty without items."""
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>" if items else ""


def _format_measure(measure: dict[str, Any]) -> str:
    interval = f" ({measure['low']:.3f}–{measure['high']:.3f})" if measure["low"] is not None else ""
    return f"{format_number(measure['value'])}{interval}"


def _format_published(value: float | None) -> str:
    """Format a published value with as many decimals as the paper has."""
    return "–" if value is None else f"{value:.4f}".removesuffix("0")
