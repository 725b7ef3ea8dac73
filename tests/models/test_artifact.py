"""Saved models are complete or refused: `cinematrix.models.artifact`."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as parse_arrays
from safetensors.numpy import save as pack_arrays

from cinematrix.common import atomic_files
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import ArtifactError, InputError
from cinematrix.models import artifact
from cinematrix.models.artifact import ARRAYS, CATALOG, FORMAT, MANIFEST, READABLE, load, save
from cinematrix.models.bias import Bias
from cinematrix.models.card import CARD
from cinematrix.models.popular import Popular

FILES = (MANIFEST, ARRAYS, CATALOG)
ADVICE = ("train", "restore", "upgrade", "give")


@pytest.fixture(scope="module")
def model() -> Bias:
    """A model with text IDs and titles of all kinds."""
    users = ["zoë", "ann", "zoë", "Ωmega", "ann", "用户"]
    ratings = Ratings.from_arrays(users, ["b", "a", "a", "ü", "b", "0012"], [5, 3, 4, 2.5, 1, 4.5], [1, 2, 3, 4, 5, 6])
    titles = ["Amélie", "七人の侍", 'Quote "Tab\t', None, "Новое 🎬"]
    catalog = Catalog.of(["a", "b", "ü", "0012", "new"], title=titles, year=[2001, 1954, None, 1900, 2030],
                         genres=[["Komödie"], [], None, ["A", "B"], ["C"]],
                         tags=[["x", "x"], None, [], ["y"], []])  # fmt: skip
    return Bias().fit(ratings, catalog)


@pytest.fixture(scope="module")
def saved(model: Bias, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model as an artefact."""
    path = tmp_path_factory.mktemp("saved") / "model"
    save(model, path, {"seed": 7})
    return path


def content(path: Path) -> dict[str, bytes]:
    """Return all bytes of an artefact by file."""
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def reseal(path: Path, **changed: Callable[[Any], Any]) -> Path:
    """Change an artefact's parts and update the checksums, as a careful forger would."""
    manifest = json.loads((path / MANIFEST).read_text("utf-8"))
    arrays = parse_arrays((path / ARRAYS).read_bytes())
    arrays = changed.get("arrays", lambda a: a)(arrays)
    (path / ARRAYS).write_bytes(pack_arrays({name: np.ascontiguousarray(a) for name, a in arrays.items()}))
    manifest = changed.get("manifest", lambda m: m)(manifest)
    for name in (ARRAYS, CATALOG):
        manifest["sha256"][name] = hashlib.sha256((path / name).read_bytes()).hexdigest()
    manifest["sha256"][MANIFEST] = artifact._checksum(manifest)
    (path / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    return path


def test_everything_comes_back(model: Bias, saved: Path) -> None:
    """IDs of any script, titles with quotes, tabs and emoji, histories, scale, settings and notes survive."""
    artifact_ = load(saved)
    data, restored = model.data, artifact_.model.data
    assert restored.users == data.users
    assert restored.movies == data.movies
    assert restored.scale == data.scale
    assert restored.catalog.frame.equals(data.catalog.frame)
    for name in ("starts", "items", "values", "owners"):
        np.testing.assert_array_equal(getattr(restored.history, name), getattr(data.history, name))
        assert getattr(restored.history, name).dtype == getattr(data.history, name).dtype
    assert artifact_.about["seed"] == 7
    assert artifact_.about["format"] == FORMAT
    assert artifact_.model.settings == model.settings
    np.testing.assert_array_equal(artifact_.model.score(restored.history), model.score(data.history))


def test_plain_interactions_come_back_without_values(tmp_path: Path) -> None:
    """A model of plain interactions has no scale and no values in its histories, before and after."""
    model = Popular().fit(Ratings.from_arrays([1, 1, 2], [3, 4, 3]))
    save(model, tmp_path / "m")
    restored = load(tmp_path / "m").model.data
    assert restored.scale is None
    assert restored.history.values is None


def test_the_same_model_gives_the_same_bytes(model: Bias, saved: Path, tmp_path: Path) -> None:
    """A model saved again, or loaded and saved, has the same bytes."""
    save(model, tmp_path / "again", {"seed": 7})
    save(load(saved).model, tmp_path / "twice", {"seed": 7})
    assert content(tmp_path / "again") == content(saved)
    assert content(tmp_path / "twice") == content(saved)


@pytest.mark.fault(24)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_refused_or_changes_nothing(
    saved: Path, tmp_path: Path, model: Bias, data: st.DataObject
) -> None:
    """A changed byte, a shorter or a longer file is an ArtifactError of one line, or changes nothing of the model."""
    shutil.rmtree(tmp_path / "m", ignore_errors=True)
    shutil.copytree(saved, tmp_path / "m")
    file = tmp_path / "m" / data.draw(st.sampled_from(FILES))
    file_bytes = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(file_bytes) - 1))
    damage = data.draw(st.sampled_from(["flip", "cut", "insert", "append"]))
    if damage == "flip":
        file_bytes[place] ^= data.draw(st.integers(1, 255))
    elif damage == "cut":
        del file_bytes[place:]
    else:
        at = place if damage == "insert" else len(file_bytes)
        file_bytes[at:at] = data.draw(st.binary(min_size=1, max_size=9))
    file.write_bytes(file_bytes)
    try:
        restored = load(tmp_path / "m")
    except ArtifactError as error:
        message = str(error)
        clear = "\n" not in message and str(tmp_path / "m") in message and any(word in message for word in ADVICE)
        assert clear, message
    else:  # white space between the fields of model.json, or another way to write the same text
        assert file.name == MANIFEST
        assert restored.about == load(saved).about
        np.testing.assert_array_equal(restored.model.score(model.data.history), model.score(model.data.history))


