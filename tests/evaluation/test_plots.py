"""Pictures of training and of reliability: `cinematrix.evaluation.plots`."""

import struct
from pathlib import Path

import numpy as np
import pytest

from cinematrix.errors import InputError
from cinematrix.evaluation.plots import plot_learning_curves, plot_reliability
from cinematrix.evaluation.reliability import COVERAGES, Reliability
from cinematrix.models.base import TrainingLog

LOG = TrainingLog(losses=[2.0, 1.0], errors=[1.2, 0.9, 1.0], best_epoch=1)


@pytest.mark.parametrize("heads", [("stars",), ("ranking",), ("stars", "ranking")])
def test_learning_curves_are_a_png_with_a_plot_a_head(tmp_path: Path, heads: tuple[str, ...]) -> None:
    """A real PNG, as wide as there are heads, the same bytes each time, and it replaces an older one."""
    for _ in range(2):
        plot_learning_curves(dict.fromkeys(heads, LOG), tmp_path / "curves.png", title="a model")
        png = (tmp_path / "curves.png").read_bytes()
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", png[16:24]) == (750 * len(heads), 510)
    plot_learning_curves(dict.fromkeys(heads, LOG), tmp_path / "again.png", title="a model")
    assert (tmp_path / "again.png").read_bytes() == png


def test_a_picture_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    """A place inside a file is bad input."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="isn't a folder"):
        plot_learning_curves({"stars": LOG}, tmp_path / "file" / "curves.png")


def diagram_of(n_levels: int) -> Reliability:
    """Something to draw: promises of 18 coverages, and chances of ten bins, of which one is empty."""
    count = np.tile(np.arange(10.0) * 30, (n_levels, 1))
    chance = np.where(count > 0, np.linspace(0.05, 0.95, 10), np.nan)
    stars = np.arange(1.0, n_levels + 1)
    return Reliability("a model", 1234, COVERAGES, COVERAGES**1.1, 4 * COVERAGES, stars, count, chance, chance**2)


@pytest.mark.parametrize("n_levels", [0, 1, 3])
def test_a_reliability_diagram_is_a_png(tmp_path: Path, n_levels: int) -> None:
    """A real PNG with two panels, the same bytes each time, also where no level can be judged or bins are empty."""
    plot_reliability(diagram_of(n_levels), tmp_path / "a.png")
    plot_reliability(diagram_of(n_levels), tmp_path / "b.png")
    png = (tmp_path / "a.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (1500, 720)
    assert (tmp_path / "b.png").read_bytes() == png


def test_a_reliability_diagram_replaces_nothing_unasked(tmp_path: Path) -> None:
    """What exists stays, unless forced; nothing half-written is left."""
    path = tmp_path / "a.png"
    path.write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        plot_reliability(diagram_of(2), path)
    assert path.read_text() == "precious"
    plot_reliability(diagram_of(2), path, force=True)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
