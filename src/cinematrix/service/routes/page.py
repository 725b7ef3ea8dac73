"""Routes of the web page's files, which are read and compressed once when the app is created.

A request's path is looked up among the loaded files and never opened, so path traversal is impossible.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping
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
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".json": "application/json",
}

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""Content Security Policy of the page: only its own files and its own server."""

INDEX = "index.html"

WORKER = "worker.js"
"""Service worker of the page; it may handle requests outside its own folder."""

LISTING = "files.json"
"""File with the page's version and the addresses of all its files, from which the service worker keeps them."""

VERSION_DIGITS = 16
"""Hexadecimal digits of the version of the page."""

ONE_YEAR = 31_536_000


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
    """Load all files of the page by their path below `/page/`, and the list of them.

    The page asks for its files below `/page/VERSION/`, so that no browser mixes files of two versions.
    """
    contents = read_files()
    version = page_version(contents)
    contents[INDEX] = contents[INDEX].replace(b'"/page/', f'"/page/{version}/'.encode())
    addresses = [f"/page/{version}/{path}" for path in contents if path not in (INDEX, WORKER)]
    contents[LISTING] = json.dumps({"version": version, "files": addresses}).encode()
    return {path: Asset.of(content, path[path.rindex(".") :]) for path, content in contents.items()}


def read_files() -> dict[str, bytes]:
    """Read the files of the page by their path."""
    return {path: file.read_bytes() for path, file in _list_files(files("cinematrix") / "page")}


def page_version(contents: Mapping[str, bytes]) -> str:
    """Return the version of the page: a hash of all its files."""
    digest = hashlib.sha256()
    for path, content in sorted(contents.items()):
        digest.update(f"{path} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:VERSION_DIGITS]


@cache
def served_version() -> str:
    """Return the version of the page that is served."""
    version: str = json.loads(load_assets()[LISTING].body)["version"]
    return version


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
    version, _, versioned = path.partition("/")
    lasting = version == served_version()
    asset = load_assets().get(versioned if lasting else path)
    if asset is None:
        raise Problem(404, "the page has no such file")
    response = _send_asset(request, asset)
    if lasting:
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
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
