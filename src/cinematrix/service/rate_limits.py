"""Rate limits by caller: a token bucket for each, in bounded memory."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network
from threading import Lock

from cinematrix.service.problems import Problem


@dataclass
class RateLimitBucket:
    """Token bucket that refills within a minute.

    Attributes:
        size: requests in a full bucket.
        left: requests left at the time `at`, in monotonic seconds.
    """

    size: int
    left: float
    at: float

    def take(self, now: float) -> float:
        """Take one request from the bucket. Return the seconds to wait if it is empty, else 0."""
        self.left = min(self.size, self.left + (now - self.at) * self.size / 60)
        self.at = now
        if self.left < 1:
            return (1 - self.left) * 60 / self.size
        self.left -= 1
        return 0.0


@dataclass
class RateLimiter:
    """Token buckets of all callers.

    Attributes:
        limits: requests a minute by the name of the limit.
        most: maximum buckets in memory. Beyond it, the one used least recently is forgotten.
        ipv6_prefix: length of the IPv6 prefix that counts as one caller: a network's operator hands it out as a whole.
    """

    limits: dict[str, int]
    most: int
    ipv6_prefix: int

    def __post_init__(self) -> None:
        self._buckets: OrderedDict[tuple[str, str], RateLimitBucket] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._buckets)

    def count(self, caller: str, limit: str) -> None:
        """Count a request of a caller.

        Raises:
            Problem: 429, it is above the limit.
        """
        size, now, key = self.limits[limit], time.monotonic(), (find_network(caller, self.ipv6_prefix), limit)
        with self._lock:
            bucket = self._buckets.setdefault(key, RateLimitBucket(size, size, now))
            self._buckets.move_to_end(key)
            if len(self._buckets) > self.most:
                self._buckets.popitem(last=False)
            wait = bucket.take(now)
        if wait:
            raise Problem(
                429, f"more than {size:,} requests a minute; wait, then retry", {"Retry-After": str(int(wait) + 1)}
            )


@lru_cache(10_000)
def find_network(caller: str, ipv6_prefix: int) -> str:
    """Return the network of an IPv6 address; anything else as it is."""
    try:
        ip = IPv6Address(caller)
    except ValueError:
        return caller
    return str(ip.ipv4_mapped or IPv6Network((ip, ipv6_prefix), strict=False))
