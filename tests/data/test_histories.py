"""Histories in compressed sparse row form: `cinematrix.data.histories`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN

N_ROWS, N_ITEMS = 7, 11


@st.composite
def dense(draw: st.DrawFn) -> np.ndarray:
    """A small matrix of ratings, 0 where there is none."""
    return draw(npst.arrays(np.float32, (N_ROWS, N_ITEMS), elements=st.sampled_from([0, 0, 0, 0.5, 1, 5])))


def of(matrix: np.ndarray, rng: np.random.Generator) -> Histories:
    """The histories of a matrix's rows, from its pairs in random order."""
    rows, items = np.nonzero(matrix)
    order = rng.permutation(len(rows))
    return Histories.of_pairs(rows[order], items[order], matrix[rows, items][order], len(matrix))


@given(dense(), st.integers(0, 99))
def test_pairs_in_any_order_become_scipys_matrix(matrix: np.ndarray, seed: int) -> None:
    """Starts, ascending items and values are those of SciPy's canonical CSR form; counts and rows agree."""
    mine, theirs = of(matrix, np.random.default_rng(seed)), sparse.csr_matrix(matrix)
    np.testing.assert_array_equal(mine.starts, theirs.indptr)
    np.testing.assert_array_equal(mine.items, theirs.indices)
    np.testing.assert_array_equal(mine.values, theirs.data)
    np.testing.assert_array_equal(mine.counts, np.count_nonzero(matrix, axis=1))
    np.testing.assert_array_equal(mine.rows, theirs.tocoo().row)
    assert (mine.starts.dtype, mine.items.dtype, mine.rows.dtype) == (np.int64, np.int32, np.int32)
    np.testing.assert_array_equal(mine.matrix(N_ITEMS, mine.values).toarray(), matrix)
    np.testing.assert_array_equal(mine.matrix(N_ITEMS).toarray(), matrix != 0)


@given(dense(), st.integers(0, 99))
def test_sums_are_the_matrix_times_the_table_for_one_history_or_many(matrix: np.ndarray, seed: int) -> None:
    """Each history's sum of a table's rows, weighed or not, is a row of the product; so is that of one alone."""
    rng = np.random.default_rng(seed)
    mine, table = of(matrix, rng), rng.normal(size=(N_ITEMS, 3)).astype(np.float32)
    for values, left in ((mine.values, matrix), (None, matrix != 0)):
        product = left.astype(np.float32) @ table
        np.testing.assert_allclose(mine.sums(table, values), product, atol=1e-4)
        for row in range(N_ROWS):
            alone = mine.take(np.array([row]))
            found = alone.sums(table, None if values is None else alone.values)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, product[[row]], atol=1e-4)
    for row in range(N_ROWS):
        np.testing.assert_array_equal(mine.items_of(row), np.flatnonzero(matrix[row]))


@given(dense(), st.lists(st.integers(-1, N_ROWS - 1), max_size=12))
def test_taking_is_indexing_rows(matrix: np.ndarray, rows: list[int]) -> None:
    """Rows in any order and repeated, as SciPy's indexing has them; -1 is a stranger with an empty history."""
    mine = of(matrix, np.random.default_rng(0)).owned()
    taken = mine.take(np.array(rows, int))
    expected = np.vstack([matrix, np.zeros((1, N_ITEMS), np.float32)])[rows]
    np.testing.assert_array_equal(taken.matrix(N_ITEMS, taken.values).toarray(), expected.reshape(-1, N_ITEMS))
    np.testing.assert_array_equal(taken.owners, rows)
    assert taken.owners is not None
    assert taken.owners.dtype == np.int32
    again = taken.take(np.arange(len(rows))[::-1])
    np.testing.assert_array_equal(again.owners, rows[::-1])
    np.testing.assert_array_equal(again.counts, taken.counts[::-1])


def test_strangers_have_no_owner() -> None:
    """Histories from lists belong to nobody known, in whatever part of them; a taken stranger is unknown."""
    some = Histories.of_lists([([5, 2], [1.0, 4.0]), ([], []), ([9], [3.0])])
    assert some.owners is None
    assert some.take(np.array([2])).owners is None
    np.testing.assert_array_equal(some.items, [2, 5, 9])
    np.testing.assert_array_equal(some.values, [4, 1, 3])
    np.testing.assert_array_equal(some.owned().take(np.array([1, -1])).owners, [1, UNKNOWN])


def test_one_list_without_ratings_makes_all_plain() -> None:
    """Ratings and plain interactions don't mix: values are all there or not at all."""
    assert Histories.of_lists([([1], [3.0]), ([2], None)]).values is None
    assert Histories.of_lists([]).values is not None


@pytest.mark.parametrize("n", [0, 3])
def test_empty_histories_can_do_everything(n: int) -> None:
    """Of nobody, or of people who have rated nothing."""
    nobody = Histories.empty(n)
    assert len(nobody) == n
    assert repr(nobody) == f"Histories({n} histories, 0 entries)"
    assert nobody.matrix(4).shape == (n, 4)
    assert len(nobody.take(np.array([-1, -1]))) == 2
    assert nobody.take(np.zeros(0, int)).counts.shape == (0,)
    assert len(Histories.of_pairs(np.zeros(0, int), np.zeros(0, int), None, n)) == n


def test_owning_changes_nothing_else() -> None:
    """`owned` shares the arrays and leaves the original as it was."""
    some = Histories.of_lists([([1], [3.0])])
    assert some.owned().items is some.items
    assert some.owners is None
