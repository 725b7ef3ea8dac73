"""The cookie of a session: an opaque secret that only the browser and this server see.

No script can read it, and no other site's page can send it along (SameSite=Strict). Over HTTPS its name has the prefix
`__Host-`, by which browsers accept it from this host over HTTPS only, so nobody else can set it.
"""

from typing import NamedTuple

from fastapi import Request, Response
from starlette.types import Scope

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.service.origins import SAFE_METHODS, is_own_page

PLAIN, SECURE = "cinematrix_session", "__Host-cinematrix_session"
"""Names of the cookie over HTTP, which only a private network should use, and over HTTPS."""

MAX_AGE = 400 * DAY_SECONDS
"""Lifetime of the cookie in seconds, the longest that browsers allow. The server decides when the session ends."""


class SessionCookie(NamedTuple):
    """A session cookie of a request. `secure`: it was set over HTTPS."""

    secret: str
    secure: bool


def read_session_cookie(scope: Scope) -> SessionCookie | None:
    """Return the session cookie of a request; None if it has none that counts.

    For a request that may change something it counts only if the browser says that this server's page sent it.
    """
    values = [value for name, value in scope["headers"] if name == b"cookie"]
    if not values:
        return None
    found = dict(reversed([_split(part) for value in values for part in value.decode("latin-1").split(";")]))
    secret = found.get(SECURE) or (found.get(PLAIN) if scope["scheme"] != "https" else None)
    if not secret or (scope["method"] not in SAFE_METHODS and not is_own_page(dict(scope["headers"]))):
        return None
    return SessionCookie(secret, SECURE in found)


def _split(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip(), value.strip()


def send_session_cookie(response: Response, secret: str, *, secure: bool) -> None:
    """Let the response set the cookie of a session."""
    name = SECURE if secure else PLAIN
    response.set_cookie(name, secret, MAX_AGE, secure=secure, httponly=True, samesite="strict")


def delete_session_cookies(response: Response) -> None:
    """Let the response delete the cookie, by whichever name."""
    for name in (PLAIN, SECURE):
        response.delete_cookie(name, secure=name == SECURE, httponly=True, samesite="strict")


def came_over_https(request: Request) -> bool:
    """Return whether a page sent the request over HTTPS. Its Origin says so even if a proxy doesn't."""
    return request.scope["scheme"] == "https" or request.headers.get("origin", "").startswith("https://")
