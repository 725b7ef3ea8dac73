"""Arrays are written without copies and mapped, not read: `cinematrix.models.mapped_arrays`."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from cinematrix.errors import ArtifactError
from cinematrix.models.mapped_arrays import CHECKED_BYTES, map_arrays, save_arrays

KINDS = ("?", "i1", "u2", "i4", "u8", "f2", "f4", "f8")


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """Arrays of all kinds and shapes, one larger than a block of the check."""
    rng = np.random.default_rng(1)
    some = {f"kind.{kind}": rng.integers(0, 2, (3, 5)).astype(kind) for kind in KINDS}
    return some | {"one": np.array(7.0), "none": np.zeros((0, 4), np.float32),
                   "large": rng.random(CHECKED_BYTES // 4 + 7, np.float32)}  # fmt: skip


def test_arrays_come_back_read_only_and_the_format_is_safetensors(
    arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """Arrays come back with their types and shapes, can't be written to, and are read by the library itself."""
    checksum = save_arrays(arrays, tmp_path / "a")
    mapped = map_arrays(tmp_path / "a", checksum)
    for read in (mapped, load_file(tmp_path / "a")):
        assert read.keys() == arrays.keys()
        for name, array in arrays.items():
            assert read[name].dtype == array.dtype
            np.testing.assert_array_equal(read[name], array)
    with pytest.raises(ValueError, match="read-only"):
        mapped["large"][0] = 1


@pytest.mark.parametrize("place", [0, CHECKED_BYTES // 4 + 6])
def test_the_array_with_a_number_that_is_not_finite_is_named(
    arrays: dict[str, np.ndarray], tmp_path: Path, place: int
) -> None:
    """NaN in the first or the last block of an array is found."""
    arrays["large"][place] = np.nan
    checksum = save_arrays(arrays, tmp_path / "a")
    with pytest.raises(ArtifactError, match="holds NaN or infinity in large"):
        map_arrays(tmp_path / "a", checksum)


@pytest.mark.parametrize("content", [b"", b"x", bytes(8), b"\xff" * 30])
def test_what_is_no_file_of_arrays_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty file and foreign bytes are an ArtifactError that names the file."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ArtifactError, match=f"{tmp_path / 'a'} is damaged"):
        map_arrays(tmp_path / "a", hashlib.sha256(content).hexdigest())


MEASURE = """
import resource, sys
from pathlib import Path
import numpy as np
from cinematrix.models.mapped_arrays import map_arrays, save_arrays

def megabytes(what):
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[what].split()[0]) // 1024

file = Path(sys.argv[1])
if sys.argv[2] == "save":
    arrays = {str(at): np.ones(2**22, np.float32) for at in range(8)}
    before = megabytes("VmRSS")
    checksum = save_arrays(arrays, file)
    print(megabytes("VmHWM") - before)
    print(checksum)
else:
    before = megabytes("VmRSS")
    mapped = map_arrays(file, sys.argv[3])
    print(megabytes("VmHWM") - before, megabytes("VmRSS") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measured by /proc")
def test_neither_saving_nor_mapping_takes_the_memory_of_the_arrays(tmp_path: Path) -> None:
    """Saving 128 MB takes a fifth of it at most beside the arrays; mapping takes no more than two blocks, then none."""

    def measure(*words: str) -> list[str]:
        command = [sys.executable, "-c", MEASURE, str(tmp_path / "a"), *words]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()

    extra, checksum = measure("save")
    assert int(extra) <= 25
    peak, left = map(int, measure("map", checksum))
    assert peak <= 40
    assert left <= 8
