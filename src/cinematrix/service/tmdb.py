"""TODO service.tmdb."""

import asyncio
import json
import re
import time
from http.client import HTTPException, HTTPMessage, IncompleteRead
from pathlib import Path
from threading import Lock
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from cinematrix.common.atomic_files import check_writable, write_atomically
from cinematrix.errors import InputError
from cinematrix.service.logging import LOG
from cinematrix.service.settings import PosterSettings


class PosterCache:
    """Posters by the films' numbers at TMDB: a file each, empty where there is none; its time is when it was fetched.

    Raises:
        InputError: the folder can't be written to.
    """

    def __init__(self, settings: PosterSettings) -> None:
        check_writable(settings.folder, force=True)
        self._settings, self._opener = settings, build_opener(_RejectRedirects)
        self._limiter, self._under_way = CapacityLimiter(MAX_PARALLEL_FETCHES), dict[str, asyncio.Task[bytes]]()
        self._tidying, self._tidied, self._bytes = Lock(), float("-inf"), 0
        self._again_at = 0.0

    async def poster(self, number: str) -> bytes:
        """The picture, from the folder or from TMDB; empty where there is none, or none now."""
        kept = await run_sync(self._kept, number)
        if kept is not None:
            return kept
        if number not in self._under_way:
            if len(self._under_way) >= MAX_PENDING_FETCHES or time.monotonic() < self._again_at:
                return b""
            self._under_way[number] = asyncio.create_task(run_sync(self._fetch, number, limiter=self._limiter))
            self._under_way[number].add_done_callback(lambda _: self._under_way.pop(number))
        return await asyncio.shield(self._under_way[number])

    def _file(self, number: str) -> Path:
        return self._settings.folder / f"{number}.poster"

    def _kept(self, number: str) -> bytes | None:
        """What is kept of it and isn't too old."""
        try:
            fetched, content = self._file(number).stat().st_mtime, self._file(number).read_bytes()
        except OSError:
            return None
        return content if time.time() < fetched + (POSTER_LIFETIME_SECONDS if content else DAY_SECONDS) else None

    def _fetch(self, number: str) -> bytes:
        """Fetch and keep it, unless somebody else just has; when that fails, leave TMDB alone for a while."""
        kept = self._kept(number)
        if kept is not None or time.monotonic() < self._again_at:
            return kept or b""
        try:
            content = self._download(number)
            self._keep(number, content)
            return content
        except HTTPError as error:
            self._pause(f"TMDB answers {error.code}", _pause_seconds(error))
        except (
            OSError,
            HTTPException,
            ValueError,
            InputError,
        ) as error:  # its words may have the address and so the key
            self._pause(f"a poster can't be fetched or kept ({type(error).__name__})", PAUSE_SECONDS)
        return b""

    def _pause(self, why: str, seconds: float) -> None:
        self._again_at = max(self._again_at, time.monotonic() + seconds)
        LOG.warning("%s; TMDB is left alone for %d seconds", why, seconds)

    def _download(self, number: str) -> bytes:
        """The picture that TMDB has; empty where it has none, or something else."""
        here = self._settings
        try:
            film = json.loads(self._get(f"{here.api}/3/movie/{number}?{urlencode({'api_key': here.key})}"))
            path = str(film.get("poster_path")) if isinstance(film, dict) else ""
            if not PICTURE_PATH.fullmatch(path):
                return b""
            picture = self._get(f"{here.images}/t/p/w342{path}")
        except HTTPError as error:
            if error.code == 404:
                error.close()
                return b""
            raise
        return picture if len(picture) <= MAX_PICTURE_BYTES and PICTURE_SIGNATURE.match(picture) else b""

    def _get(self, address: str) -> bytes:
        """What is at an address, broken off once it is too large.

        Raises:
            HTTPError: TMDB answers with an error or a redirect.
            OSError, HTTPException: it doesn't answer, or not in time, or breaks off.
        """
        until, content = time.monotonic() + self._settings.seconds, b""
        asked = Request(address, headers={"User-Agent": "cinematrix"})
        with self._opener.open(asked, timeout=self._settings.seconds) as answer:
            while len(content) <= MAX_PICTURE_BYTES and (block := answer.read1(1 << 16)):
                content += block
                if time.monotonic() > until:
                    raise TimeoutError
            if answer.length and len(content) <= MAX_PICTURE_BYTES:
                raise IncompleteRead(content)
        return content

    def _keep(self, number: str, content: bytes) -> None:
        with write_atomically(self._file(number), force=True) as beside:
            beside.write_bytes(content)
        with self._tidying:
            self._bytes += len(content)
            if self._bytes > self._settings.most_bytes or time.monotonic() > self._tidied + DAY_SECONDS:
                self._tidy()

    def _tidy(self) -> None:
        """Remove what is too old, and the oldest beyond nine tenths of the room."""
        files = [(file.stat(), file) for file in self._settings.folder.glob("*.poster")]
        self._bytes, self._tidied = sum(about.st_size for about, _ in files), time.monotonic()
        for about, file in sorted(files, key=lambda each: each[0].st_mtime):
            if (
                self._bytes <= 0.9 * self._settings.most_bytes
                and about.st_mtime > time.time() - POSTER_LIFETIME_SECONDS
            ):
                break
            file.unlink(missing_ok=True)
            self._bytes -= about.st_size


DAY_SECONDS = 86_400


POSTER_LIFETIME_SECONDS = 150 * DAY_SECONDS
"""Seconds that a poster is kept: TMDB's terms allow six months. That there is none is remembered for a day."""


MAX_PICTURE_BYTES = 2_000_000
"""Bytes of an answer of TMDB's."""


MAX_PARALLEL_FETCHES = 4


MAX_PENDING_FETCHES = 16
"""Films whose posters are fetched or wait for it; one more goes without this time, so that lists are answered."""


PAUSE_SECONDS = 30.0


PAUSE_SECONDS_BY_STATUS = {401: 600.0, 403: 600.0}
"""Seconds to leave TMDB alone after it failed, or refused the key."""


PICTURE_PATH = re.compile(r"/[\w-]{1,100}\.(jpg|jpeg|png|webp)", re.ASCII)


PICTURE_SIGNATURE = re.compile(rb"(?P<jpeg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<webp>RIFF.{4}WEBP)", re.DOTALL)


class _RejectRedirects(HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None: the redirect is an error."""


def _pause_seconds(error: HTTPError) -> float:
    """How long to leave TMDB alone after this answer, which is closed."""
    error.close()
    told = error.headers.get("Retry-After", "")
    if error.code == 429 and re.fullmatch(r"[0-9]{1,4}", told):
        return float(told)
    return PAUSE_SECONDS_BY_STATUS.get(error.code, PAUSE_SECONDS)
