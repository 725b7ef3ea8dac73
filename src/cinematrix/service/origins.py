"""Origins of requests: a page of another site, this server's own page, or no page."""

from collections.abc import Mapping

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing, and whose responses a browser hides from pages of other origins."""


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a request comes from no web page or from this server's own page.

    Browsers send Sec-Fetch-Site; old ones send only Origin. Without this check, any page open in a browser on this
    machine could change a store without keys.
    """
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        return site in (b"same-origin", b"none")
    return origin is None or origin.partition(b"://")[2] == headers.get(b"host")


def is_own_page(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a request surely comes from this server's own page, because the browser says so."""
    site = headers.get(b"sec-fetch-site")
    return site == b"same-origin" if site is not None else b"origin" in headers and is_same_origin(headers)
