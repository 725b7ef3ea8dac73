"""Ratings that aren't files of this machine: `cinematrix.data.readers.remote`."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import fsspec
import polars as pl
import pytest

from cinematrix.common import optional
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read, remote
from cinematrix.data.readers.remote import as_url
from cinematrix.errors import DataError, MissingExtraError
from command_line import run_json

FRAME = pl.DataFrame(
    {"userId": [1, 1, 2, 3], "movieId": [10, 20, 10, 30], "rating": [4.0, 2.5, 5.0, 1.0], "note": ["a", "b", "c", "d"]}
)


def rows(ratings: Ratings) -> list[tuple[int, int, float]]:
    """The ratings by ID, sorted."""
    users, movies = ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]
    return sorted(zip(users.tolist(), movies.tolist(), ratings.rating.tolist(), strict=True))


EXPECTED = [(1, 10, 4.0), (1, 20, 2.5), (2, 10, 5.0), (3, 30, 1.0)]


@pytest.mark.parametrize("in_parts", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_parquet_is_read_from_storage(scheme: str, in_parts: bool, tmp_path: Path) -> None:
    """A file, or a folder of parts in folders, read by Polars (file) or through fsspec (memory)."""
    root = f"{scheme}://{tmp_path}" if scheme == "file" else f"memory://{tmp_path.name}"
    parts = {"y=1/a.parquet": FRAME[:3], "y=2/b.parquet": FRAME[3:]} if in_parts else {"r.parquet": FRAME}
    for name, frame in parts.items():
        with fsspec.open(f"{root}/{name}", "wb", auto_mkdir=True) as file:
            frame.write_parquet(file)
    url = root if in_parts else f"{root}/r.parquet"
    (tmp_path / "films.csv").write_text("movieId,title,genres\n10,Heat (1995),Crime\n20,Up (2009),Animation\n")
    dataset = read(url, movies=tmp_path / "films.csv")
    assert rows(dataset.ratings) == EXPECTED
    assert dataset.source == url
    assert dataset.catalog is not None
    assert dataset.catalog.label(dataset.catalog.movies.number(10)) == "Heat (1995)"


def test_the_command_line_takes_urls(tmp_path: Path) -> None:
    """Though its paths make one slash of two."""
    FRAME.write_parquet(tmp_path / "r.parquet")
    described = run_json("data", "describe", f"file://{tmp_path}/r.parquet")
    assert described["ratings"] == 4
    assert [as_url(Path(f"{each}://host/a")) for each in ("s3", "file")] == ["s3://host/a", "file:///host/a"]
    assert [as_url(each) for each in ("ratings.csv", "/tmp/a", "c:/a", "C:\\a")] == [None] * 4


def test_tables_of_postgresql_are_read_in_parts(
    database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rows at a time; numbers of any type; without a table, or with another one, it's an error without password."""
    import psycopg

    monkeypatch.setattr(remote, "PART_ROWS", 2)
    url = database("postgresql").replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE stars (user_id int, movie_id bigint, rating numeric(3, 1))")
        for user, movie, rating, _ in FRAME.rows():
            connection.execute("INSERT INTO stars VALUES (%s, %s, %s)", (user, movie, Decimal(str(rating))))
    assert rows(read(f"{url}#public.stars").ratings) == rows(read(f"{url}#stars").ratings) == EXPECTED
    with pytest.raises(DataError, match=r'can\'t be read as a table \(relation "none" does not exist'):
        read(f"{url}#none")
    with pytest.raises(DataError, match="it names no table; write #TABLE after the database"):
        read(url)
    with pytest.raises(DataError, match=r"^postgresql://me:…@127.0.0.1:1/films#stars can't be read"):
        read("postgresql://me:secret@127.0.0.1:1/films#stars")


def test_what_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, an unknown storage, a missing package."""
    with pytest.raises(DataError, match=r"file:///.*no.parquet can't be read as a table"):
        read(f"file://{tmp_path}/no.parquet")
    with pytest.raises(DataError, match=r"memory://nowhere can't be read as a table .there are no Parquet files"):
        read("memory://nowhere")
    with pytest.raises(DataError, match=r"floppy://a/b.parquet can't be read as a table .Protocol not known: floppy"):
        read("floppy://a/b.parquet")
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"reading memory:// needs fsspec; .*'cinematrix\[storage\]'"):
        read("memory://a/b.parquet")
