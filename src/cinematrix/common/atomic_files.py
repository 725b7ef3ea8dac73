"""Files that are whole or absent: everything is written beside its place, synced, and renamed."""

import contextlib
import ctypes
import glob
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cinematrix.errors import InputError

ORPHAN_SECONDS = 86_400
"""What a killed process left half-written is removed by the next one that writes there, once it is this old."""


def check_writable(path: Path, *, force: bool = False) -> None:
    """Refuse a place that can't be written to, before the work whose result goes there.

    Raises:
        InputError: `path` exists and `force` isn't given, or it lies in what isn't a folder or is closed to us.
    """
    if os.path.lexists(path) and not force:
        raise InputError(f"{path} exists already; give another name, or --force to replace it")
    above = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not above.is_dir():
        raise InputError(f"{path} can't be written: {above} isn't a folder")
    if not os.access(above, os.W_OK):
        raise InputError(f"{path} can't be written: {above} is closed to us; give a folder of your own")


@contextlib.contextmanager
def write_atomically(path: Path, *, force: bool = False) -> Iterator[Path]:
    """A place to write a file or a folder that becomes `path` only if the block ends well.

    Raises:
        InputError: `path` exists and `force` isn't given, or its folder can't be written to.
    """
    check_writable(path, force=force)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(beside)
        _remove_orphans(path)
        yield beside
        _sync(beside)
        _replace(beside, path)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            _remove(beside)


def _remove_orphans(path: Path) -> None:
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        if time.time() - left.lstat().st_mtime > ORPHAN_SECONDS:
            _remove(left)


def _sync(path: Path) -> None:
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replace(beside: Path, path: Path) -> None:
    """Rename `beside` to `path`, and what stood there, if it is a folder, to `beside`.

    Where the system can't exchange two names at once, the old folder steps aside first.
    """
    if not path.is_dir() or path.is_symlink():
        beside.replace(path)
    elif not beside.is_dir():
        raise InputError(f"{path} is a folder and would be replaced by a file; give another name")
    elif not _exchange(beside, path):
        old = path.with_name(f".{path.name}.{os.getpid()}.old")  # never cleared away: it may be the only copy
        path.rename(old)
        try:
            beside.rename(path)
        except OSError:
            old.rename(path)
            raise
        _remove(old)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange the names of two folders in one step; False where the system can't."""
    if sys.platform != "linux":
        return False
    at_cwd, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of renameat2(2)
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):  # an older C library
        return False
    return bool(rename(at_cwd, os.fsencode(a), at_cwd, os.fsencode(b), exchange) == 0)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
