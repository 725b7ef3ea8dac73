"""Rows of length 1: products of them are cosines."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

MIN_NORM = 1e-6
"""A dense row that is shorter is one of zeros, but for rounding."""


def normalise_rows(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Each row divided by its length; rows of zeros stay. `[n, d]`."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, MIN_NORM), np.float32)


def normalise_sparse_rows(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same of sparse rows, in float64."""
    lengths = np.sqrt(squared_norms(rows))
    scale = np.divide(1, lengths, out=np.zeros(len(lengths)), where=lengths > 0)
    return (sparse.diags_array(scale) @ rows).tocsr()


def squared_norms(rows: sparse.csr_matrix) -> NDArray[np.float64]:
    """The sum of squares of each row. `[n]`."""
    return np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()


def standardise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """In standard deviations from the mean; all 0 where they are all the same."""
    spread = values.std() if len(values) else 0.0
    return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))
