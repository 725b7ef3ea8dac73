"""Pictures of a comparison, each for light and for dark, as data that a page can hold."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from cinematrix.common.plotting import ACCENT, INK, MUTED, add_axes, create_figure
from cinematrix.evaluation.compare.cell import NEW_USERS
from cinematrix.evaluation.compare.results import VERDICT_MEASURES, QuestionResult, SegmentMeasures, smaller_is_better

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cinematrix.evaluation.evaluate import Measure

DARK_THEME_INK = "#e8eaed"
"""What `INK` becomes on dark ground."""

COLOURS = ("#3b82f6", "#ea580c", "#16a34a", "#a855f7", "#db2777", "#0891b2", "#ca8a04", "#64748b")
"""One a model, legible on light and dark ground; they repeat, with other marks."""

MARKERS = "osD^v"


@dataclass(frozen=True)
class ThemedImage:
    """A picture as `data:` addresses."""

    light: str
    dark: str


def plot_accuracy_by_time(question: QuestionResult) -> ThemedImage | None:
    """Each judged measure with its interval over the seconds of training: better and cheaper is to the left."""
    panels = _panels(question)
    if not panels:
        return None
    figure = create_figure(5.2 * len(panels), 3.6)
    for place, measure in enumerate(panels, start=1):
        better = "lower" if smaller_is_better(measure) else "higher"
        axes = add_axes(figure, measure, "training, seconds", f"{better} is better", (1, len(panels), place))
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        for number, row in enumerate(_rows(question)):
            found = _measure(row, measure)
            if found is not None:
                seconds = max(question.costs[row.model]["training_s"], 1e-3)
                _point(axes, seconds, found, number)
                axes.annotate(
                    row.model, (seconds, found.value), (7, 5), textcoords="offset points", color=INK, fontsize=8,
                    parse_math=False,
                )  # fmt: skip
        axes.margins(x=0.25, y=0.15)
    return render_themes(figure)


def plot_differences(question: QuestionResult) -> ThemedImage | None:
    """Every model's difference from the best with its interval; what crosses the line can't be told apart."""
    panels = [m for m in _panels(question) if any(c.measure == m for c in question.comparisons)]
    if not panels:
        return None
    most = max(sum(c.measure == m for c in question.comparisons) for m in panels)
    figure = create_figure(5.2 * len(panels), 1.3 + 0.32 * most)
    for place, measure in enumerate(panels, start=1):
        found = [c for c in question.comparisons if c.measure == measure]
        found.sort(key=lambda c: abs(c.difference.value), reverse=True)
        axes = add_axes(figure, measure, f"difference from {found[0].best}", "", (1, len(panels), place))
        axes.axvline(0, color=MUTED, linewidth=1)
        for y, each in enumerate(found):
            colour = ACCENT if "worse" in each.verdict else MUTED
            axes.plot([each.difference.low, each.difference.high], [y, y], color=colour, linewidth=2)
            axes.plot([each.difference.value], [y], "o", color=colour)
        axes.set_yticks(range(len(found)), [each.model for each in found], color=INK, parse_math=False)
        axes.xaxis.label.set_parse_math(False)
        axes.margins(y=0.3)
        axes.locator_params(axis="x", nbins=5)
        axes.grid(axis="y", visible=False)
    return render_themes(figure)


def plot_segments(question: QuestionResult) -> ThemedImage | None:
    """Each judged measure in each segment, a mark a model, with intervals."""
    panels = _panels(question)
    names = list(dict.fromkeys(row.segment for row in question.rows if row.segment != "all"))
    if not panels or not names:
        return None
    figure = create_figure(5.6 * len(panels), 3.6)
    models = [row.model for row in _rows(question)]
    for place, measure in enumerate(panels, start=1):
        axes = add_axes(figure, measure, "", "", (1, len(panels), place))
        for number, model in enumerate(models):
            for x, name in enumerate(names):
                row = next((r for r in question.rows if (r.model, r.segment) == (model, name)), None)
                found = _measure(row, measure) if row else None
                if found is not None:
                    _point(axes, x + 0.6 * ((number + 0.5) / len(models) - 0.5), found, number)
        axes.set_xticks(range(len(names)), [n.replace(" ", "\n", 1) for n in names], fontsize=7)
    _legend(figure, models)
    return render_themes(figure)


def plot_new_user_curves(questions: Sequence[QuestionResult]) -> ThemedImage | None:
    """Each judged measure by how many ratings new users have given, a line a model.

    Without intervals: users differ more than models do, so that the models' would overlap even where tests tell them
    apart.
    """
    asked = [question for question in questions if question.name.startswith(NEW_USERS)]
    if len(asked) < 2:
        return None
    panels, models = _panels(asked[0]), [row.model for row in _rows(asked[0])]
    figure = create_figure(5.2 * len(panels), 3.6)
    given = [int(question.name.split()[1]) for question in asked]
    for place, measure in enumerate(panels, start=1):
        axes = add_axes(figure, measure, "ratings given by a new user", "", (1, len(panels), place))
        for number, model in enumerate(models):
            rows = [next((r for r in _rows(q) if r.model == model), None) for q in asked]
            found = [(k, m) for k, r in zip(given, rows, strict=True) if r and (m := _measure(r, measure)) is not None]
            if found:
                colour = COLOURS[number % len(COLOURS)]
                ks = [k for k, _ in found]
                axes.plot(ks, [m.value for _, m in found], f"{_marker(number)}-", color=colour, markersize=5)
        axes.set_xticks(given)
    _legend(figure, models)
    return render_themes(figure)


def _panels(question: QuestionResult) -> list[str]:
    return [measure for measure in VERDICT_MEASURES if any(_measure(row, measure) for row in _rows(question))]


def _rows(question: QuestionResult) -> list[SegmentMeasures]:
    return [row for row in question.rows if row.segment == "all"]


def _measure(row: SegmentMeasures, name: str) -> "Measure | None":
    return next((measure for measure in row.measures if measure.name == name), None)


def _marker(number: int) -> str:
    return MARKERS[number // len(COLOURS) % len(MARKERS)]


def _point(axes: "Axes", x: float, found: "Measure", number: int) -> None:
    colour = COLOURS[number % len(COLOURS)]
    axes.plot([x], [found.value], _marker(number), color=colour, markersize=6, zorder=3)
    if found.low == found.low:
        axes.plot([x, x], [found.low, found.high], color=colour, linewidth=1.5, alpha=0.7)


def _legend(figure: "Figure", models: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color=COLOURS[n % len(COLOURS)], marker=_marker(n), linestyle="none") for n in range(len(models))
    ]
    legend = figure.legend(
        marks, models, loc="outside lower center", ncols=min(6, len(models)), frameon=False, labelcolor=INK, fontsize=8
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def render_themes(figure: "Figure") -> ThemedImage:
    """The figure on no ground, as it is and with its ink turned to paper."""
    from matplotlib.colors import to_hex
    from matplotlib.text import Text

    light = _encode_png(figure)
    for text in figure.findobj(Text):
        if to_hex(text.get_color()) == INK:
            text.set_color(DARK_THEME_INK)
    for axes in figure.axes:
        for spine in axes.spines.values():
            spine.set_color(MUTED)
    return ThemedImage(light, _encode_png(figure))


def _encode_png(figure: "Figure") -> str:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", transparent=True, metadata={"Software": None})
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
