"""Maps between IDs and numbers: `cinematrix.data.ids`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.data.ids import UNKNOWN, IdMap, as_ids
from cinematrix.errors import DataError

integers = st.lists(st.integers(-(2**62), 2**62), unique=True)
letters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
texts = st.lists(st.text(letters, min_size=1), unique=True)


@given(integers | texts)
def test_numbers_are_places_in_the_given_order(ids: list[int] | list[str]) -> None:
    """`numbers` returns the place of each ID, for any IDs in any order."""
    assert IdMap(ids).numbers(ids).tolist() == list(range(len(ids)))


@given(integers | texts)
def test_saving_and_restoring_gives_the_same_map(ids: list[int] | list[str]) -> None:
    """`from_arrays(arrays())` is the same map, text of any script included."""
    assert IdMap.from_arrays(IdMap(ids).arrays()) == IdMap(ids)


@given(integers, integers)
def test_lookup_agrees_with_a_dictionary(ids: list[int], wanted: list[int]) -> None:
    """Sorted search and the table for dense integers give the same as a dictionary."""
    oracle = {id_: number for number, id_ in enumerate(ids)}
    assert IdMap(ids).numbers(wanted).tolist() == [oracle.get(id_, UNKNOWN) for id_ in wanted]


def test_dense_integers_are_looked_up_by_table() -> None:
    """A dense range uses the table; IDs below it, in its gaps and above it are unknown."""
    ids = IdMap([7, 3, 9])
    assert ids.numbers([2, 3, 4, 7, 8, 9, 10, 3]).tolist() == [-1, 1, -1, 0, -1, 2, -1, 1]


def test_of_numbers_the_distinct_ids_in_sorted_order() -> None:
    """`of` doesn't depend on the order of the rows."""
    assert IdMap.of(np.array([9, 3, 9, 7])).ids.tolist() == [3, 7, 9]
    assert IdMap.of(np.array(["b", "a", "b"])).ids.tolist() == ["a", "b"]


def test_text_finds_integers_and_integers_find_text() -> None:
    """Digits in text, as in a CSV or a URL, match integers, and integers match text."""
    assert IdMap([10, 20]).numbers(["20", "x", "", "-10", "9" * 30]).tolist() == [1, -1, -1, -1, -1]
    assert IdMap(["10", "x"]).numbers([10, 11]).tolist() == [0, -1]


def test_extend_keeps_numbers_and_appends_the_rest() -> None:
    """Existing numbers stay; new IDs follow in sorted order; mixed types become text."""
    assert IdMap([5, 2]).extend([9, 2, 7]).ids.tolist() == [5, 2, 7, 9]
    assert IdMap([5, 2]).extend(["x", "5"]).ids.tolist() == ["5", "2", "x"]
    assert IdMap([]).extend(["x"]).ids.tolist() == ["x"]


@pytest.mark.parametrize("values", [[1.5], [None], [[1, 2]], [True, None]])
def test_what_is_no_id_is_refused(values: list[object]) -> None:
    """A float, None or a nested list is an error."""
    with pytest.raises(DataError, match="IDs"):
        as_ids(values)


def test_repeated_ids_are_refused() -> None:
    """IDs in a map must be distinct."""
    with pytest.raises(DataError, match="ID 4 occurs more than once"):
        IdMap([4, 1, 4])
