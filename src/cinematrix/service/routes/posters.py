"""Route of posters, which the server fetches from TMDB with the operator's key and caches.

Browsers contact only this server. TMDB gets the ID of a movie and learns nothing about the user.
"""

import hashlib
import re

from fastapi import APIRouter, Request, Response

from cinematrix.service.auth import PAGE
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, client_has_tag
from cinematrix.service.schemas import TextId
from cinematrix.service.state import State
from cinematrix.service.tmdb import DAY_SECONDS, PICTURE_SIGNATURE

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])


@ROUTER.get(
    "/movies/{movie}/poster",
    response_class=Response,
    responses={200: {"content": {f"image/{kind}": {} for kind in PICTURE_SIGNATURE.groupindex}}},
)
async def get_poster(movie: TextId, request: Request, state: State) -> Response:
    """Return a movie's poster. 404: TMDB has none, or the server has no TMDB key."""
    served = state.served
    number = served.model.data.movies.number(served.movie(movie))
    tmdb_id = served.model.data.catalog.frame["tmdb"][int(number)] or ""
    content = b""
    if state.posters is not None and re.fullmatch(r"[0-9]{1,12}", tmdb_id):
        content = await state.posters.poster(tmdb_id)
    signature = PICTURE_SIGNATURE.match(content)
    if signature is None:
        raise Problem(404, "there is no poster of this movie", {"Cache-Control": "private, max-age=300"})
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"Cache-Control": f"private, max-age={DAY_SECONDS}", "ETag": tag}
    if client_has_tag(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, f"image/{signature.lastgroup}")
