"""TODO service.responses."""

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
    """Whether the client has what `tag` names already."""
    held = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in held or "*" in held


def accepts_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding allows gzip: it is named, and not with the weight 0."""
    for each in accepted.split(","):
        name, _, weight = each.partition(";")
        if name.strip().lower() == "gzip":
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
    return False


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What is wrong",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}}},
    }
}


class StrictRoute(APIRoute):
    """A route that reads strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


def json_response(content: Any) -> Response:
    """The answer with what we made ourselves, which nobody needs to check before it is sent."""
    return Response(content if isinstance(content, bytes) else to_json(content), media_type="application/json")


class StrictRequest(Request):
    """A request whose JSON is what RFC 8259 says: no NaN, and no name twice in an object."""

    async def json(self) -> Any:
        try:
            return json.loads(
                await self.body(), object_pairs_hook=_reject_duplicate_names, parse_constant=_reject_constant
            )
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice in an object")
    return found


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
