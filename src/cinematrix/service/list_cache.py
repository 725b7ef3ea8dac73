"""Cache of rendered recommendation lists, as the response bytes.

A cached list is valid under two conditions. The model is the same: each `ServedModel` has its own cache. The user's
revision in the store is the one that was read before the list was made: it is compared for each response, so every
acknowledged write counts, whichever process made it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple

from cinematrix.data.ids import Numbers
from cinematrix.service.schemas import ListRequest
from cinematrix.store.records import Revision

ENTRY_OVERHEAD_BYTES = 500
"""Approximate bytes that a cached list takes besides its body."""

FRESH_END, STALE_END = b'"stale":false}', b'"stale":true}'
"""Ends of a response body that is current, and of one that is stale."""

CacheKey = tuple[str, bytes]
"""The path and the query string of a request."""


class CachedList(NamedTuple):
    """A rendered list.

    Attributes:
        user: user ID as in the store.
        revision: the user's revision in the store before the list was made.
        matched: the matched route and its path parameters.
        fallback: the list was made without a history of the user.
        body: response body.
        movies: indices of the movies in the list.
        wanted: list options of the request.
    """

    user: str
    revision: Revision
    matched: Mapping[str, Any]
    fallback: bool
    body: bytes
    movies: Numbers
    wanted: ListRequest

    @property
    def stale_body(self) -> bytes:
        """Response body marked as stale."""
        return self.body.removesuffix(FRESH_END) + STALE_END


class ListCache:
    """Least-recently-used cache of the lists of one model version, by request. `most_bytes`: their maximum size."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._lists: OrderedDict[CacheKey, CachedList] = OrderedDict()
        self._last_sent: dict[str, CacheKey] = {}
        self._lock = Lock()
        self._build_locks = [Lock() for _ in range(64)]

    def __len__(self) -> int:
        return len(self._lists)

    def lock_for(self, key: CacheKey) -> Lock:
        """Return the lock to hold while this list is made, so that concurrent requests for it share one computation."""
        return self._build_locks[hash(key) % len(self._build_locks)]

    def find(self, key: CacheKey) -> CachedList | None:
        """Return the cached list or None. The caller must check that it is still valid."""
        with self._lock:
            cached = self._lists.get(key)
            if cached:
                self._lists.move_to_end(key)
            return cached

    def keep(self, key: CacheKey, kept: CachedList) -> None:
        """Store a list, replacing an earlier one, and evict the least recently used lists beyond the byte limit."""
        with self._lock:
            self._evict(key)
            self._lists[key] = kept
            self._bytes += ENTRY_OVERHEAD_BYTES + len(kept.body)
            while self._bytes > self._most_bytes:
                self._evict(next(iter(self._lists)))

    def asked(self, user: str, key: CacheKey) -> None:
        """Remember that this list was the last one sent to the user."""
        self._last_sent[user] = key

    def pop_last_sent(self, user: str) -> CacheKey | None:
        """Remove and return the key of the list last sent to the user; None if there is none."""
        return self._last_sent.pop(user, None)

    def drop_filtered(self) -> None:
        """Drop the lists that were filtered by facts of movies, which have changed."""
        with self._lock:
            for key in [key for key, cached in self._lists.items() if cached.wanted.facts.has_conditions]:
                self._evict(key)

    def _evict(self, key: CacheKey) -> None:
        if evicted := self._lists.pop(key, None):
            self._bytes -= ENTRY_OVERHEAD_BYTES + len(evicted.body)
            self._last_sent.pop(evicted.user, None)
