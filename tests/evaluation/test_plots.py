"""Tests of `cinematrix.evaluation.plots`."""

import struct
from pathlib import Path

import numpy as np
import pytest

from cinematrix.errors import InputError
from cinematrix.evaluation.plots import plot_learning_curves, plot_reliability
from cinematrix.evaluation.reliability import COVERAGES, Reliability
from cinematrix.models.contract_types import TrainingLog

LOG = TrainingLog(losses=[2.0, 1.0], errors=[1.2, 0.9, 1.0], best_epoch=1)


@pytest.mark.parametrize("heads", [("stars",), ("ranking",), ("stars", "ranking")])
def test_learning_curves_are_a_png_with_one_plot_per_head(tmp_path: Path, heads: tuple[str, ...]) -> None:
    """A valid PNG, its width proportional to the heads, the same bytes each time; it replaces an older file."""
    for _ in range(2):
        plot_learning_curves(dict.fromkeys(heads, LOG), tmp_path / "curves.png", title="a model")
        png = (tmp_path / "curves.png").read_bytes()
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", png[16:24]) == (750 * len(heads), 510)
    plot_learning_curves(dict.fromkeys(heads, LOG), tmp_path / "again.png", title="a model")
    assert (tmp_path / "again.png").read_bytes() == png


def test_an_unwritable_path_is_an_input_error(tmp_path: Path) -> None:
    """A path inside a file is an InputError."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="isn't a folder"):
        plot_learning_curves({"stars": LOG}, tmp_path / "file" / "curves.png")


def diagram_of(n_levels: int) -> Reliability:
    """Build a Reliability of 18 coverages and ten bins, one of them empty."""
    count = np.tile(np.arange(10.0) * 30, (n_levels, 1))
    predicted = np.where(count > 0, np.linspace(0.05, 0.95, 10), np.nan)
    stars = np.arange(1.0, n_levels + 1)
    return Reliability("a model", 1234, COVERAGES, COVERAGES**1.1, 4 * COVERAGES, stars, count, predicted, predicted**2)


@pytest.mark.parametrize("n_levels", [0, 1, 3])
def test_a_reliability_diagram_is_a_png(tmp_path: Path, n_levels: int) -> None:
    """A valid PNG with two plots, the same bytes each time, also without levels or with empty bins."""
    plot_reliability(diagram_of(n_levels), tmp_path / "a.png")
    plot_reliability(diagram_of(n_levels), tmp_path / "b.png")
    png = (tmp_path / "a.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (1500, 720)
    assert (tmp_path / "b.png").read_bytes() == png


def test_a_reliability_diagram_replaces_a_file_only_if_forced(tmp_path: Path) -> None:
    """An existing file stays unless `force` is given; no partial file is left."""
    path = tmp_path / "a.png"
    path.write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        plot_reliability(diagram_of(2), path)
    assert path.read_text() == "precious"
    plot_reliability(diagram_of(2), path, force=True)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
