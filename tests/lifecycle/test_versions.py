"""Tests of `cinematrix.lifecycle.versions`."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import ArtifactError, InputError, UnknownIdError
from cinematrix.lifecycle import versions
from cinematrix.models.artifact import load, save
from cinematrix.models.bias import Bias
from cinematrix.models.card import CARD
from cinematrix.models.popular import Popular


@pytest.fixture
def place(tmp_path: Path, world: tuple[Ratings, Catalog]) -> Path:
    """A served model with another stored version."""
    save(Bias().fit(*world), tmp_path / "model")
    versions.save_version(tmp_path / "model", Popular().fit(*world), {})
    return tmp_path / "model"


def other(place: Path) -> str:
    """Return the name of the version that doesn't serve."""
    (name,) = [version.name for version in versions.list_versions(place) if not version.serves]
    return name


@pytest.mark.fault(28)
def test_a_version_is_promoted_and_rolled_back(place: Path) -> None:
    """The promoted version serves; one rollback restores the previous one, a second one the new one."""
    old, new = versions.get_serving_version(place), other(place)
    assert versions.get_previous_version(place) is None
    versions.promote(place, new)
    assert (versions.get_serving_version(place), versions.get_previous_version(place), load(place).model.name) == (
        new,
        old,
        "popular",
    )
    started = time.perf_counter()
    assert versions.roll_back(place) == old
    assert time.perf_counter() - started < 1
    assert (versions.get_previous_version(place), load(place).model.name) == (new, "bias")
    assert versions.roll_back(place) == new
    listed = {version.name: version for version in versions.list_versions(place)}
    assert (listed[new].serves, listed[old].before, len(listed)) == (True, True, 2)


def test_the_card_goes_with_its_version(place: Path) -> None:
    """Lines that its owner added while it served are there after a rollback; a model without a card is promoted too."""
    old, new = versions.get_serving_version(place), other(place)
    card = place / CARD
    card.write_text(card.read_text("utf-8") + "Measured by its owner.", "utf-8")
    mine = card.read_bytes()
    versions.promote(place, new)
    assert card.read_text("utf-8").startswith("# Model card: popular")
    versions.roll_back(place)
    assert card.read_bytes() == mine
    card.write_bytes(mine + b" Again.")
    versions.promote(place, new)
    assert (versions.get_versions_folder(place) / old / CARD).read_bytes() == mine + b" Again."
    (versions.get_versions_folder(place) / old / CARD).unlink()
    versions.promote(place, old)
    assert not card.exists()


def test_failed_promotions_are_errors(place: Path) -> None:
    """A missing previous version, an unknown version and a damaged version are errors and change nothing."""
    with pytest.raises(InputError, match="nothing to go back to"):
        versions.roll_back(place)
    with pytest.raises(UnknownIdError, match="there is no version abc"):
        versions.promote(place, "abc")
    old, new = versions.get_serving_version(place), other(place)
    arrays = versions.get_versions_folder(place) / new / "arrays.safetensors"
    arrays.write_bytes(arrays.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="isn't what was written"):
        versions.promote(place, new)
    assert versions.get_serving_version(place) == old


def test_old_versions_are_removed(place: Path, world: tuple[Ratings, Catalog]) -> None:
    """The serving, the previous and three more versions stay; those of forgotten users are removed at once."""
    old = versions.get_serving_version(place)
    versions.promote(place, other(place))
    new = versions.get_serving_version(place)
    for turn in range(5):
        versions.save_version(place, Bias().fit(*world), {"turn": turn})
    versions.remove_old_versions(place, lambda _: [])
    names = [version.name for version in versions.list_versions(place)]
    assert len(names) == 5
    assert {old, new} <= {*names}
    versions.remove_old_versions(place, {str(world[0].users.ids[0])}.intersection)
    assert {version.name for version in versions.list_versions(place)} == {old, new}


KILL_LOOP = """
import json, os, pathlib, signal, sys, time
import numpy as np
from cinematrix.common import atomic_files as files
from cinematrix.lifecycle import versions
from cinematrix.models.artifact import verify_artifact
place, rng = pathlib.Path(sys.argv[1]), np.random.default_rng(int(sys.argv[2]))
names = {version.name for version in versions.list_versions(place)}
serving, started = [], time.perf_counter()
versions.roll_back(place)
seconds = time.perf_counter() - started
for _ in range(200):
    child = os.fork()
    if child == 0:
        while True:
            versions.roll_back(place)
    time.sleep(float(rng.uniform(0, 2 * seconds)))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    verify_artifact(place)
    assert {versions.get_serving_version(place), versions.get_previous_version(place)} == names
    serving.append(versions.get_serving_version(place))
files.ORPHAN_SECONDS = -1
versions.roll_back(place)
left = [path.name for path in place.parent.iterdir()]
print(json.dumps([len(set(serving)), left]))
"""


@pytest.mark.fault(25)
def test_a_killed_promotion_leaves_a_complete_version(place: Path) -> None:
    """After 200 kills at seeded random times, one version serves and the other is the previous one.

    Temporary files are removed.
    """
    versions.promote(place, other(place))
    command = [sys.executable, "-c", KILL_LOOP, str(place), "13"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    n_serving, left = json.loads(done.stdout)
    assert n_serving == 2
    assert sorted(left) == ["model", "model.versions"]
