"""Pictures of training, and the look of all pictures, with Matplotlib."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cinematrix.files import written_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cinematrix.training import Log

TITLES = {"stars": ("rating head", "RMSE on validation ratings"), "ranking": ("ranking head", "surprise, nats")}
INK, ACCENT, MUTED = "#1b1f24", "#c2410c", "#8b949e"


def learning_curves(logs: "Mapping[str, Log]", path: Path, *, title: str = "") -> None:
    """A PNG with each head's validation error by epoch, and a ring at the weights that were kept.

    Raises:
        InputError: the file can't be written.
    """
    figure = figure_of(5 * len(logs), 3.4)
    for place, (head, log) in enumerate(logs.items(), start=1):
        name, measure = TITLES[head]
        axes = axes_of(figure, name, "epoch", measure, (1, len(logs), place))
        best = log.errors[log.best_epoch]
        axes.plot(range(len(log.errors)), log.errors, color=ACCENT, linewidth=2)
        axes.plot([log.best_epoch], [best], "o", color=INK, markersize=8, fillstyle="none", markeredgewidth=1.5)
        axes.annotate(f"{best:.4f}", (log.best_epoch, best), (0, 10), textcoords="offset points", ha="right", color=INK)
    if title:
        figure.suptitle(title, color=INK)
    write_png(figure, path)


def figure_of(width: float, height: float) -> "Figure":
    """An empty figure, in inches; it needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def axes_of(figure: "Figure", title: str, x: str, y: str, place: tuple[int, int, int] = (1, 1, 1)) -> "Axes":
    """Axes with a title and what they show, at `place` (rows, columns, number) of the figure."""
    axes = figure.add_subplot(*place)
    axes.set_title(title, loc="left", color=INK, fontweight="bold", fontsize=11)
    axes.set_xlabel(x, color=MUTED)
    axes.set_ylabel(y, color=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=MUTED)
    axes.grid(axis="y", alpha=0.25)
    return axes


def write_png(figure: "Figure", path: Path) -> None:
    """The figure as a PNG whose bytes are the same each time."""
    with written_beside(path, force=True) as file:
        figure.savefig(file, format="png", metadata={"Software": None})
