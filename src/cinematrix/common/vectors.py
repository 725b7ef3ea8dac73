"""Normalisation of rows and values, and their inequality; dot products of normalised rows are cosines."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

MIN_NORM = 1e-6
"""Length below which a dense row counts as zero up to rounding."""


def normalise_rows(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Divide each row by its length; rows of zeros stay. float32 `[n, d]`."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, MIN_NORM), np.float32)


def normalise_sparse_rows(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Divide each sparse row by its length; rows of zeros stay. float64 `[n, d]`."""
    lengths = np.sqrt(squared_norms(rows))
    scale = np.divide(1, lengths, out=np.zeros(len(lengths)), where=lengths > 0)
    return (sparse.diags_array(scale) @ rows).tocsr()


def squared_norms(rows: sparse.csr_matrix) -> NDArray[np.float64]:
    """Sum of squares of each row. float64 `[n]`."""
    return np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()


def standardise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale values to mean 0 and standard deviation 1; all 0 if all values are equal."""
    deviation = values.std() if len(values) else 0.0
    return (values - values.mean()) / deviation if deviation > 0 else np.zeros(len(values))


def gini_coefficient(counts: NDArray[Any]) -> float:
    """Gini coefficient of the counts: 0 if all are equal, near 1 if one has nearly everything; NaN if all are 0.

    Half the mean absolute difference of two counts, divided by their mean: Σ (2i − n − 1) xᵢ / (n Σ x), i from 1 over
    the n counts in ascending order.
    """
    total, n = counts.sum(dtype=np.float64), len(counts)
    if total == 0:
        return float("nan")
    return float(np.sort(counts) @ (2 * np.arange(1, n + 1) - n - 1) / (n * total))
