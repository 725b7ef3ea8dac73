"""Tests of `cinematrix.lifecycle.doctor`: checks of an installation, a model and a store."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.lifecycle import doctor
from cinematrix.lifecycle.doctor import examine
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.store.migrations import MIGRATIONS
from cinematrix.store.records import Rating, Store
from cinematrix.store.sqlite import DRIVER
from command_line import run_in_process


@pytest.fixture
def model(world: tuple[Ratings, Catalog], tmp_path: Path) -> Path:
    """A model of the test world."""
    save(Bias().fit(*world), tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, database: Callable[[str], str]) -> Iterator[str]:
    """A store with two ratings."""
    url = database(request.param)
    store = Store.open(url)
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "1", 3), Rating("ann", "2", 4)])
    yield url
    store.close()


def check(model: Path | None = None, db: str | None = None) -> dict[str, tuple[str, str]]:
    """Run the checks and return the state and text of each."""
    return {finding.what: (finding.state, finding.told) for finding in examine(model, db)}


def execute(url: str, statement: str) -> None:
    """Execute an SQL statement in a store."""
    store = Store.open(url)
    with store.write_transaction() as connection:
        connection.execute(text(statement))
    store.close()


def test_a_healthy_model_and_store_are_fine(model: Path, url: str, world: tuple[Ratings, Catalog]) -> None:
    """The model and the store have their versions and counts."""
    found = check(model, url)
    assert "bad" not in {state for state, _ in found.values()}
    assert found["model"][1].startswith("bias, version ")
    assert f"{len(world[0].users):,} users" in found["model"][1]
    assert found["store"][0] == "fine"
    assert found["store"][1].endswith(", 2 ratings")
    assert ("store's disk" in found) is url.startswith("sqlite")


def test_checks_are_read_only(tmp_path: Path) -> None:
    """A missing store isn't created; an empty one stays empty."""
    assert check(db=f"sqlite:///{tmp_path}/none.db")["store"][0] == "bad"
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.db").touch()
    assert check(db=f"sqlite:///{tmp_path}/empty.db")["store"][0] == "note"
    assert (tmp_path / "empty.db").stat().st_size == 0


@pytest.mark.parametrize(("version", "state", "ending"), [(2, "note", f"becomes version {len(MIGRATIONS)} when it is "
                         "served"), (999, "bad", "upgrade cinematrix")])  # fmt: skip
def test_a_store_of_another_version_is_reported(url: str, version: int, state: str, ending: str) -> None:
    """The store isn't migrated."""
    execute(url, f"update schema set version = {version}")
    for _ in range(2):
        found = check(db=url)["store"]
        assert found[0] == state
        assert found[1].endswith(ending)


def test_a_store_of_another_scale_is_bad(model: Path, url: str) -> None:
    """A server of this model would refuse the store."""
    store = Store.open(url)
    store.fix_scale(Scale(1, 10, 1))
    store.close()
    assert "bad" in [finding.state for finding in examine(model, url) if "1–10" in finding.told]


def test_damage_is_bad(model: Path, tmp_path: Path) -> None:
    """A changed byte of the model, a file that is no store and an invalid URL are bad; the other checks still run."""
    arrays = model / "arrays.safetensors"
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"?")
    (tmp_path / "store.db").write_bytes(b"no database" * 100)
    found = check(model, f"sqlite:///{tmp_path}/store.db")
    assert "SHA-256" in found["model"][1]
    assert (found["model"][0], found["store"][0]) == ("bad", "bad")
    assert check(model, "nowhere")["store"][0] == "bad"
    assert check(db="postgresql://u:secret@127.0.0.1:1/x")["store"][0] == "bad"
    assert "secret" not in str(check(db="postgresql://u:secret@127.0.0.1:1/x"))


@pytest.mark.fault(36)
@pytest.mark.parametrize(("version", "state"), [((3, 40, 1), "note"), ((3, 53, 0), "fine")])
def test_a_sqlite_with_the_race_is_a_note(
    version: tuple[int, int, int], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note names the workaround."""
    monkeypatch.setattr(DRIVER, "sqlite_version_info", version)
    found = check()["SQLite"]
    assert found[0] == state
    assert ("rollback journal" in found[1]) is (state == "note")


def test_a_missing_extra_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package is no problem; the note says how to install it."""
    monkeypatch.setattr(doctor, "_installed", lambda package: package != "torch")
    assert check()["train"] == ("note", "without torch; pip install 'cinematrix[train]' adds it")


def test_a_full_disk_is_bad(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next version wouldn't fit."""
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    assert check(model)["model's disk"][0] == "bad"


def test_the_command(model: Path, tmp_path: Path) -> None:
    """The findings are text or JSON, and the exit code is 1 if one is bad."""
    healthy = run_in_process("doctor", model)
    assert (healthy.returncode, healthy.stderr) == (0, "")
    assert "✓ model: bias, version" in healthy.stdout
    unhealthy = run_in_process("doctor", tmp_path / "nothing", "--json")
    assert unhealthy.returncode == 1
    found = json.loads(unhealthy.stdout)
    assert found["healthy"] is False
    assert [each["what"] for each in found["findings"] if each["state"] == "bad"] == ["model"]
