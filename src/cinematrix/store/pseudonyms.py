"""Pseudonyms of deleted users: what the store keeps in place of their IDs, so that they are never trained on again.

A pseudonym is a keyed hash (HMAC-SHA256) under a key that each store draws for itself. The ID can't be read from it,
but a person who has the store can check whether an ID was deleted.
"""

import hmac

KEY_BYTES = 32
"""Bytes of a store's key for pseudonyms."""


def make_pseudonym(key: bytes, user: str) -> str:
    """Return the pseudonym of a user's ID: 32 hexadecimal digits."""
    return hmac.digest(key, user.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
