"""Functions of the C library in other words, for a server to be started with, if there is a compiler for them."""

import shutil
import subprocess
from pathlib import Path

COMPILER = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
MISSING = "A CLOCK THAT JUMPS OR A DISK THAT BREAKS ISN'T TESTED HERE: there is no C compiler; install the package gcc"


def compile_shim(source: str, place: Path) -> Path:
    """A library of C at `place`, to be loaded before others."""
    assert COMPILER
    words = [COMPILER, "-shared", "-fPIC", "-x", "c", "-", "-o", str(place)]
    subprocess.run(words, input=source, text=True, check=True)
    return place
