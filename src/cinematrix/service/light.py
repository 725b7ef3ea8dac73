"""Modules of others that are loaded only to be looked at, and are left out while the server starts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np


@contextmanager
def without_f2py() -> Iterator[None]:
    """An empty module in the place of NumPy's compiler for Fortran, which SciPy loads as it copies all names of NumPy.

    Afterwards whoever asks for it gets the real one.
    """
    if "numpy.f2py" in sys.modules:
        yield
        return
    names = vars(np)
    names["f2py"] = sys.modules["numpy.f2py"] = ModuleType("numpy.f2py")
    try:
        yield
    finally:
        del names["f2py"], sys.modules["numpy.f2py"]


@contextmanager
def without_pydantic_v1() -> Iterator[None]:
    """No old Pydantic, which FastAPI loads to refuse its models, of which there are none here; later there is one."""
    if "pydantic.v1" in sys.modules:
        yield
        return
    sys.modules["pydantic.v1"] = None  # type: ignore[assignment]  # so Python refuses to import it
    try:
        yield
    finally:
        del sys.modules["pydantic.v1"]
