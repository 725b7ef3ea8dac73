"""Error responses as `application/problem+json` (RFC 9457). They never repeat the client's input."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError, TimeoutError
from starlette.exceptions import HTTPException

from cinematrix.errors import SettingError, UnknownIdError
from cinematrix.service.logging import LOG

MEDIA_TYPE = "application/problem+json"


MAX_ERRORS = 10
"""Maximum errors in an answer."""


class Problem(HTTPException):
    """Error response: a status, a sentence, and further members such as `index`."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(status, detail, headers)
        self.members = members


def problem_body(status: int, detail: str, **members: Any) -> dict[str, Any]:
    """Return the body of a problem response."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}


def _problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> Response:
    content = json.dumps(problem_body(status, detail, **members), ensure_ascii=True)
    return Response(content, status, headers, MEDIA_TYPE)


def problem_response(problem: HTTPException) -> Response:
    """Return the response of a problem."""
    members = getattr(problem, "members", {})
    return _problem_response(problem.status_code, problem.detail, problem.headers, **members)


async def _handle_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem_response(error)


async def _handle_validation_error(_: Request, error: Exception) -> Response:
    """Return a 422 response with the place and reason of each error, and the index of the first wrong bulk row."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()[:MAX_ERRORS]
    errors = [{"where": list(each["loc"]), "why": each["type"]} for each in found]
    rows = [each["loc"][2] for each in found if each["loc"][:2] == ("body", "ratings") and len(each["loc"]) > 2]
    members: dict[str, Any] = {"index": min(rows)} if rows else {}
    return _problem_response(
        422, "the request doesn't match the API description", errors=_hide_client_names(errors), **members
    )


def _hide_client_names(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Remove the names of unknown members, which the client chose."""
    return [each | {"where": each["where"][:-1]} if each["why"] == "extra_forbidden" else each for each in errors]


async def _handle_input_error(_: Request, error: Exception) -> Response:
    return _problem_response(404 if isinstance(error, UnknownIdError) else 422, str(error))


async def _handle_store_error(_: Request, error: Exception) -> Response:
    LOG.error("the store failed: %s", error)
    return _problem_response(503, "the store isn't available; try again", {"Retry-After": "1"})


def install_error_handlers(app: FastAPI) -> None:
    """Make `app` answer errors as problems. `service.middleware` handles unexpected exceptions.

    The handlers are coroutines: Starlette would run functions in the threads of requests, where refusals would wait.
    """
    app.add_exception_handler(HTTPException, _handle_http_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    for input_error in (UnknownIdError, SettingError):
        app.add_exception_handler(input_error, _handle_input_error)
    for store_error in (DBAPIError, TimeoutError):
        app.add_exception_handler(store_error, _handle_store_error)
