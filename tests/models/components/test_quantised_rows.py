"""Rows as 16-bit integers against the same rows in double precision."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cinematrix.data.histories import Histories
from cinematrix.errors import TrainingError
from cinematrix.models.components import quantised_rows
from cinematrix.models.components.quantised_rows import QuantisedRows

ENTRIES = st.one_of(st.floats(-(2.0**size), 2.0**size, width=32) for size in (1, -40, -130, 100))
MATRICES = arrays(np.float32, st.tuples(st.integers(0, 6), st.integers(0, 5)), elements=ENTRIES)


def test_levels_are_those_computed_by_hand() -> None:
    """A row's largest entry has the level 32,767; rows of zeros are 0, and a constant row is exact."""
    rows = QuantisedRows.of(np.array([[2, -1, 0.5], [0, 0, 0], [-3, -3, -3], [1e-20, 0, -1e-20]], np.float32))
    assert rows.levels.tolist() == [[32767, -16384, 8192], [0, 0, 0], [-32767] * 3, [32767, 0, -32767]]
    np.testing.assert_array_equal(rows.steps, np.array([2 / 32767, 1, 3 / 32767, 1e-20 / 32767], np.float32))
    np.testing.assert_allclose(rows.rows(slice(2, 4)), [[-3, -3, -3], [1e-20, 0, -1e-20]], rtol=2e-7)


@given(MATRICES)
def test_the_error_is_at_most_half_a_step(matrix: np.ndarray) -> None:
    """Whatever the size of a row, and be it above or below; −x has the levels of x with the other sign."""
    rows = QuantisedRows.of(matrix)
    error = np.abs(rows.levels.astype(float) * rows.steps[:, None].astype(float) - matrix)
    assert (error <= rows.steps[:, None].astype(float) / 2).all()
    assert (np.abs(rows.rows(slice(None)) - matrix) <= 0.51 * rows.steps[:, None]).all()
    np.testing.assert_array_equal(QuantisedRows.of(-matrix).levels, -rows.levels)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    """The error names the row."""
    matrix = np.zeros((3, 2), np.float32)
    matrix[1, 1] = value
    with pytest.raises(TrainingError, match=r"row 1 of the vectors holds (nan|inf); vectors must be finite"):
        QuantisedRows.of(matrix)


@pytest.mark.parametrize("cells", [1, 40, 10**6])
def test_products_and_sums_in_blocks_are_those_of_the_rows(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    """Dot products, sums over one history and several, and cosines, for any size of a block."""
    monkeypatch.setattr(quantised_rows, "BLOCK_CELLS", cells)
    rng = np.random.default_rng(0)
    matrix = (rng.normal(size=(9, 8)) * 10.0 ** np.arange(-4, 5)[:, None]).astype(np.float32)
    matrix[5] = 0
    rows = QuantisedRows.of(matrix)
    exact = rows.levels * rows.steps[:, None].astype(float)
    vectors = rng.normal(size=(3, 8)).astype(np.float32)
    scale = np.abs(exact).max(axis=1) + 1e-30
    np.testing.assert_allclose(rows.dot_products(vectors) / scale, vectors @ exact.T / scale, atol=1e-5)
    histories = Histories.of_lists([([1, 3, 8], None), ([], None), ([2], None)])
    values = np.array([2, -1, 0.5, 3], np.float32)
    for some, weights in ((histories, values), (histories.take(np.array([0])), values[:3])):
        expected = some.matrix(9, weights).toarray().astype(float) @ exact
        np.testing.assert_allclose(rows.sums(some, weights), expected, rtol=1e-4)
        np.testing.assert_allclose(rows.sums(some), some.matrix(9).toarray().astype(float) @ exact, rtol=1e-4)
    unit = exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-30)
    np.testing.assert_allclose(rows.cosines(7), unit @ unit[7], atol=1e-5)


def test_saved_arrays_give_the_same_matrix() -> None:
    """The arrays are the matrix's own, and rows that aren't there are None."""
    rows = QuantisedRows.of(np.eye(3, dtype=np.float32))
    saved = rows.arrays("vectors")
    assert sorted(saved) == ["vectors.levels", "vectors.steps"]
    again = QuantisedRows.from_arrays(saved, "vectors")
    assert again is not None
    np.testing.assert_array_equal(again.rows(slice(None)), rows.rows(slice(None)))
    assert QuantisedRows.from_arrays(saved, "other") is None


def test_the_matrix_is_never_held_in_single_precision() -> None:
    """Products, cosines and sums of a matrix of 77 MB in single precision take 15 MB at most."""
    rows = QuantisedRows(np.ones((150_000, 128), np.int16), np.ones(150_000, np.float32))
    histories = Histories.of_lists([([3, 7], None), ([9], None)])
    tracemalloc.start()
    try:
        dots, cosines, sums = rows.dot_products(rows.rows(slice(0, 2))), rows.cosines(5), rows.sums(histories)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (dots == 128).all()
    np.testing.assert_allclose(cosines, 1, rtol=1e-6)
    np.testing.assert_array_equal(sums[:, 0], [2, 1])
    assert peak < 15e6
