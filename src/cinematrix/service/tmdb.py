"""Disk caches of what TMDB (The Movie Database) has of a movie, fetched with the operator's key; the one of posters."""

import asyncio
import json
import re
import time
from http.client import HTTPException, HTTPMessage, IncompleteRead
from pathlib import Path
from threading import Lock
from typing import IO, Any, ClassVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from cinematrix.common.atomic_files import check_writable, write_atomically
from cinematrix.common.durations import DAY_SECONDS
from cinematrix.common.user_agent import user_agent
from cinematrix.errors import InputError
from cinematrix.service.logging import LOG
from cinematrix.service.settings import PosterSettings

MAX_PICTURE_BYTES = 2_000_000
"""Maximum bytes of a response from TMDB."""

PAUSE_SECONDS_BY_STATUS = {401: 600.0, 403: 600.0}
"""Seconds without requests to TMDB after it refused the key, by HTTP status."""

TMDB_ID = re.compile(r"[0-9]{1,12}", re.ASCII)
"""Valid ID of a movie at TMDB."""

PICTURE_PATH = re.compile(r"/[\w-]{1,100}\.(jpg|jpeg|png|webp)", re.ASCII)
"""Valid path of a poster at TMDB's image host."""

PICTURE_SIGNATURE = re.compile(rb"(?P<jpeg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<webp>RIFF.{4}WEBP)", re.DOTALL)
"""First bytes of the accepted picture formats, as groups named by media subtype."""


class _RejectRedirects(HTTPRedirectHandler):
    """Handler that treats redirects as errors."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Return None, which makes the redirect an error."""


