"""Rate limits by caller: a token bucket for each, in bounded memory that all workers of a server share."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, IPv6Network
from threading import Lock

from cinematrix.service.problems import Problem
from cinematrix.service.worker_group import WorkerGroup

SET_SIZE = 8
"""Buckets in a set. A caller's bucket is in the set that a keyed hash chooses, in place of the one used least recently
there."""


class RateLimiter:
    """Token buckets of all callers, each 24 bytes.

    Args:
        limits: requests a minute, which is also the size of a full bucket, by the name of the limit.
        most: number of buckets, about.
        ipv6_prefix: length of the IPv6 prefix that counts as one caller: a network's operator hands it out as a whole.
        group: workers that share the buckets.
    """

    def __init__(self, limits: dict[str, int], most: int, ipv6_prefix: int, group: WorkerGroup) -> None:
        self.limits, self._ipv6_prefix, self._group = limits, ipv6_prefix, group
        self._sets = -(-most // SET_SIZE)
        n = self._sets * SET_SIZE
        memory = memoryview(group.map_memory("rate-limits", 3 * 8 * n))
        self._callers = memory[: 8 * n].cast("Q")
        self._left, self._at = memory[8 * n : 16 * n].cast("d"), memory[16 * n :].cast("d")
        self._lock = Lock()
        self._locks = None if group.folder is None else (group.folder / "rate-limits").open("r+b")

    def count(self, caller: str, limit: str) -> None:
        """Count a request of a caller.

        Raises:
            Problem: 429, it is above the limit.
        """
        size, key = self.limits[limit], hash_caller(find_network(caller, self._ipv6_prefix), limit, self._group.secret)
        first = key % self._sets * SET_SIZE
        with self._locked(first):
            now = time.monotonic()
            at = self._find(key, first, size, now)
            self._left[at], wait = take(self._left[at], now - self._at[at], size)
            self._at[at] = now
        if wait:
            raise Problem(
                429, f"more than {size:,} requests a minute; wait, then retry", {"Retry-After": str(int(wait) + 1)}
            )

    def _find(self, key: int, first: int, size: int, now: float) -> int:
        """Return the place of a caller's bucket; a new one is full."""
        callers = self._callers[first : first + SET_SIZE].tolist()
        if key in callers:
            return first + callers.index(key)
        times = self._at[first : first + SET_SIZE].tolist()
        at = first + times.index(min(times))
        self._callers[at], self._left[at], self._at[at] = key, size, now
        return at

    @contextmanager
    def _locked(self, first: int) -> Iterator[None]:
        """Hold the lock of a set. The system releases that of a killed worker."""
        with self._lock:
            if self._locks is None:
                yield
                return
            fcntl.lockf(self._locks, fcntl.LOCK_EX, 1, first)
            try:
                yield
            finally:
                fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, first)


def take(left: float, seconds: float, size: int) -> tuple[float, float]:
    """Take a request from a bucket of `size` that had so many left and refilled for `seconds`.

    Returns:
        The requests left now, and the seconds to wait, 0 if there was one.
    """
    left = min(size, left + seconds * size / 60)
    return (left, (1 - left) * 60 / size) if left < 1 else (left - 1, 0.0)


@lru_cache(10_000)
def hash_caller(caller: str, limit: str, secret: bytes) -> int:
    """Return the number of a caller's bucket, which nobody outside can predict, never 0."""
    digest = blake2b(f"{limit} {caller}".encode(), digest_size=8, key=secret).digest()
    return int.from_bytes(digest, "little") or 1


@lru_cache(10_000)
def find_network(caller: str, ipv6_prefix: int) -> str:
    """Return the network of an IPv6 address; anything else as it is."""
    try:
        ip = IPv6Address(caller)
    except ValueError:
        return caller
    return str(ip.ipv4_mapped or IPv6Network((ip, ipv6_prefix), strict=False))
