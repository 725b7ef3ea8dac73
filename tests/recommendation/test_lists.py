"""Tests of `cinematrix.recommendation.lists`: recommendations and similar movies."""

from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError, UnknownIdError
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import Abilities, Ordering, ScoreShares
from cinematrix.models.popular import Popular
from cinematrix.recommendation.lists import Filters, Recommendation, find_similar, get_history, recommend
from planted import Planted, planted_data
from worlds import as_interactions

N = 12


@pytest.fixture(scope="module")
def known() -> TrainingData:
    """The planted training data."""
    return planted_data()


@pytest.fixture(scope="module")
def model(known: TrainingData) -> Planted:
    """The planted model."""
    return Planted(known)


def ids(items: list[Recommendation]) -> list[int]:
    """Return the movie IDs of a list."""
    return [int(item.movie) for item in items]


def test_the_best_unseen_movies_come_first(model: Planted) -> None:
    """The best score comes first, movies of the history are left out, and every item has its facts."""
    found = recommend(model, get_history(model, 7), 5)
    assert ids(found.items) == [111, 110, 108, 107, 106]
    assert found.shortfall is None
    first, third = found.items[0], found.items[2]
    assert first.as_dict() == {
        "movie": 111, "title": "Film 111", "year": None, "genres": [], "score": 11.0, "stars": pytest.approx(4.1),
        "because": [],
        "low": None, "high": None,
    }  # fmt: skip
    assert (first.label, third.label) == ("Film 111", "Film 108 (1998)")
    assert recommend(model, get_history(model, 7), 6).items[-1].title == "movie 105"
    assert isinstance(first.movie, int)


def test_a_training_user_and_a_new_user_of_the_same_history_agree(model: Planted, known: TrainingData) -> None:
    """Equal histories give equal lists; a new user without ratings gets all movies."""
    new_user, unknown = known.histories([{100: 3, 101: 3, 109: 3, 4242: 3}])
    assert unknown == [4242]
    assert ids(recommend(model, new_user, 9).items) == ids(recommend(model, get_history(model, 7), 9).items)
    assert ids(recommend(model, Histories.empty(1), 20).items) == list(range(111, 99, -1))


def test_stars_order_differently_from_ranking(model: Planted) -> None:
    """`by` decides the order and the scores; the stars are the same either way."""
    ranking = recommend(model, get_history(model, 3), 11, by="ranking").items
    stars = recommend(model, get_history(model, 3), 11, by="stars").items
    assert ids(stars) == ids(ranking)[::-1]
    assert [line.score for line in stars] == [-line.score for line in ranking][::-1]
    assert [line.stars for line in stars] == [line.stars for line in ranking][::-1]
    assert recommend(model, get_history(model, 3), 11).items == ranking


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(where="genre=Comedy"), [110, 108, 106]),
        (Filters(where="genre=Comedy year<1998"), [106, 104, 102]),
        (Filters(min_ratings=1), [108, 107, 106]),
        (Filters(min_ratings=2), [108]),
        (Filters(exclude=(111, "110", 108, "no such")), [107, 106, 105]),
        (Filters("genre!=Comedy", 1, (107,)), [105, 103]),
    ],
)
def test_filters_come_before_the_cut(model: Planted, filters: Filters, expected: list[int]) -> None:
    """The list is filled with movies that pass the filters, of any rank; unknown IDs exclude nothing."""
    found = recommend(model, get_history(model, 7), 3, filters=filters)
    assert ids(found.items) == expected
    assert (found.shortfall is None) == (len(expected) == 3)


def test_a_short_list_says_why(model: Planted) -> None:
    """A short or empty list has its reason, in numbers."""
    found = recommend(model, get_history(model, 7), 20, filters=Filters(where="genre=Comedy"))
    assert ids(found.items) == [110, 108, 106, 104, 102]
    assert found.shortfall == "5 of 20 movies: the filters leave 6 and 3 movies are in the history"
    empty = recommend(model, get_history(model, 7), 5, filters=Filters(min_ratings=99))
    assert empty.items == []
    assert empty.shortfall == "0 of 5 movies: the filters leave 0 and 3 movies are in the history"


def test_a_very_large_n_allocates_no_memory(model: Planted) -> None:
    """A list of 10**12 movies has the movies that exist."""
    assert len(recommend(model, get_history(model, 7), 10**12).items) == 9
    assert len(find_similar(Planted(model.data, planted_vectors()), 104, 10**12)) == 9


def test_invalid_requests_are_errors(model: Planted) -> None:
    """An unknown user, an unknown order, a list of length 0, and an invalid filter are refused."""
    with pytest.raises(UnknownIdError, match=r"user 42 isn't among the model's 4 users; give the ratings"):
        get_history(model, 42)
    with pytest.raises(SettingError, match="can't be ordered by 'taste'; order by liking, ranking or stars"):
        recommend(model, get_history(model, 7), by="taste")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="n must be at least 1"):
        recommend(model, get_history(model, 7), 0)
    with pytest.raises(SettingError, match="isn't understood"):
        recommend(model, get_history(model, 7), filters=Filters(where="nonsense"))


