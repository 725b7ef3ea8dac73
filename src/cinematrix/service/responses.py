"""Building blocks of requests and responses: strict JSON parsing, JSON responses, ETags, gzip, problem descriptions."""

import json
import re
from collections.abc import Callable, Coroutine
from itertools import accumulate
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import to_json

from cinematrix.service.auth import authorize_once, list_permissions
from cinematrix.service.problems import MEDIA_TYPE, Problem
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
    """Route that authorizes the caller before it reads the body, and parses JSON by `StrictRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, permissions = super().get_route_handler(), list_permissions(self.dependant)

        async def strictly(request: Request) -> Response:
            for needed in permissions:
                await authorize_once(request, needed)
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


def json_response(content: Any) -> Response:
    """Return a JSON response without validating `content`. Bytes are sent as they are."""
    return Response(content if isinstance(content, bytes) else to_json(content), media_type="application/json")


MAX_MARKS = {b"{": 6_000, b"[": 6_000, b",": 40_000}
"""Maximum opening brackets and commas in a JSON body, which are counted before it is parsed.

The largest bodies that the routes take have less: 5,000 movies with a list of genres each, or 5,000 ratings and 20,000
hidden movies. Parsing a million bytes of brackets would take a fifth of a second.
"""

MAX_NAMES = 16_000
"""Maximum members of all objects in a JSON body: 5,000 rows with three members each, and some more."""

COLONS = (b'":', b" :", b"\t:", b"\n:", b"\r:")
"""Colons that may follow the name of a member. Colons in IDs aren't counted."""

MAX_MEMBERS = 100
"""Maximum members of a JSON object."""

MAX_FLOATS = 5_100
"""Maximum numbers with a fraction or an exponent in a JSON body: 5,000 ratings, and some more. Others are whole."""

MAX_FLOAT_CHARACTERS = 20
"""Maximum characters of such a number in a body that may have too many of them; reading longer ones takes long."""

SPARE_OBJECTS = 10
"""Objects that a body is taken to have beyond those counted, since texts may look like names of members."""


class StrictRequest(Request):
    """Request whose JSON body must follow RFC 8259: no NaN or Infinity, and no duplicate name in an object."""

    async def json(self) -> Any:
        return parse_json(await self.body())


def parse_json(body: bytes, names: int = MAX_NAMES) -> Any:
    """Parse JSON with at most `names` members of objects.

    Raises:
        Problem: 413, it has too many values, which are counted before it is parsed.
        ValueError: it isn't JSON by RFC 8259, has a duplicate name, or is nested too deeply.
    """
    if any(body.count(mark) > most for mark, most in MAX_MARKS.items()) or _has_too_many_names(body, names):
        raise Problem(413, "the JSON has too many values; send fewer at once")
    try:
        return json.loads(
            body.strip(b" \t\n\r"), object_pairs_hook=_make_object, parse_constant=_reject_constant,
            parse_float=_FloatReader() if _may_have_too_many_floats(body) else None,
        )  # fmt: skip
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def _has_too_many_names(body: bytes, most: int) -> bool:
    """Return whether a body has more than `most` names of members, or more than its objects may have."""
    most = min(most, MAX_MEMBERS * (body.count(b"{") + SPARE_OBJECTS))
    return body.count(b":") > most and any(found > most for found in accumulate(map(body.count, COLONS)))


class _FloatReader:
    """Reader of a limited number of floats."""

    def __init__(self) -> None:
        self._left = MAX_FLOATS

    def __call__(self, text: str) -> float:
        self._left -= 1
        if self._left < 0 or len(text) > MAX_FLOAT_CHARACTERS:
            raise ValueError(
                f"the JSON has more than {MAX_FLOATS:,} numbers with a fraction or an exponent, or long ones"
            )
        return float(text)


def _may_have_too_many_floats(body: bytes) -> bool:
    """Return whether a body has more points, or letters for exponents, than it may have floats."""
    return body.count(b".") > MAX_FLOATS or body.count(b"e") + body.count(b"E") > MAX_FLOATS


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_MEMBERS:
        raise ValueError(f"a JSON object has more than {MAX_MEMBERS} members")
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a JSON object has a duplicate name; names must be unique")
    return members


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} isn't valid JSON")
