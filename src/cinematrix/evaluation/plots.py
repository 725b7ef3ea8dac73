"""Plots of learning curves and of reliability."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cinematrix.common.plotting import ACCENT, INK, MUTED, SERIES_COLOURS, add_axes, create_figure, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cinematrix.evaluation.reliability import Reliability
    from cinematrix.models.contract_types import TrainingLog

HEAD_TITLES = {
    "stars": ("rating head", "RMSE on validation ratings"),
    "ranking": ("ranking head", "softmax loss, nats"),
}
"""Title and axis label of each head's learning curve."""

MIN_PAIRS_PER_BIN = 50
"""Minimum pairs in a bin of the calibration plot; emptier bins aren't drawn."""


def plot_learning_curves(logs: "Mapping[str, TrainingLog]", path: Path, *, title: str = "") -> None:
    """Write a PNG of each head's validation error by epoch, with a ring at the epoch whose weights were kept.

    Raises:
        InputError: the file can't be written.
    """
    figure = create_figure(5 * len(logs), 3.4)
    for place, (head, log) in enumerate(logs.items(), start=1):
        name, measure = HEAD_TITLES[head]
        axes = add_axes(figure, name, "epoch", measure, (1, len(logs), place))
        best = log.errors[log.best_epoch]
        axes.plot(range(len(log.errors)), log.errors, color=ACCENT, linewidth=2)
        axes.plot([log.best_epoch], [best], "o", color=INK, markersize=8, fillstyle="none", markeredgewidth=1.5)
        axes.annotate(f"{best:.4f}", (log.best_epoch, best), (0, 10), textcoords="offset points", ha="right", color=INK)
    if title:
        figure.suptitle(title, color=INK)
    write_png(figure, path)


def plot_reliability(reliability: "Reliability", path: Path, *, force: bool = False) -> None:
    """Write a PNG of interval coverage and calibration; a perfect model is on the diagonal.

    Raises:
        InputError: the file exists and `force` isn't given, or it can't be written.
    """
    figure = create_figure(10, 4.8)
    figure.suptitle(f"{reliability.model} on {reliability.ratings:,} ratings it hasn't seen", color=INK)
    _plot_intervals(_add_diagonal_axes(figure, "intervals", "nominal coverage", "ratings inside", 1), reliability)
    axes = _add_diagonal_axes(figure, "calibration", "predicted probability", "observed share", 2)
    _plot_calibration(axes, reliability)
    write_png(figure, path, force=force)


def _add_diagonal_axes(figure: "Figure", title: str, x: str, y: str, place: int) -> "Axes":
    """Add square axes with the diagonal, both from 0 to 100 %."""
    axes = add_axes(figure, title, x, y, (1, 2, place))
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.grid(alpha=0.25)
    return axes


def _plot_intervals(axes: "Axes", reliability: "Reliability") -> None:
    """Draw observed by nominal coverage, with a note of the widths of the 50, 80 and 95 % intervals."""
    axes.fill_between([0, 1], [-0.02, 0.98], [0.02, 1.02], color=MUTED, alpha=0.2, linewidth=0, zorder=0)
    nominal, covered = reliability.asked, reliability.covered
    axes.plot(nominal, covered, "o-", color=ACCENT, linewidth=2, markersize=5, zorder=3)
    lines = []
    for coverage in (0.5, 0.8, 0.95):
        at = int(np.abs(nominal - coverage).argmin())
        lines.append(f"{nominal[at]:.0%}: {covered[at]:.1%} inside, {reliability.width[at]:.2f} stars wide")
    axes.text(0.98, 0.03, "\n".join([*lines, "grey band: ± 2 points"]), ha="right", va="bottom", color=INK, fontsize=9)


def _plot_calibration(axes: "Axes", reliability: "Reliability") -> None:
    """Draw observed share by predicted probability, one line a threshold; dots grow with the pairs in the bin."""
    counts, thresholds = reliability.count, reliability.stars.tolist()
    for colour, stars, count, predicted, observed in zip(
        SERIES_COLOURS, thresholds, counts, reliability.predicted, reliability.observed, strict=False
    ):
        drawn = count >= MIN_PAIRS_PER_BIN
        sizes = 8 + 150 * count[drawn] / counts.max()
        axes.plot(predicted[drawn], observed[drawn], color=colour, linewidth=1.2, zorder=2)
        axes.scatter(predicted[drawn], observed[drawn], sizes, color=colour, edgecolor="white", linewidth=0.6, zorder=3)
        axes.plot([], [], "o", color=colour, label=f"{stars:g} stars or more")
    if thresholds:
        axes.legend(frameon=False, loc="upper left", labelcolor=INK, fontsize=9)
    axes.text(0.98, 0.03, "area of a dot: pairs in the bin", ha="right", va="bottom", color=INK, fontsize=9)
