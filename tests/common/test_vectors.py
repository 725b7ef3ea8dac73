"""Normalised rows: `cinematrix.common.vectors`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cinematrix.common.vectors import normalise_rows, normalise_sparse_rows


@given(st.integers(0, 99))
def test_products_of_unit_rows_are_cosines_dense_or_sparse(seed: int) -> None:
    """Dense and sparse rows give the textbook's cosines, and 0 for a row of zeros."""
    rows = np.random.default_rng(seed).normal(size=(5, 4)) * [[1], [100], [0], [1e-3], [1]]
    dense, sparse_rows = normalise_rows(rows), normalise_sparse_rows(sparse.csr_matrix(rows))
    for one in range(5):
        for other in range(5):
            lengths = np.linalg.norm(rows[one]) * np.linalg.norm(rows[other])
            cosine = rows[one] @ rows[other] / lengths if lengths else 0.0
            assert dense[one] @ dense[other] == pytest.approx(cosine, abs=1e-6)
            assert (sparse_rows @ sparse_rows.T)[one, other] == pytest.approx(cosine, abs=1e-12)
