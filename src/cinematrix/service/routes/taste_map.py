"""Route of the taste map, which is computed once a model version and sent compressed."""

import gzip
import json
from threading import Lock

from fastapi import APIRouter, Request, Response

from cinematrix.recommendation.taste_map import TasteMap
from cinematrix.service.auth import PAGE
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, accepts_gzip
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])

DRAWING_LOCK = Lock()
"""Lock held while a map is computed. Concurrent requests wait for its result."""


@ROUTER.get("/map")
def get_taste_map(request: Request, state: State) -> Response:
    """Return movies as points: `movies`, `titles`, `years`, `x` and `y` (0…1), `genre` (index in `genres`), `ratings`.

    The first request computes the map, which takes seconds. Its ETag is the model's version.
    """
    served = state.served
    tag = f'"map-{served.version}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
        return Response(status_code=304, headers=headers)
    with DRAWING_LOCK:
        packed = served.made.get("map") or served.made.setdefault("map", pack_map(served))
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(packed, 200, headers | {"Content-Encoding": "gzip"}, "application/json")
    return Response(gzip.decompress(packed), 200, headers, "application/json")


def pack_map(served: ServedModel) -> bytes:
    """Return the map as compressed JSON."""
    data, taste_map = served.model.data, TasteMap.of(served.model)
    numbers = taste_map.movies.tolist()
    content = {
        "model_version": served.version,
        "movies": [data.movies.listed[number] for number in numbers],
        "titles": [data.catalog.title(number) for number in numbers],
        "years": [data.catalog.facts[number].year for number in numbers],
        "x": [round(x, 4) for x in taste_map.places[:, 0].tolist()],
        "y": [round(y, 4) for y in taste_map.places[:, 1].tolist()],
        "genre": taste_map.genre.tolist(),
        "genres": taste_map.genres,
        "ratings": data.raters[taste_map.movies].tolist(),
    }
    return gzip.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)
