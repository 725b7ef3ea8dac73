"""Tests of `cinematrix.recommendation.batch`: the lists of all users."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.errors import InputError, SettingError
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import Ordering
from cinematrix.models.popular import Popular
from cinematrix.recommendation import batch
from cinematrix.recommendation.batch import recommend_all
from cinematrix.recommendation.lists import Filters, get_history, recommend
from planted import Planted, planted_data
from worlds import as_interactions


@pytest.fixture(scope="module")
def model() -> Planted:
    """The planted model."""
    return Planted(planted_data())


@pytest.mark.parametrize("by", ["ranking", "stars"])
@pytest.mark.parametrize("filters", [None, Filters(where="genre=Comedy", exclude=(104,))], ids=["all", "filtered"])
@pytest.mark.parametrize("block", [1, 3, 256])
def test_the_lists_of_all_users_are_those_of_each_user(
    model: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: Ordering, filters: Filters | None, block: int
) -> None:
    """The Parquet file holds each user's list, with ranks from 1, for any block size."""
    monkeypatch.setattr(batch, "BLOCK_USERS", block)
    rows = recommend_all(model, tmp_path / "all.parquet", 4, by=by, filters=filters)
    frame = pl.read_parquet(tmp_path / "all.parquet")
    assert len(frame) == rows
    assert frame.columns == ["user", "rank", "movie", "score", "stars"]
    expected = []
    for user in model.data.users.ids.tolist():
        items = recommend(model, get_history(model, user), 4, by=by, filters=filters).items
        expected += [(user, rank, item.movie, item.score, item.stars) for rank, item in enumerate(items, start=1)]
    assert frame.rows() == expected


def test_an_existing_file_is_replaced_only_by_force(model: Planted, tmp_path: Path) -> None:
    """An existing file is an error without `force`."""
    recommend_all(model, tmp_path / "all.parquet", 1)
    with pytest.raises(InputError, match="exists already"):
        recommend_all(model, tmp_path / "all.parquet", 2)
    assert recommend_all(model, tmp_path / "all.parquet", 2, force=True) == 8


READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    "all.csv": pl.read_csv,
    "all.jsonl": pl.read_ndjson,
    "all.parquet": pl.read_parquet,
    "all": lambda folder: pl.read_parquet(folder / "*.parquet"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_any_format_has_the_rows_of_the_frame(
    model: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Files and folders hold the same lists as the frame, in the same order, and nothing else is left."""
    monkeypatch.setattr(batch, "PART_USERS", 3)
    frame = recommend_all(model, None, 3)
    assert isinstance(frame, pl.DataFrame)
    assert recommend_all(model, tmp_path / name, 3) == len(frame)
    assert_frame_equal(READERS[name](tmp_path / name), frame, check_dtypes=False)
    assert [each.name for each in tmp_path.iterdir()] == [name]


class Killed(Planted):
    """Model that ranks a number of users before it fails, and counts them."""

    ranked, limit = 0, 3

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """Return the planted scores, or fail."""
        if self.ranked >= self.limit:
            raise KeyboardInterrupt
        self.ranked += len(histories)
        return super().score(histories, by=by)


@pytest.mark.parametrize("name", ["all", "all.csv"])
def test_a_killed_run_continues_after_its_last_whole_part(
    model: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The same call ranks the missing users alone; nothing stands under the name before; half a part is no part."""
    monkeypatch.setattr(batch, "PART_USERS", 2)
    monkeypatch.setattr(batch, "BLOCK_USERS", 1)
    killed, path = Killed(model.data), tmp_path / name
    with pytest.raises(KeyboardInterrupt):
        recommend_all(killed, path, 3)
    assert not path.exists()
    (tmp_path / f".{name}.parts" / "parts" / ".part-00001.parquet.1.part").write_bytes(b"half")
    killed.ranked = 0
    recommend_all(killed, path, 3)
    assert killed.ranked == 2
    assert_frame_equal(READERS[name](path), recommend_all(model, None, 3), check_dtypes=False)  # type: ignore[arg-type]
    parts = ["part-00000.parquet", "part-00001.parquet"]
    assert sorted(each.name for each in tmp_path.rglob("*")) == ([name, *parts] if name == "all" else [name])


@pytest.mark.parametrize("other", [{"n": 2}, {"by": "stars"}, {"filters": Filters(exclude=(104,))}], ids=str)
def test_parts_of_other_lists_are_not_used(
    model: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    """A run with another length, order or filter starts over."""
    monkeypatch.setattr(batch, "PART_USERS", 2)
    monkeypatch.setattr(batch, "BLOCK_USERS", 1)
    with pytest.raises(KeyboardInterrupt):
        recommend_all(Killed(model.data), tmp_path / "all", **{"n": 3})
    assert recommend_all(model, tmp_path / "all", **{"n": 3, **other}) > 0  # type: ignore[operator]
    wanted = recommend_all(model, None, **{"n": 3, **other})
    assert_frame_equal(READERS["all"](tmp_path / "all"), wanted)  # type: ignore[arg-type]


def test_trained_models_give_the_same_lists_in_blocks(world: tuple[Ratings, Catalog], tmp_path: Path) -> None:
    """A user's list in the file is their list alone, without movies of their history."""
    model = Bias().fit(*world)
    recommend_all(model, tmp_path / "all.parquet", 5)
    frame = pl.read_parquet(tmp_path / "all.parquet")
    for user in model.data.users.ids[::7].tolist():
        single = [item.movie for item in recommend(model, get_history(model, user), 5).items]
        assert frame.filter(pl.col("user") == user)["movie"].to_list() == single
        seen = set(model.data.movies.ids[get_history(model, user).items].tolist())
        assert not seen & set(single)


def test_processes_make_the_same_lists(
    world: tuple[Ratings, Catalog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the model in memory and from its folder; the files are the same to the byte."""
    monkeypatch.setattr(batch, "ITEM_USERS", 20)
    model = Bias().fit(*world)
    save(model, tmp_path / "model")
    recommend_all(model, tmp_path / "here.parquet", 3, on="local")
    for name, saved in (("memory", None), ("folder", tmp_path / "model")):
        recommend_all(model, tmp_path / f"{name}.parquet", 3, on="processes:2", saved=saved)
        assert (tmp_path / f"{name}.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
    assert len([*tmp_path.iterdir()]) == 4


def test_a_very_large_n_allocates_no_memory(model: Planted, tmp_path: Path) -> None:
    """Lists of 10**12 movies have the movies that exist."""
    assert recommend_all(model, tmp_path / "all.parquet", 10**12) == 2 + 11 + 10 + 9


def test_stars_need_a_scale(world: tuple[Ratings, Catalog]) -> None:
    """A model of plain interactions refuses lists by stars and writes no file."""
    model = Popular().fit(as_interactions(world[0]), world[1])
    with pytest.raises(SettingError, match="predicts no stars to order lists by"):
        recommend_all(model, Path("x"), by="stars")
    assert not Path("x").exists()
