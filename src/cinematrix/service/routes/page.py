"""Routes of the web page's files, which are read and compressed once when the app is created.

A request's path is looked up among the loaded files and never opened, so path traversal is impossible.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Self

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from cinematrix.service.problems import Problem
from cinematrix.service.responses import accepts_gzip, client_has_tag

ROUTER = APIRouter(include_in_schema=False)

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Content Security Policy of the page: only its own files and its own server."""

INDEX = "index.html"

WORKER = "worker.js"
"""Service worker of the page; it may handle requests outside its own folder."""


@dataclass(frozen=True)
class Asset:
    """A file of the page, plain and compressed.

    Attributes:
        tag: ETag, a hash of `body`.
    """

    body: bytes
    compressed: bytes
    media_type: str
    tag: str

    @classmethod
    def of(cls, body: bytes, suffix: str) -> Self:
        """Create an asset from a file's bytes and suffix."""
        tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        return cls(body, gzip.compress(body, mtime=0), MEDIA_TYPES[suffix], tag)


@cache
def load_assets() -> dict[str, Asset]:
    """Load all files of the page by their path below `/page/`."""
    listed = _list_files(files("cinematrix") / "page")
    return {path: Asset.of(file.read_bytes(), path[path.rindex(".") :]) for path, file in listed}


def _list_files(folder: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    listed: list[tuple[str, Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = prefix + entry.name
        if entry.is_dir():
            listed += _list_files(entry, f"{path}/")
        elif path[path.rfind(".") :] in MEDIA_TYPES:
            listed.append((path, entry))
    return listed


@ROUTER.api_route("/", methods=["GET", "HEAD"])
async def get_index(request: Request) -> Response:
    """Send the page. Its scripts read the query to choose the view."""
    return _send_asset(request, load_assets()[INDEX])


@ROUTER.api_route("/page/{path:path}", methods=["GET", "HEAD"])
async def get_file(path: str, request: Request) -> Response:
    """Send a file of the page.

    Raises:
        Problem: 404, there is no such file.
    """
    asset = load_assets().get(path)
    if asset is None:
        raise Problem(404, "the page has no such file")
    response = _send_asset(request, asset)
    if path == WORKER:
        response.headers["Service-Worker-Allowed"] = "/"
    return response


async def send_unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the page, which says that there is nothing, to a browser; a problem to other clients.

    Raises:
        HTTPException: 404, for clients that don't accept HTML.
    """
    request = Request(scope)
    if request.method not in {"GET", "HEAD"} or "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    asset = load_assets()[INDEX]
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": CONTENT_SECURITY_POLICY}
    await Response(asset.body, 404, headers, asset.media_type)(scope, receive, send)


def _send_asset(request: Request, asset: Asset) -> Response:
    """Return the file, compressed if the client accepts it; 304 if the client has it already."""
    headers = {
        "ETag": asset.tag,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    }
    if client_has_tag(request, asset.tag):
        return Response(status_code=304, headers=headers)
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(asset.compressed, 200, headers | {"Content-Encoding": "gzip"}, asset.media_type)
    return Response(asset.body, 200, headers, asset.media_type)
