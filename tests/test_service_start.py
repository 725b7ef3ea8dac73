"""How a server starts: what it loads, and what ends it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from serving import PROGRAM, Server, free_port


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


def test_what_is_only_looked_at_is_not_loaded(folder: Path, tmp_path: Path) -> None:
    """A server that answers has loaded neither NumPy's compiler for Fortran nor the old Pydantic."""
    program = [sys.executable, "-X", "importtime", *PROGRAM[1:]]
    with Server(folder, f"sqlite:///{tmp_path}/store.db", tmp_path / "log", program=program) as server:
        server.ready("/v1/users/1/recommendations")
        loaded = (tmp_path / "log").read_text("utf-8")
    assert "scipy.sparse" in loaded
    assert "fastapi.routing" in loaded
    assert "numpy.f2py.f2py2e" not in loaded
    assert "pydantic.v1.main" not in loaded


@pytest.mark.parametrize("before", ["pass", "import numpy.f2py, pydantic.v1"])
def test_what_was_left_out_can_be_loaded(before: str) -> None:
    """The real modules come when they are asked for afterwards, and stay where they were there before."""
    code = f"""
{before}
from cinematrix.service.light import without_f2py, without_pydantic_v1
with without_f2py():
    import scipy.sparse
with without_pydantic_v1():
    import fastapi
import numpy
assert numpy.f2py.run_main and numpy.f2py.__file__
import numpy.f2py.crackfortran
from pydantic import v1
print(v1.BaseModel.__module__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "pydantic.v1.main\n"
