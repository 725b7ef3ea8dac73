"""Replacements of C library functions, compiled for a server to preload."""

import shutil
import subprocess
from pathlib import Path

COMPILER = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
MISSING = "A CLOCK THAT JUMPS OR A DISK THAT BREAKS ISN'T TESTED HERE: there is no C compiler; install the package gcc"


def compile_shim(source: str, place: Path) -> Path:
    """Compile C source to a shared library at `place`, for LD_PRELOAD."""
    assert COMPILER
    command = [COMPILER, "-shared", "-fPIC", "-x", "c", "-", "-o", str(place)]
    subprocess.run(command, input=source, text=True, check=True)
    return place
