"""Background tasks under supervision: `cinematrix.service.supervisor`."""

import time
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.service import app
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.records import Store
from service_world import check_problem
from waiting import wait_for


def test_a_task_that_fails_is_counted_retried_and_named(
    settings: ServiceSettings, monkeypatch: Any, caplog: Any
) -> None:
    """/readyz names a task that fails again and again, and recovers with it; the log has the reason."""
    broken = [True]

    def check(_: Any) -> None:
        if broken[0]:
            raise AttributeError("'str' object has no attribute 'get'")

    monkeypatch.setattr(app.ModelWatcher, "check", check)
    with TestClient(create_app(replace(settings, watch_seconds=0.01, use_seconds=0.01))) as client:
        wait_for(lambda: client.get("/readyz").status_code == 503)
        assert "task model" in check_problem(client.get("/readyz"), 503)["detail"]
        assert client.get("/livez").status_code == 200
        failures = 'cinematrix_task_failures_total{task="model"}'
        assert float(client.get("/metrics").text.partition(failures)[2].split()[0]) >= 3
        assert "no attribute 'get'" in caplog.text
        broken[0] = False
        wait_for(lambda: client.get("/readyz").status_code == 200)


def test_a_task_that_ended_is_named(settings: ServiceSettings) -> None:
    """Whatever ends a task, /readyz says that it isn't there."""
    with TestClient(create_app(settings)) as client:
        assert client.get("/readyz").status_code == 200
        state = client.app.state.service  # type: ignore[attr-defined]
        state.supervisor._loops[1].cancel()
        wait_for(lambda: client.get("/readyz").status_code == 503)
        assert "task refits" in client.get("/readyz").json()["detail"]


def test_a_stop_waits_for_the_runs_that_have_begun(either: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that uses the store while the service stops has its connection closed with the others."""
    begun: list[Any] = []
    ended: list[Any] = []

    def use_store(store: Store) -> None:
        with store.engine.connect() as connection:
            begun.append(connection.connection.dbapi_connection)
            time.sleep(0.2)  # while the service stops
        ended.append(begun[-1])

    monkeypatch.setattr(Store, "finish_erasure", use_store)
    with TestClient(create_app(replace(either, watch_seconds=0.01))):
        wait_for(lambda: len(begun) > 0)
    assert ended == begun
    for connection in begun:
        with pytest.raises(Exception, match="closed"):
            connection.cursor()
