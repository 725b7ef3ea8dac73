"""Errors as `application/problem+json` (RFC 9457). What the client sent is never said back to it."""

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


class Problem(HTTPException):
    """An answer that says what is wrong: a status, a sentence, and more members such as `index`."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(status, detail, headers)
        self.members = members


def problem(status: int, detail: str, **members: Any) -> dict[str, Any]:
    """The body of a problem."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}


def _answer(status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> Response:
    content = json.dumps(problem(status, detail, **members), ensure_ascii=True)
    return Response(content, status, headers, MEDIA_TYPE)


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(error.status_code, error.detail, error.headers, **getattr(error, "members", {}))


def _invalid(_: Request, error: Exception) -> Response:
    """What doesn't fit the model of a request: where and why, and in a bulk the row."""
    assert isinstance(error, RequestValidationError)
    wrong = [{"where": list(each["loc"]), "why": each["type"]} for each in error.errors()]
    rows = [
        each["loc"][2] for each in error.errors() if each["loc"][:2] == ("body", "ratings") and len(each["loc"]) > 2
    ]
    members: dict[str, Any] = {"index": min(rows)} if rows else {}
    return _answer(422, "the request doesn't fit its description", errors=_plain(wrong), **members)


def _plain(wrong: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without names that the client made up."""
    return [each | {"where": each["where"][:-1]} if each["why"] == "extra_forbidden" else each for each in wrong]


def _ours(_: Request, error: Exception) -> Response:
    return _answer(404 if isinstance(error, UnknownIdError) else 422, str(error))


def _busy(_: Request, error: Exception) -> Response:
    LOG.error("the store failed: %s", error)
    return _answer(503, "the store can't answer now; try again", {"Retry-After": "1"})


def install(app: FastAPI) -> None:
    """Answer errors of `app` in this form; `guard` answers those that nobody foresaw."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for ours in (UnknownIdError, SettingError):
        app.add_exception_handler(ours, _ours)
    for busy in (DBAPIError, TimeoutError):
        app.add_exception_handler(busy, _busy)
