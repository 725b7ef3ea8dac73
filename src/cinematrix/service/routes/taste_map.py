"""The route of the taste map, drawn once for each version of the model and sent compressed."""

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
"""One map is drawn at a time; who comes meanwhile waits for it."""


@ROUTER.get("/map")
def get_taste_map(request: Request, state: State) -> Response:
    """Films as points: `movies`, `titles`, `years`, `x` and `y` (0…1), `genre` (the place in `genres`), `ratings`.

    The first call draws the map, which takes seconds; its ETag is the model's version.
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
    """The map as compressed JSON."""
    known, made = served.model.data, TasteMap.of(served.model)
    numbers = made.movies.tolist()
    content = {
        "model_version": served.version,
        "movies": [known.movies.listed[number] for number in numbers],
        "titles": [known.catalog.title(number) for number in numbers],
        "years": [known.catalog.facts[number].year for number in numbers],
        "x": [round(x, 4) for x in made.places[:, 0].tolist()],
        "y": [round(y, 4) for y in made.places[:, 1].tolist()],
        "genre": made.genre.tolist(),
        "genres": made.genres,
        "ratings": known.raters[made.movies].tolist(),
    }
    return gzip.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)
