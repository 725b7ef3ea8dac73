"""Histories in compressed sparse row form: `cinematrix.data.histories`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse

from cinematrix.data.histories import MANY_PAIRS, Histories, order_pairs
from cinematrix.data.ids import UNKNOWN

N_ROWS, N_ITEMS = 7, 11


@st.composite
def dense(draw: st.DrawFn) -> np.ndarray:
    """Small matrices of ratings, 0 where there is none."""
    return draw(npst.arrays(np.float32, (N_ROWS, N_ITEMS), elements=st.sampled_from([0, 0, 0, 0.5, 1, 5])))


def of(matrix: np.ndarray, rng: np.random.Generator) -> Histories:
    """Create the histories of a matrix's rows from its pairs in random order."""
    rows, items = np.nonzero(matrix)
    order = rng.permutation(len(rows))
    return Histories.of_pairs(rows[order], items[order], matrix[rows, items][order], len(matrix))


@given(dense(), st.integers(0, 99))
def test_pairs_in_any_order_become_scipys_matrix(matrix: np.ndarray, seed: int) -> None:
    """Starts, ascending items and values are those of SciPy's canonical CSR form; counts and rows agree."""
    ours, theirs = of(matrix, np.random.default_rng(seed)), sparse.csr_matrix(matrix)
    np.testing.assert_array_equal(ours.starts, theirs.indptr)
    np.testing.assert_array_equal(ours.items, theirs.indices)
    np.testing.assert_array_equal(ours.values, theirs.data)
    np.testing.assert_array_equal(ours.counts, np.count_nonzero(matrix, axis=1))
    np.testing.assert_array_equal(ours.rows, theirs.tocoo().row)
    assert (ours.starts.dtype, ours.items.dtype, ours.rows.dtype) == (np.int64, np.int32, np.int32)
    np.testing.assert_array_equal(ours.matrix(N_ITEMS, ours.values).toarray(), matrix)
    np.testing.assert_array_equal(ours.matrix(N_ITEMS).toarray(), matrix != 0)


@given(dense(), st.integers(0, 99))
def test_sums_are_the_matrix_times_the_table_for_one_history_or_many(matrix: np.ndarray, seed: int) -> None:
    """Sums of a table's rows, weighted or not, equal the matrix product, for all histories and for each alone."""
    rng = np.random.default_rng(seed)
    ours, table = of(matrix, rng), rng.normal(size=(N_ITEMS, 3)).astype(np.float32)
    for values, left in ((ours.values, matrix), (None, matrix != 0)):
        product = left.astype(np.float32) @ table
        np.testing.assert_allclose(ours.sums(table, values), product, atol=1e-4)
        for row in range(N_ROWS):
            alone = ours.take(np.array([row]))
            sums = alone.sums(table, None if values is None else alone.values)
            assert sums.dtype == np.float32
            np.testing.assert_allclose(sums, product[[row]], atol=1e-4)
    for row in range(N_ROWS):
        np.testing.assert_array_equal(ours.items_of(row), np.flatnonzero(matrix[row]))


@given(dense(), st.lists(st.integers(-1, N_ROWS - 1), max_size=12))
def test_taking_is_indexing_rows(matrix: np.ndarray, rows: list[int]) -> None:
    """Rows may come in any order and repeat, as in SciPy's indexing; -1 gives an empty history without an owner."""
    ours = of(matrix, np.random.default_rng(0)).owned()
    taken = ours.take(np.array(rows, int))
    expected = np.vstack([matrix, np.zeros((1, N_ITEMS), np.float32)])[rows]
    np.testing.assert_array_equal(taken.matrix(N_ITEMS, taken.values).toarray(), expected.reshape(-1, N_ITEMS))
    np.testing.assert_array_equal(taken.owners, rows)
    assert taken.owners is not None
    assert taken.owners.dtype == np.int32
    reversed_ = taken.take(np.arange(len(rows))[::-1])
    np.testing.assert_array_equal(reversed_.owners, rows[::-1])
    np.testing.assert_array_equal(reversed_.counts, taken.counts[::-1])


def test_histories_from_lists_have_no_owner() -> None:
    """Histories from lists, and parts of them, have no owner; a negative row has the owner `UNKNOWN`."""
    some = Histories.of_lists([([5, 2], [1.0, 4.0]), ([], []), ([9], [3.0])])
    assert some.owners is None
    assert some.take(np.array([2])).owners is None
    np.testing.assert_array_equal(some.items, [2, 5, 9])
    np.testing.assert_array_equal(some.values, [4, 1, 3])
    np.testing.assert_array_equal(some.owned().take(np.array([1, -1])).owners, [1, UNKNOWN])


def test_one_list_without_ratings_makes_all_plain() -> None:
    """Ratings and plain interactions don't mix: all histories have values, or none."""
    assert Histories.of_lists([([1], [3.0]), ([2], None)]).values is None
    assert Histories.of_lists([]).values is not None


@pytest.mark.parametrize("n", [0, 3])
def test_empty_histories_can_do_everything(n: int) -> None:
    """All methods work without histories, and with empty ones."""
    empty = Histories.empty(n)
    assert len(empty) == n
    assert repr(empty) == f"Histories({n} histories, 0 entries)"
    assert empty.matrix(4).shape == (n, 4)
    assert len(empty.take(np.array([-1, -1]))) == 2
    assert empty.take(np.zeros(0, int)).counts.shape == (0,)
    assert len(Histories.of_pairs(np.zeros(0, int), np.zeros(0, int), None, n)) == n


def test_owning_changes_nothing_else() -> None:
    """`owned` shares the arrays and doesn't change the original."""
    some = Histories.of_lists([([1], [3.0])])
    assert some.owned().items is some.items
    assert some.owners is None


@pytest.mark.parametrize("size", [0, 1, 100, MANY_PAIRS, 3 * MANY_PAIRS])
def test_pairs_are_ordered_by_row_and_item_and_equal_ones_keep_their_order(size: int) -> None:
    """The two ways of sorting, for few pairs and for many, are NumPy's."""
    rng = np.random.default_rng(size)
    rows, items = rng.integers(0, 50, size).astype(np.int32), rng.integers(0, 40, size).astype(np.int32)
    assert np.array_equal(order_pairs(rows, items), np.lexsort((items, rows)))
