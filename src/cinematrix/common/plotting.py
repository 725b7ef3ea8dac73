"""TODO common.plotting."""

from pathlib import Path
from typing import TYPE_CHECKING

from cinematrix.common.atomic_files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


INK, ACCENT, MUTED = "#1b1f24", "#c2410c", "#8b949e"


def add_axes(figure: "Figure", title: str, x: str, y: str, place: tuple[int, int, int] = (1, 1, 1)) -> "Axes":
    """Axes with a title and what they show, at `place` (rows, columns, number) of the figure."""
    axes = figure.add_subplot(*place)
    axes.set_title(title, loc="left", color=INK, fontweight="bold", fontsize=11)
    axes.set_xlabel(x, color=MUTED)
    axes.set_ylabel(y, color=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=MUTED)
    axes.grid(axis="y", alpha=0.25)
    return axes


def create_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches; it needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def write_png(figure: "Figure", path: Path, *, force: bool = True) -> None:
    """The figure as a PNG whose bytes are the same each time."""
    with write_atomically(path, force=force) as file:
        figure.savefig(file, format="png", metadata={"Software": None})
