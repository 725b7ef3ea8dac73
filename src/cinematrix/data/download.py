"""A file from the web: verified by its published checksum, resumed where it broke off, given up within seconds."""

import hashlib
import queue
import re
import threading
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO

from cinematrix.common.progress import Progress
from cinematrix.errors import DownloadError

ATTEMPTS = 3
"""How often a download that breaks off is resumed."""


def download(address: str, to: Path, timeout: float, progress: Progress | None) -> Path:
    """The file at `address` as `to`, verified by the MD5 published beside it.

    `timeout`, in seconds, is for the server's first answer; once data flow, a pause may be four times as long.
    What has arrived when a download breaks off stays beside `to`, and the next call goes on from there.

    Raises:
        DownloadError: no connection, no checksum, or what arrived isn't what was published.
    """
    published = _published_md5(address, timeout)
    part = to.with_name(to.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.exists()
    _fetch(address, part, timeout, progress)
    if _md5(part) != published and resumed:  # a part of another version of the archive: begin anew
        part.unlink()
        _fetch(address, part, timeout, progress)
    found = _md5(part)
    if found != published:
        part.unlink()
        raise DownloadError(f"{address} arrived with MD5 {found}, and {published} is published; try again later")
    part.replace(to)
    return to


def _published_md5(address: str, timeout: float) -> str:
    """The checksum in the small file beside the archive, as `MD5 (ml-100k.zip) = 0e33…` or `0e33…  ml-100k.zip`.

    The look-up of the host's name heeds no time-out, so all of it runs beside and is given up in time.
    """
    answers: queue.Queue[bytes | Exception] = queue.Queue()

    def ask() -> None:
        try:
            with _open(address + ".md5", timeout) as response:
                answers.put(response.read(1000))
        except (OSError, HTTPException) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=timeout + 1)
    except queue.Empty:
        answer = TimeoutError("no answer")
    if isinstance(answer, Exception):
        raise DownloadError(f"{address}.md5 can't be fetched: {_reason(answer)}") from answer
    found = re.search(rb"\b[0-9a-fA-F]{32}\b", answer)
    if not found:
        raise DownloadError(f"{address}.md5 holds {answer[:40]!r} and no checksum; is there a login page in between?")
    return found[0].decode().lower()


def _open(address: str, timeout: float, first_byte: int = 0) -> HTTPResponse:
    headers = {"User-Agent": "cinematrix", **({"Range": f"bytes={first_byte}-"} if first_byte else {})}
    response: HTTPResponse = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=timeout)
    return response


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code}"
    inner = getattr(error, "reason", error)
    return "time-out" if isinstance(inner, TimeoutError) else str(inner) or type(inner).__name__


def _fetch(address: str, part: Path, timeout: float, progress: Progress | None) -> None:
    """Bring `part` to its full length, going on where it ends.

    Raises:
        DownloadError: it broke off `ATTEMPTS` times; the part stays for the next time.
    """
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            have = part.stat().st_size if part.exists() else 0
            with (
                _open(address, 4 * timeout, have) as response,
                part.open("ab" if response.status == 206 else "wb") as file,
            ):
                if _copy(response, file, address, progress):
                    return
            reason = "the connection broke off"
        except urllib.error.HTTPError as error:
            if error.code == 416:  # nothing lies beyond the part's end: it is complete, or else of something else
                return
            raise DownloadError(f"{address} can't be fetched: {_reason(error)}") from error
        except (OSError, HTTPException) as error:
            reason = _reason(error)
    have = part.stat().st_size if part.exists() else 0
    raise DownloadError(f"{address} broke off after {have / 1e6:.1f} MB ({reason}); run it again to go on from there")


def _copy(response: HTTPResponse, file: IO[bytes], address: str, progress: Progress | None) -> bool:
    """Append what arrives; whether as many bytes came as were announced."""
    left = int(response.headers["Content-Length"]) if response.headers["Content-Length"] else None
    if progress:
        progress.start(f"fetching {address.rsplit('/', 1)[-1]}", left or 0)
    try:
        while block := response.read1(1 << 16):  # what is there; `read` would lose it in a time-out
            file.write(block)
            left = None if left is None else left - len(block)
            if progress:
                progress.advance(len(block))
    finally:
        if progress:
            progress.stop()
    return not left


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
