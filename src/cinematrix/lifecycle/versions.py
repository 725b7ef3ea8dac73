"""The versions of a served model: one stands in its folder, the last ones beside, and exchanging them is one step.

    model/                the version that serves, its files linked, and `promoted.json`: which one served before
    model.versions/NAME/  whole models by `artifact.version_of`

The folder that serves is the only place that says what serves. It is exchanged whole, with `promoted.json` in it, so
that whenever a process is killed, either version stands there with its own one before.
"""

import json
import os
import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cinematrix.common.atomic_files import ORPHAN_SECONDS, write_atomically
from cinematrix.errors import InputError, UnknownIdError
from cinematrix.models.artifact import (
    ARRAYS,
    CATALOG,
    MANIFEST,
    fingerprint_manifest,
    load,
    read_manifest,
    save,
    verify_artifact,
)
from cinematrix.models.base import Recommender

PROMOTED_FILE = "promoted.json"
MAX_SPARE_VERSIONS = 3
"""How many versions stay besides the one that serves and the one before."""


@dataclass(frozen=True)
class Version:
    """A version on the shelf: `about` is its `model.json`."""

    name: str
    serves: bool
    before: bool
    about: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what is told of it, and its figures, if it comes from a refit."""
        told = {key: self.about.get(key) for key in ("model", "data", "refit")}
        return {"version": self.name, "serves": self.serves, "before": self.before, **told}


def get_versions_folder(place: Path) -> Path:
    """Where the versions of the model in `place` are kept."""
    return place.with_name(f"{place.name}.versions")


def get_serving_version(place: Path) -> str:
    """The version that stands in `place`.

    Raises:
        ArtifactError: none does.
    """
    return fingerprint_manifest(read_manifest(place))


def get_previous_version(place: Path) -> str | None:
    """The version that served before the one in `place`; None where it was put there by hand."""
    try:
        name = json.loads((place / PROMOTED_FILE).read_bytes())["before"]
    except (OSError, ValueError, LookupError):
        return None
    return str(name) if (get_versions_folder(place) / str(name)).is_dir() else None


def list_versions(place: Path) -> list[Version]:
    """All versions that may serve, the newest first, the one that serves among them."""
    current, last = get_serving_version(place), get_previous_version(place)
    folders = {folder.name: folder for folder in _folders(place)} | {current: place}
    newest = sorted(folders, key=lambda name: (folders[name] / MANIFEST).stat().st_mtime_ns, reverse=True)
    return [Version(name, name == current, name == last, read_manifest(folders[name])) for name in newest]


def save_version(place: Path, model: Recommender, about: Mapping[str, Any]) -> str:
    """Save a new version on the shelf, where it doesn't serve yet; its name."""
    beside = get_versions_folder(place) / f".new.{os.getpid()}.part"
    save(model, beside, about, force=True)
    name = fingerprint_manifest(load(beside).about)
    beside.rename(get_versions_folder(place) / name)
    return name


def _save_serving_version(place: Path) -> str:
    """Keep the model in `place` on the shelf; its name."""
    name = get_serving_version(place)
    kept = get_versions_folder(place) / name
    if not kept.is_dir():
        with write_atomically(kept) as folder:
            _link_files(place, folder)
    return name


def promote(place: Path, name: str) -> None:
    """Let a version from the shelf serve. What served is kept, and is the one before.

    Raises:
        UnknownIdError: there is no such version.
        ArtifactError: it isn't whole.
    """
    source = get_versions_folder(place) / name
    if not source.is_dir():
        raise UnknownIdError(f"there is no version {name}; there is {', '.join(_names(place)) or 'none'}")
    verify_artifact(source)
    if (last := _save_serving_version(place)) == name:
        return
    with write_atomically(place, force=True) as folder:
        _link_files(source, folder)
        (folder / PROMOTED_FILE).write_text(json.dumps({"before": last}), encoding="ascii")


def roll_back(place: Path) -> str:
    """Let the version before serve again; its name. Done twice, it is undone.

    Raises:
        InputError: none is known.
    """
    name = get_previous_version(place)
    if name is None:
        raise InputError(
            f"no version before {get_serving_version(place)} is kept beside {place}; there is nothing to go back to"
        )
    promote(place, name)
    return name


def remove_old_versions(place: Path, forgotten: Collection[str]) -> None:
    """Remove what nobody goes back to: all but the last `MAX_SPARE_VERSIONS`, and whatever remembers a forgotten user.

    The version that serves and the one before stay. What killed processes left half-written goes after a day.
    """
    for left in get_versions_folder(place).glob(".*"):
        if time.time() - left.lstat().st_mtime > ORPHAN_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    spare = [version.name for version in list_versions(place) if not version.serves and not version.before]
    for place_in_line, name in enumerate(spare):
        folder = get_versions_folder(place) / name
        if place_in_line >= MAX_SPARE_VERSIONS or _remembers(folder, forgotten):
            going = folder.with_name(f".{name}.{os.getpid()}.part")  # at once, so that a killed process leaves no half
            folder.rename(going)
            shutil.rmtree(going)


def _remembers(folder: Path, users: Collection[str]) -> bool:
    return bool((load(folder).model.data.users.numbers(list(users)) >= 0).any()) if users else False


def _folders(place: Path) -> list[Path]:
    found = get_versions_folder(place).iterdir() if get_versions_folder(place).is_dir() else ()
    return [folder for folder in found if folder.name[0] != "." and (folder / MANIFEST).is_file()]


def _names(place: Path) -> list[str]:
    return sorted(folder.name for folder in _folders(place))


def _link_files(source: Path, folder: Path) -> None:
    """The files of a model in another folder too, without their bytes anew where the file system can."""
    folder.mkdir()
    for name in (ARRAYS, CATALOG, MANIFEST):
        try:
            os.link(source / name, folder / name)
        except OSError:
            shutil.copy2(source / name, folder / name)
