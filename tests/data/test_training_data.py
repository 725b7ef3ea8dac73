"""Training data that a model stores: `cinematrix.data.training_data`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import DataError, SettingError
from cinematrix.models.bias import Bias


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    """Ratings of users 30 and 4 for the movies 9, 2 and 5; both rated 9."""
    return Ratings.from_arrays([30, 4, 4, 30], [9, 9, 2, 5], [5, 1, 2, 3], scale=Scale(1, 5, 1))


def test_movies_are_the_rated_ones_and_then_those_of_the_catalog(ratings: Ratings) -> None:
    """Numbers of rated movies stay; movies that are only in the catalog follow; missing metadata are blank."""
    data = TrainingData.of(ratings, Catalog.of([77, 9, 11], title=["New", "Nine", "Eleven"]))
    assert data.movies.ids.tolist() == [2, 5, 9, 11, 77]
    assert data.catalog.frame["title"].to_list() == [None, None, "Nine", "Eleven", "New"]
    assert len(TrainingData.of(ratings, None).catalog) == 3
    assert data.scale == ratings.scale
    assert data.users is ratings.users


def test_raters_with_a_movie_are_those_who_rated_both(ratings: Ratings) -> None:
    """Counts with the movie itself are its ratings; a movie that is only in the catalog has counts of 0."""
    data = TrainingData.of(ratings, Catalog.of([77]))
    assert data.movies.ids.tolist() == [2, 5, 9, 77]
    assert [data.raters_with(movie).tolist() for movie in range(4)] == [
        [1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 2, 0], [0, 0, 0, 0],
    ]  # fmt: skip


def test_a_movie_rated_lately_has_a_trend_above_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trends are those computed by hand, whatever the size of a block; without times they are 0."""
    year = round(365.25 * 86400)
    movie, age = [1, 1, 2, 2, 3], np.array([0, 2, 4, 4, 2])
    ratings = Ratings.from_arrays(range(5), movie, [3.0] * 5, 10**9 - age * year, scale=Scale(1, 5, 1))
    catalog, weights = Catalog.of([9]), np.exp(-age / 2)
    recent = np.array([weights[:2].sum(), weights[2:4].sum(), weights[4], 0])
    expected = np.log((recent + 10) / (np.array([2, 2, 1, 0]) * weights.mean() + 10))
    assert TrainingData.of(ratings, catalog).trends == pytest.approx(expected, abs=1e-6)
    monkeypatch.setattr("cinematrix.data.training_data.RATINGS_PER_COUNT", 2)
    assert TrainingData.of(ratings, catalog).trends == pytest.approx(expected, abs=1e-6)
    assert expected[0] > 0 > expected[1]
    assert (TrainingData.of(replace(ratings, time=None), catalog).trends == 0).all()


def test_histories_of_training_users_are_their_ratings(ratings: Ratings) -> None:
    """Histories come in the requested order with their owners; that of an unknown user is empty, without an owner."""
    data = TrainingData.of(ratings, None)
    histories = data.histories_of([30, "unknown", "4"])
    assert [data.movies.ids[histories.items_of(row)].tolist() for row in range(3)] == [[5, 9], [], [2, 9]]
    assert histories.values is not None
    assert histories.values.tolist() == [3, 5, 2, 1]
    assert histories.owners is not None
    assert histories.owners.tolist() == [1, UNKNOWN, 0]


def test_new_users_are_mappings_of_ratings(ratings: Ratings) -> None:
    """IDs may be integers or text; unknown ones are left out and returned; the histories have no owners."""
    data = TrainingData.of(ratings, None)
    histories, unknown = data.histories([{"9": 4, 2: 1}, {}, {404: 5, "x": 2}])
    assert histories.counts.tolist() == [2, 0, 0]
    assert unknown == [404, "x"]
    assert histories.owners is None
    assert data.histories([])[0].counts.shape == (0,)


@pytest.mark.parametrize("bad", [0, 5.5, -1, float("nan"), float("inf"), 1e300])
def test_a_rating_off_the_scale_is_refused(ratings: Ratings, bad: float) -> None:
    """The error has the movie, the rating and the scale, for an unknown movie too."""
    for movie in (9, 404):
        with pytest.raises(SettingError, match=rf"movie {movie}: rating .* must be on the model's scale 1–5"):
            TrainingData.of(ratings, None).histories([{2: 3}, {movie: bad}])


@pytest.mark.parametrize("bad", ["4", None, [4], {}])
def test_a_rating_that_is_no_number_is_refused(ratings: Ratings, bad: Any) -> None:
    """Text, None and nested values, as a request may contain them, are errors."""
    with pytest.raises(SettingError, match=r"movie 9: rating .* must be a number, on the model's scale 1–5"):
        TrainingData.of(ratings, None).histories([{2: 3, 9: bad}])


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), 1e300])
def test_a_count_is_above_0(bad: float) -> None:
    """Values of plain interactions are counts above 0, without a maximum."""
    data = TrainingData.of(Ratings.from_arrays([1, 1], [2, 3]), None)
    assert data.histories([{2: 1000}])[0].counts.tolist() == [1]
    with pytest.raises(SettingError, match="must be a count above 0"):
        data.histories([{2: bad}])


@pytest.mark.parametrize("ids", [[1.5], [None], [[1]]])
def test_ids_of_another_kind_are_refused(ratings: Ratings, ids: list[Any]) -> None:
    """IDs for predictions must be integers or text."""
    with pytest.raises(DataError):
        Bias().fit(ratings).predict(ids, [9])


def test_predictions_do_not_depend_on_other_pairs(ratings: Ratings) -> None:
    """Predictions of a pair alone and among others, repeated or not, are equal."""
    model = Bias().fit(ratings)
    users, movies = [30, 4, "nobody", 30, 4, 30], [9, 9, 2, "nothing", 5, 9]
    together = model.predict(users, movies)
    alone = [model.predict([user], [movie])[0] for user, movie in zip(users, movies, strict=True)]
    np.testing.assert_array_equal(together, alone)
    assert model.predict([], []).shape == (0,)
