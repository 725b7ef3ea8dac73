"""How a server starts: what it loads, and what ends it."""

import shutil
import subprocess
from pathlib import Path

from serving import PROGRAM, free_port


def test_a_damaged_model_ends_the_start_with_one_line(folder: Path, tmp_path: Path) -> None:
    """The error of `load`, and the exit code of bad input."""
    place = shutil.copytree(folder, tmp_path / "model")
    arrays = place / "arrays.safetensors"
    arrays.write_bytes(arrays.read_bytes()[:-1])
    words = ["serve", str(place), "--db", f"sqlite:///{tmp_path}/store.db", "--port", str(free_port())]
    ended = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == (
        f"cinematrix: {arrays} isn't what was written (its SHA-256 differs); train the model anew\n"
    )
