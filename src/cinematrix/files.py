"""Files that are whole or absent: everything is written beside its place, synced, and renamed."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cinematrix.errors import InputError


@contextlib.contextmanager
def written_beside(path: Path, *, force: bool = False) -> Iterator[Path]:
    """A place to write a file or a folder that becomes `path` only if the block ends well.

    Raises:
        InputError: `path` exists and `force` isn't given, or its folder can't be written to.
    """
    if path.exists() and not force:
        raise InputError(f"{path} exists already; give another name, or --force to replace it")
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        _sync(beside)
        _replace(beside, path)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}") from error
    finally:
        _remove(beside)


def _sync(path: Path) -> None:
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replace(beside: Path, path: Path) -> None:
    """Rename `beside` to `path`; a folder can't replace a folder in one step, so the old one steps aside first."""
    if path.is_dir():
        old = path.with_name(f".{path.name}.{os.getpid()}.old")
        path.rename(old)
        try:
            beside.rename(path)
        except OSError:
            old.rename(path)
            raise
        _remove(old)
    else:
        beside.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