class TmdbCache:
    """Contents by TMDB movie ID, one file each.

    An empty file means that TMDB has none. A file's modification time is when it was fetched.

    Attributes:
        kind: name of a content, which is also the suffix of its file.

    Raises:
        InputError: the folder can't be written to.
    """

    kind: ClassVar[str]

    def __init__(self, settings: PosterSettings) -> None:
        check_writable(settings.folder, force=True)
        self._settings, self._opener = settings, build_opener(_RejectRedirects)
        self._limiter, self._pending = CapacityLimiter(settings.fetches), dict[str, asyncio.Task[bytes]]()
        self._cleanup_lock, self._cleaned_at, self._bytes = Lock(), float("-inf"), 0
        self._paused_until = 0.0

    @property
    def days(self) -> float:
        """Days for which a content is kept."""
        raise NotImplementedError

    def _download(self, number: str) -> bytes:
        """Return the content from TMDB; empty if it has none.

        Raises:
            HTTPError, OSError, HTTPException, ValueError: TMDB can't be reached, or answers with something else.
        """
        raise NotImplementedError

    async def content(self, number: str) -> bytes:
        """Return the content from the cache or from TMDB; empty if there is none or it isn't available now."""
        cached = await run_sync(self._read_cached, number)
        if cached is not None:
            return cached
        if number not in self._pending:
            if len(self._pending) >= self._settings.waiting or time.monotonic() < self._paused_until:
                return b""
            self._pending[number] = asyncio.create_task(run_sync(self._fetch, number, limiter=self._limiter))
            self._pending[number].add_done_callback(lambda _: self._pending.pop(number))
        return await asyncio.shield(self._pending[number])

    @property
    def is_paused(self) -> bool:
        """Return whether requests to TMDB pause after a failure."""
        return time.monotonic() < self._paused_until

    def gather(self, number: str) -> tuple[bytes, float] | None:
        """Return the content, empty if TMDB has none, and when it was fetched; None if it can't be fetched now."""
        content = self._fetch(number) or self._read_cached(number)
        if content is None:
            return None
        try:
            return content, self._file(number).stat().st_mtime
        except OSError:  # evicted since
            return content, time.time()

    def _file(self, number: str) -> Path:
        return self._settings.folder / f"{number}.{self.kind}"

    def _read_cached(self, number: str) -> bytes | None:
        """Return the cached content; None if there is none or it has expired."""
        try:
            fetched, content = self._file(number).stat().st_mtime, self._file(number).read_bytes()
        except OSError:
            return None
        return content if time.time() < fetched + DAY_SECONDS * (self.days if content else 1) else None

    def _fetch(self, number: str) -> bytes:
        """Fetch and store a content, unless another thread just has. After a failure, pause requests to TMDB."""
        cached = self._read_cached(number)
        if cached is not None or time.monotonic() < self._paused_until:
            return cached or b""
        try:
            content = self._download(number)
            self._store(number, content)
            return content
        except HTTPError as error:
            self._pause(f"TMDB answered with status {error.code}", _pause_seconds(error, self._settings.pause_seconds))
        # Log only the error's type: its message may contain the address and so the key.
        except (OSError, HTTPException, ValueError, InputError) as error:
            self._pause(
                f"a {self.kind} can't be fetched or stored ({type(error).__name__})", self._settings.pause_seconds
            )
        return b""

    def _pause(self, reason: str, seconds: float) -> None:
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)
        LOG.warning("%s; requests to TMDB pause for %d seconds", reason, seconds)

    def _movie(self, number: str, more: str = "") -> Any:
        """Return TMDB's description of a movie, with further parts of it; None if TMDB doesn't have the movie."""
        query = urlencode({"api_key": self._settings.key} | ({"append_to_response": more} if more else {}))
        try:
            return json.loads(self._get(f"{self._settings.api}/3/movie/{number}?{query}"))
        except HTTPError as error:
            if error.code != 404:
                raise
            error.close()
            return None

    def _get(self, address: str) -> bytes:
        """Return the content at an address, cut off once it exceeds `MAX_PICTURE_BYTES`.

        Raises:
            HTTPError: TMDB answers with an error or a redirect.
            OSError, HTTPException: no response, a timeout, or an incomplete response.
        """
        deadline, content = time.monotonic() + self._settings.seconds, b""
        request = Request(address, headers={"User-Agent": user_agent()})
        with self._opener.open(request, timeout=self._settings.seconds) as response:
            while len(content) <= MAX_PICTURE_BYTES and (block := response.read1(1 << 16)):
                content += block
                if time.monotonic() > deadline:
                    raise TimeoutError
            if response.length and len(content) <= MAX_PICTURE_BYTES:
                raise IncompleteRead(content)
        return content

    def _store(self, number: str, content: bytes) -> None:
        with write_atomically(self._file(number), force=True) as temporary:
            temporary.write_bytes(content)
        with self._cleanup_lock:
            self._bytes += len(content)
            if self._bytes > self._settings.most_bytes or time.monotonic() > self._cleaned_at + DAY_SECONDS:
                self._clean_up()

    def _clean_up(self) -> None:
        """Remove expired contents, and the oldest ones beyond nine tenths of `most_bytes`."""
        files = [(file.stat(), file) for file in self._settings.folder.glob(f"*.{self.kind}")]
        self._bytes, self._cleaned_at = sum(status.st_size for status, _ in files), time.monotonic()
        for status, file in sorted(files, key=lambda each: each[0].st_mtime):
            if (
                self._bytes <= 0.9 * self._settings.most_bytes
                and status.st_mtime > time.time() - DAY_SECONDS * self.days
            ):
                break
            file.unlink(missing_ok=True)
            self._bytes -= status.st_size


class PosterCache(TmdbCache):
    """Posters by TMDB movie ID."""

    kind = "poster"

    @property
    def days(self) -> float:
        return self._settings.days

    def _download(self, number: str) -> bytes:
        """Return the poster from TMDB; empty if it has none or sends something other than a picture."""
        movie = self._movie(number)
        path = str(movie.get("poster_path")) if isinstance(movie, dict) else ""
        if not PICTURE_PATH.fullmatch(path):
            return b""
        try:
            picture = self._get(f"{self._settings.images}/t/p/w342{path}")
        except HTTPError as error:
            if error.code != 404:
                raise
            error.close()
            return b""
        return picture if len(picture) <= MAX_PICTURE_BYTES and PICTURE_SIGNATURE.match(picture) else b""


def _pause_seconds(error: HTTPError, usual: float) -> float:
    """Close an error response and return the seconds to pause requests to TMDB after it."""
    error.close()
    retry_after = error.headers.get("Retry-After", "")
    if error.code == 429 and re.fullmatch(r"[0-9]{1,4}", retry_after):
        return float(retry_after)
    return PAUSE_SECONDS_BY_STATUS.get(error.code, usual)
