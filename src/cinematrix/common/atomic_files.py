"""Atomic writes of files and folders: written to a temporary path, synced, then renamed."""

import contextlib
import ctypes
import glob
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.errors import InputError

ORPHAN_SECONDS = DAY_SECONDS
"""Age in seconds at which a killed process's temporary files are removed by the next write to the same path."""


def check_writable(path: Path, *, force: bool = False) -> None:
    """Check that `path` can be written, before the work that produces its content.

    Raises:
        InputError: `path` exists and `force` isn't given, or the nearest existing parent isn't a writable folder.
    """
    if os.path.lexists(path) and not force:
        raise InputError(f"{path} exists already; give another name, or --force to replace it")
    parent = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not parent.is_dir():
        raise InputError(f"{path} can't be written: {parent} isn't a folder")
    if not os.access(parent, os.W_OK):
        raise InputError(f"{path} can't be written: {parent} isn't writable; give another folder")


@contextlib.contextmanager
def write_atomically(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary path for a file or a folder; it is renamed to `path` only if the block succeeds.

    Raises:
        InputError: `path` exists and `force` isn't given, or its folder can't be written to.
    """
    check_writable(path, force=force)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
        _remove_orphans(path)
        yield temporary
        _sync(temporary)
        _replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            _remove(temporary)


def _remove_orphans(path: Path) -> None:
    for orphan in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        if time.time() - orphan.lstat().st_mtime > ORPHAN_SECONDS:
            _remove(orphan)


def _sync(path: Path) -> None:
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replace(temporary: Path, path: Path) -> None:
    """Rename `temporary` to `path`; exchange the two if a folder replaces a folder or a link.

    Where the system can't exchange two names at once, the old folder is renamed first.
    """
    if path.is_dir() and not path.is_symlink() and not temporary.is_dir():
        raise InputError(f"{path} is a folder and would be replaced by a file; give another name")
    if not temporary.is_dir() or not (path.is_dir() or path.is_symlink()):
        temporary.replace(path)
    elif not _exchange(temporary, path):
        old = path.with_name(f".{path.name}.{os.getpid()}.old")  # never removed as an orphan: it may be the only copy
        path.rename(old)
        try:
            temporary.rename(path)
        except OSError:
            old.rename(path)
            raise
        _remove(old)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange the names of two folders in one step; return False where the system can't."""
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
