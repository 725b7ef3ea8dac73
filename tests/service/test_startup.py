"""Startup of the server with a bad model."""

import shutil
import subprocess
from pathlib import Path

from serving import PROGRAM, free_port


def test_a_damaged_model_ends_the_start_with_one_line(folder: Path, tmp_path: Path) -> None:
    """A damaged model gives the error line of `load` and the exit status of bad input."""
    place = shutil.copytree(folder, tmp_path / "model")
    arrays = place / "arrays.safetensors"
    arrays.write_bytes(arrays.read_bytes()[:-1])
    words = ["serve", str(place), "--db", f"sqlite:///{tmp_path}/store.db", "--port", str(free_port())]
    ended = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == (
        f"cinematrix: {arrays} isn't what was written (its SHA-256 differs); train the model anew\n"
    )
