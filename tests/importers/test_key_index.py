"""Keys find their numbers: `cinematrix.importers.key_index`."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from cinematrix.importers.key_index import KeyIndex

KEYS = st.one_of(st.none(), st.text(max_size=3), st.integers(-2, 2), st.tuples(st.integers(0, 3), st.text(max_size=1)))


@given(pairs=st.lists(st.tuples(KEYS, st.integers(0, 99))), wanted=KEYS)
def test_it_is_a_dictionary_of_lists(pairs: list[tuple[object, int]], wanted: object) -> None:
    """Each key has its numbers in the order in which they were added; the key None has none."""
    expected = defaultdict(list)
    for key, number in pairs:
        if key is not None:
            expected[hash(key)].append(number)
    index = KeyIndex(pairs[: len(pairs) // 2])  # type: ignore[arg-type]
    for key, number in pairs[len(pairs) // 2 :]:
        index.add(key, number)  # type: ignore[arg-type]
    for key in [wanted, *(key for key, _ in pairs)]:
        if key is not None:
            assert index.find(key) == expected[hash(key)]  # type: ignore[arg-type]
