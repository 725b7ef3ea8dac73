"""Thread limits for linear algebra."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Limit BLAS and LAPACK to one thread, from this call until the context ends; for many small problems.

    With several threads, small problems spend more time waiting than computing, above all on a busy machine.
    """
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


def limit_process_to_one_thread() -> None:
    """Limit BLAS and LAPACK to one thread for this whole process; for servers, where requests share the cores."""
    one_thread()


@cache
def _controller() -> ThreadpoolController:
    """Controller of the loaded BLAS libraries, cached; SciPy is imported first so that its BLAS is among them."""
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()
