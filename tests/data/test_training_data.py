"""What a model remembers of its data: `cinematrix.models.base`."""

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
    """Users 30 and 4, movies 9, 2 and 5, of which 9 is rated by both."""
    return Ratings.from_arrays([30, 4, 4, 30], [9, 9, 2, 5], [5, 1, 2, 3], scale=Scale(1, 5, 1))


def test_known_are_the_rated_movies_and_then_those_of_the_catalog(ratings: Ratings) -> None:
    """Numbers of rated movies stay; a movie that only the catalog has comes after them, blank where it has nothing."""
    known = TrainingData.of(ratings, Catalog.of([77, 9, 11], title=["New", "Nine", "Eleven"]))
    assert known.movies.ids.tolist() == [2, 5, 9, 11, 77]
    assert known.catalog.frame["title"].to_list() == [None, None, "Nine", "Eleven", "New"]
    assert len(TrainingData.of(ratings, None).catalog) == 3
    assert known.scale == ratings.scale
    assert known.users is ratings.users


def test_raters_with_a_movie_are_those_who_rated_both(ratings: Ratings) -> None:
    """Itself with all of its own; a movie of the catalog alone has none with anything."""
    known = TrainingData.of(ratings, Catalog.of([77]))
    assert known.movies.ids.tolist() == [2, 5, 9, 77]
    assert [known.raters_with(movie).tolist() for movie in range(4)] == [
        [1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 2, 0], [0, 0, 0, 0],
    ]  # fmt: skip


def test_histories_of_known_users_are_their_ratings(ratings: Ratings) -> None:
    """In the order asked, each with its owner; an unknown user's is empty and nobody's."""
    known = TrainingData.of(ratings, None)
    found = known.histories_of([30, "stranger", "4"])
    assert [known.movies.ids[found.items_of(row)].tolist() for row in range(3)] == [[5, 9], [], [2, 9]]
    assert found.values is not None
    assert found.values.tolist() == [3, 5, 2, 1]
    assert found.owners is not None
    assert found.owners.tolist() == [1, UNKNOWN, 0]


def test_strangers_are_mappings_of_ratings(ratings: Ratings) -> None:
    """IDs as numbers or text; unknown ones are left out and returned; owners there are none."""
    known = TrainingData.of(ratings, None)
    found, unknown = known.histories([{"9": 4, 2: 1}, {}, {404: 5, "x": 2}])
    assert found.counts.tolist() == [2, 0, 0]
    assert unknown == [404, "x"]
    assert found.owners is None
    assert known.histories([])[0].counts.shape == (0,)


@pytest.mark.parametrize("bad", [0, 5.5, -1, float("nan"), float("inf"), 1e300])
def test_a_rating_off_the_scale_is_refused(ratings: Ratings, bad: float) -> None:
    """The movie, the rating and the scale are told, for a movie that isn't known too."""
    for movie in (9, 404):
        with pytest.raises(SettingError, match=rf"movie {movie}: rating .* must be on the model's scale 1–5"):
            TrainingData.of(ratings, None).histories([{2: 3}, {movie: bad}])


@pytest.mark.parametrize("bad", ["4", None, [4], {}])
def test_a_rating_that_is_no_number_is_refused(ratings: Ratings, bad: Any) -> None:
    """Text, nothing and nested values, whatever a request may hold."""
    with pytest.raises(SettingError, match=r"movie 9: rating .* must be a number, on the model's scale 1–5"):
        TrainingData.of(ratings, None).histories([{2: 3, 9: bad}])


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), 1e300])
def test_a_count_is_above_0(bad: float) -> None:
    """For plain interactions the values are counts, of any size."""
    known = TrainingData.of(Ratings.from_arrays([1, 1], [2, 3]), None)
    assert known.histories([{2: 1000}])[0].counts.tolist() == [1]
    with pytest.raises(SettingError, match="must be a count above 0"):
        known.histories([{2: bad}])


@pytest.mark.parametrize("ids", [[1.5], [None], [[1]]])
def test_ids_of_another_kind_are_refused(ratings: Ratings, ids: list[Any]) -> None:
    """Predictions are for integers and text."""
    with pytest.raises(DataError):
        Bias().fit(ratings).predict(ids, [9])


def test_predictions_do_not_depend_on_who_else_is_asked_about(ratings: Ratings) -> None:
    """Pairs alone and among others, repeated or not, get the same numbers."""
    model = Bias().fit(ratings)
    users, movies = [30, 4, "nobody", 30, 4, 30], [9, 9, 2, "nothing", 5, 9]
    together = model.predict(users, movies)
    alone = [model.predict([user], [movie])[0] for user, movie in zip(users, movies, strict=True)]
    np.testing.assert_array_equal(together, alone)
    assert model.predict([], []).shape == (0,)
