"""Saved models: a folder that is complete or refused, readable without Cinematrix and free of code.

    model.json            metadata: format, model, settings, seed, date, data fingerprint, metrics, versions, checksums
    arrays.safetensors    learned arrays, the ID maps, and the users' histories
    catalog.parquet       metadata of the movies
    README.md             the model card (`card`), for people; nothing reads it

Loading checks the checksum of each file but the card, and that every number is finite, then maps the arrays into
memory (`mapped_arrays`). It needs no training data and no torch. The same model saved twice gives the same bytes.
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
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.common.atomic_files import check_writable, write_atomically
from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import IdMap
from cinematrix.data.provenance import describe_source
from cinematrix.data.ratings import Ratings, Scale, fingerprint
from cinematrix.data.schema import select_known
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import ArtifactError, CinematrixError, InputError
from cinematrix.models import model_class
from cinematrix.models.base import Recommender
from cinematrix.models.card import CARD, render_card
from cinematrix.models.compatibility import translate
from cinematrix.models.mapped_arrays import map_arrays, save_arrays

FORMAT = 5
"""Format that is written; raised when an older Cinematrix can't read the new one."""

READABLE = range(3, FORMAT + 1)
"""Formats that can be read; older ones are translated (`compatibility`)."""

MANIFEST, ARRAYS, CATALOG = "model.json", "arrays.safetensors", "catalog.parquet"
LIBRARIES = ("cinematrix", "numpy", "scipy", "polars", "safetensors")


@dataclass(frozen=True)
class Artifact:
    """A model with the content of its `model.json` (see `build_manifest`)."""

    model: Recommender
    about: dict[str, Any]


def check_output_folder(path: Path, *, force: bool = False) -> None:
    """Check that a model can be saved to `path`, before it is trained.

    Raises:
        InputError: `path` exists without `force`, or isn't a model (nothing else is replaced), or can't be written to.
    """
    check_writable(path, force=force)
    replaceable = not path.exists() or (path / MANIFEST).is_file() or (path.is_dir() and not any(path.iterdir()))
    if not replaceable:
        raise InputError(f"{path} isn't a model and so isn't replaced; give another name")


def save(
    model: Recommender, path: str | PathLike[str], about: Mapping[str, Any] | None = None, *, force: bool = False
) -> None:
    """Write `model` to the folder `path`, atomically.

    Args:
        about: more for `model.json`: seed, data fingerprint, metrics with their protocol, training log.
        force: replace an existing model at `path`.

    Raises:
        InputError: as in `check_output_folder`, or the disk is full.
    """
    path = Path(path)
    check_output_folder(path, force=force)
    catalog, scale = _pack_catalog(model.data.catalog), model.data.scale
    with write_atomically(path, force=force) as folder:
        folder.mkdir()
        (folder / CATALOG).write_bytes(catalog)
        checksums = {ARRAYS: save_arrays(_arrays(model), folder / ARRAYS), CATALOG: hashlib.sha256(catalog).hexdigest()}
        manifest = {
            "format": FORMAT,
            "model": model.name,
            "settings": dataclasses.asdict(model.settings),
            "scale": dataclasses.asdict(scale) if scale else None,
            **(about or {}),
            "versions": {library: version(library) for library in LIBRARIES},
            "sha256": checksums,
        }
        checksums[MANIFEST] = _checksum(manifest)
        (folder / CARD).write_text(render_card(model, manifest), encoding="utf-8")
        text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def load(path: str | PathLike[str], *, catalog: Catalog | None = None) -> Artifact:
    """Load the model saved in the folder `path`.

    Args:
        catalog: the model's catalog, if it was read before.

    Raises:
        ArtifactError: it doesn't exist, is incomplete, was changed, or was written by a newer Cinematrix.
    """
    path = Path(path)
    manifest = read_manifest(path)
    arrays = map_arrays(_find_file(path, ARRAYS), manifest["sha256"].get(ARRAYS))
    try:
        if catalog is None:
            frame = select_known(pl.read_parquet(_read_file(path, CATALOG, manifest)))
            catalog = Catalog(IdMap.from_arrays(_select_prefix(arrays, "movies.")), frame)
        data = _build_training_data(arrays, catalog, manifest["scale"])
        model_type = model_class(manifest["model"])
        learned = _select_prefix(arrays, "model.")
        settings = manifest["settings"]
        if manifest["format"] < FORMAT:
            settings, learned = translate(manifest["format"], model_type.name, settings, learned)
        model = model_type.restore(model_type.Settings(**settings), data, learned)
    except (LookupError, TypeError, ValueError, CinematrixError, pl.exceptions.PolarsError) as error:
        raise ArtifactError(f"{path} isn't a model that this version understands: {error!r}; train it anew") from error
    return Artifact(model, manifest)


def fingerprint_manifest(about: Mapping[str, Any]) -> str:
    """Return the ID of a saved model from the content of its `model.json`: the same for the same bytes."""
    return str(about["sha256"][MANIFEST])[:12]


def verify_artifact(path: Path) -> dict[str, Any]:
    """Check every file's checksum and return the content of `model.json`; faster than `load`.

    Raises:
        ArtifactError: the model doesn't exist, is incomplete, was changed, or was written by a newer Cinematrix.
    """
    manifest = read_manifest(path)
    for name in (ARRAYS, CATALOG):
        with _find_file(path, name).open("rb") as file:
            _check_checksum(path / name, hashlib.file_digest(file, "sha256").hexdigest(), manifest)
    return manifest


