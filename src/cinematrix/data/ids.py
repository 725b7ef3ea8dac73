"""Maps between the caller's IDs and internal numbers.

An *ID* is what the caller uses for a user or a movie: any integer or string. A *number* is its internal index
0…n-1, the row of every matrix. Only this module converts one into the other.

One rule says which IDs are the same, in files, frames, histories, the service and the store (`canonical_id`): a whole
number of any length is itself however it is written (12, "12", 12.0, "12.0"); all else is text, in Unicode's form NFC
and without blanks or invisible characters around it. "0012" and "+12" are text, since they aren't how a number is
written.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.errors import DataError

UNKNOWN = -1
"""Number of an ID that isn't in the map."""

Ids = NDArray[Any]
Numbers = NDArray[np.int32]


MAX_EXACT_FLOAT = 2**53
"""Largest whole number up to which floats hold every one; beyond it an ID in a float has lost digits."""

WHOLE_WITH_ZEROS = r"^(0|-?[1-9][0-9]*)\.0+$"
"""Pattern of a whole number that is written as a float."""


BLANKS = (
    "".join(filter(str.isspace, map(chr, range(0x3001))))
    + "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
)
"""Characters that don't count around an ID: blanks, zero-width ones, marks of direction and of byte order."""


def canonical_id(text: str) -> str:
    """Return the one form of an ID in text.

    >>> canonical_id(" 12.0 "), canonical_id("0012"), canonical_id("12.5")
    ('12', '0012', '12.5')
    """
    plain = unicodedata.normalize("NFC", text.strip(BLANKS)) or text
    whole = re.fullmatch(WHOLE_WITH_ZEROS, plain)
    return whole[1] if whole else plain


def as_ids(values: Iterable[Any] | Ids) -> Ids:
    """Convert IDs to one array: `int64` if all are integers of 64 bits, else text in the form of `canonical_id`.

    Raises:
        DataError: an ID is neither a whole number nor text (1.5, None, a nested list).
    """
    array = values if isinstance(values, np.ndarray) else _as_array(list(values))
    if array.ndim != 1:
        raise DataError(f"IDs have {array.ndim} dimensions; give one flat list of integers or strings")
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind in "iu":
        return array.astype(np.str_ if int(array.max()) > np.iinfo(np.int64).max else np.int64, copy=False)
    if array.dtype.kind == "f":
        return _whole_floats(array)
    if array.dtype.kind == "U":
        return _canonical(array)
    if array.dtype.kind in "OT":
        plain = [_plain(value) for value in array.tolist()]
        small = not any(isinstance(value, str) or not -(2**63) <= value < 2**63 for value in plain)
        return np.array(plain, np.int64) if small else np.array([str(value) for value in plain], np.str_)
    raise _no_id(array.tolist()[0], array.dtype)


def _as_array(values: list[Any]) -> Ids:
    """Return an array of one type; of objects if the values differ in type, because NumPy would round or mix them."""
    types = set(map(type, values))
    return np.array(values) if types in ({str}, {float}, {bool}) else np.array(values, object)


def _whole_floats(array: Ids) -> Ids:
    wrong = array[~(np.isfinite(array) & (array == np.round(array)) & (np.abs(array) <= MAX_EXACT_FLOAT))]
    if len(wrong):
        raise _no_id(wrong.tolist()[0], array.dtype)
    return array.astype(np.int64)


