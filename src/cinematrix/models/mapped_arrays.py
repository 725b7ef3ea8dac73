"""Arrays in a safetensors file: written one by one without copies, and mapped into memory instead of read.

Processes that map one file share its memory, and only what is used of it is in memory. A mapped file must never be
changed in place: its arrays would change too, and a process whose file is cut off ends. Replace it by another file.
"""

import hashlib
import mmap
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from cinematrix.errors import ArtifactError

CHECKED_BYTES = 2**24
"""Bytes that are checked at a time."""

DTYPE_NAMES = {
    "BOOL": np.dtype("?"),
    **{f"{kind.upper()}{8 * size}": np.dtype(f"<{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
"""NumPy types by their names in safetensors."""


def save_arrays(arrays: Mapping[str, NDArray[Any]], file: Path) -> str:
    """Write arrays to a file and return its checksum.

    Raises:
        OSError: the disk is full, or can't be written to.
    """
    try:
        save_file(dict(arrays), file)
    except SafetensorError as error:
        raise OSError(str(error).removeprefix("Error while serializing: I/O error: ")) from error
    with file.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def map_arrays(file: Path, checksum: str | None) -> dict[str, NDArray[Any]]:
    """Map the arrays of a file, read-only, after all its bytes have been read once.

    Raises:
        ArtifactError: the file has another checksum, isn't in the format, or has numbers that aren't finite.
    """
    if not file.stat().st_size:
        raise ArtifactError(f"{file} is damaged: it is empty; train the model anew")
    with file.open("rb") as opened:
        mapping = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    damage = ""
    try:
        arrays, start = _find_arrays(file, np.frombuffer(mapping, np.uint8))
    except (SafetensorError, KeyError, ValueError) as error:
        damage, arrays, start = str(error), {}, len(mapping)
    found, not_finite = _read(mapping, arrays, start)
    if found != checksum:
        raise ArtifactError(f"{file} isn't what was written (its SHA-256 differs); train the model anew")
    if damage:
        raise ArtifactError(f"{file} is damaged: {damage}; train the model anew")
    if not_finite:
        raise ArtifactError(f"{file} holds NaN or infinity in {not_finite}; train the model anew")
    return arrays


def _find_arrays(file: Path, content: NDArray[np.uint8]) -> tuple[dict[str, NDArray[Any]], int]:
    """Return the arrays as views of a file's content, in its order, and where the first one begins."""
    arrays, end = {}, len(content)
    with safe_open(file, "numpy") as tensors:
        for name in reversed(tensors.offset_keys()):
            tensor = tensors.get_slice(name)
            dtype, shape = DTYPE_NAMES[tensor.get_dtype()], tensor.get_shape()
            start = end - prod(shape) * dtype.itemsize
            arrays[name] = content[start:end].view(dtype).reshape(shape)
            end = start
    return dict(reversed(arrays.items())), end


def _read(mapping: mmap.mmap, arrays: dict[str, NDArray[Any]], start: int) -> tuple[str, str | None]:
    """Read all bytes once: those before `start`, then the arrays. They don't stay in this process's memory.

    Returns:
        The checksum, and the name of the first array with NaN or infinity, if there is one.
    """
    checksum, not_finite = hashlib.sha256(memoryview(mapping)[:start]), None
    for name, array in arrays.items():
        flat = array.reshape(-1)
        step = CHECKED_BYTES // array.itemsize
        for block in (flat[at : at + step] for at in range(0, len(flat), step)):
            checksum.update(block.data)
            if not_finite is None and block.dtype.kind == "f" and not np.isfinite(block).all():
                not_finite = name
            start += block.nbytes
            if hasattr(mmap, "MADV_DONTNEED"):
                mapping.madvise(mmap.MADV_DONTNEED, 0, start)
    return checksum.hexdigest(), not_finite
