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

from cinematrix.common.atomic_files import ORPHAN_SECONDS, written_beside
from cinematrix.errors import InputError, UnknownIdError
from cinematrix.models.artifact import ARRAYS, CATALOG, MANIFEST, check_whole, load, manifest_of, save, version_of
from cinematrix.models.base import Recommender

PROMOTED = "promoted.json"
KEPT = 3
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


def shelf(place: Path) -> Path:
    """Where the versions of the model in `place` are kept."""
    return place.with_name(f"{place.name}.versions")


def serving(place: Path) -> str:
    """The version that stands in `place`.

    Raises:
        ArtifactError: none does.
    """
    return version_of(manifest_of(place))


def before(place: Path) -> str | None:
    """The version that served before the one in `place`; None where it was put there by hand."""
    try:
        name = json.loads((place / PROMOTED).read_bytes())["before"]
    except (OSError, ValueError, LookupError):
        return None
    return str(name) if (shelf(place) / str(name)).is_dir() else None


def versions(place: Path) -> list[Version]:
    """All versions that may serve, the newest first, the one that serves among them."""
    current, last = serving(place), before(place)
    folders = {folder.name: folder for folder in _folders(place)} | {current: place}
    newest = sorted(folders, key=lambda name: (folders[name] / MANIFEST).stat().st_mtime_ns, reverse=True)
    return [Version(name, name == current, name == last, manifest_of(folders[name])) for name in newest]


def shelve(place: Path, model: Recommender, about: Mapping[str, Any]) -> str:
    """Save a new version on the shelf, where it doesn't serve yet; its name."""
    beside = shelf(place) / f".new.{os.getpid()}.part"
    save(model, beside, about, force=True)
    name = version_of(load(beside).about)
    beside.rename(shelf(place) / name)
    return name


def _shelve_served(place: Path) -> str:
    """Keep the model in `place` on the shelf; its name."""
    name = serving(place)
    kept = shelf(place) / name
    if not kept.is_dir():
        with written_beside(kept) as folder:
            _linked(place, folder)
    return name


def promote(place: Path, name: str) -> None:
    """Let a version from the shelf serve. What served is kept, and is the one before.

    Raises:
        UnknownIdError: there is no such version.
        ArtifactError: it isn't whole.
    """
    source = shelf(place) / name
    if not source.is_dir():
        raise UnknownIdError(f"there is no version {name}; there is {', '.join(_names(place)) or 'none'}")
    check_whole(source)
    if (last := _shelve_served(place)) == name:
        return
    with written_beside(place, force=True) as folder:
        _linked(source, folder)
        (folder / PROMOTED).write_text(json.dumps({"before": last}), encoding="ascii")


def roll_back(place: Path) -> str:
    """Let the version before serve again; its name. Done twice, it is undone.

    Raises:
        InputError: none is known.
    """
    name = before(place)
    if name is None:
        raise InputError(f"no version before {serving(place)} is kept beside {place}; there is nothing to go back to")
    promote(place, name)
    return name


def tidy(place: Path, forgotten: Collection[str]) -> None:
    """Remove what nobody goes back to: all but the last `KEPT`, and whatever remembers a forgotten user.

    The version that serves and the one before stay. What killed processes left half-written goes after a day.
    """
    for left in shelf(place).glob(".*"):
        if time.time() - left.lstat().st_mtime > ORPHAN_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    spare = [version.name for version in versions(place) if not version.serves and not version.before]
    for place_in_line, name in enumerate(spare):
        folder = shelf(place) / name
        if place_in_line >= KEPT or _remembers(folder, forgotten):
            going = folder.with_name(f".{name}.{os.getpid()}.part")  # at once, so that a killed process leaves no half
            folder.rename(going)
            shutil.rmtree(going)


def _remembers(folder: Path, users: Collection[str]) -> bool:
    return bool((load(folder).model.known.users.numbers(list(users)) >= 0).any()) if users else False


def _folders(place: Path) -> list[Path]:
    found = shelf(place).iterdir() if shelf(place).is_dir() else ()
    return [folder for folder in found if folder.name[0] != "." and (folder / MANIFEST).is_file()]


def _names(place: Path) -> list[str]:
    return sorted(folder.name for folder in _folders(place))


def _linked(source: Path, folder: Path) -> None:
    """The files of a model in another folder too, without their bytes anew where the file system can."""
    folder.mkdir()
    for name in (ARRAYS, CATALOG, MANIFEST):
        try:
            os.link(source / name, folder / name)
        except OSError:
            shutil.copy2(source / name, folder / name)
