"""Routes that import a user's export from another site, sent as a raw body.

Files are read one at a time outside the request threads, large ones in a subprocess (`service.import_worker`), so that
imports don't delay other requests.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, Literal, NamedTuple

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from cinematrix.errors import DataError
from cinematrix.importers import KindUnknownError, ProfileUnknownError
from cinematrix.importers.entries import KINDS, Kind, KindName
from cinematrix.service.auth import PAGE, WRITE
from cinematrix.service.import_worker import PreparedImport, Upload, prepare_import
from cinematrix.service.logging import LOG
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, json_response
from cinematrix.service.schemas import Movie, TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.state import ServiceState, State
from cinematrix.service.users import require_writable_user
from cinematrix.store.merging import merge_import

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
UPLOAD_MEMORY_BYTES = 1_000_000
"""Bytes of a file that are received into memory. Larger ones wait on the disk for their turn."""

IMPORT_SWITCH_INTERVAL_SECONDS = 0.0001
"""Seconds after which a thread yields Python's global interpreter lock during an import: a tenth of the usual."""

UPLOAD_OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class SkippedRow(BaseModel):
    """A row without anything to import, and the reason."""

    row: str
    reason: str
    title: str


class NewerRow(BaseModel):
    """A row whose movie is newer than the catalog.

    `film`: its ID among a user's unmatched films. `rating`: on the model's scale. `source`: the export of a rating
    without a date. `movie`: its ID in the catalog of another model.
    """

    row: str
    film: str
    kind: Kind
    title: str
    year: int | None
    imdb: int | None
    tmdb: int | None
    movie: str | None
    rating: float | None
    time: int | None
    source: str | None


class UnmatchedRow(NewerRow):
    """A row whose movie isn't in the catalog or is ambiguous; `certain`: the first candidate is most probably right."""

    candidates: list[Movie]
    certain: bool


class UnsureRow(BaseModel):
    """A matched row to check: the movie's title is the row's, but a year is missing or one off."""

    row: str
    title: str
    year: int | None
    rule: Literal["no year", "near year"]
    match: Movie


class ImportedRating(BaseModel):
    """An imported rating, on the model's scale."""

    movie: int | str
    title: str
    year: int | None
    rating: float
    time: int | None


class ImportedFilm(Movie):
    """A movie in the file of a whole history; `source`: the export of a rating without a date."""

    kind: Kind
    rating: float | None
    time: int | None
    source: str | None


class ImportBody(BaseModel):
    """Result of an import. Imported, updated, duplicate, skipped, unmatched and newer rows add up to the rows read.

    `unlisted`: numbers of skipped rows by reason beyond the first 10,000. `event_times`: epoch seconds by movie.
    `films`: all matched movies in the file of a whole history, which also has movies `not_interested` and `deleted`
    ratings; absent for other files.
    """

    source: str
    read: int
    imported: int
    updated: int
    duplicates: int
    skipped: list[SkippedRow]
    unmatched: list[UnmatchedRow]
    newer: list[NewerRow]
    unsure: list[UnsureRow]
    ratings: list[ImportedRating]
    events: dict[Literal["seen", "watchlist", "like"], list[int | str]]
    event_times: dict[Literal["seen", "watchlist", "like"], dict[str, int]]
    unlisted: dict[str, int]
    warnings: list[str]
    films: list[ImportedFilm] | None = None


class PendingUpload(NamedTuple):
    """An uploaded file on the disk, and its options."""

    file: IO[bytes]
    name: str
    columns: str
    highest: float | None
    kind: KindName | None
    profile: str

    def read(self) -> Upload:
        """Read the file into memory."""
        self.file.seek(0)
        return Upload(self.file.read(), *self[1:])


async def _receive_upload(
    request: Request,
    name: Annotated[str, Query(max_length=300, description="Name of the file.")] = "",
    columns: Annotated[
        str, Query(max_length=500, description="Columns of a table of unknown form, such as `title=Film,rating=Score`.")
    ] = "",
    highest: Annotated[float | None, Query(gt=0, le=1e6, description="Best rating, if the file's isn't known.")] = None,
    kind: Annotated[
        KindName | None, Query(alias="as", description="What the rows are, where the file doesn't say it.")
    ] = None,
    profile: Annotated[
        str, Query(max_length=500, description="User or profile whose rows are read, if the file has several.")
    ] = "",
) -> AsyncIterator[PendingUpload]:
    with SpooledTemporaryFile(UPLOAD_MEMORY_BYTES, prefix="cinematrix-") as file:
        async for part in request.stream():
            file.write(part)
        yield PendingUpload(file, name, columns, highest, kind, profile)


UploadParam = Annotated[PendingUpload, Depends(_receive_upload)]


async def _run_in_turn(state: ServiceState, work: Callable[[], bytes]) -> Response:
    """Wait for a turn, then run `work` and return its JSON as a response."""

    def respond() -> Response:
        with _shorten_switch_interval():
            return json_response(work())

    return await run_sync(respond, limiter=state.import_limiter)


@contextmanager
def _shorten_switch_interval() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(IMPORT_SWITCH_INTERVAL_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _prepare(upload: PendingUpload, served: ServedModel, settings: ServiceSettings) -> PreparedImport:
    """Read a file and match it to the catalog.

    Raises:
        Problem: 422, the file isn't in a supported export format, is damaged, doesn't say what its rows are (with the
            member `ask`), or has rows of several users (with their names in `profiles`); 503, the subprocess failed.
    """
    try:
        data = served.model.data
        return prepare_import(upload.read(), data.catalog, data.scale, data.raters, settings)
    except KindUnknownError as error:
        raise Problem(422, str(error), ask=list(KINDS)) from error
    except ProfileUnknownError as error:
        raise Problem(422, str(error), profiles=error.profiles) from error
    except DataError as error:
        raise Problem(422, str(error)) from error
    except OSError as error:
        LOG.error("%s", error)
        raise Problem(503, "the file can't be read now; retry later", {"Retry-After": "5"}) from error


@ROUTER.post("/imports", dependencies=[PAGE], openapi_extra=UPLOAD_OPENAPI, response_model=ImportBody)
async def preview_import(upload: UploadParam, state: State) -> Response:
    """Preview an import: read an export and match it to the catalog. Nothing is stored."""
    served = state.served
    return await _run_in_turn(state, lambda: _prepare(upload, served, state.settings).answer())


@ROUTER.post("/users/{user}/imports", dependencies=[WRITE], openapi_extra=UPLOAD_OPENAPI, response_model=ImportBody)
async def import_for_user(user: TextId, upload: UploadParam, state: State) -> Response:
    """Import an export for a user, in one transaction. Importing the same file again changes nothing."""
    return await _run_in_turn(state, lambda: _store_import(user, upload, state))


def _store_import(user: str, upload: PendingUpload, state: ServiceState) -> bytes:
    served = state.served
    prepared = _prepare(upload, served, state.settings)
    with state.store.write_transaction() as connection:
        user_id = require_writable_user(state, served, connection, user)
        merged = merge_import(connection, user_id, prepared.to_keep)
    state.prefetch_for(user_id)
    return prepared.answer(merged)
