"""The web page: files of the package, read and compressed once as the app is made.

A path is looked up among those files and never opened, so there is nothing to climb out of.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Self

from fastapi import APIRouter, Request, Response

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
"""The page runs its own files and speaks to its own server, and to nothing else."""

INDEX = "index.html"


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    compressed: bytes
    media_type: str
    tag: str

    @classmethod
    def of(cls, body: bytes, suffix: str) -> Self:
        """The file with these bytes; the same bytes have the same tag."""
        tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        return cls(body, gzip.compress(body, mtime=0), MEDIA_TYPES[suffix], tag)


@cache
def load_assets() -> dict[str, Asset]:
    """All files of the page by their path below `/page/`."""
    found = _list_files(files("cinematrix") / "page")
    return {path: Asset.of(file.read_bytes(), path[path.rindex(".") :]) for path, file in found}


def _list_files(folder: Traversable, above: str = "") -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = above + each.name
        if each.is_dir():
            found += _list_files(each, f"{path}/")
        elif path[path.rfind(".") :] in MEDIA_TYPES:
            found.append((path, each))
    return found


@ROUTER.api_route("/", methods=["GET", "HEAD"])
async def get_index(request: Request) -> Response:
    """The page; what it shows is told by the query, which its scripts read."""
    return _send_asset(request, load_assets()[INDEX])


@ROUTER.api_route("/page/{path:path}", methods=["GET", "HEAD"])
async def get_file(path: str, request: Request) -> Response:
    """One of its files.

    Raises:
        Problem: 404.
    """
    asset = load_assets().get(path)
    if asset is None:
        raise Problem(404, "the page has no such file")
    return _send_asset(request, asset)


def _send_asset(request: Request, asset: Asset) -> Response:
    """The file, compressed where the client takes it; 304 where it has it already."""
    headers = {
        "ETag": asset.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding", "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    }  # fmt: skip
    if client_has_tag(request, asset.tag):
        return Response(status_code=304, headers=headers)
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(asset.compressed, 200, headers | {"Content-Encoding": "gzip"}, asset.media_type)
    return Response(asset.body, 200, headers, asset.media_type)
