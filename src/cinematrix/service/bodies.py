"""Limits on request bodies: size, pace, and places in memory.

A body is read only once the route wants it, which is after the caller was authorized. Bodies of JSON share a budget of
memory, imported files a number of places. Each address has a share of both. What finds no place is refused at once.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from starlette.types import Message, Receive

from cinematrix.service.problems import Problem
from cinematrix.service.settings import ServiceSettings

MEMORY_FACTOR = 16
"""Bytes of memory for each byte of a JSON body, which is parsed and validated."""


@dataclass
class Places:
    """Places shared by all addresses, of which each has a share. Used in the event loop only.

    Attributes:
        most: number of places.
        share: maximum places of one address.
        retry: seconds after which a refused client may try again.
    """

    most: int
    share: int
    retry: int
    _taken: Counter[str] = field(default_factory=Counter)
    _total: int = 0

    def take(self, address: str, n: int) -> None:
        """Take `n` places.

        Raises:
            Problem: 503, there aren't so many, or the address would exceed its share.
        """
        if self._total + n > self.most or self._taken[address] + n > self.share:
            raise Problem(503, "too many bodies are being received; retry later", {"Retry-After": str(self.retry)})
        self._taken[address] += n
        self._total += n

    def give_back(self, address: str, n: int) -> None:
        """Give `n` places back."""
        self._total -= n
        self._taken[address] -= n
        if not self._taken[address]:
            del self._taken[address]


class BodyLimits:
    """Limits on the bodies of all requests of one app: bytes of memory, and files."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.memory = Places(settings.body_memory, settings.body_memory // 2, 1)
        self.uploads = Places(settings.uploads, settings.address_uploads, 5)


class BodyReader:
    """Reader of one request's body, which is called in place of `receive`. `ended`: the whole body was read."""

    def __init__(self, receive: Receive, limits: BodyLimits, path: str, address: str) -> None:
        self._receive, self._settings, self._address = receive, limits.settings, address
        self._most, self._is_upload = self._settings.most_bytes(path), self._settings.is_upload(path)
        self._places = limits.uploads if self._is_upload else limits.memory
        self._read, self._taken, self._began, self.ended = 0, 0, 0.0, False

    async def __call__(self) -> Message:
        """Return the next part of the body.

        Raises:
            Problem: 413, the body is too large; 408, it is too slow; 503, there is no place for it.
        """
        if self.ended:
            return await self._receive()
        if not self._began:
            self._began = asyncio.get_running_loop().time()
            self._take(self._is_upload)
        settings = self._settings
        try:
            # Each byte prolongs the deadline. `wait_for` would start a task for each part.
            async with asyncio.timeout_at(self._began + settings.read_seconds + self._read / settings.body_rate):
                message = await self._receive()
        except TimeoutError as error:
            raise Problem(408, f"the body is too slow; send at least {settings.body_rate:,} bytes a second") from error
        size = len(message.get("body", b""))
        self._read += size
        if self._read > self._most:
            raise body_too_large(self._most)
        self._take(0 if self._is_upload else size * MEMORY_FACTOR)
        self.ended = not message.get("more_body", False)
        return message

    def _take(self, n: int) -> None:
        self._places.take(self._address, n)
        self._taken += n

    def close(self) -> None:
        """Give the places back, when the request has been answered."""
        self._places.give_back(self._address, self._taken)


def body_too_large(most: int) -> Problem:
    """Return the problem of a body with more than `most` bytes."""
    return Problem(413, f"the body is too large; send at most {most:,} bytes")
