"""Tests of `cinematrix.lifecycle.doctor`: checks of an installation, a model and a store."""

import json
import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.lifecycle import doctor
from cinematrix.lifecycle.doctor import examine
from cinematrix.lifecycle.redaction import redact
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


def test_nothing_missing_is_asked_of_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is needed on Linux alone is no lack elsewhere."""
    assert "pysqlite3" in doctor._packages("serve") or doctor.sys.platform != "linux"
    monkeypatch.setattr(doctor.sys, "platform", "elsewhere")
    assert "pysqlite3" not in doctor._packages("serve")


def test_findings_tell_the_installation() -> None:
    """Versions of Python and of all packages, the system, its cores and its memory: what a report needs."""
    found = check()
    assert found["Python"][1].startswith(platform.python_version())
    assert found["machine"][1].startswith(platform.system())
    assert re.search(r", \d+ cores(, [\d,]+ MB of memory)?$", found["machine"][1])
    assert f"numpy {np.__version__}, polars {pl.__version__}" in found["packages"][1]
    assert "torch" not in found["packages"][1]


@pytest.mark.parametrize(
    ("text", "url", "public"),
    [
        ("/home/anna/films/model holds no model.json", None, "~/films/model holds no model.json"),
        ("/data/anna/model lacks x; and /data/annabel/y", None, "/data/USER/model lacks x; and /data/annabel/y"),
        ("the name anna, the file model/anna.json", None, "the name anna, the file model/anna.json"),
        (
            "the database postgresql://shop:***@db.home:5432/films can't be opened: no password for shop at db.home",
            "postgresql://shop:s%40crt@db.home:5432/films",
            "the database postgresql://USER:***@HOST:5432/films can't be opened: no password for USER at HOST",
        ),
        ("password s@crt is wrong", "postgresql://shop:s%40crt@db/films", "password *** is wrong"),
        ("?password=tulip&connect_timeout=3", "postgresql://db/x?password=tulip&connect_timeout=3",
         "?password=***&connect_timeout=3"),
        ("the URL http://[ is invalid", "http://[", "the URL http://[ is invalid"),
    ],
)  # fmt: skip
def test_what_is_printed_can_be_published(
    text: str, url: str | None, public: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home folder, the user's name in paths, and the credentials and host of a store are left out."""
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv("LOGNAME", "anna")
    assert redact(text, url) == public


def test_a_user_without_a_home_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as in a container: the root folder as home hides nothing."""
    monkeypatch.setenv("HOME", "/")
    monkeypatch.setenv("LOGNAME", "nobody")
    assert redact("/data/model is fine") == "/data/model is fine"


def test_the_command(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The findings are text or JSON, and the exit code is 1 if one is bad."""
    healthy = run_in_process("doctor", model)
    assert (healthy.returncode, healthy.stderr) == (0, "")
    assert "✓ model: bias, version" in healthy.stdout
    monkeypatch.setenv("HOME", str(tmp_path))
    unhealthy = run_in_process("doctor", tmp_path / "nothing", "--json")
    assert unhealthy.returncode == 1
    found = json.loads(unhealthy.stdout)
    assert found["healthy"] is False
    (bad,) = [each for each in found["findings"] if each["state"] == "bad"]
    assert (bad["what"], bad["told"].split()[0]) == ("model", "~/nothing")
