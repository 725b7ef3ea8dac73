"""How many threads linear algebra computes with."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """A context in which BLAS and LAPACK take one thread, as suits many small problems.

    With several, these wait for each other longer than they compute, and the longer the busier the machine is.
    """
    one: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return one


@cache
def _controller() -> ThreadpoolController:
    """Of the libraries that are loaded, found once, by when NumPy's and SciPy's are."""
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()
