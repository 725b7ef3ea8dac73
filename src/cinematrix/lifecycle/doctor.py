"""Read-only health checks of the installation, a model and a store."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cinematrix.common.optional import require_package, require_serving_package
from cinematrix.common.threads import count_cores
from cinematrix.data.ratings import Scale
from cinematrix.errors import CinematrixError
from cinematrix.lifecycle.redaction import redact
from cinematrix.models.artifact import fingerprint_manifest, load, read_manifest

if TYPE_CHECKING:
    from sqlalchemy import Connection

EXTRAS = ("train", "serve", "tune", "cluster", "storage", "otel")
"""Optional dependency groups of the package that are checked."""


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        what: the subject of the check.
        state: `fine`, `note` for information, or `bad` for a problem to fix.
        told: description of the result.
    """

    what: str
    state: Literal["fine", "note", "bad"]
    told: str


def examine(model: Path | None = None, db: str | None = None) -> list[Finding]:
    """Check the installation, then the model and the store if they are given.

    The findings have neither secrets nor the user's name, so that they can be published.
    """
    findings = [
        Finding("Cinematrix", "fine", version("cinematrix")),
        Finding("Python", "fine", _describe_python()),
        Finding("machine", "fine", _describe_machine()),
        Finding("packages", "fine", _list_versions(_packages())),
        *map(_check_extra, EXTRAS),
        *_run_check("SQLite", _check_sqlite),
    ]
    if model is not None:
        findings += _run_check("model", lambda: _check_model(model))
    if db is not None:
        findings += _run_check("store", lambda: _check_store(db, model))
    return [replace(finding, told=redact(finding.told, db)) for finding in findings]


def _run_check(what: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield the findings of a check, and the error that ends it as a bad one."""
    try:
        yield from check()
    except CinematrixError as error:
        yield Finding(what, "bad", str(error))


def _describe_python() -> str:
    """Return the version of Python and its surroundings."""
    own = sys.prefix != sys.base_prefix
    return f"{platform.python_version()} ({platform.python_implementation()}){', in a virtual environment' * own}"


def _describe_machine() -> str:
    """Return the system, the cores that this process may use, and the memory where the system tells it."""
    parts = [f"{platform.system()} {platform.release()} {platform.machine()}", f"{count_cores()} cores"]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        parts.append(_megabytes(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) + " of memory")
    return ", ".join(parts)


def _check_extra(name: str) -> Finding:
    missing = [package for package in _packages(name) if not _installed(package)]
    if missing:
        return Finding(name, "note", f"without {', '.join(missing)}; pip install 'cinematrix[{name}]' adds it")
    return Finding(name, "fine", _list_versions(_packages(name)))


def _packages(extra: str = "") -> list[str]:
    """Return the packages of an extra on this system; without one, those that are always installed."""
    lines = [line for line in requires("cinematrix") or () if _read_marker(line, "extra") == extra]
    lines = [line for line in lines if _read_marker(line, "sys_platform") in ("", sys.platform)]
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines]


def _read_marker(requirement: str, name: str) -> str:
    """Return the value that a requirement asks of a marker; empty if it asks for none."""
    found = re.search(rf"{name} == ['\"]([\w.-]+)['\"]", requirement)
    return found[1] if found else ""


def _list_versions(packages: list[str]) -> str:
    return ", ".join(f"{package} {version(package)}" for package in packages)


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def _check_sqlite() -> Iterator[Finding]:
    if not _installed("sqlalchemy"):
        return
    from cinematrix.store.engine import wal_is_safe
    from cinematrix.store.sqlite import DRIVER

    if wal_is_safe(DRIVER.sqlite_version_info):
        yield Finding("SQLite", "fine", f"{DRIVER.sqlite_version}, with a write-ahead log")
    else:
        bug = "can lose a commit when it resets its write-ahead log (fixed in 3.51.3)"
        workaround = "so a store uses a rollback journal: no commit is lost, and readers wait for writers"
        yield Finding("SQLite", "note", f"{DRIVER.sqlite_version} {bug}, {workaround}")


def _check_model(place: Path) -> Iterator[Finding]:
    artifact = load(place)
    model, name = artifact.model, fingerprint_manifest(artifact.about)
    size = sum(file.stat().st_size for file in place.iterdir())
    counts = f"{len(model.data.users):,} users, {len(model.data.movies):,} movies"
    yield Finding("model", "fine", f"{model.name}, version {name}, {counts}, {_megabytes(size)} on the disk")
    yield _check_free_space("model's disk", place, size, "the next version")
    try:
        require_package(model.abilities.trains_with, model.name)
    except CinematrixError as error:
        yield Finding("refit", "note", f"not possible here: {error}")


def _check_store(url: str, model: Path | None) -> Iterator[Finding]:
    require_serving_package("sqlalchemy")
    from sqlalchemy import func, select

    from cinematrix.store.engine import open_read_only
    from cinematrix.store.migrations import MIGRATIONS, check_version, read_version
    from cinematrix.store.scales import check_scale, read_scale
    from cinematrix.store.tables import RATINGS

    with open_read_only(url) as connection:
        yield from _check_database_disk(connection)
        if not (schema := read_version(connection)):
            yield Finding("store", "note", "there are no tables yet; they are created when it is served")
            return
        check_version(schema)
        ratings = connection.scalar(select(func.count()).select_from(RATINGS))
        summary = f"{connection.dialect.name}, version {schema}, {ratings:,} ratings"
        older = schema < len(MIGRATIONS)
        migration = f"; it becomes version {len(MIGRATIONS)} when it is served" if older else ""
        yield Finding("store", "note" if older else "fine", summary + migration)
        if (scale := _read_model_scale(model)) is not None:
            check_scale(read_scale(connection), scale)
            yield Finding("scale", "fine", f"{scale} in steps of {scale.step:g} agrees with the store")


def _check_database_disk(connection: "Connection") -> Iterator[Finding]:
    """Check the free space on the disk of a SQLite file."""
    from cinematrix.store.settings import MIN_FREE_BYTES

    if connection.dialect.name == "sqlite":
        yield _check_free_space(
            "store's disk", Path(str(connection.engine.url.database)).absolute().parent, MIN_FREE_BYTES, "a server"
        )


def _read_model_scale(model: Path | None) -> Scale | None:
    """Return the scale of the model; None without a readable model or without a scale."""
    try:
        fields = None if model is None else read_manifest(model)["scale"]
    except CinematrixError:  # reported by the check of the model
        return None
    return None if fields is None else Scale(**fields)


def _check_free_space(what: str, place: Path, needed: int, consumer: str) -> Finding:
    free = shutil.disk_usage(place).free
    if free < needed:
        return Finding(
            what, "bad", f"{_megabytes(free)} are free and {consumer} needs {_megabytes(needed)}; free some space"
        )
    return Finding(what, "fine", f"{_megabytes(free)} are free")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
