"""Tests of `cinematrix.recommendation.groups`."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.models.base import Recommender
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import Abilities, Ordering
from cinematrix.recommendation.groups import GroupRecommendations, GroupStrategy, recommend_for_group
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

STARS = np.array(
    [
        [3.4, 3.9, 4.64, 3.2, 3.0, 5],
        [4.0, 3.9, 3.24, 5.0, 2.9, 5],
        [4.1, 3.9, 4.70, 3.2, 5.0, 5],
    ],
    np.float32,
)
"""Expected ratings by the members, whose means are 3. Movie 14 is below the mean of the second."""


class Table(Recommender):
    """Model whose user number `u` scores movie `10 + m` with `TABLE[u, m]`, and rates it with `STARS[u, m]`."""

    name: ClassVar[str] = "table"
    abilities: ClassVar[Abilities] = Abilities()

    def __init__(
        self, known: TrainingData, table: NDArray[np.float32] = TABLE, stars: NDArray[np.float32] = STARS
    ) -> None:
        self.data, self.table, self.stars = known, table, stars

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """Return the scores of the table; by stars their negatives."""
        assert histories.owners is not None
        return self.table[histories.owners][:, self.data.movies.ids - 10] * (1 if by == "ranking" else -1)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """Return the expected ratings of the table."""
        assert histories.owners is not None
        return self.stars[histories.owners[rows], self.data.movies.ids[movies] - 10]

    def arrays(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override]
        """Return no arrays."""
        return {}

    @classmethod
    def restore(cls, settings: Any, known: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore the model with the default table."""
        return cls(known)


def make_model(stars: list[float] | None) -> Table:
    """Make members 1, 2 and 3, and movies 10…15, the last of which all have seen; without stars for None.

    A fourth rating is the second member's, of the first movie.
    """
    users, rated = [1, 2, 3, 2][: len(stars or [0] * 3)], [15, 15, 15, 10][: len(stars or [0] * 3)]
    ratings = Ratings.from_arrays(users, rated, stars, scale=Scale(1, 5, 0.5) if stars else None)
    movies = Catalog.of(
        list(range(10, 16)), genres=[["Drama"], ["Drama"], ["Comedy"], ["Comedy"], ["Drama"], ["Drama"]]
    )
    return Table(TrainingData.of(ratings, movies.align(movies.movies)))


@pytest.fixture
def model() -> Table:
    """Members 1, 2 and 3, whose only rating is 3."""
    return make_model([3, 3, 3])


def recommend_to_all(model: Recommender, n: int = 5, **more: Any) -> GroupRecommendations:
    """Return the list of the members 1, 2 and 3."""
    return recommend_for_group(model, [get_history(model, user) for user in (1, 2, 3)], n, **more)


def order(model: Recommender, how: GroupStrategy, **more: Any) -> list[int]:
    """Return the movie IDs of the members' list."""
    return [int(line.movie) for line in recommend_to_all(model, how=how, **more).items]


def test_the_order_is_that_of_the_stars_shown(model: Table) -> None:
    """By the lowest expected rating, or by the mean, both rounded as they are shown; no movie is below a mean."""
    least, average = (recommend_to_all(model, 4, how=how) for how in ("least_misery", "average"))
    assert [(line.movie, line.score) for line in least.items] == [
        (11, pytest.approx(3.9)),
        (10, pytest.approx(3.4)),
        (13, pytest.approx(3.2)),  # 3.2 as well as movie 12, whose lowest is 3.24, but with a higher mean score
        (12, pytest.approx(3.2)),
    ]
    assert [(line.movie, line.score) for line in average.items] == [
        (12, pytest.approx((4.6 + 3.2 + 4.7) / 3)),
        (11, pytest.approx(3.9)),
        (10, pytest.approx(11.5 / 3)),
        (13, pytest.approx(11.4 / 3)),
    ]
    assert (least.below, average.below, least.note, least.shortfall) == (0, 0, None, None)


def test_movies_below_a_mean_are_the_last_choice(model: Table) -> None:
    """They are listed only if too few others are left, and the list says so."""
    assert 14 not in order(model, "average", n=4)
    whole = recommend_to_all(model, 5, how="average")
    assert [line.movie for line in whole.items] == [12, 11, 10, 13, 14]
    assert whole.below == 1
    assert whole.note == "1 of these 5 movies are expected below somebody's own mean: too few aren't"
    harsh = make_model([1, 5, 1, 4.5])  # only movie 13 is up to the mean of the second
    assert [line.movie for line in recommend_to_all(harsh, 1).items] == [13]
    assert recommend_to_all(harsh, 3).below == 2


def test_a_friend_with_one_loved_movie_can_be_pleased() -> None:
    """Equal ratings are no standard: the mean of all users, 3.67, stands in, and movie 11 is above it for everybody."""
    found = recommend_to_all(make_model([3, 5, 3]), 1)
    assert [line.movie for line in found.items] == [11]
    assert found.below == 0


