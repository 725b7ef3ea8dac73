"""A saved model: a folder that is whole or refused, readable without Cinematrix and free of code.

    model.json            what it is: format, model, settings, seed, date, data fingerprint, metrics, versions, sums
    arrays.safetensors    what was learned, the ID maps, and the users' histories
    catalog.parquet       what is known of the movies

Loading checks the checksum of every file and that every number is finite; it needs no training data and no torch.
The same model saved twice gives the same bytes.
"""

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as pack_arrays

from cinematrix.common.atomic_files import check_writable, write_atomically
from cinematrix.data.catalog import SCHEMA, Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import IdMap
from cinematrix.data.ratings import Ratings, Scale, fingerprint
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import ArtifactError, CinematrixError, InputError
from cinematrix.models import model_class
from cinematrix.models.base import Recommender
from cinematrix.models.compatibility import translate_arrays, translate_settings

FORMAT = 4
"""The format that is written; raised when an older Cinematrix can't read it."""

READABLE = (3, FORMAT)
"""The formats that are read; names of format 3 are translated (`compatibility`)."""

MANIFEST, ARRAYS, CATALOG = "model.json", "arrays.safetensors", "catalog.parquet"
DTYPE_NAMES = {
    "BOOL": np.dtype("?"),
    **{f"{kind.upper()}{8 * size}": np.dtype(f"<{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
"""NumPy's types by the names that safetensors has for them."""
LIBRARIES = ("cinematrix", "numpy", "scipy", "polars", "safetensors")


@dataclass(frozen=True)
class Artifact:
    """A model with what is written about it: `build_manifest` is the content of `model.json`."""

    model: Recommender
    about: dict[str, Any]


def check_output_folder(path: Path, *, force: bool = False) -> None:
    """Refuse a place that no model can be saved to, before it is trained.

    Raises:
        InputError: `path` exists without `force`, or isn't a model (which alone is replaced), or can't be written to.
    """
    check_writable(path, force=force)
    replaceable = not path.exists() or (path / MANIFEST).is_file() or (path.is_dir() and not any(path.iterdir()))
    if not replaceable:
        raise InputError(f"{path} isn't a model and so isn't replaced; give another name")


def save(model: Recommender, path: Path, about: Mapping[str, Any] | None = None, *, force: bool = False) -> None:
    """Write `model` to the folder `path`, whole or not at all.

    Args:
        about: more for `model.json`: seed, data fingerprint, metrics with their protocol, training log.
        force: replace what stands at `path`.

    Raises:
        InputError: as `check_output_folder` says, or the disk is full.
    """
    check_output_folder(path, force=force)
    contents = {ARRAYS: pack_arrays(_arrays(model)), CATALOG: _parquet(model.data.catalog)}
    scale = model.data.scale
    manifest = {
        "format": FORMAT,
        "model": model.name,
        "settings": dataclasses.asdict(model.settings),
        "scale": dataclasses.asdict(scale) if scale else None,
        **(about or {}),
        "versions": {library: version(library) for library in LIBRARIES},
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }
    manifest["sha256"][MANIFEST] = _checksum(manifest)
    with write_atomically(path, force=force) as folder:
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def load(path: Path) -> Artifact:
    """The model saved in the folder `path`.

    Raises:
        ArtifactError: it isn't there, isn't whole, was changed, or was written by a newer Cinematrix.
    """
    manifest = read_manifest(path)
    arrays = _parsed(path, _content(path, ARRAYS, manifest))
    try:
        frame = pl.read_parquet(_content(path, CATALOG, manifest).tobytes()).select(list(SCHEMA)).cast(SCHEMA)
        known = _known(arrays, frame, manifest["scale"])
        kind = model_class(manifest["model"])
        learned = {name[6:]: array for name, array in arrays.items() if name.startswith("model.")}
        settings = manifest["settings"]
        if manifest["format"] < FORMAT:
            settings, learned = translate_settings(kind.name, settings), translate_arrays(learned)
        model = kind.restore(kind.Settings(**settings), known, learned)
    except (LookupError, TypeError, ValueError, CinematrixError, pl.exceptions.PolarsError) as error:
        raise ArtifactError(f"{path} isn't a model that this version understands: {error!r}; train it anew") from error
    return Artifact(model, manifest)


def fingerprint_manifest(about: Mapping[str, Any]) -> str:
    """What a saved model is called among others, from the content of its `model.json`: the same for the same bytes."""
    return str(about["sha256"][MANIFEST])[:12]


def verify_artifact(path: Path) -> dict[str, Any]:
    """The content of `model.json`, after a check of every file's checksum; quicker than `load`.

    Raises:
        ArtifactError: the model isn't there, isn't whole, was changed, or was written by a newer Cinematrix.
    """
    manifest = read_manifest(path)
    for name in (ARRAYS, CATALOG):
        _content(path, name, manifest)
    return manifest


def build_manifest(model: Recommender, ratings: Ratings, form: str) -> dict[str, Any]:
    """What is written beside a model about its data, which came in the form named `form`, and its training.

    It has been trained now, or at `SOURCE_DATE_EPOCH` (seconds), by which two trainings give the same bytes.
    """
    now = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)
    counts = {"users": len(ratings.users), "movies": len(ratings.movies), "ratings": len(ratings)}
    return {
        "trained": now.isoformat(),
        "data": {"format": form, **counts, "sha256": fingerprint(ratings)},
        "training": {head: dataclasses.asdict(log) for head, log in getattr(model, "log", {}).items()},
    }


def _arrays(model: Recommender) -> dict[str, NDArray[Any]]:
    known = model.data
    arrays = {f"model.{name}": array for name, array in model.arrays().items()}
    arrays |= {f"users.{name}": array for name, array in known.users.arrays().items()}
    arrays |= {f"movies.{name}": array for name, array in known.movies.arrays().items()}
    arrays |= {"history.starts": known.history.starts, "history.items": known.history.items}
    if known.history.values is not None:
        arrays["history.values"] = known.history.values
    if known.times is not None:
        arrays["history.times"] = known.times
    return {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}


def _known(arrays: dict[str, NDArray[Any]], frame: pl.DataFrame, scale: dict[str, float] | None) -> TrainingData:
    def part(prefix: str) -> dict[str, NDArray[Any]]:
        return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}

    movies = IdMap.from_arrays(part("movies."))
    history = part("history.")
    histories = Histories(history["starts"], history["items"], history.get("values")).owned()
    users = IdMap.from_arrays(part("users."))
    _check_histories(histories, len(users), len(movies))
    if (times := history.get("times")) is not None and len(times) != len(histories.items):
        raise ValueError("the times don't fit the histories")
    if len(frame) != len(movies):
        raise ValueError(f"{len(frame):,} rows of the catalog for {len(movies):,} movies")
    return TrainingData(users, movies, Catalog(movies, frame), histories, Scale(**scale) if scale else None, times)


def _check_histories(histories: Histories, n_users: int, n_movies: int) -> None:
    starts, items, values = histories.starts, histories.items, histories.values
    whole = len(starts) == n_users + 1 and starts[0] == 0 and starts[-1] == len(items) and np.all(np.diff(starts) >= 0)
    if not whole or (values is not None and len(values) != len(items)):
        raise ValueError("the histories don't fit the users")
    if len(items) and not 0 <= items.min() <= items.max() < n_movies:
        raise ValueError("the histories hold numbers that aren't a movie's")


def _parquet(catalog: Catalog) -> bytes:
    buffer = BytesIO()
    catalog.frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _checksum(manifest: Mapping[str, Any]) -> str:
    """The checksum of the manifest itself, reckoned without its own line."""
    rest = {**manifest, "sha256": {k: v for k, v in manifest["sha256"].items() if k != MANIFEST}}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """The content of `model.json` in the folder `path`.

    Raises:
        ArtifactError: it isn't there, was changed, or was written by a newer Cinematrix.
    """
    file = path / MANIFEST
    if not file.is_file():
        raise ArtifactError(f"{path} holds no {MANIFEST}; give the folder that 'cinematrix train --out' wrote")
    try:
        manifest = json.loads(file.read_bytes())
        number, checksum = manifest["format"], manifest["sha256"][MANIFEST]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{file} is damaged ({error!r}); train the model anew or restore a copy") from error
    if number not in READABLE:
        remedy = "upgrade cinematrix" if number > FORMAT else "train the model anew"
        raise ArtifactError(f"{path} has format {number} and this version reads {READABLE[0]} to {FORMAT}; {remedy}")
    if checksum != _checksum(manifest):
        raise ArtifactError(f"{file} was changed after it was written; train the model anew or restore a copy")
    return dict(manifest)


def _content(path: Path, name: str, manifest: Mapping[str, Any]) -> NDArray[np.uint8]:
    """What is in a file; NumPy takes large pages for it, of which the system need not make so many."""
    file = path / name
    if not file.is_file():
        raise ArtifactError(f"{path} lacks {name}; train the model anew or restore a copy")
    content = np.fromfile(file, np.uint8)
    if hashlib.sha256(content.data).hexdigest() != manifest["sha256"].get(name):
        raise ArtifactError(f"{file} isn't what was written (its SHA-256 differs); train the model anew")
    return content


def _parsed(path: Path, content: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The arrays, as views of the content: the library, which checks the header, would copy each."""
    arrays, end = {}, len(content)
    try:
        with safe_open(path / ARRAYS, "numpy") as parts:
            for name in reversed(parts.offset_keys()):
                part = parts.get_slice(name)
                dtype, shape = DTYPE_NAMES[part.get_dtype()], part.get_shape()
                start = end - prod(shape) * dtype.itemsize
                arrays[name] = content[start:end].view(dtype).reshape(shape)
                end = start
    except (SafetensorError, KeyError, ValueError) as error:
        raise ArtifactError(f"{path / ARRAYS} is damaged: {error}; train the model anew") from error
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ArtifactError(f"{path / ARRAYS} holds NaN or infinity in {name}; train the model anew")
    return arrays
