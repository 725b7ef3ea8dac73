"""Building blocks of requests and responses: strict JSON parsing, JSON responses, ETags, gzip, problem descriptions."""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import to_json

from cinematrix.service.problems import MEDIA_TYPE
from cinematrix.service.schemas import ProblemBody


def client_has_tag(request: Request, tag: str) -> bool:
    """Return whether the request's If-None-Match header contains the ETag `tag`."""
    tags = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in tags or "*" in tags


def accepts_gzip(accepted: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip: it names gzip with a weight above 0."""
    for each in accepted.split(","):
        name, _, weight = each.partition(";")
        if name.strip().lower() == "gzip":
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
    return False


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Problem",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}}},
    }
}
"""OpenAPI responses of routes that may answer with a problem."""


class StrictRoute(APIRoute):
    """Route that parses JSON bodies by `StrictRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


def json_response(content: Any) -> Response:
    """Return a JSON response without validating `content`. Bytes are sent as they are."""
    return Response(content if isinstance(content, bytes) else to_json(content), media_type="application/json")


class StrictRequest(Request):
    """Request whose JSON body must follow RFC 8259: no NaN or Infinity, and no duplicate name in an object."""

    async def json(self) -> Any:
        try:
            return json.loads(
                await self.body(), object_pairs_hook=_reject_duplicate_names, parse_constant=_reject_constant
            )
        except RecursionError as error:
            raise ValueError("the JSON is nested too deeply") from error


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a JSON object has a duplicate name; names must be unique")
    return members


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} isn't valid JSON")
