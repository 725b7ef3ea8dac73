"""Tests of `cinematrix.recommendation.groups`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.models.base import Abilities, Ordering, Recommender
from cinematrix.models.bias import Bias
from cinematrix.recommendation.groups import GroupStrategy, recommend_for_group
from cinematrix.recommendation.lists import Filters, get_history, recommend

TABLE = np.array(
    [
        [4, 2, 3, 3, 1, 5],
        [10, 30, 10, 40, 60, 0],
        [-1, -1, -4, 2, -1, -1],
    ],
    np.float32,
)
"""Scores of six movies by three members; over the first five movies the means are 2.6, 30 and −1."""


class Table(Recommender):
    """Model whose user number `u` scores movie `10 + m` with `TABLE[u, m]`."""

    name: ClassVar[str] = "table"
    abilities: ClassVar[Abilities] = Abilities()

    def __init__(self, known: TrainingData, table: NDArray[np.float32] = TABLE) -> None:
        self.data, self.table = known, table

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """Return the scores of the table; by stars their negatives."""
        assert histories.owners is not None
        return self.table[histories.owners][:, self.data.movies.ids - 10] * (1 if by == "ranking" else -1)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """Return the member's number plus a hundredth of the movie's ID."""
        assert histories.owners is not None
        return np.asarray(histories.owners[rows] + self.data.movies.ids[movies] / 100, np.float32)

    def arrays(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override]
        """Return no arrays."""
        return {}

    @classmethod
    def restore(cls, settings: Any, known: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore the model with the default table."""
        return cls(known)


@pytest.fixture
def model() -> Table:
    """Members 1, 2 and 3; movies 10…15, the last of which all have seen."""
    ratings = Ratings.from_arrays([1, 2, 3], [15, 15, 15], [3, 3, 3])
    movies = Catalog.of(
        list(range(10, 16)), genres=[["Drama"], ["Drama"], ["Comedy"], ["Comedy"], ["Drama"], ["Drama"]]
    )
    return Table(TrainingData.of(ratings, movies.align(movies.movies)))


def order(model: Recommender, how: GroupStrategy, **more: Any) -> list[int]:
    """Return the movie IDs of the members' list."""
    members = [get_history(model, user) for user in (1, 2, 3)]
    return [int(line.movie) for line in recommend_for_group(model, members, 5, how=how, **more).items]


def by_hand(how: GroupStrategy) -> dict[int, float]:
    """Return each movie's score for the group, over the five unseen movies.

    Member 1: 4 2 3 3 1 less 2.6 over √1.04; member 2: 10 30 10 40 60 less 30 over √360; member 3: −1 −1 −4 2 −1 less −1
    over √3.6.
    """
    first = np.array([1.4, -0.6, 0.4, 0.4, -1.6]) / 1.04**0.5
    second = np.array([-20, 0, -20, 10, 30]) / 360**0.5
    third = np.array([0, 0, -3, 3, 0]) / 3.6**0.5
    joint = (first + second + third) / 3 if how == "average" else np.minimum(np.minimum(first, second), third)
    return dict(zip(range(10, 15), joint.tolist(), strict=True))


@pytest.mark.parametrize("how", ["average", "least_misery"])
def test_the_order_is_the_one_computed_by_hand(model: Table, how: GroupStrategy) -> None:
    """Scores of different units count alike; the two strategies give different lists."""
    members = [get_history(model, user) for user in (1, 2, 3)]
    found = {int(line.movie): line.score for line in recommend_for_group(model, members, 5, how=how).items}
    wanted = by_hand(how)
    assert list(found) == sorted(wanted, key=lambda movie: -wanted[movie])
    np.testing.assert_allclose([found[movie] for movie in wanted], list(wanted.values()), rtol=1e-6)
    assert order(model, "average") == [13, 10, 14, 11, 12]
    assert order(model, "least_misery") == [13, 11, 10, 14, 12]


def test_the_unit_of_a_members_scores_has_no_effect(model: Table) -> None:
    """A member whose scores are scaled or shifted has the same weight."""
    scaled = Table(model.data, TABLE * np.array([[1], [100], [1]], np.float32) + np.array([[0], [0], [50]], np.float32))
    for how in ("average", "least_misery"):
        assert order(scaled, how) == order(model, how)  # type: ignore[arg-type]


def test_seen_vetoed_and_filtered_movies_are_left_out(model: Table) -> None:
    """Movies that a member has seen or vetoed are left out, and a short list has its reason."""
    assert 15 not in order(model, "average")
    assert order(model, "average", filters=Filters(exclude=(13, "14"))) == [10, 11, 12]
    assert order(model, "average", filters=Filters("genre=Comedy")) == [13, 12]
    assert order(model, "average", by="stars") != order(model, "average")
    members = [get_history(model, 1)]
    short = recommend_for_group(model, members, 9)
    assert short.shortfall == "5 of 9 movies: the filters and what members have seen leave 5 of 6"
    assert recommend_for_group(model, members, 9, filters=Filters(min_ratings=9)).items == []


def test_each_member_has_an_opinion(model: Table) -> None:
    """Each movie has the stars of each member, in the order of the members, and one score and title."""
    members = [get_history(model, user) for user in (3, 1)]
    line = recommend_for_group(model, members, 1).items[0]
    assert line.movie == 13
    assert [opinion.stars for opinion in line.members] == [pytest.approx(2.13), pytest.approx(0.13)]
    assert (line.title, line.genres) == ("movie 13", ["Comedy"])


def test_a_group_of_one_gets_the_members_list(world: tuple[Ratings, Catalog]) -> None:
    """Standardisation keeps the order for either strategy, and the opinions are those of the member's own list."""
    model = Bias().fit(*world)
    history = model.data.history.take(np.array([2]))
    single = recommend(model, history, 8).items
    for how in ("average", "least_misery"):
        group = recommend_for_group(model, [history], 8, how=how).items  # type: ignore[arg-type]
        assert [line.movie for line in group] == [line.movie for line in single]
        assert [line.members[0].stars for line in group] == [line.stars for line in single]


def test_a_repeated_member_changes_nothing(world: tuple[Ratings, Catalog]) -> None:
    """The average and the minimum of equal scores are these scores."""
    model = Bias().fit(*world)
    history = model.data.history.take(np.array([2]))
    lists = [recommend_for_group(model, [history] * times, 8).items for times in (1, 2)]
    assert [line.movie for line in lists[0]] == [line.movie for line in lists[1]]


def test_invalid_requests_are_errors(model: Table) -> None:
    """An empty group, an unknown strategy, an unknown order and a list of length 0 are refused."""
    history = get_history(model, 1)
    with pytest.raises(SettingError, match="a group of 0 can't decide"):
        recommend_for_group(model, [])
    with pytest.raises(SettingError, match="can't decide by 'dictator'; give members, and average or least_misery"):
        recommend_for_group(model, [history], how="dictator")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="can't be ordered by 'taste'"):
        recommend_for_group(model, [history], by="taste")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="n must be at least 1"):
        recommend_for_group(model, [history], 0)
