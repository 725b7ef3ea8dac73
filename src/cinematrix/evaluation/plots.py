"""Pictures of training and of reliability, and the look of all pictures, with Matplotlib."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cinematrix.common.plotting import ACCENT, INK, MUTED, add_axes, create_figure, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cinematrix.evaluation.reliability import Reliability
    from cinematrix.models.base import TrainingLog

HEAD_TITLES = {"stars": ("rating head", "RMSE on validation ratings"), "ranking": ("ranking head", "surprise, nats")}
SERIES_COLOURS = ("#1d4ed8", ACCENT, "#15803d")

MIN_PAIRS_PER_BIN = 50
"""Chances of fewer pairs than this aren't drawn."""


def plot_learning_curves(logs: "Mapping[str, TrainingLog]", path: Path, *, title: str = "") -> None:
    """A PNG with each head's validation error by epoch, and a ring at the weights that were kept.

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


def plot_reliability(found: "Reliability", path: Path, *, force: bool = False) -> None:
    """A PNG of what a model's intervals and chances are worth: what is on the diagonal keeps its promise.

    Raises:
        InputError: the file exists and `force` isn't given, or it can't be written.
    """
    figure = create_figure(10, 4.8)
    figure.suptitle(f"{found.model} on {found.ratings:,} ratings it hasn't seen", color=INK)
    _plot_intervals(_make_diagonal_axes(figure, "intervals", "coverage asked for", "ratings inside", 1), found)
    _plot_calibration(_make_diagonal_axes(figure, "chances", "predicted chance", "share that got it", 2), found)
    write_png(figure, path, force=force)


def _make_diagonal_axes(figure: "Figure", title: str, across: str, up: str, place: int) -> "Axes":
    """An empty square with the diagonal, both ways from 0 to 100 %."""
    axes = add_axes(figure, title, across, up, (1, 2, place))
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.grid(alpha=0.25)
    return axes


def _plot_intervals(axes: "Axes", found: "Reliability") -> None:
    """The share inside by the coverage asked for, and in words how wide the intervals of 50, 80 and 95 % are."""
    axes.fill_between([0, 1], [-0.02, 0.98], [0.02, 1.02], color=MUTED, alpha=0.2, linewidth=0, zorder=0)
    axes.plot(found.asked, found.covered, "o-", color=ACCENT, linewidth=2, markersize=5, zorder=3)
    lines = []
    for coverage in (0.5, 0.8, 0.95):
        place = int(np.abs(found.asked - coverage).argmin())
        lines.append(
            f"{found.asked[place]:.0%}: {found.covered[place]:.1%} inside, {found.width[place]:.2f} stars wide"
        )
    axes.text(0.98, 0.03, "\n".join([*lines, "grey band: ± 2 points"]), ha="right", va="bottom", color=INK, fontsize=9)


def _plot_calibration(axes: "Axes", found: "Reliability") -> None:
    """The share that came true by the chance promised, a line a rating, dots as large as there are pairs."""
    for colour, stars, count, promised, happened in zip(
        SERIES_COLOURS, found.stars.tolist(), found.count, found.predicted, found.observed, strict=False
    ):
        enough = count >= MIN_PAIRS_PER_BIN
        sizes = 8 + 150 * count[enough] / found.count.max()
        axes.plot(promised[enough], happened[enough], color=colour, linewidth=1.2, zorder=2)
        axes.scatter(
            promised[enough], happened[enough], sizes, color=colour, edgecolor="white", linewidth=0.6, zorder=3
        )
        axes.plot([], [], "o", color=colour, label=f"{stars:g} stars or more")
    if len(found.stars):
        axes.legend(frameon=False, loc="upper left", labelcolor=INK, fontsize=9)
    axes.text(0.98, 0.03, "area of a dot: pairs in the bin", ha="right", va="bottom", color=INK, fontsize=9)