@pytest.mark.fault(24)
@pytest.mark.parametrize("name", FILES)
def test_every_bit_of_the_checksums_counts(saved: Path, tmp_path: Path, name: str) -> None:
    """A flipped bit in any of the first and last hundred bytes of a file is detected."""
    shutil.copytree(saved, tmp_path / "m")
    file_bytes = (saved / name).read_bytes()
    for place in [*range(100), *range(len(file_bytes) - 100, len(file_bytes))]:
        if file_bytes[place : place + 1].isspace() or file_bytes[place] ^ 1 in b"\t\n\r ":
            continue
        (tmp_path / "m" / name).write_bytes(
            file_bytes[:place] + bytes([file_bytes[place] ^ 1]) + file_bytes[place + 1 :]
        )
        with pytest.raises(ArtifactError):
            load(tmp_path / "m")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(saved: Path, tmp_path: Path, name: str) -> None:
    """The error names the missing file, also if a folder has its name."""
    shutil.copytree(saved, tmp_path / "m")
    (tmp_path / "m" / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        load(tmp_path / "m")
    (tmp_path / "m" / name).mkdir()
    with pytest.raises(ArtifactError, match=name):
        load(tmp_path / "m")


def test_nothing_a_file_and_an_empty_folder_are_no_models(tmp_path: Path) -> None:
    """The error for a path that isn't an artefact says what to give instead."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for name in ("nothing", "file", "folder"):
        with pytest.raises(ArtifactError, match=r"holds no model.json; give the folder that 'cinematrix train --out'"):
            load(tmp_path / name)


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    ("number", "remedy"), [(FORMAT + 1, "upgrade cinematrix"), (READABLE[0] - 1, "train the model anew")]
)
def test_another_format_is_refused_with_the_fix(saved: Path, tmp_path: Path, number: int, remedy: str) -> None:
    """Another format number is reported with the fix, before any other check."""
    shutil.copytree(saved, tmp_path / "m")
    text = (saved / MANIFEST).read_text("utf-8").replace(f'"format": {FORMAT}', f'"format": {number}')
    (tmp_path / "m" / MANIFEST).write_text(text, "utf-8")
    with pytest.raises(
        ArtifactError, match=f"has format {number} and this version reads {READABLE[0]} to {FORMAT}; {remedy}"
    ):
        load(tmp_path / "m")


@pytest.mark.fault(24)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(model: Bias, tmp_path: Path, value: float) -> None:
    """A model with NaN or infinity isn't loaded, even if its checksums are right."""
    broken = Bias().fit(Ratings.from_arrays([1, 2], [1, 2], [3, 4]))
    biases = broken.biases
    broken.biases = replace(biases, movie=np.full_like(biases.movie, value))
    save(broken, tmp_path / "m")
    with pytest.raises(ArtifactError, match="holds NaN or infinity in model"):
        load(tmp_path / "m")


@pytest.mark.fault(24)
def test_a_manifest_nested_too_deep_is_damaged(saved: Path, tmp_path: Path) -> None:
    """JSON that no parser follows to its end is an error as any other damage."""
    shutil.copytree(saved, tmp_path / "m")
    (tmp_path / "m" / MANIFEST).write_text("[" * 100_000)
    with pytest.raises(ArtifactError, match=r"model\.json is damaged"):
        load(tmp_path / "m")


@pytest.mark.fault(24)
def test_a_pickle_is_never_run(saved: Path, tmp_path: Path) -> None:
    """A pickle in the place of the arrays is refused and never executed, with or without valid checksums."""
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (trap,))

    shutil.copytree(saved, tmp_path / "m")
    (tmp_path / "m" / ARRAYS).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ArtifactError):
        load(tmp_path / "m")
    manifest = json.loads((saved / MANIFEST).read_text("utf-8"))
    manifest["sha256"][ARRAYS] = hashlib.sha256((tmp_path / "m" / ARRAYS).read_bytes()).hexdigest()
    manifest["sha256"][MANIFEST] = artifact._checksum(manifest)
    (tmp_path / "m" / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ArtifactError, match="is damaged"):
        load(tmp_path / "m")
    assert not trap.exists()


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    "change",
    [
        {"manifest": lambda m: m | {"model": "os.system"}},
        {"manifest": lambda m: m | {"settings": {"depth": 3}}},
        {"manifest": lambda m: m | {"scale": {"lowest": 1}}},
        {"manifest": lambda m: {k: v for k, v in m.items() if k != "settings"}},
        {"arrays": lambda a: {k: v for k, v in a.items() if k != "history.starts"}},
        {"arrays": lambda a: {k: v for k, v in a.items() if not k.startswith("model.")}},
        {"arrays": lambda a: a | {"history.starts": a["history.starts"][:-1]}},
        {"arrays": lambda a: a | {"history.starts": a["history.starts"][::-1]}},
        {"arrays": lambda a: a | {"history.items": a["history.items"] + 1000}},
        {"arrays": lambda a: a | {"history.items": a["history.items"] - 1000}},
        {"arrays": lambda a: a | {"history.values": a["history.values"][1:]}},
        {"arrays": lambda a: a | {"movies.ends": a["movies.ends"][:-1]}},
        {"arrays": lambda a: a | {"users.ends": a["users.ends"][::-1]}},
        {"arrays": lambda a: a | {"users.text": a["users.text"] | 128}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_parts_that_do_not_fit_are_refused(
    saved: Path, tmp_path: Path, change: dict[str, Callable[[Any], Any]]
) -> None:
    """A model, setting, ID or history that makes no sense is one clear error, even with valid checksums."""
    shutil.copytree(saved, tmp_path / "m")
    with pytest.raises(ArtifactError, match="isn't a model that this version understands"):
        load(reseal(tmp_path / "m", **change))


def test_an_existing_model_is_kept_without_force(model: Bias, saved: Path, tmp_path: Path) -> None:
    """Saving over an existing model needs `force`, and then replaces all of it."""
    shutil.copytree(saved, tmp_path / "m")
    (tmp_path / "m" / "note.txt").write_text("of the old one")
    with pytest.raises(InputError, match="exists already"):
        save(model, tmp_path / "m")
    save(model, tmp_path / "m", {"seed": 7}, force=True)
    assert content(tmp_path / "m") == content(saved)


def test_only_a_model_is_replaced(model: Bias, tmp_path: Path) -> None:
    """`force` on a folder of other files, or on a file, is an error and deletes nothing; an empty folder is fine."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    (tmp_path / "file").write_text("x")
    for name in ("photos", "file"):
        with pytest.raises(InputError, match="isn't a model and so isn't replaced"):
            save(model, tmp_path / name, force=True)
    assert (tmp_path / "photos" / "a.jpg").exists()
    assert (tmp_path / "file").read_text() == "x"
    (tmp_path / "empty").mkdir()
    save(model, tmp_path / "empty", force=True)
    assert isinstance(load(tmp_path / "empty").model, Bias)


@pytest.mark.fault(25)
@pytest.mark.parametrize("name", [*FILES, CARD])
def test_a_write_that_fails_half_way_leaves_the_old_model(
    model: Bias, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A full disk at any of the files is one clear error; the old model is complete and no temporary files remain."""
    shutil.copytree(saved, tmp_path / "m")
    write_bytes, write_text = Path.write_bytes, Path.write_text

    def failing(self: Path, data: Any, *args: Any, **more: Any) -> int:
        if self.name != name:
            return (write_bytes if isinstance(data, bytes) else write_text)(self, data, *args, **more)
        (write_bytes if isinstance(data, bytes) else write_text)(self, data[: len(data) // 2], *args, **more)
        raise OSError(28, "No space left on device")

    def failing_arrays(arrays: Any, file: Path) -> str:
        failing(file, pack_arrays(arrays))
        return hashlib.sha256(file.read_bytes()).hexdigest()

    with monkeypatch.context() as patched:
        patched.setattr(artifact, "save_arrays", failing_arrays)
        patched.setattr(Path, "write_bytes", failing)
        patched.setattr(Path, "write_text", failing)
        with pytest.raises(InputError, match="can't be written: No space left on device"):
            save(Popular().fit(Ratings.from_arrays([1], [1], [3])), tmp_path / "m", force=True)
        with pytest.raises(InputError, match="No space left"):
            save(model, tmp_path / "other")
    assert [file.name for file in tmp_path.iterdir()] == ["m"]
    assert content(tmp_path / "m") == content(saved)


SAVER = """
import os, signal, sys
from pathlib import Path
from cinematrix.models import artifact
from cinematrix.common import atomic_files

def save(path, last):
    model, lines = artifact.load(path).model, 0

    def trace(frame, event, arg):
        nonlocal lines
        if frame.f_code.co_filename not in (atomic_files.__file__, artifact.__file__):
            return None
        lines += event == "line"
        if event == "line" and lines == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    artifact.save(model, path, {"turn": "new"}, force=True)
    sys.settrace(None)
    print(lines, flush=True)
    os._exit(0)

for path, last in zip(sys.argv[1::2], sys.argv[2::2]):
    child = os.fork()
    if not child:
        save(Path(path), int(last))
    _, status = os.waitpid(child, 0)
    expected = signal.SIGKILL if int(last) else 0
    assert os.waitstatus_to_exitcode(status) == -expected, (path, last, status)
"""


def save_and_kill(moments: dict[Path, int]) -> str:
    """Save to each path in a process that is killed at its n-th line; return the output of processes with n = 0."""
    words = [str(word) for moment in moments.items() for word in moment]
    alone = {**os.environ, "POLARS_MAX_THREADS": "1"}  # each process starts as many threads
    done = subprocess.run([sys.executable, "-c", SAVER, *words], capture_output=True, check=False, text=True, env=alone)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.fault(25)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere two names can't be exchanged in one step")
def test_kill_9_leaves_the_old_or_the_new_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at any of a hundred seeded lines of a save, the old or the new model loads.

    The lines include each one at which names change. The next save removes half-written files.
    """
    save(Popular().fit(Ratings.from_arrays([1, 1, 2], [3, 4, 3])), tmp_path / "old" / "m", {"turn": "old"})
    shutil.copytree(tmp_path / "old", tmp_path / "whole")
    n_lines = int(save_and_kill({tmp_path / "whole" / "m": 0}))
    early = np.random.default_rng(20).integers(1, n_lines - 10, 100 - 11)
    moments = dict(enumerate([*early.tolist(), *range(n_lines - 10, n_lines + 1)]))
    for turn in moments:
        shutil.copytree(tmp_path / "old", tmp_path / str(turn))
    save_and_kill({tmp_path / str(turn) / "m": line for turn, line in moments.items()})
    loaded = {load(tmp_path / str(turn) / "m").about["turn"] for turn in moments}
    assert loaded == {"old", "new"}, "no kill came before, or none after, the change of names"
    monkeypatch.setattr(atomic_files, "ORPHAN_SECONDS", -1)
    with_leftovers = [turn for turn in moments if len(list((tmp_path / str(turn)).iterdir())) > 1]
    assert with_leftovers, "no kill left anything"
    for turn in with_leftovers[:5]:
        save(load(tmp_path / str(turn) / "m").model, tmp_path / str(turn) / "m", force=True)
        assert [path.name for path in (tmp_path / str(turn)).iterdir()] == ["m"]
