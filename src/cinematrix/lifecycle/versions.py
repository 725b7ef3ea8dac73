"""Versions of a served model, with atomic promotion and rollback.

    model/                the serving version (hard links), and `promoted.json` with the name of the previous version
    model.versions/NAME/  complete models, named by `artifact.fingerprint_manifest`

The folder `model` alone defines which version serves. It is replaced atomically together with its `promoted.json`, so
a killed process leaves either the old or the new version, each with its own previous version.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cinematrix.common.atomic_files import ORPHAN_SECONDS, write_atomically
from cinematrix.errors import ArtifactError, InputError, UnknownIdError
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
from cinematrix.models.card import CARD

PROMOTED_FILE = "promoted.json"
"""Name of the file with the previous version."""

MAX_SPARE_VERSIONS = 3
"""Maximum stored versions besides the serving and the previous one."""


@dataclass(frozen=True)
class Version:
    """A stored version.

    Attributes:
        name: fingerprint of its manifest.
        serves: it is the serving version.
        before: it is the previous version.
        about: its manifest, `model.json`.
    """

    name: str
    serves: bool
    before: bool
    about: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the version as a JSON object, with the outcome of its refit if it comes from one."""
        fields = {key: self.about.get(key) for key in ("model", "data", "refit")}
        return {"version": self.name, "serves": self.serves, "before": self.before, **fields}


def get_versions_folder(place: Path) -> Path:
    """Return the folder of the stored versions of the model in `place`."""
    return place.with_name(f"{place.name}.versions")


def get_serving_version(place: Path) -> str:
    """Return the name of the serving version in `place`.

    Raises:
        ArtifactError: `place` holds no model.
    """
    return fingerprint_manifest(read_manifest(place))


def find_serving_version(place: Path) -> str | None:
    """Return the name of the serving version in `place`; None if there is none or its manifest is damaged."""
    about = _read_sound_manifest(place)
    return None if about is None else fingerprint_manifest(about)


def _read_sound_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        return read_manifest(folder)
    except (ArtifactError, OSError):
        return None


def get_previous_version(place: Path) -> str | None:
    """Return the name of the version that served before; None if there was no promotion or it isn't stored."""
    try:
        name = json.loads((place / PROMOTED_FILE).read_bytes())["before"]
    except (OSError, ValueError, LookupError):
        return None
    return str(name) if (get_versions_folder(place) / str(name)).is_dir() else None


def list_versions(place: Path) -> list[Version]:
    """Return all stored versions and the serving one, newest first. Damaged ones are left out.

    Raises:
        ArtifactError: `place` holds no sound model and no version is stored.
    """
    stored = {folder.name: folder for folder in _folders(place)}
    current = find_serving_version(place) if stored else get_serving_version(place)
    previous, folders = get_previous_version(place), stored | ({current: place} if current else {})
    listed = [
        (folder.joinpath(MANIFEST).stat().st_mtime_ns, Version(name, name == current, name == previous, about))
        for name, folder in folders.items()
        if (about := _read_sound_manifest(folder)) is not None
    ]
    return [version for _, version in sorted(listed, key=lambda each: each[0], reverse=True)]


def save_version(place: Path, model: Recommender, about: Mapping[str, Any]) -> str:
    """Store a new version without promoting it.

    Returns:
        Its name.
    """
    temporary = get_versions_folder(place) / f".new.{os.getpid()}.part"
    save(model, temporary, about, force=True)
    name = fingerprint_manifest(load(temporary).about)
    temporary.rename(get_versions_folder(place) / name)
    return name


def _save_serving_version(place: Path) -> str | None:
    """Store the serving version and return its name; None if it is damaged or missing."""
    try:
        name = fingerprint_manifest(verify_artifact(place))
    except (ArtifactError, OSError):
        return None
    stored = get_versions_folder(place) / name
    if not stored.is_dir():
        with write_atomically(stored) as folder:
            _link_files(place, folder)
    elif (place / CARD).is_file():  # its figures may have been measured while it served
        with write_atomically(stored / CARD, force=True) as card:
            shutil.copy2(place / CARD, card)
    return name


def promote(place: Path, name: str) -> None:
    """Make a stored version the serving one. The version that served is stored and becomes the previous one.

    A damaged one is replaced, and the version before it stays the previous one.

    Raises:
        UnknownIdError: there is no such version.
        ArtifactError: it is damaged.
    """
    source = get_versions_folder(place) / name
    if not source.is_dir():
        names = ", ".join(_names(place)) or "none"
        raise UnknownIdError(f"there is no version {name}; the stored versions are {names}")
    verify_artifact(source)
    if (previous := _save_serving_version(place)) == name:
        return
    with write_atomically(place, force=True) as folder:
        _link_files(source, folder)
        before = previous or get_previous_version(place)
        (folder / PROMOTED_FILE).write_text(json.dumps({"before": before}), encoding="ascii")


def roll_back(place: Path) -> str:
    """Promote the previous version; a second rollback undoes the first.

    Returns:
        The name of the version that serves now.

    Raises:
        InputError: there is no previous version.
    """
    name = get_previous_version(place)
    if name is None:
        raise InputError(f"no earlier version is stored beside {place}; there is nothing to go back to")
    promote(place, name)
    return name


def remove_old_versions(place: Path, find_forgotten: Callable[[Iterable[str]], Collection[str]]) -> None:
    """Remove all but the last `MAX_SPARE_VERSIONS` stored versions, and those whose data include a forgotten user.

    `find_forgotten` returns the forgotten ones of some users.

    The serving and the previous version stay. Temporary files of killed processes are removed after a day.
    """
    for orphan in get_versions_folder(place).glob(".*"):
        if time.time() - orphan.lstat().st_mtime > ORPHAN_SECONDS:
            shutil.rmtree(orphan, ignore_errors=True)
    spare = [version.name for version in list_versions(place) if not version.serves and not version.before]
    for position, name in enumerate(spare):
        folder = get_versions_folder(place) / name
        if position >= MAX_SPARE_VERSIONS or _includes_users(folder, find_forgotten):
            temporary = folder.with_name(f".{name}.{os.getpid()}.part")  # so a killed process leaves no partial version
            folder.rename(temporary)
            shutil.rmtree(temporary)


def _includes_users(folder: Path, find: Callable[[Iterable[str]], Collection[str]]) -> bool:
    return bool(find(map(str, load(folder).model.data.users.ids.tolist())))


def _folders(place: Path) -> list[Path]:
    entries = get_versions_folder(place).iterdir() if get_versions_folder(place).is_dir() else ()
    return [folder for folder in entries if folder.name[0] != "." and (folder / MANIFEST).is_file()]


def _names(place: Path) -> list[str]:
    return sorted(folder.name for folder in _folders(place))


def _link_files(source: Path, folder: Path) -> None:
    """Hard-link the files of a model into a new folder, or copy them if the file system can't link."""
    folder.mkdir()
    files = [ARRAYS, CATALOG, MANIFEST, *[CARD] * (source / CARD).is_file()]  # older models have no card
    for name in files:
        try:
            os.link(source / name, folder / name)
        except OSError:
            shutil.copy2(source / name, folder / name)