def build_manifest(model: Recommender, ratings: Ratings, form: str, source: str = "") -> dict[str, Any]:
    """Return the metadata of a trained model for `model.json`: its date, its data and its training log.

    The date is now, or `SOURCE_DATE_EPOCH` (seconds), with which two trainings give the same bytes.

    Args:
        form: name of the data's format.
        source: file or table of the data, of which only the name is stored.
    """
    now = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)
    counts = {"users": len(ratings.users), "movies": len(ratings.movies), "ratings": len(ratings)}
    return {
        "trained": now.isoformat(),
        "data": {**describe_source(ratings, form, source), **counts, "sha256": fingerprint(ratings)},
        "training": {head: dataclasses.asdict(log) for head, log in getattr(model, "log", {}).items()},
    }


def _arrays(model: Recommender) -> dict[str, NDArray[Any]]:
    """Return all arrays of a model to save, sorted by name."""
    data = model.data
    arrays = {f"model.{name}": array for name, array in model.arrays().items()}
    arrays |= {f"users.{name}": array for name, array in data.users.arrays().items()}
    arrays |= {f"movies.{name}": array for name, array in data.movies.arrays().items()}
    arrays |= {"history.starts": data.history.starts, "history.items": data.history.items}
    if data.history.values is not None:
        arrays["history.values"] = data.history.values
    if data.times is not None:
        arrays["history.times"] = data.times
    owners = data.history.owners
    if owners is not None and not np.array_equal(owners, np.arange(len(owners))):  # some were updated after training
        arrays["history.owners"] = owners
    return {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}


def _build_training_data(
    arrays: dict[str, NDArray[Any]], catalog: Catalog, scale: dict[str, float] | None
) -> TrainingData:
    """Return the training data from the arrays, the catalog and the scale of an artefact."""
    movies, history = catalog.movies, _select_prefix(arrays, "history.")
    histories = Histories(history["starts"], history["items"], history.get("values")).owned()
    if "owners" in history:
        histories = dataclasses.replace(histories, owners=history["owners"])
    users = IdMap.from_arrays(_select_prefix(arrays, "users."))
    _check_histories(histories, len(users), len(movies))
    if (times := history.get("times")) is not None and len(times) != len(histories.items):
        raise ValueError("the times don't fit the histories")
    if len(catalog.frame) != len(movies):
        raise ValueError(f"{len(catalog.frame):,} rows of the catalog for {len(movies):,} movies")
    return TrainingData(users, movies, catalog, histories, Scale(**scale) if scale else None, times)


def _select_prefix(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Return the arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _check_histories(histories: Histories, n_users: int, n_movies: int) -> None:
    """Check that the histories fit the numbers of users and movies."""
    starts, items, values = histories.starts, histories.items, histories.values
    starts_valid = (
        len(starts) == n_users + 1 and starts[0] == 0 and starts[-1] == len(items) and np.all(np.diff(starts) >= 0)
    )
    if not starts_valid or (values is not None and len(values) != len(items)):
        raise ValueError("the histories don't fit the users")
    if len(items) and not 0 <= items.min() <= items.max() < n_movies:
        raise ValueError("the histories hold numbers that aren't a movie's")


def _pack_catalog(catalog: Catalog) -> bytes:
    """Return the catalog as Parquet bytes."""
    buffer = BytesIO()
    catalog.frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _checksum(manifest: Mapping[str, Any]) -> str:
    """Return the checksum of the manifest itself, computed without its own line."""
    rest = {**manifest, "sha256": {k: v for k, v in manifest["sha256"].items() if k != MANIFEST}}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the content of `model.json` in the folder `path`.

    Raises:
        ArtifactError: it doesn't exist, was changed, or was written by a newer Cinematrix.
    """
    file = path / MANIFEST
    if not file.is_file():
        raise ArtifactError(f"{path} holds no {MANIFEST}; give the folder that 'cinematrix train --out' wrote")
    try:
        manifest = json.loads(file.read_bytes())
        number, checksum = manifest["format"], manifest["sha256"][MANIFEST]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError(f"{file} is damaged ({error!r}); train the model anew or restore a copy") from error
    if number not in READABLE:
        remedy = "upgrade cinematrix" if isinstance(number, int) and number > FORMAT else "train the model anew"
        raise ArtifactError(f"{path} has format {number} and this version reads {READABLE[0]} to {FORMAT}; {remedy}")
    if checksum != _checksum(manifest):
        raise ArtifactError(f"{file} was changed after it was written; train the model anew or restore a copy")
    return dict(manifest)


def _read_file(path: Path, file_name: str, manifest: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file after a check of its checksum."""
    content = _find_file(path, file_name).read_bytes()
    _check_checksum(path / file_name, hashlib.sha256(content).hexdigest(), manifest)
    return content


def _find_file(path: Path, file_name: str) -> Path:
    file = path / file_name
    if not file.is_file():
        raise ArtifactError(f"{path} lacks {file_name}; train the model anew or restore a copy")
    return file


def _check_checksum(file: Path, checksum: str, manifest: Mapping[str, Any]) -> None:
    if checksum != manifest["sha256"].get(file.name):
        raise ArtifactError(f"{file} isn't what was written (its SHA-256 differs); train the model anew")
