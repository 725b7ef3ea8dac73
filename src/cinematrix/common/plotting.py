"""Matplotlib figures in one style, written as PNG files."""

from pathlib import Path
from typing import TYPE_CHECKING

from cinematrix.common.atomic_files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, ACCENT, MUTED = "#1b1f24", "#c2410c", "#8b949e"
"""Colours of titles, of highlighted data, and of labels and secondary data."""

DARK_THEME_INK = "#e8eaed"
"""Colour that replaces `INK` on a dark background."""

SERIES_COLOURS = ("#3b82f6", "#ea580c", "#16a34a", "#a855f7", "#db2777", "#0891b2", "#ca8a04", "#64748b")
"""Colours of data series, one each, legible on light and dark backgrounds."""


def add_axes(figure: "Figure", title: str, x: str, y: str, place: tuple[int, int, int] = (1, 1, 1)) -> "Axes":
    """Add axes with a title and axis labels to the figure, at `place` (rows, columns, number)."""
    axes = figure.add_subplot(*place)
    axes.set_title(title, loc="left", color=INK, fontweight="bold", fontsize=11)
    axes.set_xlabel(x, color=MUTED)
    axes.set_ylabel(y, color=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(which="both", colors=MUTED)
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)
    return axes


def create_figure(width: float, height: float) -> "Figure":
    """Return an empty figure, its size in inches; no display is needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def write_png(figure: "Figure", path: Path, *, force: bool = True) -> None:
    """Write the figure as a PNG; equal figures give equal bytes."""
    with write_atomically(path, force=force) as file:
        figure.savefig(file, format="png", metadata={"Software": None})
