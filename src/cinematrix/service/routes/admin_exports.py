"""Route that exports the lists of all users, such as for a nightly letter."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from cinematrix.service import schemas
from cinematrix.service.auth import ADMIN
from cinematrix.service.list_export import ListExport
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, client_has_tag
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1/admin/exports", route_class=StrictRoute, responses=PROBLEM_RESPONSES)

MEDIA_TYPES = {"jsonl": "application/jsonl", "parquet": "application/vnd.apache.parquet"}
"""Media types of the formats."""

FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {} for media in MEDIA_TYPES.values()}, "description": "The lists"},
    304: {"description": "Nothing has changed since the export with this ETag"},
}


class ExportOptions(schemas.ListRequest):
    """List options, reranking and the format."""

    n: Annotated[int, Field(ge=1, le=200, description="Length of the lists.")] = 20
    format: Annotated[Literal["jsonl", "parquet"], Field(description="Format: JSON Lines or Parquet.")] = "jsonl"


@ROUTER.get("/recommendations", dependencies=[ADMIN], responses=FILE_RESPONSES, response_class=Response)
def export_recommendations(request: Request, state: State, wanted: Annotated[ExportOptions, Query()]) -> Response:
    """Return the lists of all users as a stream, computed between other requests.

    304: no model, user or option has changed since the export whose ETag is in If-None-Match.
    """
    export = ListExport(state, wanted)
    tag = export.tag()
    if client_has_tag(request, tag):
        return Response(status_code=304, headers={"ETag": tag})
    content = export.parquet() if wanted.format == "parquet" else export.json_lines()
    headers = {"ETag": tag, "Content-Disposition": f'attachment; filename="recommendations.{wanted.format}"'}
    return StreamingResponse(content, media_type=MEDIA_TYPES[wanted.format], headers=headers)
