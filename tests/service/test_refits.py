"""Refits by the service: by request, by schedule, and which version serves."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.cli.options import parse_duration
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import MissingExtraError, SettingError
from cinematrix.lifecycle import versions
from cinematrix.models.artifact import save
from cinematrix.models.base import Abilities
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.records import Store
from cinematrix.store.refits import hold_refit_lock, list_refits, request_refit_if_due
from service_world import check_problem


@pytest.fixture
def place(tmp_path: Path, world: tuple[Ratings, Catalog]) -> Path:
    """A served model, with one on its shelf that the gate refused."""
    save(Bias().fit(*world), tmp_path / "model")
    versions.save_version(
        tmp_path / "model", Popular().fit(*world), {"refit": {"state": "refused", "why": "it is worse"}}
    )
    return tmp_path / "model"


@pytest.fixture
def served(place: Path, tmp_path: Path) -> ServiceSettings:
    """It with an empty store."""
    return ServiceSettings(place, f"sqlite:///{tmp_path}/store.db", hosts=("testserver",), watch_seconds=0.05)


@pytest.fixture
def admin(served: ServiceSettings) -> Iterator[TestClient]:
    """A client of the service."""
    with TestClient(create_app(served), raise_server_exceptions=False) as client:
        yield client


def within(seconds: float, found: Callable[[], Any]) -> Any:
    """What is found once it is something."""
    until = time.monotonic() + seconds
    while not (something := found()):
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)
    return something


def test_a_refit_that_is_asked_for_runs_and_serves(admin: TestClient, place: Path) -> None:
    """202 with its number; while it runs another is a 409; then it is promoted, counted, and served without a start."""
    asked = admin.post("/v1/admin/refits", json={"force": False})
    assert asked.status_code == 202
    check_problem(admin.post("/v1/admin/refits", json={"force": False}), 409)
    path = f"/v1/admin/refits/{asked.json()['refit']}"
    ended = within(60, lambda: (row := admin.get(path).json())["ended"] and row)
    assert (ended["state"], ended["against"]) == ("promoted", versions.get_previous_version(place))
    within(10, lambda: 'cinematrix_refits_total{state="promoted"} 1.0' in admin.get("/metrics").text)
    answer = "/v1/users/1/recommendations"
    within(10, lambda: admin.get(answer).json()["model_version"] == ended["version"])
    told = admin.get("/v1/admin/versions").json()
    assert [row["version"] for row in told["versions"] if row["serves"]] == [ended["version"]]
    assert told["refits"][0]["refit"] == ended["refit"]
    check_problem(admin.get("/v1/admin/refits/999"), 404)


def test_versions_are_promoted_and_rolled_back(admin: TestClient, place: Path, served: ServiceSettings) -> None:
    """A refused one with force alone; back and forth in one step each; the audit has a line for each."""
    old = versions.get_serving_version(place)
    check_problem(admin.post("/v1/admin/rollbacks"), 409)
    check_problem(admin.post("/v1/admin/promotions", json={"version": "0" * 12}), 404)
    (new,) = [row["version"] for row in admin.get("/v1/admin/versions").json()["versions"] if not row["serves"]]
    check_problem(admin.post("/v1/admin/promotions", json={"version": new}), 409)
    answer = admin.post("/v1/admin/promotions", json={"version": new, "force": True})
    assert answer.json() == {"version": new}
    within(10, lambda: admin.get("/v1/users/1/recommendations").json()["model_version"] == new)
    assert admin.post("/v1/admin/rollbacks").json() == {"version": old}
    assert admin.post("/v1/admin/rollbacks").json() == {"version": new}
    store = Store.open(served.db)
    assert store.audit() == [f"promoted version {name}" for name in (new, old, new)]
    store.close()


def test_a_refit_elsewhere_is_waited_for(admin: TestClient, served: ServiceSettings) -> None:
    """Another server's holds the lock of the store."""
    store = Store.open(served.db)
    with hold_refit_lock(store):
        check_problem(admin.post("/v1/admin/refits", json={"force": False}), 409)
    store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_several_servers_one_begins_what_is_due(kind: str, database: Callable[[str], str]) -> None:
    """Not before its time since the model was trained; then one of two, and the next only a period later."""
    store, now = Store.open(database(kind)), int(time.time() * 1000)
    assert request_refit_if_due(store, 3_600_000, now) is None
    first, second = (
        request_refit_if_due(store, 3_600_000, now - 3_700_000),
        request_refit_if_due(store, 3_600_000, now - 3_700_000),
    )
    assert first is not None
    assert (first.who, second, len(list_refits(store))) == ("schedule", None, 1)
    store.close()


def test_the_schedule_begins_refits(served: ServiceSettings, tmp_path: Path) -> None:
    """By itself, one after the other; it ends with the server, and a whole model stays."""
    place = tmp_path / "scheduled"
    shutil.copytree(served.model, place)
    os.utime(place / "model.json", (1, 1))
    with TestClient(create_app(replace(served, model=place, refit_every=3600))) as client:
        row = within(60, lambda: (rows := client.get("/v1/admin/versions").json()["refits"]) and rows[0])
        assert row["who"] == "schedule"
    versions.get_serving_version(place)


def test_what_cannot_be_refitted_is_told_at_the_start(served: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what trains the model a schedule is refused at once, and a request is a 501."""
    monkeypatch.setattr(Bias, "abilities", Abilities(trains_with="numba"))
    monkeypatch.setattr("cinematrix.common.optional.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"cinematrix\[train\]"):
        create_app(replace(served, refit_every=60))
    with TestClient(create_app(served)) as client:
        check_problem(client.post("/v1/admin/refits", json={"force": False}), 501)


def test_durations_are_read() -> None:
    """With a unit; 0 needs none."""
    assert [parse_duration(text) for text in ("24h", "7d", "1.5m", "30s", "0")] == [86400, 604800, 90, 30, 0]
    for text in ("24", "h", "-1h", "1y"):
        with pytest.raises(SettingError, match="24h"):
            parse_duration(text)
