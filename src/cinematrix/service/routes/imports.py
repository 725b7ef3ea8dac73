"""Routes that take an export of another site: as a raw body, read in memory and never put on the disk.

Files are read one at a time and beside the threads that answer, large ones by a process of their own
(`service.digests`): however many come, others wait for none of them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from cinematrix.errors import DataError
from cinematrix.service.auth import PAGE, WRITE
from cinematrix.service.import_worker import PreparedImport, Upload, prepare_import
from cinematrix.service.logging import LOG
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, json_response
from cinematrix.service.schemas import Movie, TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State
from cinematrix.service.users import require_writable_user
from cinematrix.store.merging import merge_import

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
MAX_WAITING_UPLOADS = 4
"""Files that may wait to be read; the sender of one more is told to come again."""

IMPORT_SWITCH_INTERVAL_SECONDS = 0.0001
"""Seconds after which who reads a file leaves Python's lock to others: a tenth of a server's usual turn."""

UPLOAD_OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class SkippedRow(BaseModel):
    """A row that says nothing to keep."""

    row: str
    reason: str
    title: str


class UnmatchedRow(BaseModel):
    """A film that isn't in the catalog or can't be told from others; `rating` is on the model's scale."""

    row: str
    kind: Literal["rating", "seen", "watchlist", "like"]
    title: str
    year: int | None
    rating: float | None
    time: int | None
    candidates: list[Movie]


class ImportedRating(BaseModel):
    """A rating on the model's scale."""

    movie: int | str
    title: str
    year: int | None
    rating: float
    time: int | None


class ImportBody(BaseModel):
    """What came of an upload: imported, updated, duplicates, skipped and unmatched rows add up to those read."""

    source: str
    read: int
    imported: int
    updated: int
    duplicates: int
    skipped: list[SkippedRow]
    unmatched: list[UnmatchedRow]
    ratings: list[ImportedRating]
    events: dict[Literal["seen", "watchlist", "like"], list[int | str]]
    warnings: list[str]


async def _read_upload(
    request: Request,
    name: Annotated[str, Query(max_length=300, description="Of the file.")] = "",
    columns: Annotated[
        str, Query(max_length=500, description="Of a CSV that isn't a known one, such as `title=Film,rating=Score`.")
    ] = "",
    highest: Annotated[float | None, Query(gt=0, le=1e6, description="The best rating of such a CSV.")] = None,
) -> Upload:
    return Upload(await request.body(), name, columns, highest)


UploadParam = Annotated[Upload, Depends(_read_upload)]


async def _run_in_turn(state: ServiceState, work: Callable[[], bytes]) -> Response:
    """The answer that `work` makes, once it is its turn.

    Raises:
        Problem: 503, too many wait already.
    """
    if state.import_limiter.statistics().tasks_waiting >= MAX_WAITING_UPLOADS:
        raise Problem(503, "other files are being imported; come again", {"Retry-After": "5"})

    def answer() -> Response:
        with _shorten_switch_interval():
            return json_response(work())

    return await run_sync(answer, limiter=state.import_limiter)


@contextmanager
def _shorten_switch_interval() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(IMPORT_SWITCH_INTERVAL_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _prepare(upload: Upload, served: ServedModel) -> PreparedImport:
    """What a file comes to.

    Raises:
        Problem: 422, it isn't an export that we know, or is damaged; 503, the process that read it came to an end.
    """
    try:
        return prepare_import(upload, served.model.data.catalog, served.model.data.scale)
    except DataError as error:
        raise Problem(422, str(error)) from error
    except OSError as error:
        LOG.error("%s", error)
        raise Problem(503, "the file can't be read now; come again", {"Retry-After": "5"}) from error


@ROUTER.post("/imports", dependencies=[PAGE], openapi_extra=UPLOAD_OPENAPI, response_model=ImportBody)
async def preview_import(upload: UploadParam, state: State) -> Response:
    """What an export says of which movies; nothing is kept."""
    served = state.served
    return await _run_in_turn(state, lambda: _prepare(upload, served).answer())


@ROUTER.post("/users/{user}/imports", dependencies=[WRITE], openapi_extra=UPLOAD_OPENAPI, response_model=ImportBody)
async def import_for_user(user: TextId, upload: UploadParam, state: State) -> Response:
    """Keep what an export says for a user, in one transaction; the same again changes nothing."""
    return await _run_in_turn(state, lambda: _store_import(user, upload, state))


def _store_import(user: str, upload: Upload, state: ServiceState) -> bytes:
    served = state.served
    found = _prepare(upload, served)
    with state.store.write_transaction() as connection:
        who = require_writable_user(state, served, connection, user)
        merged = merge_import(connection, who, found.to_keep)
    state.prefetch_for(who)
    return found.answer(merged)
