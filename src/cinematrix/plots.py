"""Pictures of training, with Matplotlib."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cinematrix.files import written_beside

if TYPE_CHECKING:
    from cinematrix.training import Log

TITLES = {"stars": ("rating head", "RMSE on validation ratings"), "ranking": ("ranking head", "surprise, nats")}
INK, ACCENT, MUTED = "#1b1f24", "#c2410c", "#8b949e"


def learning_curves(logs: "Mapping[str, Log]", path: Path, *, title: str = "") -> None:
    """A PNG with each head's validation error by epoch, and a ring at the weights that were kept.

    Raises:
        InputError: the file can't be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(logs), 3.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    for place, (head, log) in enumerate(logs.items(), start=1):
        axes = figure.add_subplot(1, len(logs), place)
        name, measure = TITLES[head]
        best = log.errors[log.best_epoch]
        axes.plot(range(len(log.errors)), log.errors, color=ACCENT, linewidth=2)
        axes.plot([log.best_epoch], [best], "o", color=INK, markersize=8, fillstyle="none", markeredgewidth=1.5)
        axes.annotate(f"{best:.4f}", (log.best_epoch, best), (0, 10), textcoords="offset points", ha="right", color=INK)
        axes.set_title(name, loc="left", color=INK, fontweight="bold", fontsize=11)
        axes.set_xlabel("epoch", color=MUTED)
        axes.set_ylabel(measure, color=MUTED)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=MUTED)
        axes.grid(axis="y", alpha=0.25)
    if title:
        figure.suptitle(title, color=INK)
    with written_beside(path, force=True) as file:
        figure.savefig(file, format="png", metadata={"Software": None})
