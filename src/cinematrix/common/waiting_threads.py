"""Threads of numerical libraries that sleep while they wait.

OpenMP (of PyTorch) and OpenBLAS (of NumPy and SciPy) let idle threads spin, which takes the processor from other
programs and from their own. They read these variables when they are loaded, so a program sets them first. Only
programs of this package do: importing `cinematrix` leaves the environment as it is.
"""

import os

SLEEP = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_THREAD_TIMEOUT": "4"}
"""Variables of the environment; the timeout is the binary logarithm of a number of cycles, and 4 is the lowest."""


def let_waiting_threads_sleep() -> None:
    """Set the variables that the user hasn't set, for libraries and programs that are loaded from now on."""
    for name, value in SLEEP.items():
        os.environ.setdefault(name, value)
