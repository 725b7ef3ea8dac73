"""Conformance of the API to its OpenAPI description: schemathesis over all routes, with two roles."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy, one_of
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.tokens import create_token

EXAMPLES = int(os.environ.get("CINEMATRIX_EXAMPLES", "3"))
"""Requests to each route with each role. `make schemathesis` sends more."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


CREDENTIALS = ("x-api-key", "authorization")


@pytest.fixture
def service(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A service without limits that creates new users and starts no retraining."""
    plenty = {"reads": 10**9, "writes": 10**9, "visits": 10**9, "new_users": 10**6}
    app = create_app(replace(settings, **plenty))  # type: ignore[arg-type]
    monkeypatch.setattr(app.state.service.refit_runner, "start", lambda _: None)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def generate_cases(operation: Any) -> SearchStrategy[Case]:
    """Return a strategy of valid requests, and of invalid ones if the route has parameters."""
    kinds = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
    return one_of(kinds if operation.path_parameters or operation.query or operation.body else kinds[:1])


def send_case(client: TestClient, case: Case, headers: dict[str, str]) -> Any:
    """Send a generated request with these credentials in place of generated ones, and return the response."""
    case.headers = {name: value for name, value in case.headers.items() if name.lower() not in CREDENTIALS} | headers
    request = case.as_transport_kwargs(base_url="http://testserver")
    request |= {"content": request.pop("data", None), "cookies": None}
    return client.request(**request)


@pytest.mark.fault(2)
@pytest.mark.parametrize("role", ["admin", "user"])
def test_the_api_is_as_described(service: TestClient, user: int, unseen: int, role: str) -> None:
    """No response is a 5xx; each has a status, a content type and a body that the description allows.

    Every other request is about an existing user and movie. All requests with a user's token are about that user.
    """
    turns = itertools.count()
    store = service.app.state.service.store  # type: ignore[attr-defined]
    key, wrong = create_key(store, "admin"), []
    for operation in schemathesis.openapi.from_dict(service.app.openapi()).get_all_operations():  # type: ignore[attr-defined]

        @seed(7)
        @settings(
            max_examples=EXAMPLES,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=generate_cases(operation.ok()))
        def conforms(case: Case) -> None:
            headers = {"X-API-Key": key}
            if role == "user":
                headers = {"Authorization": f"Bearer {create_token(store, str(user), 1, 'test')[0]}"}
            existing = {"user": user} if role == "user" else {}
            existing |= {"user": user, "movie": unseen} if next(turns) % 2 else {}
            case.path_parameters |= {name: existing[name] for name in case.path_parameters if name in existing}
            case.validate_response(send_case(service, case, headers), checks=CHECKS)

        try:
            conforms()
        except AssertionError as error:
            wrong.append(str(error))
    assert wrong == []
