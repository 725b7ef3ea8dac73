"""Tests of `cinematrix.recommendation.reasons` on planted shares."""

from typing import ClassVar

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.models.contract_types import Abilities, Ordering, ScoreShares
from cinematrix.recommendation.kinship import Kinship
from cinematrix.recommendation.lists import recommend
from cinematrix.recommendation.reasons import Reason, find_reasons
from planted import Planted

GENRES = [["Horror"], ["Horror"], ["Western"], ["Western"], ["Western"], ["Horror"]]
"""Genres of movies 0…5, of the years 1950…1955. Movie 5 is recommended."""


class Sharing(Planted):
    """Planted model in which entry `j` of a history adds `planted[j]` to every score; by stars the reverse."""

    abilities: ClassVar[Abilities] = Abilities(explains=True)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        """Return the planted shares."""
        assert self.planted is not None
        one = np.asarray(self.planted[: len(history.items)], np.float32)[:: 1 if by == "ranking" else -1]
        ratings = np.tile(one, (len(movies), 1))
        return ScoreShares(ratings.sum(1, dtype=np.float64), {}, ratings, ratings)


def make_model(shares: list[float], scale: Scale | None = None) -> Sharing:
    """Make the model of six movies, on the scale of 1 to 5 unless given another."""
    high = 5.0 if scale is None else scale.high
    ratings = Ratings.from_arrays([1, 1], [0, 1], [1, high], scale=scale or Scale(1, 5, 1))
    catalog = Catalog.of(range(6), title=[f"Film {m}" for m in range(6)], year=range(1950, 1956), genres=GENRES)
    return Sharing(TrainingData.of(ratings, catalog), np.array(shares, np.float32))


def find(model: Sharing, rated: dict[int, float], by: Ordering = "ranking") -> list[Reason]:
    """Return the reasons of movie 5 for a user with these ratings."""
    history, _ = model.data.histories([rated])
    return find_reasons(model, history, np.array([5], np.int32), by)[0]


def test_the_reason_is_the_largest_share_that_is_akin() -> None:
    """A larger share of a movie that isn't akin is no reason; one reason is enough."""
    found = find(make_model([0.35, 0.1, 0.5, 0.05]), {0: 4, 1: 5, 2: 5, 3: 4})
    assert found == []  # everything but 1 and 2 is below the mean of 4.5
    (reason,) = find(make_model([0.35, 0.1, 0.5, 0.05]), dict.fromkeys(range(4), 4))
    assert reason == Reason(0, "Film 0", 1950, pytest.approx(0.35), 4.0, "4 ★", "horror, 1950s",
                            Kinship(("Horror",), (), 1950))  # fmt: skip
    assert reason.sentence() == "Because you gave Film 0 4 ★: horror, 1950s"


def test_only_the_three_largest_shares_can_be_reasons() -> None:
    """The fourth is no reason although it is akin."""
    assert find(make_model([0.05, 0.05, 0.3, 0.3, 0.3]), dict.fromkeys(range(5), 4)) == []


@pytest.mark.parametrize(("share", "found"), [(0.14, False), (0.16, True)])
def test_a_reason_weighs_three_times_the_mean_share(share: float, found: bool) -> None:
    """With twenty ratings that is 15 %."""
    ratings = Ratings.from_arrays([1, 1], [0, 1], [1, 5], scale=Scale(1, 5, 1))
    catalog = Catalog.of(range(22), genres=[["Western"]] * 22)
    shares = np.array([share, *[(1 - share) / 19] * 19], np.float32)
    model = Sharing(TrainingData.of(ratings, catalog), shares)
    rated = dict.fromkeys((movie for movie in range(21) if movie != 5), 4.0)
    assert [reason.movie for reason in find(model, rated)] == [0] * found


def test_short_histories_need_a_fifth() -> None:
    """Three times the mean share of a history of three would be everything."""
    rated = dict.fromkeys((0, 2, 3), 4.0)
    assert find(make_model([0.21, 0.4, 0.39]), rated)
    assert not find(make_model([0.19, 0.41, 0.4]), rated)
    assert find(make_model([1.0]), {0: 4.0})
    assert find(make_model([]), {}) == []


def test_shares_are_those_of_the_order() -> None:
    """A list by stars is explained by the shares by stars, any other list by those of the ranking."""
    model, rated = make_model([0.1, 0.9]), {0: 4.0, 1: 4.0}
    assert [line.movie for line in find(model, rated)] == [1]
    assert [line.movie for line in find(model, rated, "stars")] == [0]


@pytest.mark.parametrize(
    ("scale", "rating", "given"),
    [
        (Scale(0.5, 5, 0.5), 4.5, "4.5 ★"),
        (Scale(1, 10, 1), 8.0, "8 of 10"),
        (Scale(0, 100, 1), 75.0, "75 of 100"),
    ],
)
def test_ratings_are_in_the_words_of_their_scale(scale: Scale, rating: float, given: str) -> None:
    """Stars up to 5; longer scales with their end."""
    (reason,) = find(make_model([1.0], scale), {0: rating})
    assert (reason.rating, reason.given) == (rating, given)
    assert reason.sentence() == f"Because you gave Film 0 {given}: horror, 1950s"


def test_without_ratings_a_movie_was_watched() -> None:
    """Reasons of a model of plain interactions have no rating."""
    ratings = Ratings.from_arrays([1, 1], [0, 1], None)
    catalog = Catalog.of(range(6), year=range(1950, 1956), genres=GENRES)
    model = Sharing(TrainingData.of(ratings, catalog), np.array([1.0], np.float32))
    (reason,) = find_reasons(model, Histories.of_lists([([0], None)]), np.array([5], np.int32), "ranking")[0]
    assert (reason.rating, reason.given) == (None, "")
    assert reason.sentence() == "Because you watched movie 0: horror, 1950s"


def test_sentences_name_movies_briefly_and_without_doubt() -> None:
    """Other titles in brackets are left out; a movie of the same title is named with its year."""
    reason = Reason(1, "Seven (a.k.a. Se7en)", 1995, 0.5, 4.0, "4 ★", "thriller")
    assert reason.sentence() == "Because you gave Seven 4 ★: thriller"
    psycho = Reason(2, "Psycho", 1960, 0.5, 4.0, "4 ★", "horror")
    assert psycho.sentence("Psycho") == "Because you gave Psycho (1960) 4 ★: horror"
    assert psycho.sentence("Vertigo") == "Because you gave Psycho 4 ★: horror"
    assert Reason(3, "(500) Days of Summer", 2009, 0.5).sentence() == "Because you watched (500) Days of Summer"


def test_a_list_shows_its_reasons_and_no_percentages() -> None:
    """In text and in a notebook, and as values."""
    model = make_model([0.35, 0.65])
    history, _ = model.data.histories([{0: 4, 1: 4}])
    found = recommend(model, history, 4)
    assert "Film 5 (1955)" in str(found)
    assert "Because you gave Film 1 4 ★: horror, 1950s" in str(found)
    assert "Because you gave Film 1 4 ★: horror, 1950s" in found._repr_html_()
    assert "%" not in str(found)
    first = next(item for item in found if item.movie == 5).as_dict()["because"][0]
    assert first["shared"] == {"genres": ("Horror",), "tags": (), "decade": 1950}
    assert first["why"] == "horror, 1950s"
    assert next(item for item in found if item.movie == 2).because == []
