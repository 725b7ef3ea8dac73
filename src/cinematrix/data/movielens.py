"""MovieLens data sets: downloaded, verified and stored in the user's cache folder.

They come from GroupLens, which publishes a checksum beside each archive. If GroupLens can't be reached,
MovieLens 100K comes from a package on PyPI. The package is opened as an archive: it is neither installed nor imported.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from cinematrix.common.atomic_files import write_atomically
from cinematrix.common.paths import cache_folder
from cinematrix.common.progress import Progress
from cinematrix.data.download import download
from cinematrix.errors import DownloadError, SettingError

GROUPLENS = "https://files.grouplens.org/datasets/movielens"
"""Address of the MovieLens archives; the environment variable `CINEMATRIX_GROUPLENS` names a mirror."""

CONNECT_SECONDS = 5.0
"""Time-out in seconds for GroupLens, before the fallback to PyPI."""

_CSV = ("ratings.csv", "movies.csv", "tags.csv", "links.csv")
_DAT = ("ratings.dat", "movies.dat")
_README = ("README", "README.txt", "README.html")
_MB = 1 << 20


@dataclass(frozen=True)
class DatasetFiles:
    """Files of a data set: the required ones, the optional ones, and the maximum bytes of one file."""

    needed: tuple[str, ...]
    optional: tuple[str, ...]
    most: int


ARCHIVES = {
    "ml-latest-small": DatasetFiles(_CSV, _README, 50 * _MB),
    "ml-100k": DatasetFiles(("u.data", "u.item", "u.genre"), _README, 50 * _MB),
    "ml-1m": DatasetFiles(_DAT, _README, 200 * _MB),
    "ml-10m": DatasetFiles((*_DAT, "tags.dat"), _README, 1000 * _MB),
    "ml-20m": DatasetFiles(_CSV, _README, 2000 * _MB),
    "ml-25m": DatasetFiles(_CSV, _README, 2000 * _MB),
    "ml-32m": DatasetFiles(_CSV, _README, 3000 * _MB),
}

WHEEL = "recbole==1.2.1"
WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
WHEEL_FOLDER = "recbole/dataset_example/ml-100k/"
WHEEL_FILES = DatasetFiles(("ml-100k.inter", "ml-100k.item"), (), 50 * _MB)
"""Files of MovieLens 100K in the PyPI package `WHEEL`."""


@dataclass(frozen=True)
class DatasetLocation:
    """Path of a data set on this machine, and a sentence for the user on its source."""

    path: Path
    note: str


def default(
    data: str | PathLike[str] | None = None,
    *,
    base: str | None = None,
    timeout: float = CONNECT_SECONDS,
    progress: Progress | None = None,
) -> DatasetLocation:
    """Return the default data set: `data`, else `$CINEMATRIX_DATA`, else MovieLens.

    MovieLens is latest-small from the cache or from GroupLens. If GroupLens can't be reached within `timeout` seconds,
    it is MovieLens 100K from PyPI.

    Raises:
        DownloadError: no source can be reached.
    """
    for given, source in ((data, "the data given"), (os.environ.get("CINEMATRIX_DATA"), "$CINEMATRIX_DATA")):
        if given:
            return DatasetLocation(Path(given), f"using {source}: {given}")
    for name, files in (("ml-latest-small", ARCHIVES["ml-latest-small"]), ("ml-100k-wheel", WHEEL_FILES)):
        if _is_whole(_cached_folder(name), files):
            return DatasetLocation(
                _cached_folder(name), f"using {name.removesuffix('-wheel')} from the cache: {_cached_folder(name)}"
            )
    try:
        return get("ml-latest-small", base=base, timeout=timeout, progress=progress)
    except DownloadError as error:
        return _from_wheel(_cached_folder("ml-100k-wheel"), error)


def get(
    name: str,
    to: str | PathLike[str] | None = None,
    *,
    base: str | None = None,
    timeout: float = CONNECT_SECONDS,
    progress: Progress | None = None,
) -> DatasetLocation:
    """Return the data set `name` in the folder `to` (default: the cache), downloading it if it isn't there.

    An interrupted download is resumed, in this call or the next. `base` is the address of the archives, `timeout` the
    connection time-out in seconds. PyPI is the fallback for ml-100k.

    Raises:
        SettingError: there is no data set of that name, or `base` isn't an http address.
        DownloadError: the data set can't be downloaded, or its checksum is wrong.
        InputError: `to` holds other files, or can't be written to.
    """
    if name not in ARCHIVES:
        raise SettingError(f"there is no data set {name!r}; there are {', '.join(ARCHIVES)}")
    folder = _cached_folder(name) if to is None else Path(to)
    if _is_whole(folder, ARCHIVES[name]) or (name == "ml-100k" and _is_whole(folder, WHEEL_FILES)):
        return DatasetLocation(folder, f"using {name} in {folder}")
    address = f"{(base or os.environ.get('CINEMATRIX_GROUPLENS') or GROUPLENS).rstrip('/')}/{name}.zip"
    if not address.startswith(("http://", "https://")):
        raise SettingError(f"the address {address!r} must begin with http:// or https://")
    try:
        archive = download(address, cache_folder() / "downloads" / f"{name}.zip", timeout, progress)
    except DownloadError as error:
        if name != "ml-100k":
            raise
        return _from_wheel(folder, error)
    _extract(archive, ARCHIVES[name], folder)
    archive.unlink()
    return DatasetLocation(folder, f"fetched {name} from {address}")


def _cached_folder(name: str) -> Path:
    return cache_folder() / "datasets" / name


def _is_whole(folder: Path, files: DatasetFiles) -> bool:
    return all((folder / name).is_file() for name in files.needed)


def _extract(archive: Path, files: DatasetFiles, folder: Path, prefix: str | None = None) -> None:
    """Extract the expected files of a zip archive to `folder`, by their base names; other entries are ignored.

    Raises:
        DownloadError: it isn't an archive, lacks a file, or a file is larger than allowed.
    """
    empty = folder.is_dir() and not any(folder.iterdir())
    try:
        with zipfile.ZipFile(archive) as opened, write_atomically(folder, force=empty) as temporary:
            temporary.mkdir(parents=True)
            for name, entry in _expected(opened.infolist(), files, prefix).items():
                if entry.file_size > files.most:
                    raise DownloadError(f"{archive.name} has {name} of {entry.file_size:,} bytes, more than expected")
                with opened.open(entry) as source, (temporary / name).open("wb") as target:
                    while block := source.read(_MB):
                        target.write(block)
            if not _is_whole(temporary, files):
                raise DownloadError(f"{archive.name} lacks some of {', '.join(files.needed)}; is it another data set?")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        archive.unlink(missing_ok=True)
        raise DownloadError(f"{archive.name} is damaged ({error}); fetch it again") from error


def _expected(
    entries: Iterable[zipfile.ZipInfo], files: DatasetFiles, prefix: str | None
) -> dict[str, zipfile.ZipInfo]:
    """Select the entries with an expected name, directly in `prefix` or, without one, at most one folder deep."""
    selected: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        inside, name = entry.filename.rpartition("/")[::2]
        in_place = inside.count("/") == 0 if prefix is None else inside + "/" == prefix
        if in_place and name in files.needed + files.optional:
            selected.setdefault(name, entry)
    return selected


def _from_wheel(folder: Path, why: DownloadError) -> DatasetLocation:
    """Extract MovieLens 100K from the package on PyPI.

    Raises:
        DownloadError: pip can't download the package, or its checksum is wrong.
    """
    if not _is_whole(folder, WHEEL_FILES):
        with tempfile.TemporaryDirectory() as scratch:
            _extract(_pip_download(Path(scratch), why), WHEEL_FILES, folder, WHEEL_FOLDER)
    return DatasetLocation(
        folder, f"GroupLens can't be reached ({why}); using MovieLens 100K from the package {WHEEL} instead"
    )


def _pip_download(scratch: Path, why: DownloadError) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--timeout", "10", "--retries", "1", "--dest", str(scratch), WHEEL]
    advice = "give a folder of ratings with --data or $CINEMATRIX_DATA"
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        wheel = next(scratch.glob("*.whl"))
    except (OSError, subprocess.SubprocessError, StopIteration) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1][:200]
        raise DownloadError(f"{why}; nor can pip fetch {WHEEL} ({reason}); {advice}") from error
    checksum = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if checksum != WHEEL_SHA256:
        raise DownloadError(f"{why}; and {wheel.name} has SHA-256 {checksum}, not {WHEEL_SHA256}; {advice}")
    return wheel
