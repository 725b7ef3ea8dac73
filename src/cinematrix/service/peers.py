"""Addresses of clients: another machine's, or this machine's own."""

from functools import lru_cache
from ipaddress import ip_address

from starlette.types import Scope

FORWARDING_HEADERS = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
"""Headers that proxies add."""


def read_peer(scope: Scope) -> str:
    """Return the address of the client; `forwarded` if it is behind a proxy on this machine that hides it."""
    peer: str = (scope.get("client") or ("unknown", 0))[0]
    forwarded = is_loopback(peer) and any(name in FORWARDING_HEADERS for name, _ in scope["headers"])
    return "forwarded" if forwarded else peer


@lru_cache(1000)
def is_loopback(address: str) -> bool:
    """Return whether an address is this machine's own, which no other machine can use."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
