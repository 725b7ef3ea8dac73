"""Files of a data set: the ratings, and the movies, tags and links beside them."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cinematrix.data.readers import columns, formats
from cinematrix.data.readers.layouts import detect_layout
from cinematrix.data.readers.opening import PACKED_SUFFIXES, read_head
from cinematrix.errors import DataError

RATINGS_FILE_NAMES = ("u.data", "ratings.dat", "ratings.csv", "ratings.parquet")
"""Names of files of ratings in public data sets."""

_SUFFIXES = (
    ".csv",
    ".tsv",
    ".dat",
    ".data",
    ".inter",
    ".parquet",
    ".txt",
    ".json",
    ".jsonl",
    ".ndjson",
    ".feather",
    ".arrow",
    ".avro",
)


@dataclass(frozen=True)
class DatasetPaths:
    """Files of a data set; a missing file is None, and the ratings may be a folder of Parquet files."""

    ratings: Path
    movies: Path | None = None
    tags: Path | None = None
    links: Path | None = None

    def files(self) -> list[Path]:
        """Return the existing files."""
        return [path for path in (self.ratings, self.movies, self.tags, self.links) if path is not None]

    def all_files(self) -> list[Path]:
        """Return the existing files, those of a folder of Parquet files one by one."""
        return [
            file for path in self.files() for file in ([path] if path.is_file() else sorted(path.rglob("*.parquet")))
        ]


def find_dataset_files(path: Path, movies: Path | None = None) -> DatasetPaths:
    """Find the files of the data set at `path`, a folder or a file of ratings; `movies` overrides the file of movies.

    Raises:
        DataError: a path doesn't exist, or there is no single file of ratings; the message says what is there.
    """
    for each in [path] if movies is None else [path, movies]:
        if not each.exists():
            raise DataError(f"{each} doesn't exist; give a folder or a file of ratings")
    ratings = _find_ratings(path) if path.is_dir() else path
    companions = _find_companions(ratings, whole_folder=path.is_dir())
    if movies is not None:
        companions["movies"] = movies
    return DatasetPaths(ratings, **companions)


def is_parquet(path: Path) -> bool:
    """Return True if the file is Parquet by its first bytes.

    Raises:
        DataError: the file can't be read.
    """
    return read_head(path).startswith(b"PAR1")


def n_bytes(path: Path) -> int:
    """Return the bytes of a file, or of the Parquet files in a folder."""
    return sum(file.stat().st_size for file in DatasetPaths(path).all_files())


def plain_file_name(path: Path) -> str:
    """Return the file's name in lower case without the suffix of a packed file (.gz, .bz2, .xz)."""
    name = path.name.lower()
    return next((name.removesuffix(suffix) for suffix in PACKED_SUFFIXES if name.endswith(suffix)), name)


def _find_ratings(folder: Path) -> Path:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    for name in RATINGS_FILE_NAMES:
        named = [path for path in files if plain_file_name(path) == name]
        if named:
            return named[0]
    for name in RATINGS_FILE_NAMES:
        if (folder / name).is_dir() and _are_parts(sorted((folder / name).rglob("*.parquet"))):
            return folder / name
    if _are_parts(sorted(folder.rglob("*.parquet"))):
        return folder
    tables = [path for path in files if plain_file_name(path).endswith(_SUFFIXES) and _is_ratings(path)]
    if len(tables) == 1:
        return tables[0]
    if tables:
        raise DataError(f"{folder} has several tables of ratings ({_names(tables)}); give one of these files")
    raise DataError(f"{folder} has no file of ratings {_describe_content(folder, files)}")


def _are_parts(files: list[Path]) -> bool:
    """Return True for several Parquet files of the same columns, which are ratings."""
    try:
        schemas = [tuple(pl.read_parquet_schema(path)) for path in files]
    except (pl.exceptions.PolarsError, OSError):
        return False
    return len(files) > 1 and len(set(schemas)) == 1 and _is_ratings(files[0])


def _is_ratings(path: Path) -> bool:
    try:
        found = formats.read_frame(path)
        if found is None:
            detect_layout(path)
        else:
            columns.find_columns(found[1].collect_schema().names(), None, str(path))
    except (DataError, pl.exceptions.PolarsError):
        return False
    return True


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths[:5]) + (", …" if len(paths) > 5 else "")


def _describe_content(folder: Path, files: list[Path]) -> str:
    inside = [path for path in folder.iterdir() if path.is_dir() and _has_ratings(path)]
    if inside:
        return f"itself; give the folder {inside[0]} inside it"
    if any(path.suffix == ".zip" for path in files):
        return f"but an archive ({_names([p for p in files if p.suffix == '.zip'])}); unpack it and give its folder"
    if any(plain_file_name(path) in ("watched.csv", "diary.csv", "watched-movies.json") for path in files):
        return "and looks like one person's export, which 'cinematrix import' takes"
    content = f"it has {_names(files)}" if files else "it has no files"
    return f"({', '.join(RATINGS_FILE_NAMES)} or another table); {content}"


def _has_ratings(folder: Path) -> bool:
    return any(plain_file_name(path) in RATINGS_FILE_NAMES for path in folder.iterdir())


SPLIT = ("train.", "test.", "given.")
"""Prefixes of the files that `cinematrix data split` writes beside the movies."""


def _find_companions(ratings: Path, *, whole_folder: bool) -> dict[str, Path]:
    """Find the movies, tags and links that belong to a file of ratings by their names."""
    name, folder = plain_file_name(ratings), ratings.parent
    if name.startswith("u") and name.endswith((".data", ".base", ".test")):
        companions = {"movies": _file(folder, "u.item")}
    elif name.endswith(".inter"):
        companions = {"movies": _file(folder, name.removesuffix(".inter") + ".item")}
    elif whole_folder or name.startswith(("ratings.", *SPLIT)) or name.endswith(".dat"):
        suffixes = sorted((".dat", ".csv", ".parquet", ".jsonl", ".json"), key=lambda suffix: not name.endswith(suffix))
        companions = {kind: _file(folder, *(kind + s for s in suffixes)) for kind in ("movies", "tags", "links")}
    else:
        companions = {}
    return {kind: path for kind, path in companions.items() if path is not None and path != ratings}


def _file(folder: Path, *names: str) -> Path | None:
    """Return the file in `folder` with the first of `names`, ignoring case and `.gz`; None if there is none."""
    if not folder.is_dir():
        return None
    files = {plain_file_name(path): path for path in sorted(folder.iterdir()) if path.is_file()}
    return next((files[name] for name in names if name in files), None)
