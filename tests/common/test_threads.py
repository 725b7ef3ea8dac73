"""Thread limits for linear algebra: `cinematrix.common.threads`."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from cinematrix.common.threads import count_cores, count_threads, limit_process_to_one_thread, one_thread
from cinematrix.data.ratings import Ratings
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import TrainingOptions


def blas_threads() -> set[int]:
    """Threads of the loaded BLAS libraries."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_one_thread_holds_within_and_ends_after() -> None:
    """Inside the context each BLAS uses one thread; afterwards, also after an error, as many as before."""
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with one_thread():
            assert blas_threads() == {1}
        assert blas_threads() == before
        with pytest.raises(ZeroDivisionError), one_thread():
            _ = 1 / 0
        assert blas_threads() == before == {2}


def test_a_process_takes_one_thread_for_good() -> None:
    """The limit of a process remains after a nested `one_thread` ends."""
    with threadpool_limits(2, user_api="blas"):
        limit_process_to_one_thread()
        with one_thread():
            pass
        assert blas_threads() == {1}


@pytest.mark.parametrize(("threads", "within"), [(0, 2), (1, 1)])
def test_a_training_takes_the_threads_that_it_is_given(
    threads: int, within: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TrainingOptions.threads` limits linear algebra while a model learns; 0 leaves it as it is."""
    seen = []
    monkeypatch.setattr(Bias, "learn", lambda model, training: seen.append(blas_threads()))
    with threadpool_limits(2, user_api="blas"):
        Bias().fit(Ratings.from_arrays([1, 2], [3, 4], np.float32([5, 1])), run=TrainingOptions(threads))
        assert (seen, blas_threads()) == ([{within}], {2})


def test_threads_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a number there is a thread a core."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert count_threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert count_threads() == count_cores()
