"""Pipes in place of files: `cinematrix.data.readers.pipes`."""

import gzip
import io
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from cinematrix.cli.imports import parse_picks
from cinematrix.cli.options import parse_ids
from cinematrix.data.readers import read
from cinematrix.data.readers.movies import read_movies
from cinematrix.data.readers.pairs import read_history, read_pairs
from cinematrix.errors import DataError

RATINGS = b"userId,movieId,rating,timestamp\n1,10,4,964982703\n2,10,3,964982224\n2,20,5,964982931\n"
MOVIES = b"movieId,title,genres\n10,Heat (1995),Crime\n20,Alien (1979),Horror|Sci-Fi\n"


def to_parquet(content: bytes) -> bytes:
    """Return the table as Parquet."""
    pl.read_csv(content).write_parquet(file := io.BytesIO())
    return file.getvalue()


@pytest.fixture
def pipe(tmp_path: Path) -> Callable[[bytes, str], Path]:
    """A function that writes content once into a named pipe, from another thread."""

    def make(content: bytes, name: str = "pipe") -> Path:
        path = tmp_path / name
        if not path.exists():
            os.mkfifo(path)
        threading.Thread(target=path.write_bytes, args=(content,), daemon=True).start()
        return path

    return make


@pytest.mark.parametrize(
    "packed",
    [bytes, gzip.compress, to_parquet, lambda text: text.decode().encode("utf-16")],
    ids=["text", "gzip", "parquet", "utf-16"],
)
def test_a_pipe_is_read_like_a_file(
    pipe: Callable[..., Path], packed: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ratings and movies come from two pipes, in any format, and no copy is left."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    dataset = read(pipe(packed(RATINGS)), movies=pipe(to_parquet(MOVIES) if packed is to_parquet else MOVIES, "movies"))
    assert dataset.ratings.rating.tolist() == [4, 3, 5]
    assert dataset.catalog is not None
    assert dataset.catalog.title(1) == "Alien"
    assert not list((tmp_path / "temporary").iterdir())


def test_a_named_pipe_is_read_anew(pipe: Callable[..., Path]) -> None:
    """The second call reads the content of a second writer."""
    assert len(read(pipe(RATINGS)).ratings) == 3
    assert len(read(pipe(RATINGS + b"3,20,1,964982931\n")).ratings) == 4


def test_errors_name_the_pipe(pipe: Callable[..., Path], tmp_path: Path) -> None:
    """A broken line is named by the pipe's own path, and an empty pipe is empty."""
    with pytest.raises(DataError, match=f"^{tmp_path}/pipe, line 5: "):
        read(pipe(RATINGS + b"x,y\n"))
    with pytest.raises(DataError, match=f"^{tmp_path}/pipe is empty"):
        read(pipe(b""))


def test_the_other_tables_may_be_pipes(pipe: Callable[..., Path]) -> None:
    """Pairs, a history, movies, a list of IDs and picks are read from pipes too."""
    assert read_pairs(pipe(RATINGS)).rows() == [(1, 10), (2, 10), (2, 20)]
    assert read_history(pipe(b"movie,rating\n10,4\n"), stars=True).ratings == {10: 4.0}
    assert len(read_movies(pipe(MOVIES))) == 2
    assert parse_ids(str(pipe(b"10\n20\n"))) == ("10", "20")
    assert parse_picks([str(pipe(b"row,movie\n3,20\n"))]) == {"3": "20"}
