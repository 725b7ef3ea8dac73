"""An examination of the installation, a model and a store, which changes nothing."""

import platform
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cinematrix.common.optional import require_package, require_serving_package
from cinematrix.data.ratings import Scale
from cinematrix.errors import CinematrixError
from cinematrix.models.artifact import fingerprint_manifest, load, read_manifest
from cinematrix.store.sqlite import DRIVER

if TYPE_CHECKING:
    from sqlalchemy import Connection

EXTRAS = ("train", "serve", "tune")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `bad` must be mended, a `note` is worth knowing."""

    what: str
    state: Literal["fine", "note", "bad"]
    told: str


def examine(model: Path | None = None, db: str | None = None) -> list[Finding]:
    """What is found, in the order of looking: the installation, then the model and the store where they are given."""
    found = [Finding("Cinematrix", "fine", version("cinematrix")), Finding("Python", "fine", platform.python_version())]
    found += [*map(_extra, EXTRAS), *_run_check("SQLite", _sqlite)]
    if model is not None:
        found += _run_check("model", lambda: _model(model))
    if db is not None:
        found += _run_check("store", lambda: _store(db, model))
    return found


def _run_check(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a look finds, the error that ends it included."""
    try:
        yield from look()
    except CinematrixError as error:
        yield Finding(what, "bad", str(error))


def _extra(name: str) -> Finding:
    missing = [package for package in _packages(name) if not _installed(package)]
    if missing:
        return Finding(name, "note", f"without {', '.join(missing)}; pip install 'cinematrix[{name}]' brings it")
    return Finding(name, "fine", ", ".join(f"{package} {version(package)}" for package in _packages(name)))


def _packages(extra: str) -> list[str]:
    """The packages that an extra of ours brings."""
    wanted = [line for line in requires("cinematrix") or () if re.search(rf"extra == ['\"]{extra}['\"]", line)]
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted]


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def _sqlite() -> Iterator[Finding]:
    if not _installed("sqlalchemy"):
        return
    from cinematrix.store.engine import wal_is_safe

    if wal_is_safe(DRIVER.sqlite_version_info):
        yield Finding("SQLite", "fine", f"{DRIVER.sqlite_version}, with a write-ahead log")
    else:
        why = "can lose a commit when it resets its write-ahead log (mended in 3.51.3)"
        safe = "so a store keeps a rollback journal: nothing is lost, and readers wait for writers"
        yield Finding("SQLite", "note", f"{DRIVER.sqlite_version} {why}, {safe}")


def _model(place: Path) -> Iterator[Finding]:
    found = load(place)
    model, name = found.model, fingerprint_manifest(found.about)
    size = sum(file.stat().st_size for file in place.iterdir())
    known = f"{len(model.data.users):,} users, {len(model.data.movies):,} movies"
    yield Finding("model", "fine", f"{model.name}, version {name}, {known}, {_megabytes(size)} on the disk")
    yield _check_free_space("model's disk", place, size, "the next version")
    try:
        require_package(model.abilities.trains_with, model.name)
    except CinematrixError as error:
        yield Finding("refit", "note", f"not from here: {error}")


def _store(url: str, model: Path | None) -> Iterator[Finding]:
    require_serving_package("sqlalchemy")
    from sqlalchemy import func, select

    from cinematrix.store.engine import open_read_only
    from cinematrix.store.scales import check_scale, read_scale
    from cinematrix.store.tables import MIGRATIONS, RATINGS, check_version, read_version

    with open_read_only(url) as connection:
        yield from _check_database_disk(connection)
        if not (schema := read_version(connection)):
            yield Finding("store", "note", "there are no tables yet; they are made when it is served")
            return
        check_version(schema)
        ratings = connection.scalar(select(func.count()).select_from(RATINGS))
        told = f"{connection.dialect.name}, version {schema}, {ratings:,} ratings"
        older = schema < len(MIGRATIONS)
        ending = f"; it becomes version {len(MIGRATIONS)} when it is served" if older else ""
        yield Finding("store", "note" if older else "fine", told + ending)
        if (scale := _scale(model)) is not None:
            check_scale(read_scale(connection), scale)
            yield Finding("scale", "fine", f"{scale} in steps of {scale.step:g} suits the store")


def _check_database_disk(connection: "Connection") -> Iterator[Finding]:
    """Room on the disk of a SQLite file."""
    from cinematrix.store.engine import MIN_FREE_BYTES

    if connection.dialect.name == "sqlite":
        yield _check_free_space(
            "store's disk", Path(str(connection.engine.url.database)).absolute().parent, MIN_FREE_BYTES, "a server"
        )


def _scale(model: Path | None) -> Scale | None:
    """The model's, where there is one."""
    try:
        written = None if model is None else read_manifest(model)["scale"]
    except CinematrixError:  # which the look at the model tells
        return None
    return None if written is None else Scale(**written)


def _check_free_space(what: str, place: Path, needed: int, who: str) -> Finding:
    free = shutil.disk_usage(place).free
    if free < needed:
        return Finding(what, "bad", f"{_megabytes(free)} are free and {who} needs {_megabytes(needed)}; make room")
    return Finding(what, "fine", f"{_megabytes(free)} are free")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
