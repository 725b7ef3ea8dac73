"""Eigenvectors of symmetric matrices, computed in one thread.

LAPACK reduces the matrix column by column. Several threads of OpenBLAS meet after each column, and spin while they wait
for each other. That gains little on an idle machine. Beside other programs, 1,000 columns took two threads 13 times the
processor time of one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from cinematrix.common.threads import one_thread

Float64 = NDArray[np.float64]


def eigenvectors(matrix: NDArray[Any], largest: int | None = None) -> tuple[Float64, Float64]:
    """Return the eigenvalues of a symmetric matrix, ascending, and the eigenvectors as columns, in float64.

    Args:
        matrix: `[n, n]`; it may be overwritten if it is float64.
        largest: number of the largest eigenvalues to return; None: all.
    """
    matrix, n = np.asarray(matrix, np.float64), len(matrix)
    with one_thread():
        if largest is None:
            values, vectors = np.linalg.eigh(matrix)
        else:
            ends = [max(n - largest, 0), n - 1]
            values, vectors = linalg.eigh(matrix, subset_by_index=ends, overwrite_a=True, check_finite=False)
    return values, vectors
