"""Helpers of the service's tests. The fixtures are in conftest.py."""

from typing import Any

from cinematrix.models.deep_mf.settings import DeepMFSettings

TINY_SETTINGS = DeepMFSettings(factors=4, members=1, epochs=1, ranking_epochs=1)
PROBLEM_TYPE = "application/problem+json"


def check_problem(answer: Any, status: int, *never: str) -> dict[str, Any]:
    """Check that a response is a problem with this status and contains none of `never`; return its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_TYPE
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    for word in never:
        assert word not in answer.text
    return body
