"""Plots of a comparison, each in a light and a dark theme, as `data:` URLs."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from cinematrix.common.plotting import ACCENT, DARK_THEME_INK, INK, MUTED, SERIES_COLOURS, add_axes, create_figure
from cinematrix.evaluation.compare.cell import NEW_USERS, K
from cinematrix.evaluation.compare.results import QuestionResult, SegmentMeasures
from cinematrix.evaluation.measure_facts import lower_is_better

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cinematrix.evaluation.measures import Measure

DRAWN_MEASURES = ("rmse", f"ndcg@{K}", f"ndcg_liked@{K}")
"""Measures with a panel in each plot, if the models have them."""

MARKERS = "osD^v"
"""Markers of the models: the first for as many models as there are colours, then the next."""


@dataclass(frozen=True)
class ThemedImage:
    """Plot as `data:` URLs of PNGs, one for a light and one for a dark theme."""

    light: str
    dark: str


def plot_accuracy_by_time(question: QuestionResult) -> ThemedImage | None:
    """Plot each drawn measure, with its interval, by training time in seconds; None without measures."""
    panels = _panels(question)
    if not panels:
        return None
    figure = create_figure(5.2 * len(panels), 3.6)
    for place, measure in enumerate(panels, start=1):
        better = "lower" if lower_is_better(measure) else "higher"
        axes = add_axes(figure, measure, "training, seconds", f"{better} is better", (1, len(panels), place))
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        for number, row in enumerate(_rows(question)):
            value = _find_measure(row, measure)
            if value is not None:
                seconds = max(question.costs[row.model]["training_s"], 1e-3)
                _draw_point(axes, seconds, value, number)
                axes.annotate(
                    row.model, (seconds, value.value), (7, 5), textcoords="offset points", color=INK, fontsize=8,
                    parse_math=False,
                )  # fmt: skip
        axes.margins(x=0.25, y=0.15)
    return render_themes(figure)


def plot_differences(question: QuestionResult) -> ThemedImage | None:
    """Plot each model's difference from the best model, with its interval; None without comparisons."""
    panels = [m for m in _panels(question) if any(c.measure == m for c in question.comparisons)]
    if not panels:
        return None
    most = max(sum(c.measure == m for c in question.comparisons) for m in panels)
    figure = create_figure(5.2 * len(panels), 1.3 + 0.32 * most)
    for place, measure in enumerate(panels, start=1):
        comparisons = [c for c in question.comparisons if c.measure == measure]
        comparisons.sort(key=lambda c: abs(c.difference.value), reverse=True)
        axes = add_axes(figure, measure, f"difference from {comparisons[0].best}", "", (1, len(panels), place))
        axes.axvline(0, color=MUTED, linewidth=1)
        for y, each in enumerate(comparisons):
            colour = ACCENT if "worse" in each.verdict else MUTED
            axes.plot([each.difference.low, each.difference.high], [y, y], color=colour, linewidth=2)
            axes.plot([each.difference.value], [y], "o", color=colour)
        axes.set_yticks(range(len(comparisons)), [each.model for each in comparisons], color=INK, parse_math=False)
        axes.xaxis.label.set_parse_math(False)
        axes.margins(y=0.3)
        axes.locator_params(axis="x", nbins=5)
        axes.grid(axis="y", visible=False)
    return render_themes(figure)


def plot_segments(question: QuestionResult) -> ThemedImage | None:
    """Plot each drawn measure in each segment, with intervals; None without segments."""
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
                value = _find_measure(row, measure) if row else None
                if value is not None:
                    _draw_point(axes, x + 0.6 * ((number + 0.5) / len(models) - 0.5), value, number)
        axes.set_xticks(range(len(names)), [n.replace(" ", "\n", 1) for n in names], fontsize=7)
    _add_legend(figure, models)
    return render_themes(figure)


def plot_new_user_curves(questions: Sequence[QuestionResult]) -> ThemedImage | None:
    """Plot each drawn measure by the number of ratings that new users gave; None for fewer than two numbers.

    Intervals aren't drawn: users differ more than models do, so intervals overlap even where the paired test finds a
    difference.
    """
    selected = [question for question in questions if question.name.startswith(NEW_USERS)]
    if len(selected) < 2:
        return None
    panels, models = _panels(selected[0]), [row.model for row in _rows(selected[0])]
    figure = create_figure(5.2 * len(panels), 3.6)
    given = [int(question.name.split()[1]) for question in selected]
    for place, measure in enumerate(panels, start=1):
        axes = add_axes(figure, measure, "ratings given by a new user", "", (1, len(panels), place))
        for number, model in enumerate(models):
            rows = [next((r for r in _rows(q) if r.model == model), None) for q in selected]
            values = [_find_measure(row, measure) if row else None for row in rows]
            points = [(k, m.value) for k, m in zip(given, values, strict=True) if m is not None]
            if points:
                axes.plot(*zip(*points, strict=True), f"{_marker(number)}-", color=_colour(number), markersize=5)
        axes.set_xticks(given)
    _add_legend(figure, models)
    return render_themes(figure)


def _panels(question: QuestionResult) -> list[str]:
    return [measure for measure in DRAWN_MEASURES if any(_find_measure(row, measure) for row in _rows(question))]


def _rows(question: QuestionResult) -> list[SegmentMeasures]:
    return [row for row in question.rows if row.segment == "all"]


def _find_measure(row: SegmentMeasures, name: str) -> "Measure | None":
    return next((measure for measure in row.measures if measure.name == name), None)


def _colour(number: int) -> str:
    return SERIES_COLOURS[number % len(SERIES_COLOURS)]


def _marker(number: int) -> str:
    return MARKERS[number // len(SERIES_COLOURS) % len(MARKERS)]


def _draw_point(axes: "Axes", x: float, measure: "Measure", number: int) -> None:
    axes.plot([x], [measure.value], _marker(number), color=_colour(number), markersize=6, zorder=3)
    if measure.low == measure.low:
        axes.plot([x, x], [measure.low, measure.high], color=_colour(number), linewidth=1.5, alpha=0.7)


def _add_legend(figure: "Figure", models: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    marks = [Line2D([], [], color=_colour(n), marker=_marker(n), linestyle="none") for n in range(len(models))]
    legend = figure.legend(
        marks, models, loc="outside lower center", ncols=min(6, len(models)), frameon=False, labelcolor=INK, fontsize=8
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def render_themes(figure: "Figure") -> ThemedImage:
    """Render the figure with a transparent background, once in its colours and once in those of the dark theme."""
    from matplotlib.colors import to_hex
    from matplotlib.text import Text

    light = _encode_png(figure)
    figure.set_layout_engine("none")  # colours change no size, and computing the layout takes half of the time
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
