"""Passwords: rules, and slow hashes by Argon2id.

One thread hashes, one password after the other. So sign-ins take one core and 64 MiB at most, however many come at
once, and other requests go on.
"""

import secrets
import unicodedata
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from cinematrix.errors import SettingError
from cinematrix.service.problems import Problem
from cinematrix.store.sign_ins import fold_name

if TYPE_CHECKING:
    from argon2 import PasswordHasher

Result = TypeVar("Result")

MIN_LENGTH, MAX_LENGTH = 8, 256
"""Minimum and maximum characters of a password."""

PASSES, MEMORY_KIB, LANES = 3, 65_536, 1
"""Argon2's costs: RFC 9106's recommendation for little memory, but in one lane, which takes one core."""

MAX_WAITING = 16
"""Passwords being hashed or waiting for it at most; further ones are refused."""


def check_password(password: str, user: str) -> None:
    """Check a new password of a user.

    Raises:
        SettingError: it is too short or too long, or the user's name.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise SettingError(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters; choose another one")
    if fold_name(password) == fold_name(user):
        raise SettingError("the password is the name, which is tried first; choose another one")


class PasswordHashing:
    """The thread that hashes passwords."""

    def __init__(self) -> None:
        self._thread, self._waiting = CapacityLimiter(1), 0

    async def hash(self, password: str) -> str:
        """Return the hash of a password, with a random salt and the costs in it.

        Raises:
            Problem: 503, too many wait.
        """
        return await self._run(lambda: _hasher().hash(_encode(password)))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Return whether a hash is that of a password. Without a hash, as for an unknown name, it takes as long.

        Raises:
            Problem: 503, too many wait.
        """
        return await self._run(partial(_verify, hashed, password))

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= MAX_WAITING:
            raise Problem(503, "too many people sign in just now; retry later", {"Retry-After": "5"})
        self._waiting += 1
        try:
            return await run_sync(work, limiter=self._thread)
        finally:
            self._waiting -= 1


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(PASSES, MEMORY_KIB, LANES)


@cache
def _decoy() -> str:
    """Return the hash of a password that nobody knows."""
    return _hasher().hash(secrets.token_bytes(32))


def _verify(hashed: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerifyMismatchError

    decoy = _decoy()
    try:
        return _hasher().verify(hashed or decoy, _encode(password))
    except (VerifyMismatchError, InvalidHashError):
        return False


def _encode(password: str) -> bytes:
    """Return a password's bytes. The same characters are the same bytes, whichever keyboard they come from."""
    return unicodedata.normalize("NFKC", password).encode()
