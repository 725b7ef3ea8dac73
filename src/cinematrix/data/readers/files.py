"""Which files make up a data set: the ratings, and the movies, tags and links that stand beside them."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cinematrix.data.readers import columns
from cinematrix.data.readers.layouts import detect_layout
from cinematrix.errors import DataError

RATINGS_FILE_NAMES = ("u.data", "ratings.dat", "ratings.csv", "ratings.parquet")
"""The names that files of ratings have in the usual data sets."""

_SUFFIXES = (".csv", ".tsv", ".dat", ".data", ".inter", ".parquet", ".txt")


@dataclass(frozen=True)
class DatasetPaths:
    """The files of a data set; what isn't there is None."""

    ratings: Path
    movies: Path | None = None
    tags: Path | None = None
    links: Path | None = None

    def files(self) -> list[Path]:
        """All files that there are."""
        return [path for path in (self.ratings, self.movies, self.tags, self.links) if path is not None]


def find_dataset_files(path: Path, movies: Path | None = None) -> DatasetPaths:
    """The files of the data set at `path`, a folder or a file of ratings; `movies` names the movies instead.

    Raises:
        DataError: there is nothing, or no file of ratings; the message says what is there.
    """
    for given in [path] if movies is None else [path, movies]:
        if not given.exists():
            raise DataError(f"{given} doesn't exist; give a folder or a file of ratings")
    ratings = _ratings_in(path) if path.is_dir() else path
    found = _find_companions(ratings, whole_folder=path.is_dir())
    if movies is not None:
        found["movies"] = movies
    return DatasetPaths(ratings, **found)


def is_parquet(path: Path) -> bool:
    """Whether the file is Parquet by its first bytes.

    Raises:
        DataError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}") from error


def plain_file_name(path: Path) -> str:
    """The file's name in lower case without `.gz`."""
    return path.name.lower().removesuffix(".gz")


def _ratings_in(folder: Path) -> Path:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    for name in RATINGS_FILE_NAMES:
        named = [path for path in files if plain_file_name(path) == name]
        if named:
            return named[0]
    tables = [path for path in files if plain_file_name(path).endswith(_SUFFIXES) and _is_ratings(path)]
    if len(tables) == 1:
        return tables[0]
    if tables:
        raise DataError(f"{folder} has several tables of ratings ({_names(tables)}); give one of these files")
    raise DataError(f"{folder} has no file of ratings {_what_is_there(folder, files)}")


def _is_ratings(path: Path) -> bool:
    try:
        if is_parquet(path):
            columns.find_columns(list(pl.read_parquet_schema(path)), None, str(path))
        else:
            detect_layout(path)
    except (DataError, pl.exceptions.PolarsError):
        return False
    return True


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths[:5]) + (", …" if len(paths) > 5 else "")


def _what_is_there(folder: Path, files: list[Path]) -> str:
    inside = [path for path in folder.iterdir() if path.is_dir() and _has_ratings(path)]
    if inside:
        return f"itself; give the folder {inside[0]} inside it"
    if any(path.suffix == ".zip" for path in files):
        return f"but an archive ({_names([p for p in files if p.suffix == '.zip'])}); unpack it and give its folder"
    if any(plain_file_name(path) in ("watched.csv", "diary.csv", "watched-movies.json") for path in files):
        return "and looks like one person's export, which 'cinematrix import' takes"
    there = f"it has {_names(files)}" if files else "it has no files"
    return f"({', '.join(RATINGS_FILE_NAMES)} or another table); {there}"


def _has_ratings(folder: Path) -> bool:
    return any(plain_file_name(path) in RATINGS_FILE_NAMES for path in folder.iterdir())


SPLIT = ("train.", "test.", "given.")
"""What `cinematrix data split` writes; the movies stand beside them."""


def _find_companions(ratings: Path, *, whole_folder: bool) -> dict[str, Path]:
    """Movies, tags and links that belong to a file of ratings by their names."""
    name, folder = plain_file_name(ratings), ratings.parent
    if name.startswith("u") and name.endswith((".data", ".base", ".test")):
        found = {"movies": _file(folder, "u.item")}
    elif name.endswith(".inter"):
        found = {"movies": _file(folder, name.removesuffix(".inter") + ".item")}
    elif whole_folder or name.startswith(("ratings.", *SPLIT)) or name.endswith(".dat"):
        suffixes = sorted((".dat", ".csv", ".parquet"), key=lambda suffix: not name.endswith(suffix))
        found = {kind: _file(folder, *(kind + s for s in suffixes)) for kind in ("movies", "tags", "links")}
    else:
        found = {}
    return {kind: path for kind, path in found.items() if path is not None and path != ratings}


def _file(folder: Path, *names: str) -> Path | None:
    """The file in `folder` that has the first of `names`, in any case of letters, perhaps with `.gz`."""
    if not folder.is_dir():
        return None
    there = {plain_file_name(path): path for path in sorted(folder.iterdir()) if path.is_file()}
    return next((there[name] for name in names if name in there), None)
