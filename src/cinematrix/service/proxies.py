"""Addresses of clients behind trusted proxies, from the headers `X-Forwarded-For` and `Forwarded` (RFC 7239).

Each proxy appends the address of its own peer, so the headers are read from the right. The first address that isn't a
trusted proxy's is the client's; what is left of it was written by the client and is ignored. A header is read only from
a trusted peer. Where both headers are there and disagree, one of them is the client's, and neither is believed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_HEADER_BYTES = 2_000
"""Maximum bytes of such headers. Longer ones aren't read."""

FORWARDED, X_FORWARDED_FOR, X_FORWARDED_PROTO = b"forwarded", b"x-forwarded-for", b"x-forwarded-proto"
"""Headers of proxies: names as in an ASGI scope."""

REQUEST_ID = b"x-request-id"
"""Header in which a trusted proxy gives the ID of a request."""

ID_PATTERN = re.compile(r"[\w.:-]{8,128}", re.ASCII)
"""Form of such an ID, which log lines and the answer repeat."""

SCHEMES = ("http", "https")
"""Schemes that a proxy may name."""

ELEMENT = re.compile(r'((?:[^",]|"(?:[^"\\]|\\.)*")*)(?:,|$)')
"""An element of a `Forwarded` header, up to its comma."""

PAIR = re.compile(r'\s*([\w!#$%&\'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*))\s*(?:;|$)', re.ASCII)
"""A parameter of an element."""

NODE = re.compile(r"\[([^\]]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+)(?::\d{1,5})?|([0-9A-Fa-f:.]+)", re.ASCII)
"""An address: IPv6 in brackets or IPv4, either with a port, or IPv6 alone."""


class Hop(NamedTuple):
    """Address and scheme of a proxy's peer, as the proxy names them; None for one that it doesn't name or misspells."""

    address: Address | None
    scheme: str | None


class ProxyMiddleware:
    """Middleware around `app` that puts the client's address and scheme in place of a trusted proxy's.

    Args:
        app: the app.
        proxies: addresses and networks of the trusted proxies.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        self._app, self._networks = app, [ip_network(each) for each in proxies]
        self._is_trusted = lru_cache(1_000)(self._find)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._networks:
            host, port = scope.get("client") or ("", 0)
            if self._is_trusted(host):
                address, scheme = self._client(host, scope["headers"])
                found = {"client": (address, port), "scheme": scheme or scope["scheme"]}
                scope = {**scope, **found, "request_id": read_request_id(scope["headers"])}
        await self._app(scope, receive, send)

    def _find(self, host: str | Address) -> bool:
        address = parse_address(str(host))
        return address is not None and any(address in network for network in self._networks)

    def _client(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str | None]:
        """Return the address of the client and the scheme that it used."""
        lists = [hops for hops in read_hops(headers) if hops]
        found = {self._walk(peer, hops) for hops in lists}
        addresses = {address for address, _ in found}
        if len(addresses) > 1:
            return peer, None
        schemes = {scheme for _, scheme in found if scheme}
        return next(iter(addresses), peer), schemes.pop() if len(schemes) == 1 else None

    def _walk(self, peer: str, hops: Sequence[Hop]) -> tuple[str, str | None]:
        """Go from the peer through trusted proxies to the first address that isn't one, or can't be read."""
        at, scheme = peer, None
        for hop in reversed(hops):
            if hop.address is None:
                break
            at, scheme = str(hop.address), hop.scheme
            if not self._is_trusted(at):
                break
        return at, scheme


def read_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the ID that a proxy gives a request in `X-Request-ID`; None if there isn't one good ID."""
    found = [value.decode("latin-1") for name, value in headers if name == REQUEST_ID]
    return found[0] if len(found) == 1 and ID_PATTERN.fullmatch(found[0]) else None


def read_hops(headers: Iterable[tuple[bytes, bytes]]) -> tuple[list[Hop], list[Hop]]:
    """Return the hops of `X-Forwarded-For` and of `Forwarded`, the client's first. Too long a header has no hop."""
    texts: dict[bytes, list[str]] = {FORWARDED: [], X_FORWARDED_FOR: [], X_FORWARDED_PROTO: []}
    for name, value in headers:
        if name in texts:
            texts[name].append(value.decode("latin-1"))
    plain, standard, protocol = (", ".join(texts[name]) for name in (X_FORWARDED_FOR, FORWARDED, X_FORWARDED_PROTO))
    if max(len(plain), len(standard), len(protocol)) > MAX_HEADER_BYTES:
        return [Hop(None, None)], []
    scheme = parse_scheme(protocol.rpartition(",")[2])
    return (
        [Hop(parse_address(each.strip()), scheme) for each in plain.split(",")] if plain else [],
        list(_read_forwarded(standard)) if standard else [],
    )


def _read_forwarded(text: str) -> Iterator[Hop]:
    """Yield the hops of a `Forwarded` header; one without an address for each element that can't be read."""
    at = 0
    while at < len(text):
        element = ELEMENT.match(text, at)
        if element is None:
            yield Hop(None, None)
            return
        at = max(element.end(), at + 1)
        pairs = dict(_read_pairs(element[1]))
        yield Hop(parse_address(pairs.get("for", "")), parse_scheme(pairs.get("proto", "")))


def _read_pairs(element: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(element) and (pair := PAIR.match(element, at)):
        at = pair.end()
        yield pair[1].lower(), re.sub(r"\\(.)", r"\1", pair[2]) if pair[3] is None else pair[3]
    if at < len(element):
        yield "for", ""  # what follows can't be read


@lru_cache(1_000)
def parse_address(text: str) -> Address | None:
    """Return the IP address in a text, without brackets and port; None if it has none."""
    match = NODE.fullmatch(text)
    try:
        address = ip_address(match[1] or match[2] or match[3]) if match else None
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def parse_scheme(text: str) -> str | None:
    """Return the scheme that a proxy names; None if it is neither http nor https."""
    scheme = text.strip().lower()
    return scheme if scheme in SCHEMES else None
