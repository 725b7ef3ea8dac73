"""How many threads linear algebra computes with."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """A context in which BLAS and LAPACK take one thread, as suits many small problems. They do from this call on.

    With several, these wait for each other longer than they compute, and the longer the busier the machine is.
    """
    one: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return one


def limit_process_to_one_thread() -> None:
    """From now on the same for this whole process, as suits a server: its requests share the cores among themselves."""
    one_thread()


@cache
def _controller() -> ThreadpoolController:
    """Of the libraries that are loaded, found once, by when NumPy's and SciPy's are."""
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()
