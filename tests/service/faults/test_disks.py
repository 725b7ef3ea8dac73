"""Training onto a full disk: a real file system of two megabytes, if mounting is allowed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cinematrix.models.artifact import load
from serving import PROGRAM
from worlds import taste_world


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("A FULL DISK ISN'T TESTED HERE: mounting a tmpfs needs root")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.fault(33)
def test_training_on_a_full_disk_leaves_nothing_half(disk: Path, tmp_path: Path) -> None:
    """On a full disk training ends with one sentence and exit status 2, and leaves the old model intact and no other
    files; with free space it succeeds."""
    ratings, _ = taste_world(np.random.default_rng(5))
    users, movies = ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]
    pl.DataFrame({"user": users, "movie": movies, "rating": ratings.rating}).write_csv(tmp_path / "ratings.csv")
    out = disk / "model"

    def train(model: str) -> subprocess.CompletedProcess[str]:
        words = ["train", str(tmp_path / "ratings.csv"), "--model", model, "--out", str(out), "--force"]
        return subprocess.run([*PROGRAM, *words], capture_output=True, text=True, check=False)

    assert train("popular").returncode == 0
    subprocess.run(["dd", "if=/dev/zero", f"of={disk}/filler"], capture_output=True)
    done = train("bias")
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert load(out).model.name == "popular"
    assert sorted(path.name for path in disk.iterdir()) == ["filler", "model"]
    (disk / "filler").unlink()
    assert train("bias").returncode == 0
    assert load(out).model.name == "bias"
