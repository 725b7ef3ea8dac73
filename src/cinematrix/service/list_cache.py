"""Finished lists, kept as the bytes that were sent, so that who asks again gets them again while they are right.

A list is right while the model is the same, which is why each `Served` has lists of its own, and while the revision of
all that the store has of the user is the one that was read before the list was made. That is asked of the store for
each answer, so whoever wrote, in whatever process, what was acknowledged counts.
"""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple

from cinematrix.data.ids import Numbers
from cinematrix.service.schemas import ListRequest
from cinematrix.store.records import Revision

MAX_CACHE_BYTES = 32_000_000
"""Of all lists of a model; the ones that nobody asked for longest go first."""

ENTRY_OVERHEAD_BYTES = 500
"""Bytes that a kept list takes beside its body, about."""

CacheKey = tuple[str, bytes]
"""The path and the query string of a request."""


class CachedList(NamedTuple):
    """A finished list.

    Attributes:
        user: as the store has her.
        revision: of all that the store had of her before the list was made.
        matched: what routing found of the request: the route and what stands in its path.
        fallback: made without any history of hers.
        body: what is sent.
        movies: the numbers of those in it.
        wanted: what was asked for.
    """

    user: str
    revision: Revision
    matched: Mapping[str, Any]
    fallback: bool
    body: bytes
    movies: Numbers
    wanted: ListRequest


class ListCache:
    """The lists of one version of the model, by who asked for what."""

    def __init__(self, most_bytes: int = MAX_CACHE_BYTES) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._kept: OrderedDict[CacheKey, CachedList] = OrderedDict()
        self._asked: dict[str, CacheKey] = {}
        self._lock = Lock()
        self._making = [Lock() for _ in range(64)]

    def __len__(self) -> int:
        return len(self._kept)

    def lock_for(self, key: CacheKey) -> Lock:
        """To be held while this list is made: who asks at the same time waits, and finds it made."""
        return self._making[hash(key) % len(self._making)]

    def find(self, key: CacheKey) -> CachedList | None:
        """The list as it was made; whether it is still right is for the caller to ask."""
        with self._lock:
            found = self._kept.get(key)
            if found:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: CacheKey, kept: CachedList) -> None:
        """Keep a list in place of the one before, and let go of the oldest where there are too many."""
        with self._lock:
            self._evict(key)
            self._kept[key] = kept
            self._bytes += ENTRY_OVERHEAD_BYTES + len(kept.body)
            while self._bytes > self._most_bytes:
                self._evict(next(iter(self._kept)))

    def asked(self, user: str, key: CacheKey) -> None:
        """She was sent this list."""
        self._asked[user] = key

    def pop_last_sent(self, user: str) -> CacheKey | None:
        """The list that she was sent last; None if that was told before, or she was sent none."""
        return self._asked.pop(user, None)

    def _evict(self, key: CacheKey) -> None:
        if gone := self._kept.pop(key, None):
            self._bytes -= ENTRY_OVERHEAD_BYTES + len(gone.body)
            self._asked.pop(gone.user, None)
