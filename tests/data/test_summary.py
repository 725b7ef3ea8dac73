"""Summary of a data set: `cinematrix.data.summary`."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.dataset import Dataset, ReadReport
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.readers import read
from cinematrix.data.summary import DatasetSummary, describe, plot_summary
from places import SHARED

DATA = SHARED


def dataset(ratings: Ratings, catalog: Catalog | None = None) -> Dataset:
    """Create a data set from ratings."""
    return Dataset(ratings, catalog, "csv", "here.csv", ReadReport(len(ratings)))


@pytest.fixture
def small() -> DatasetSummary:
    """Seven ratings by three users of four movies, one of them outside the catalog and one without genres."""
    users, movies = [1, 1, 1, 2, 2, 2, 9], [10, 20, 30, 10, 20, 40, 10]
    stars, times = [5, 4, 3.5, 0.5, 4, 4, 3], [0, 86400, 40 * 86400, 0, 0, 0, 0]
    ratings = Ratings.from_arrays(users, movies, stars, times, scale=Scale(0.5, 5, 0.5))
    titles, genres = ["A", "B", "C", "never rated"], [["Drama"], ["Drama"], [], []]
    catalog = Catalog.of([10, 20, 30, 50], title=titles, year=[1999, None, 2001, None], genres=genres)
    return describe(dataset(ratings, catalog))


def test_figures_of_a_table_counted_by_hand(small: DatasetSummary) -> None:
    """All figures of a small table equal values counted by hand."""
    assert (small.users, small.movies, small.ratings) == (3, 4, 7)
    assert small.sparsity == pytest.approx(1 - 7 / 12)
    assert small.mean == pytest.approx(24 / 7)
    assert small.histogram is not None
    assert small.histogram == dict.fromkeys(["1", "1.5", "2", "2.5", "4.5"], 0) | {
        "0.5": 1, "3": 1, "3.5": 1, "4": 3, "5": 1,
    }  # fmt: skip
    assert list(small.histogram) == ["0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"]
    assert small.per_user == {
        "min": 1, "p10": pytest.approx(1.4), "p25": 2, "median": 3, "p75": 3, "p90": 3, "max": 3,
        "mean": pytest.approx(7 / 3),
    }  # fmt: skip
    assert small.head == {"1 %": pytest.approx(3 / 7), "10 %": pytest.approx(3 / 7), "20 %": pytest.approx(3 / 7)}
    assert small.gini == pytest.approx(0.25)  # counts 1, 1, 2, 3: sum of |differences| 14 / (2 · 4² · 7/4)
    assert small.few == 4
    assert (small.first, small.last) == ("1970-01-01T00:00:00Z", "1970-02-10T00:00:00Z")
    assert small.per_month == {"1970-01": 6, "1970-02": 1}
    assert small.catalog == {"title": 0.75, "year": 0.5, "genres": 0.5}
    assert small.curve[0] == 0
    assert small.curve[25] == pytest.approx(3 / 7)
    assert small.curve[50] == pytest.approx(5 / 7)
    assert small.curve[-1] == 1


def test_gini_and_head_of_extremes() -> None:
    """Equally popular movies have Gini 0; with nearly all ratings on one movie it is near 1."""
    even = describe(dataset(Ratings.from_arrays(np.repeat(np.arange(4), 50), np.tile(np.arange(50), 4))))
    assert even.gini == pytest.approx(0)
    assert even.head["20 %"] == pytest.approx(0.2)
    users, movies = np.arange(10_100), np.concatenate([np.zeros(10_001, int), np.arange(1, 100)])
    one = describe(dataset(Ratings.from_arrays(users, movies)))
    assert one.gini == pytest.approx(0.98, abs=0.01)
    assert one.few == 99
    five_and_four = Ratings.from_arrays([1, 2, 3, 4, 5, 1, 2, 3, 4], [7] * 5 + [8] * 4)
    assert describe(dataset(five_and_four)).few == 1


def test_a_split_counts_only_who_is_in_it() -> None:
    """Users and movies without ratings, as after a split, aren't counted."""
    ratings = Ratings.from_arrays([1, 2, 3], [7, 8, 9], [1.0, 2.0, 3.0])
    part = describe(dataset(ratings.take(np.array([0, 1]))))
    assert (part.users, part.movies, part.per_movie["min"]) == (2, 2, 1)
    catalog = Catalog.of([7, 8], title=["A", "B"], year=[1999, None])
    assert describe(dataset(ratings.take(np.array([0, 1])), catalog)).catalog == {"title": 1, "year": 0.5, "genres": 0}


def test_it_goes_into_json_and_back(small: DatasetSummary) -> None:
    """`as_dict` returns plain types only."""
    plain = json.loads(json.dumps(small.as_dict()))
    assert plain["scale"] == {"low": 0.5, "high": 5, "step": 0.5}
    assert plain["report"]["rows"] == 7


@pytest.mark.parametrize(
    "ratings",
    [
        Ratings.from_arrays([1, 2, 2], [5, 5, 6]),
        Ratings.from_arrays([1], [5], [3.0]),
        Ratings.from_arrays([1, 2], [5, 5], [3.0, 3.0], [10, 10]),
        Ratings.from_arrays([1, 2], [5, 6], [17.25, 99.5], [10, 10**9]),
    ],
    ids=["plain interactions", "one rating", "all equal", "continuous scale"],
)
def test_degenerate_data_have_figures_and_a_picture(tmp_path: Path, ratings: Ratings) -> None:
    """Data without stars, without times, or with one row have finite figures and a plot."""
    summary = describe(dataset(ratings))
    assert np.isfinite([summary.gini, summary.sparsity, *summary.curve, *summary.per_user.values()]).all()
    json.dumps(summary.as_dict(), allow_nan=False)
    assert summary.histogram is None or sum(summary.histogram.values()) == len(ratings)
    plot_summary(summary, tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 10_000


def test_the_picture_is_a_png_made_without_pyplot(
    small: DatasetSummary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plotting doesn't use Matplotlib's global state, so a server can do it."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # to import it would fail
    plot_summary(small, tmp_path / "it.png")
    assert (tmp_path / "it.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert [path.name for path in tmp_path.iterdir()] == ["it.png"]


@pytest.mark.skipif(not (DATA / "ml-latest-small").is_dir(), reason="the data set isn't here")
def test_figures_of_movielens_latest_small() -> None:
    """Figures equal the published ones: sparsity 98.3 %, mean 3.50, four stars the most frequent rating."""
    summary = describe(read(DATA / "ml-latest-small"))
    assert (summary.users, summary.movies, summary.ratings) == (610, 9724, 100836)
    assert (round(summary.sparsity, 4), round(summary.mean or 0, 4)) == (0.983, 3.5016)
    assert summary.histogram is not None
    assert max(summary.histogram, key=summary.histogram.__getitem__) == "4"
    assert (summary.per_user["min"], summary.per_movie["median"], summary.per_movie["max"]) == (20, 3, 329)
    assert summary.first == "1996-03-29T18:36:55Z"