def _plain(value: Any) -> int | str:
    if isinstance(value, str):
        return canonical_id(value)
    if isinstance(value, float | np.floating) and float(value).is_integer() and abs(float(value)) <= MAX_EXACT_FLOAT:
        return int(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    raise _no_id(value, type(value).__name__)


def _no_id(value: Any, kind: Any) -> DataError:
    lost = isinstance(value, float) and abs(float(value)) > MAX_EXACT_FLOAT
    why = (
        "floats beyond 2^53 have lost digits; give the IDs as integers or text"
        if lost
        else ("they must be integers or strings")
    )
    return DataError(f"IDs are of type {kind}, such as {value!r}; {why}")


def _canonical(ids: Ids) -> Ids:
    """Return text IDs in their one form; only those that may differ from it are looked at one by one."""
    codes = np.ascontiguousarray(ids).view(np.uint32).reshape(len(ids), -1)
    odd = (codes > 127).any(axis=1) | np.strings.endswith(ids, "0") & (np.strings.find(ids, ".") > 0)
    rows = np.flatnonzero(odd | (np.strings.strip(ids) != ids))
    if not len(rows):
        return ids
    fixed = ids.astype(object)
    fixed[rows] = [canonical_id(text) for text in ids[rows].tolist()]
    return fixed.astype(np.str_)


class IdMap:
    """IDs of all users or of all movies, in the order of their numbers.

    `ids[number]` is the ID; `numbers(ids)` is the inverse, `UNKNOWN` (-1) for an ID that isn't in the map.
    Integer IDs may be looked up by their text and text IDs by integers (`canonical_id`), because a CSV or a URL doesn't
    distinguish the two.
    """

    def __init__(self, ids: Iterable[Any] | Ids) -> None:
        self.ids = as_ids(ids)
        self._order = np.argsort(self.ids, kind="stable").astype(np.int32)
        self._sorted = self.ids[self._order]
        if len(self.ids) > 1 and np.any(self._sorted[1:] == self._sorted[:-1]):
            repeated = self._sorted[1:][self._sorted[1:] == self._sorted[:-1]][0]
            raise DataError(f"ID {repeated} occurs more than once; IDs in a map must be distinct")

    @classmethod
    def of(cls, values: Ids) -> Self:
        """Create the map of the distinct `values`, numbered in sorted order, so that row order doesn't matter."""
        ids = as_ids(values)
        low, span = _span(ids)
        if not _is_dense(span, len(ids)):
            return cls(np.unique(ids))
        seen = np.zeros(span, bool)
        seen[ids - low] = True
        return cls(np.flatnonzero(seen) + low)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"IdMap({len(self)} {'integer' if self.ids.dtype.kind == 'i' else 'text'} IDs)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and np.array_equal(self.ids, other.ids)

    def __hash__(self) -> int:
        return hash(self.ids.tobytes())

    @cached_property
    def _span(self) -> tuple[int, int]:
        return _span(self.ids)

    @cached_property
    def listed(self) -> list[int | str]:
        """IDs as plain Python values, by number."""
        plain: list[int | str] = self.ids.tolist()
        return plain

    def numbers(self, ids: Iterable[Any] | Ids) -> Numbers:
        """Return the number of each ID, `UNKNOWN` where it isn't in the map. int32 `[n]`."""
        wanted = self._to_own_type(as_ids(ids))
        if len(self) == 0 or wanted.size == 0:
            return np.full(wanted.shape, UNKNOWN, np.int32)
        low, span = self._span
        if _is_dense(span, len(wanted)):
            table = np.full(span + 1, UNKNOWN, np.int32)  # the last entry is for IDs outside the span
            table[self.ids - low] = np.arange(len(self))
            inside = (wanted >= low) & (wanted < low + span)
            return table[np.where(inside, wanted - low, span)]
        place = np.minimum(np.searchsorted(self._sorted, wanted), len(self) - 1)
        return np.where(self._sorted[place] == wanted, self._order[place], UNKNOWN).astype(np.int32)

    def number(self, id_: Any) -> int:
        """Return the number of one ID, `UNKNOWN` if it isn't in the map."""
        return int(self.numbers([id_])[0])

    def extend(self, ids: Iterable[Any] | Ids) -> "IdMap":
        """Return this map with the missing `ids` appended; existing numbers stay as they are.

        If one side has integers and the other text, the result is text.
        """
        ids = np.unique(as_ids(ids))
        new = ids[self.numbers(ids) == UNKNOWN]
        if len(new) == 0:
            return self
        same_kind = len(self) == 0 or new.dtype.kind == self.ids.dtype.kind
        old, new = (self.ids, new) if same_kind else (self.ids.astype(np.str_), new.astype(np.str_))
        return IdMap(new if len(self) == 0 else np.concatenate([old, new]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the map as numeric arrays, for saving: integers as they are, text as UTF-8 with end positions."""
        if self.ids.dtype.kind == "i":
            return {"ids": self.ids}
        encoded = [text.encode() for text in self.ids.tolist()]
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        return {"text": np.frombuffer(b"".join(encoded), np.uint8), "ends": ends}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Restore a map; inverse of `arrays()`."""
        if "ids" in arrays:
            return cls(arrays["ids"].copy())  # the map, which outlives its model in caches, keeps no other array alive
        text, ends = arrays["text"].tobytes(), arrays["ends"].tolist()
        return cls(np.array([text[a:b].decode() for a, b in zip([0, *ends], ends, strict=False)], np.str_))

    def _to_own_type(self, ids: Ids) -> Ids:
        """Convert `ids` to this map's type: text of digits to integers, or integers to text."""
        if len(self) == 0 or ids.dtype.kind == self.ids.dtype.kind or ids.size == 0:
            return ids
        if self.ids.dtype.kind == "U":
            return ids.astype(np.str_)
        return np.array([_as_integer(text) for text in ids.tolist()], np.int64)


def parse_id(ids: IdMap, text: str) -> int | str:
    """Parse an ID: an integer if the map's IDs are integers and the text is one, else the text in its one form."""
    plain = canonical_id(text)
    is_integer = ids.ids.dtype.kind == "i" and _as_integer(plain) != _NO_INTEGER
    return int(plain) if is_integer else plain


def _span(ids: Ids) -> tuple[int, int]:
    """Return the lowest integer ID and the count of integers from it to the highest; (0, 0) for text."""
    if ids.size == 0 or ids.dtype.kind != "i":
        return 0, 0
    low = int(ids.min())
    return low, int(ids.max()) - low + 1


def _is_dense(span: int, n: int) -> bool:
    """Return True if a table over `span` integers is cheaper than sorting or searching `n` of them."""
    return 0 < span <= 4 * n


_NO_INTEGER = np.iinfo(np.int64).min
"""Marker for text that isn't an integer; `_as_integer` yields it for no valid ID."""


def _as_integer(text: str) -> int:
    if len(text) > 20 or not re.fullmatch("0|-?[1-9][0-9]*", text):
        return _NO_INTEGER
    number = int(text)
    return number if -(2**63) <= number < 2**63 else _NO_INTEGER


ID_PATTERN = r"^[^\x00-\x1f\x7f/\ufffd]{1,200}$"
"""Pattern of IDs that the service and the importers accept: 1 to 200 characters, no control characters, no slash.

U+FFFD stands for bytes that are no UTF-8, such as `%FF` in an address, and would make different users equal.
"""
