"""Log lines of the service: JSON objects that name the request and the caller, and no user, key or token."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.service import making_lists
from cinematrix.service.app import create_app
from cinematrix.service.log_lines import JsonFormatter, TextFormatter
from cinematrix.service.logging import write_log
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from cinematrix.store.tokens import create_token

PROXY, STRANGER = ("10.0.0.2", 1), ("203.0.113.5", 1)


class Lines(logging.Handler):
    """Handler that keeps the service's lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of the service; the test's own client writes some too."""
        if record.name.startswith("cinematrix"):
            self.lines.append(self.format(record))

    def last(self) -> Any:
        """Return the last line, parsed."""
        return json.loads(self.lines[-1])


@pytest.fixture
def log() -> Iterator[Lines]:
    """The log of this process."""
    with write_log(lines := Lines(), "json", "info"):
        yield lines


def test_a_line_names_request_client_and_caller(
    settings: ServiceSettings, log: Lines, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role, the key's name and the user's keyed hash; an exception has its traceback in the same object."""
    store = Store.open(settings.db)
    key = create_key(store, "write", "shop")
    token, _ = create_token(store, str(user), 1, "test")
    app = create_app(replace(settings, proxies=("10.0.0.0/8",)))
    with TestClient(app, client=PROXY, raise_server_exceptions=False) as client:
        by_proxy = {"X-Forwarded-For": "192.0.2.7", "X-Request-ID": "from-nginx-1"}
        answer = client.get(f"/v1/users/{user}/ratings", headers={"X-API-Key": key, **by_proxy})
        line = log.last()
        assert answer.headers["x-request-id"] == line["request"] == "from-nginx-1"
        known = {name: line[name] for name in ("level", "client", "role", "key", "method", "status")}
        assert known == {
            "level": "info", "client": "192.0.2.7", "role": "write", "key": "shop", "method": "GET", "status": 200,
        }  # fmt: skip
        assert line["time"].endswith("Z")
        assert line["route"] == "/v1/users/{user}/ratings"
        assert line["user"] == store.name_in_log(str(user)) != store.pseudonym(str(user))

        client.get("/v1/model", headers={"Authorization": f"Bearer {token}"})
        line = log.last()
        assert (line["role"], line["user"], "key" in line) == ("user", store.name_in_log(str(user)), False)
        client.get("/v1/model")
        assert (log.last()["status"], "role" in log.last(), "user" in log.last()) == (401, False, False)

        monkeypatch.setattr(making_lists, "recommend_each", lambda *_, **__: [][0])
        client.get(f"/v1/users/{user}/recommendations", headers={"X-API-Key": key})
        failed, line = (json.loads(text) for text in log.lines[-2:])
        assert failed["traceback"].endswith("IndexError: list index out of range")
        assert (failed["level"], failed["request"], failed["key"]) == ("error", line["request"], "shop")
    store.close()
    text = "".join(log.lines)
    assert key[4:] not in text
    assert token[4:] not in text


@pytest.mark.parametrize(
    ("peer", "sent"), [(STRANGER, "from-a-visitor"), (PROXY, "short"), (PROXY, 'a"b c\\nd e'), (PROXY, "x" * 200)]
)
def test_only_a_trusted_proxy_names_a_request(settings: ServiceSettings, log: Lines, peer: Any, sent: str) -> None:
    """An ID from a visitor, or a text that is no ID, is in neither the log nor the answer."""
    app = create_app(replace(settings, proxies=("10.0.0.0/8",)))
    made = TestClient(app, client=peer).get("/livez", headers={"X-Request-ID": sent}).headers["x-request-id"]
    assert made != sent
    assert log.last()["request"] == made


def test_a_line_of_any_library_is_one_line() -> None:
    """With line breaks, wrong characters and secrets in it, as JSON and as text."""
    record = logging.LogRecord("lib", logging.WARNING, "", 0, "a\n%s \ud800 cmx_0123456789abc", ("b",), None)
    line = JsonFormatter().format(record)
    assert json.loads(line)["message"] == "a\nb \ud800 cmx_…"
    assert "\n" not in line
    assert TextFormatter().format(record).endswith("a\nb \ud800 cmx_…")
