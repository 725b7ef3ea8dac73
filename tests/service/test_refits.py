"""Retraining by the service, by request and by schedule, and the choice of the version that serves."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.common.durations import parse_duration
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import MissingExtraError, SettingError
from cinematrix.lifecycle import versions
from cinematrix.models.artifact import ARRAYS, MANIFEST, save
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import Abilities
from cinematrix.models.popular import Popular
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.records import Store
from cinematrix.store.refits import hold_refit_lock, list_refits, request_refit_if_due
from service_world import check_problem


@pytest.fixture
def place(tmp_path: Path, world: tuple[Ratings, Catalog]) -> Path:
    """A served model with another version that the gate refused."""
    save(Bias().fit(*world), tmp_path / "model")
    versions.save_version(
        tmp_path / "model", Popular().fit(*world), {"refit": {"state": "refused", "why": "it is worse"}}
    )
    return tmp_path / "model"


@pytest.fixture
def served(place: Path, tmp_path: Path) -> ServiceSettings:
    """Settings of this model with an empty store."""
    return ServiceSettings(place, f"sqlite:///{tmp_path}/store.db", hosts=("testserver",), watch_seconds=0.02)


@pytest.fixture
def admin(served: ServiceSettings) -> Iterator[TestClient]:
    """A client of the service."""
    with TestClient(create_app(served), raise_server_exceptions=False) as client:
        yield client


def within(seconds: float, get_value: Callable[[], Any]) -> Any:
    """Wait until a function returns a true value, for at most `seconds`, and return it."""
    deadline = time.monotonic() + seconds
    while not (value := get_value()):
        assert time.monotonic() < deadline, f"there was no value within {seconds:g} seconds"
        time.sleep(0.05)
    return value


def test_a_requested_refit_runs_and_serves(admin: TestClient, place: Path) -> None:
    """A request is a 202 and a second one a 409; the new version is promoted, counted and served without a restart."""
    requested = admin.post("/v1/admin/refits", json={"force": False})
    assert requested.status_code == 202
    check_problem(admin.post("/v1/admin/refits", json={"force": False}), 409)
    path = f"/v1/admin/refits/{requested.json()['refit']}"
    ended = within(60, lambda: (row := admin.get(path).json())["ended"] and row)
    assert (ended["state"], ended["against"]) == ("promoted", versions.get_previous_version(place))
    within(10, lambda: 'cinematrix_refits_total{state="promoted"} 1.0' in admin.get("/metrics").text)
    list_path = "/v1/users/1/recommendations"
    within(10, lambda: admin.get(list_path).json()["model_version"] == ended["version"])
    listed = admin.get("/v1/admin/versions").json()
    assert [row["version"] for row in listed["versions"] if row["serves"]] == [ended["version"]]
    assert listed["refits"][0]["refit"] == ended["refit"]
    check_problem(admin.get("/v1/admin/refits/999"), 404)


def test_versions_are_promoted_and_rolled_back(admin: TestClient, place: Path, served: ServiceSettings) -> None:
    """A refused version needs force; rollbacks go back and forth; the audit log has a line for each step."""
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
    """While another server's retraining holds the store's lock, a request is a 409."""
    store = Store.open(served.db)
    with hold_refit_lock(store):
        check_problem(admin.post("/v1/admin/refits", json={"force": False}), 409)
    store.close()


def _cut_arrays(place: Path) -> None:
    os.truncate(place / ARRAYS, 10)


def _set_format(place: Path) -> None:
    about = json.loads((place / MANIFEST).read_bytes())
    (place / MANIFEST).write_text(json.dumps(about | {"format": "four"}), "utf-8")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "arrays cut": _cut_arrays,
    "format a text": _set_format,
    "manifest a list": lambda place: (place / MANIFEST).write_text("[]", "utf-8"),
    "manifest binary": lambda place: (place / MANIFEST).write_bytes(bytes(9)),
    "manifest gone": lambda place: (place / MANIFEST).unlink(),
    "all gone": shutil.rmtree,
}


@pytest.mark.fault(24)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_serving_model_is_replaced_by_a_sound_version(admin: TestClient, place: Path, damage: str) -> None:
    """The server goes on with the model in its memory, lists the sound versions, and promotes one of them."""
    sound = next(version.name for version in versions.list_versions(place) if not version.serves)
    before = admin.get("/v1/model").json()["version"]
    damaged = Path(shutil.copytree(place, place.with_name("damaged")))
    DAMAGES[damage](damaged)
    if not damaged.exists():
        shutil.rmtree(place)
    for file in (ARRAYS, MANIFEST):  # the server may have mapped the arrays, so they aren't cut in place
        if (damaged / file).exists():
            (damaged / file).replace(place / file)
        else:
            (place / file).unlink(missing_ok=True)
    time.sleep(0.1)  # the server looks at its model five times
    assert admin.get("/readyz").status_code == 200
    assert admin.get("/v1/model").json()["version"] == before
    assert sound in [row["version"] for row in admin.get("/v1/admin/versions").json()["versions"]]
    assert admin.get("/v1/admin/overview").status_code == 200
    check_problem(admin.post("/v1/admin/rollbacks"), 409)
    promoted = admin.post("/v1/admin/promotions", json={"version": sound, "force": True})
    assert promoted.json() == {"version": sound}
    within(10, lambda: admin.get("/v1/model").json()["version"] == sound)


def test_nobody_waits_for_a_refit(either: ServiceSettings, unseen: int) -> None:
    """While a retraining holds its lock, new users sign up and rate."""
    store = Store.open(either.db)
    with (
        TestClient(create_app(replace(either, new_users=5))) as client,
        ThreadPoolExecutor(1) as pool,
        hold_refit_lock(store),
    ):
        rated = pool.submit(client.put, f"/v1/users/newcomer/ratings/{unseen}", json={"rating": 3})
        assert rated.result(timeout=10).status_code == 201
    store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_several_servers_one_begins_what_is_due(kind: str, database: Callable[[str], str]) -> None:
    """No server starts a retraining before it is due; then one of two does, and the next only a period later."""
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
    """The schedule starts a retraining; it ends with the server and leaves a complete model."""
    place = tmp_path / "scheduled"
    shutil.copytree(served.model, place)
    os.utime(place / "model.json", (1, 1))
    with TestClient(create_app(replace(served, model=place, refit_every=3600))) as client:
        row = within(60, lambda: (rows := client.get("/v1/admin/versions").json()["refits"]) and rows[0])
        assert row["who"] == "schedule"
    versions.get_serving_version(place)


def test_retraining_needs_its_packages(served: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the training packages a schedule is refused at the start, and a request is a 501."""
    monkeypatch.setattr(Bias, "abilities", Abilities(trains_with="numba"))
    monkeypatch.setattr("cinematrix.common.optional.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"cinematrix\[train\]"):
        create_app(replace(served, refit_every=60))
    with TestClient(create_app(served)) as client:
        check_problem(client.post("/v1/admin/refits", json={"force": False}), 501)


def test_durations_are_read() -> None:
    """Durations need a unit, except 0."""
    assert [parse_duration(text) for text in ("24h", "7d", "1.5m", "30s", "0")] == [86400, 604800, 90, 30, 0]
    for text in ("24", "h", "-1h", "1y"):
        with pytest.raises(SettingError, match="24h"):
            parse_duration(text)