def test_a_model_of_plain_interactions_has_no_stars(world: tuple[Ratings, Catalog]) -> None:
    """Its lists are by ranking, with probabilities in place of stars; lists by stars are refused."""
    model = Popular().fit(as_interactions(world[0]), world[1])
    history = model.data.history.take(np.array([0]))
    found = recommend(model, history)
    assert all(0 <= item.stars <= 1 for item in found.items)
    with pytest.raises(SettingError, match="predicts no stars to order lists by; order by"):
        recommend(model, history, by="stars")


class Explaining(Planted):
    """Planted model with shares: entry `j` of a history adds `j − 1` (by stars `1 − j`) to every score."""

    abilities: ClassVar[Abilities] = Abilities(explains=True)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        """Return the planted shares."""
        sign = 1 if by == "ranking" else -1
        one = sign * (np.arange(len(history.items), dtype=np.float32) - 1)
        ratings = np.tile(one, (len(movies), 1))
        return ScoreShares(ratings.sum(1, dtype=np.float64), {}, ratings, ratings)


def test_reasons_are_those_of_the_order(known: TrainingData) -> None:
    """The reason of each movie in the list is an akin movie of a large share, by the shares of the list's order."""
    history, _ = known.histories([dict.fromkeys((100, 101, 102, 105, 109, 111), 3)])  # entries 0…5 add −1…4
    by_ranking, by_stars = (recommend(Explaining(known), history, 2, by=by).items for by in ("ranking", "stars"))
    assert [(line.movie, [reason.movie for reason in line.because]) for line in by_ranking] == [
        (110, [109]),
        (108, [109]),
    ]
    assert [(line.movie, [reason.movie for reason in line.because]) for line in by_stars] == [
        (103, [100]),
        (104, [100]),
    ]
    assert by_ranking[1].reason == "Because you gave Film 109 3 ★: drama, 1990s"
    assert by_stars[1].reason == "Because you gave Film 100 3 ★: comedy, drama, 1990s"
    assert recommend(Explaining(known), Histories.empty(1), 2).items[0].because == []


def test_a_disliked_movie_is_no_reason(known: TrainingData) -> None:
    """A movie rated below the user's mean is no reason, though its share counts in the total."""
    history, _ = known.histories([{100: 1, 101: 5, 102: 4, 104: 5, 108: 1}])  # add −1, 0, 1, 2, 3; the mean is 3.2
    items = {line.movie: line.because for line in recommend(Explaining(known), history, 12)}
    assert [(reason.movie, reason.share) for reason in items[106]] == [(104, pytest.approx(1 / 3))]


@pytest.mark.parametrize("user", ["7", 7, np.int64(7)])
def test_a_user_is_found_by_number_or_text(model: Planted, user: Any) -> None:
    """IDs from the command line are text."""
    assert len(get_history(model, user).items) == 3


def planted_vectors() -> NDArray[np.float32]:
    """Make a vector at 10 m degrees for movie `m`, longer for larger `m`, so that only the angle may count."""
    angle = np.deg2rad(10 * np.arange(N))
    return (np.stack([np.cos(angle), np.sin(angle)], 1) * (1 + np.arange(N))[:, None] ** 2).astype(np.float32)


def test_similar_are_the_nearest_by_cosine(known: TrainingData) -> None:
    """Neighbours are by angle and not by length, without the movie itself and movies without ratings."""
    model = Planted(known, planted_vectors())
    found = find_similar(model, 104, 4)
    assert sorted(ids(found[:2])) == [103, 105]
    assert sorted(ids(found[2:])) == [102, 106]
    np.testing.assert_allclose([line.score for line in found], np.cos(np.deg2rad([10, 10, 20, 20])), rtol=1e-5)
    everything = find_similar(model, 108, 50)
    assert sorted(ids(everything)) == [100, 101, 102, 103, 104, 105, 106, 107, 109]
    assert [line.stars for line in everything[:1]] == pytest.approx([0.7 if ids(everything)[0] == 107 else 0.9])
    assert 111 not in ids(everything)
    assert ids(find_similar(model, "111", 1)) == [109]


def test_similar_needs_a_movie_and_vectors(known: TrainingData) -> None:
    """An unknown movie and a model without vectors have different errors."""
    with pytest.raises(UnknownIdError, match="movie 5 isn't among the model's 12 movies"):
        find_similar(Planted(known, planted_vectors()), 5)
    with pytest.raises(SettingError, match="bias has no vectors of movies; take a model that has, such as deep-mf"):
        find_similar(Bias().fit(Ratings.from_arrays([1, 2], [1, 2], [3, 4])), 1)


def test_a_movie_with_a_zero_vector_has_similarity_0(known: TrainingData) -> None:
    """Its cosine to all others is 0, not NaN."""
    vectors = planted_vectors()
    vectors[3] = 0
    assert all(line.score == 0 for line in find_similar(Planted(known, vectors), 103))
    assert np.isfinite([line.score for line in find_similar(Planted(known, vectors), 104)]).all()
