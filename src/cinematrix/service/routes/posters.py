"""Routes of posters and details of movies, which the server fetches from TMDB with the operator's key and caches.

Browsers contact only this server. TMDB gets the ID of a movie and learns nothing about the user.
"""

import hashlib

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.service.auth import PAGE
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, client_has_tag
from cinematrix.service.schemas import TextId
from cinematrix.service.state import ServiceState, State
from cinematrix.service.tmdb import PICTURE_SIGNATURE, TMDB_ID, TmdbCache
from cinematrix.service.tmdb_details import TmdbDetails

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])


@ROUTER.get(
    "/movies/{movie}/poster",
    response_class=Response,
    responses={200: {"content": {f"image/{kind}": {} for kind in PICTURE_SIGNATURE.groupindex}}},
)
async def get_poster(movie: TextId, request: Request, state: State) -> Response:
    """Return a movie's poster. 404: TMDB has none, or the server has no TMDB key."""
    content = await _read(state.posters, movie, state)
    signature = PICTURE_SIGNATURE.match(content)
    if signature is None:
        raise Problem(404, "there is no poster of this movie", {"Cache-Control": "private, max-age=300"})
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"Cache-Control": f"private, max-age={DAY_SECONDS}", "ETag": tag}
    if client_has_tag(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, f"image/{signature.lastgroup}")


@ROUTER.get("/movies/{movie}/details")
async def get_details(movie: TextId, state: State) -> TmdbDetails:
    """Return what TMDB knows of a movie. 404: it knows nothing, or the server has no TMDB key."""
    content = await _read(state.details, movie, state)
    try:
        return TmdbDetails.model_validate_json(content)
    except ValidationError:
        raise Problem(404, "there are no details of this movie", {"Cache-Control": "private, max-age=300"}) from None


async def _read(cache: TmdbCache | None, movie: str, state: ServiceState) -> bytes:
    """Return a movie's content from a cache or from TMDB; empty without a cache, or without a number at TMDB."""
    served = state.served
    number = served.model.data.movies.number(served.movie(movie))
    tmdb_id = served.model.data.catalog.frame["tmdb"][int(number)] or ""
    return await cache.content(tmdb_id) if cache is not None and TMDB_ID.fullmatch(tmdb_id) else b""
