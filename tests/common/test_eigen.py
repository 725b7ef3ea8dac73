"""Eigenvectors in one thread: `cinematrix.common.eigen`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import linalg
from threadpoolctl import threadpool_info, threadpool_limits

from cinematrix.common.eigen import eigenvectors


@pytest.mark.parametrize("largest", [None, 2, 9])
def test_eigenvectors_make_up_the_matrix(largest: int | None) -> None:
    """Known eigenvalues come back in ascending order, all or the largest, with orthonormal vectors."""
    axes = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    matrix = (axes * [1.0, 2, 3, 5, 8]) @ axes.T
    values, vectors = eigenvectors(matrix.copy(), largest)
    known = [1.0, 2, 3, 5, 8][-min(largest or 5, 5) :]
    np.testing.assert_allclose(values, known)
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-12)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(known)), atol=1e-12)


@pytest.mark.parametrize("largest", [None, 2])
def test_one_thread_works(largest: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """BLAS has one thread during the decomposition, and as many as before afterwards."""

    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    def record(function: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*args: Any, **options: Any) -> Any:
            during.append(threads())
            return function(*args, **options)

        return recorded

    during: list[set[int]] = []
    for library in (np.linalg, linalg):
        monkeypatch.setattr(library, "eigh", record(library.eigh))
    with threadpool_limits(2, user_api="blas"):
        eigenvectors(np.eye(4), largest)
        assert (during, threads()) == ([{1}], {2})
