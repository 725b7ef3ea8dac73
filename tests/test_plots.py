"""Pictures of training: `cinematrix.plots`."""

import struct
from pathlib import Path

import pytest

from cinematrix.errors import InputError
from cinematrix.plots import learning_curves
from cinematrix.training import Log

LOG = Log(losses=[2.0, 1.0], errors=[1.2, 0.9, 1.0], best_epoch=1)


@pytest.mark.parametrize("heads", [("stars",), ("ranking",), ("stars", "ranking")])
def test_learning_curves_are_a_png_with_a_plot_a_head(tmp_path: Path, heads: tuple[str, ...]) -> None:
    """A real PNG, as wide as there are heads, the same bytes each time, and it replaces an older one."""
    for _ in range(2):
        learning_curves(dict.fromkeys(heads, LOG), tmp_path / "curves.png", title="a model")
        png = (tmp_path / "curves.png").read_bytes()
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", png[16:24]) == (750 * len(heads), 510)
    learning_curves(dict.fromkeys(heads, LOG), tmp_path / "again.png", title="a model")
    assert (tmp_path / "again.png").read_bytes() == png


def test_a_picture_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    """A place inside a file is bad input."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="isn't a folder"):
        learning_curves({"stars": LOG}, tmp_path / "file" / "curves.png")
