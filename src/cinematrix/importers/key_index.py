"""Index from keys to the numbers of movies in two arrays: a tenth of the memory of a dictionary of lists.

Keys are compared by Python's hashes of 64 bits. The chance that two of a million are equal by accident is 1 in 10⁷.
"""

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable
from functools import cached_property

import numpy as np


class KeyIndex:
    """Numbers by key. All are added before the first is looked up."""

    def __init__(self, pairs: Iterable[tuple[Hashable, int]] = ()) -> None:
        self._entries = array("q")
        for key, number in pairs:
            self.add(key, number)

    def add(self, key: Hashable, number: int) -> None:
        """Add a number; with the key None it is left out."""
        if key is not None:
            self._entries.extend((hash(key), number))

    @cached_property
    def _sorted(self) -> tuple[memoryview, memoryview]:
        """Hashes in ascending order, and the number of each."""
        hashes, numbers = np.array(self._entries, np.int64).reshape(-1, 2).T
        order = np.argsort(hashes, kind="stable")
        self._entries = array("q")
        return hashes[order].data, numbers[order].astype(np.int32).data

    def find(self, key: Hashable) -> list[int]:
        """Return the numbers of a key in the order in which they were added."""
        hashes, numbers = self._sorted
        wanted = hash(key)
        start = end = bisect_left(hashes, wanted)
        while end < len(hashes) and hashes[end] == wanted:
            end += 1
        return numbers[start:end].tolist()