def test_the_best_by_score_are_ordered_by_stars() -> None:
    """If the pool can't hold all movies, the list has those of the best mean score, by their stars."""
    rng, n = np.random.default_rng(3), 200
    ratings = Ratings.from_arrays([1, 2, 3], [10, 10, 10], [1, 1, 1], scale=Scale(1, 5, 0.5))
    table, stars = rng.random((3, n)).astype(np.float32), rng.uniform(1, 5, (3, n)).astype(np.float32)
    model = Table(TrainingData.of(ratings, Catalog.of(range(10, 10 + n))), table, stars)
    found = [int(line.movie) - 10 for line in recommend_to_all(model, 10, how="least_misery").items]
    z = np.mean([(row[1:] - row[1:].mean()) / row[1:].std() for row in table], axis=0)
    pool = 1 + np.argsort(-z)[:30]
    lowest = np.floor(10 * stars.astype(float) + 0.5).min(0)
    assert set(found) <= set(pool.tolist())
    assert lowest[found].tolist() == sorted(lowest[pool], reverse=True)[:10]


def test_without_stars_the_lowest_score_decides() -> None:
    """A model of plain interactions orders by standardised scores, so that the unit of a member has no effect.

    Member 1: 4 2 3 3 1 less 2.6 over √1.04; member 2: 10 30 10 40 60 less 30 over √360; member 3: −1 −1 −4 2 −1 less −1
    over √3.6.
    """
    model = make_model(None)
    first = np.array([1.4, -0.6, 0.4, 0.4, -1.6]) / 1.04**0.5
    second = np.array([-20, 0, -20, 10, 30]) / 360**0.5
    third = np.array([0, 0, -3, 3, 0]) / 3.6**0.5
    scaled = Table(model.data, TABLE * np.array([[1], [100], [1]], np.float32) + np.array([[0], [0], [50]], np.float32))
    for how, joint in (("average", (first + second + third) / 3), ("least_misery", np.min([first, second, third], 0))):
        wanted = dict(zip(range(10, 15), joint.tolist(), strict=True))
        found = {int(line.movie): line.score for line in recommend_to_all(model, how=how).items}
        assert list(found) == sorted(wanted, key=lambda movie: -wanted[movie])
        np.testing.assert_allclose([found[movie] for movie in wanted], list(wanted.values()), atol=1e-5)
        assert order(scaled, how) == list(found)  # type: ignore[arg-type]


def test_seen_vetoed_and_filtered_movies_are_left_out(model: Table) -> None:
    """Movies that a member has seen or vetoed are left out, and a short list has its reason."""
    assert 15 not in order(model, "average")
    assert order(model, "average", filters=Filters(exclude=(13, "14"))) == [12, 11, 10]
    short = recommend_to_all(model, 9, filters=Filters("genre=Drama"))
    assert [line.movie for line in short.items] == [11, 10, 14]
    assert short.shortfall == "3 of 9 movies: the filters leave 4 of 6, and members have seen 1 of these"
    nothing = recommend_to_all(model, 9, filters=Filters(min_ratings=9))
    assert (nothing.items, nothing.below) == ([], 0)
    assert nothing.shortfall == "0 of 9 movies: the filters leave 0 of 6, and members have seen 0 of these"


def test_each_member_has_an_opinion(model: Table) -> None:
    """Each movie has the stars of each member, in the order of the members, and one score and title."""
    members = [get_history(model, user) for user in (3, 1)]
    line = recommend_for_group(model, members, 1).items[0]
    assert line.movie == 12
    assert [opinion.stars for opinion in line.members] == [pytest.approx(4.7), pytest.approx(4.64)]
    assert (line.title, line.genres) == ("movie 12", ["Comedy"])


@pytest.fixture(scope="module")
def fitted(world: tuple[Ratings, Catalog]) -> Bias:
    """`bias` of the world."""
    return Bias().fit(*world)


@pytest.mark.parametrize("how", ["average", "least_misery"])
@given(seed=st.integers(0, 10_000), n=st.integers(1, 40), n_members=st.integers(1, 8))
@settings(max_examples=30)
def test_the_order_agrees_with_the_stars_shown(
    fitted: Bias, how: GroupStrategy, seed: int, n: int, n_members: int
) -> None:
    """For any group, the lowest or the mean of the rounded stars never rises down the list."""
    model = fitted
    members = [
        model.data.history.take(np.array([user]))
        for user in np.random.default_rng(seed).integers(0, len(model.data.users), n_members)
    ]
    found = recommend_for_group(model, members, n, how=how)
    shown = [[math.floor(10 * one.stars + 0.5) / 10 for one in line.members] for line in found.items]
    key = [min(line) if how == "least_misery" else sum(line) / len(line) for line in shown]
    assert key == sorted(key, reverse=True)
    assert [line.score for line in found.items] == pytest.approx(key, abs=1e-5)
    means = [history.values.mean() if len(history.items) else model.data.history.values.mean() for history in members]
    below = [any(o.stars < m - 1e-6 for o, m in zip(line.members, means, strict=True)) for line in found.items]
    assert found.below == sum(below)


def test_a_group_of_one_has_their_own_opinions(fitted: Bias) -> None:
    """The stars are those of the member's own list."""
    model = fitted
    history = model.data.history.take(np.array([2]))
    single = {item.movie: item.stars for item in recommend(model, history, 100).items}
    for how in ("average", "least_misery"):
        group = recommend_for_group(model, [history], 8, how=how).items  # type: ignore[arg-type]
        assert [line.members[0].stars for line in group] == pytest.approx([single[line.movie] for line in group])


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
