"""Tests of `cinematrix.recommendation.batch`: the lists of all users."""

from pathlib import Path

import polars as pl
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import InputError, SettingError
from cinematrix.models.base import Ordering
from cinematrix.models.bias import Bias
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


def test_a_very_large_n_allocates_no_memory(model: Planted, tmp_path: Path) -> None:
    """Lists of 10**12 movies have the movies that exist."""
    assert recommend_all(model, tmp_path / "all.parquet", 10**12) == 2 + 11 + 10 + 9


def test_stars_need_a_scale(world: tuple[Ratings, Catalog]) -> None:
    """A model of plain interactions refuses lists by stars and writes no file."""
    model = Popular().fit(as_interactions(world[0]), world[1])
    with pytest.raises(SettingError, match="predicts no stars to order lists by"):
        recommend_all(model, Path("x"), by="stars")
    assert not Path("x").exists()
