"""Downloads: verified by the published checksum, resumed after an interruption, limited by time-outs."""

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
from cinematrix.common.user_agent import user_agent
from cinematrix.errors import DownloadError

ATTEMPTS = 3
"""Maximum requests for a file before a download fails."""


def download(address: str, to: Path, timeout: float, progress: Progress | None) -> Path:
    """Download the file at `address` to `to` and verify it by the MD5 published beside it.

    `timeout`, in seconds, limits the wait for the checksum; for the file itself, each wait may be four times as long.
    An interrupted download leaves its part beside `to`, and the next call resumes it.

    Raises:
        DownloadError: no connection, no checksum, or a checksum mismatch.
    """
    published = _published_md5(address, timeout)
    part = to.with_name(to.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.exists()
    _fetch(address, part, timeout, progress)
    if _md5(part) != published and resumed:  # the part was of another version: restart
        part.unlink()
        _fetch(address, part, timeout, progress)
    received = _md5(part)
    if received != published:
        part.unlink()
        raise DownloadError(f"{address} arrived with MD5 {received}, and {published} is published; try again later")
    part.replace(to)
    return to


def _published_md5(address: str, timeout: float) -> str:
    """Fetch the checksum from the file beside the archive: `MD5 (ml-100k.zip) = 0e33…` or `0e33…  ml-100k.zip`.

    The DNS look-up ignores time-outs, so the request runs in a thread that is abandoned when the time is up.
    """
    answers: queue.Queue[bytes | Exception] = queue.Queue()

    def request() -> None:
        try:
            with _open(address + ".md5", timeout) as response:
                answers.put(response.read(1000))
        except (OSError, HTTPException) as error:
            answers.put(error)

    threading.Thread(target=request, daemon=True).start()
    try:
        answer = answers.get(timeout=timeout + 1)
    except queue.Empty:
        answer = TimeoutError("no answer")
    if isinstance(answer, Exception):
        raise DownloadError(f"{address}.md5 can't be fetched: {_reason(answer)}") from answer
    match = re.search(rb"\b[0-9a-fA-F]{32}\b", answer)
    if not match:
        raise DownloadError(f"{address}.md5 holds {answer[:40]!r} and no checksum; is there a login page in between?")
    return match[0].decode().lower()


def _open(address: str, timeout: float, first_byte: int = 0) -> HTTPResponse:
    headers = {"User-Agent": user_agent(), **({"Range": f"bytes={first_byte}-"} if first_byte else {})}
    response: HTTPResponse = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=timeout)
    return response


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code}"
    inner = getattr(error, "reason", error)
    return "time-out" if isinstance(inner, TimeoutError) else str(inner) or type(inner).__name__


def _fetch(address: str, part: Path, timeout: float, progress: Progress | None) -> None:
    """Complete `part`, resuming where it ends.

    Raises:
        DownloadError: the server refuses, or `ATTEMPTS` requests were interrupted; the part stays for the next call.
    """
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            size = part.stat().st_size if part.exists() else 0
            with (
                _open(address, 4 * timeout, size) as response,
                part.open("ab" if response.status == 206 else "wb") as file,
            ):
                if _copy(response, file, address, progress):
                    return
            reason = "the connection was lost"
        except urllib.error.HTTPError as error:
            if error.code == 416:  # no bytes after the part's end: it is complete, or of another version
                return
            raise DownloadError(f"{address} can't be fetched: {_reason(error)}") from error
        except (OSError, HTTPException) as error:
            reason = _reason(error)
    size = part.stat().st_size if part.exists() else 0
    raise DownloadError(f"{address} was interrupted after {size / 1e6:.1f} MB ({reason}); run it again to resume")


def _copy(response: HTTPResponse, file: IO[bytes], address: str, progress: Progress | None) -> bool:
    """Append the response to `file`; return True if no announced byte is missing."""
    missing = int(response.headers["Content-Length"]) if response.headers["Content-Length"] else None
    if progress:
        progress.start(f"fetching {address.rsplit('/', 1)[-1]}", missing or 0)
    try:
        while block := response.read1(1 << 16):  # unlike `read`, it returns what has arrived before a time-out
            file.write(block)
            missing = None if missing is None else missing - len(block)
            if progress:
                progress.advance(len(block))
    finally:
        if progress:
            progress.stop()
    return not missing


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
