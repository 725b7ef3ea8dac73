"""One list for several people: `cinematrix.recommendation.groups`."""

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
"""What three members score six movies; over the first five they have means 2.6, 30 and −1."""


class Table(Recommender):
    """A model whose user number `u` scores movie `10 + m` with `TABLE[u, m]`."""

    name: ClassVar[str] = "table"
    abilities: ClassVar[Abilities] = Abilities()

    def __init__(self, known: TrainingData, table: NDArray[np.float32] = TABLE) -> None:
        self.data, self.table = known, table

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """As in the table; by stars the other way round."""
        assert histories.owners is not None
        return self.table[histories.owners][:, self.data.movies.ids - 10] * (1 if by == "ranking" else -1)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """The member's number, and a hundredth of the movie's ID."""
        assert histories.owners is not None
        return np.asarray(histories.owners[rows] + self.data.movies.ids[movies] / 100, np.float32)

    def arrays(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override]
        """Nothing."""
        return {}

    @classmethod
    def restore(cls, settings: Any, known: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """As it was."""
        return cls(known)


@pytest.fixture
def model() -> Table:
    """Members 1, 2, 3; movies 10…15, of which member 3 has seen the last."""
    ratings = Ratings.from_arrays([1, 2, 3], [15, 15, 15], [3, 3, 3])
    movies = Catalog.of(
        list(range(10, 16)), genres=[["Drama"], ["Drama"], ["Comedy"], ["Comedy"], ["Drama"], ["Drama"]]
    )
    return Table(TrainingData.of(ratings, movies.align(movies.movies)))


def order(model: Recommender, how: GroupStrategy, **more: Any) -> list[int]:
    """The movies of the members' list."""
    members = [get_history(model, user) for user in (1, 2, 3)]
    return [int(line.movie) for line in recommend_for_group(model, members, 5, how=how, **more).items]


def by_hand(how: GroupStrategy) -> dict[int, float]:
    """Each movie's score for the group, over the five that nobody has seen.

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
    """Scores of different units count alike; the average and the lowest give different lists."""
    members = [get_history(model, user) for user in (1, 2, 3)]
    found = {int(line.movie): line.score for line in recommend_for_group(model, members, 5, how=how).items}
    wanted = by_hand(how)
    assert list(found) == sorted(wanted, key=lambda movie: -wanted[movie])
    np.testing.assert_allclose([found[movie] for movie in wanted], list(wanted.values()), rtol=1e-6)
    assert order(model, "average") == [13, 10, 14, 11, 12]
    assert order(model, "least_misery") == [13, 11, 10, 14, 12]


def test_the_unit_of_ones_scores_decides_nothing(model: Table) -> None:
    """Somebody whose scores are a hundred times as far apart, or all higher, has no more say."""
    loud = Table(model.data, TABLE * np.array([[1], [100], [1]], np.float32) + np.array([[0], [0], [50]], np.float32))
    for how in ("average", "least_misery"):
        assert order(loud, how) == order(model, how)  # type: ignore[arg-type]


def test_seen_vetoed_and_filtered_movies_are_not_in_it(model: Table) -> None:
    """Nobody gets what one has seen or won't have, and the list says why it is short."""
    assert 15 not in order(model, "average")
    assert order(model, "average", filters=Filters(exclude=(13, "14"))) == [10, 11, 12]
    assert order(model, "average", filters=Filters("genre=Comedy")) == [13, 12]
    assert order(model, "average", by="stars") != order(model, "average")
    members = [get_history(model, 1)]
    short = recommend_for_group(model, members, 9)
    assert short.shortfall == "5 of 9 movies: the filters and what members have seen leave 5 of 6"
    assert recommend_for_group(model, members, 9, filters=Filters(min_ratings=9)).items == []


def test_each_member_has_her_own_opinion(model: Table) -> None:
    """Stars of each, in the order of the members; the score and the titles are the line's."""
    members = [get_history(model, user) for user in (3, 1)]
    line = recommend_for_group(model, members, 1).items[0]
    assert line.movie == 13
    assert [opinion.stars for opinion in line.members] == [pytest.approx(2.13), pytest.approx(0.13)]
    assert (line.title, line.genres) == ("movie 13", ["Comedy"])


def test_a_group_of_one_gets_her_own_list(world: tuple[Ratings, Catalog]) -> None:
    """Standard deviations keep the order, for either strategy; opinions are those of her list alone."""
    model = Bias().fit(*world)
    person = model.data.history.take(np.array([2]))
    alone = recommend(model, person, 8).items
    for how in ("average", "least_misery"):
        together = recommend_for_group(model, [person], 8, how=how).items  # type: ignore[arg-type]
        assert [line.movie for line in together] == [line.movie for line in alone]
        assert [line.members[0].stars for line in together] == [line.stars for line in alone]


def test_one_person_twice_changes_nothing(world: tuple[Ratings, Catalog]) -> None:
    """The average and the minimum of the same scores are these scores."""
    model = Bias().fit(*world)
    person = model.data.history.take(np.array([2]))
    lists = [recommend_for_group(model, [person] * times, 8).items for times in (1, 2)]
    assert [line.movie for line in lists[0]] == [line.movie for line in lists[1]]


def test_what_makes_no_sense_is_refused(model: Table) -> None:
    """Nobody, no such strategy, no such order."""
    person = get_history(model, 1)
    with pytest.raises(SettingError, match="a group of 0 can't decide"):
        recommend_for_group(model, [])
    with pytest.raises(SettingError, match="can't decide by 'dictator'; give people, and average or least_misery"):
        recommend_for_group(model, [person], how="dictator")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="can't be ordered by 'taste'"):
        recommend_for_group(model, [person], by="taste")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="n must be at least 1"):
        recommend_for_group(model, [person], 0)
