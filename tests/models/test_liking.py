"""Tests of the order by liking."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.metrics.top_n import top_n
from cinematrix.models import liking
from cinematrix.models.base import RARITY_WEIGHT, Recommender
from cinematrix.models.bias import Bias
from cinematrix.models.components.calibration import Calibration, chances_by_place
from cinematrix.models.contract_types import Abilities, Ordering
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.liking import BELOW_MEAN, RatingLevels, choose_rarity_weight
from cinematrix.models.orders import explained_by, resolve_order, score_lists
from cinematrix.models.popular import Popular
from cinematrix.recommendation.lists import Filters, recommend
from cinematrix.recommendation.reranking import Reranking
from worlds import as_interactions, taste_world

LEVELS = np.arange(1.0, 6.0)
STARS = np.array([4.5, 3.9, 2.0, 3.2, 4.9, 3.0, 4.1, 1.5], np.float32)
RANKING = np.array([0.1, 2.0, 5.0, 1.5, -3.0, 4.0, 1.0, 6.0], np.float32)


class Told(Recommender):
    """Model with told ranking scores and stars; its rough stars are off by 0.3."""

    name: ClassVar[str] = "told"
    abilities: ClassVar[Abilities] = Abilities(interactions=True)

    def __init__(self, spread: float | None = None) -> None:
        rng = np.random.default_rng(3)
        users, movies = np.nonzero(rng.random((30, 8)) < np.linspace(0.1, 0.9, 8))
        ratings = Ratings.from_arrays(users, movies, rng.integers(1, 6, len(users)), scale=Scale(1, 5, 1))
        self.data, self.spread = TrainingData.of(ratings, None), spread

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """Return the told scores."""
        return np.tile(RANKING if by == "ranking" else STARS, (len(histories), 1))

    def log_chances(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return chances by a logistic function."""
        return Calibration(0.5, -3.0).log(scores)

    def rough_stars(self, histories: Histories) -> NDArray[np.float32]:
        """Return the stars off by 0.3."""
        return self.score(histories, by="stars") + np.float32(0.3)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """Return the told stars."""
        return STARS[movies]

    @property
    def has_intervals(self) -> bool:
        """True if there is a spread."""
        return self.spread is not None

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return a discretised normal distribution around the told stars."""
        assert self.spread is not None
        weights = norm.pdf(LEVELS, STARS[movies][:, None], self.spread)
        return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)

    def interval_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, coverage: float = 0.8,
        *, stars: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:  # fmt: skip
        """Return intervals of two stars."""
        return STARS[movies] - 1, STARS[movies] + 1

    def arrays(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override]
        """Return no arrays."""
        return {}

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the model."""
        return cls()


def history(*rated: tuple[int, float]) -> Histories:
    """Return one user's history."""
    return Histories.of_lists([([movie for movie, _ in rated], [stars for _, stars in rated])])


def score_slowly(model: Told, ratings: list[float], movie: int) -> float:
    """Return a score as the module's docstring says, in plain Python."""
    data = model.data
    assert data.history.values is not None
    everyone = data.history.values.tolist()
    means = [float(np.mean(data.history.take(np.array([u])).values)) for u in range(len(data.users))]  # type: ignore[arg-type]
    everyones_spread = np.mean([(v - means[r]) ** 2 for v, r in zip(everyone, data.history.rows.tolist(), strict=True)])
    mean = (sum(ratings) + 3 * np.mean(everyone)) / (len(ratings) + 3)
    own = np.mean(ratings) if ratings else np.mean(everyone)
    spread = ((sum((r - own) ** 2 for r in ratings) + 5 * everyones_spread) / (len(ratings) + 5)) ** 0.5
    if model.spread is None:
        grid = np.linspace(-20, 30, 200_001)
        density = norm.pdf(grid, STARS[movie], 0.87 * spread)
        gain = float((np.maximum(grid - mean, 0) * density).sum() * (grid[1] - grid[0])) / spread
    else:
        weights = norm.pdf(LEVELS, STARS[movie], model.spread)
        gain = float((weights / weights.sum()) @ np.maximum(LEVELS - mean, 0)) / spread
    chance = 1 / (1 + np.exp(-(0.5 * RANKING[movie] - 3)))
    weight = 1 - np.exp(-len(ratings) / 5)
    score = (
        weight * np.log(chance)
        + (1 - weight) * np.log(1 + data.raters[movie])
        + 1.5 * np.log(gain + 1e-4)
        - 0.2 * np.log(1 + data.raters[movie])
    )
    return float(score - (100 if STARS[movie] < own - 1e-6 else 0))


@pytest.mark.parametrize("spread", [None, 0.8])
@pytest.mark.parametrize("ratings", [[], [(0, 5.0)], [(0, 4.0), (3, 2.0), (6, 3.0)]])
def test_scores_are_those_of_the_formula(spread: float | None, ratings: list[tuple[int, float]]) -> None:
    """Every unseen movie has the score that plain Python computes; the rough stars have no effect."""
    model = Told(spread)
    scores = score_lists(model, history(*ratings), by="liking")[0]
    unseen = [movie for movie in range(8) if movie not in dict(ratings)]
    expected = [score_slowly(model, [stars for _, stars in ratings], movie) for movie in unseen]
    assert scores[unseen] == pytest.approx(expected, abs=1e-3)


def test_movies_expected_below_the_users_mean_come_last() -> None:
    """The most likely movies are behind all that are expected at or above the mean, in their order."""
    scores = score_lists(Told(), history((6, 3.0)), by="liking")
    order = top_n(scores, 8, history((6, 3.0))).movies[0].tolist()
    above = [movie for movie in order if movie >= 0 and STARS[movie] >= 3]
    assert order[: len(above)] == above
    assert {2, 7} == set(order[len(above) : len(above) + 2])
    assert (scores[0, [2, 7]] < -BELOW_MEAN / 2).all()


def test_only_the_pool_is_scored_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a pool of two, two movies have exact scores: the best of those that the list may hold."""
    model, user = Told(), history((0, 3.0))
    exact = score_lists(model, user, by="liking")[0]
    monkeypatch.setattr(liking, "POOL", 2)
    among = np.ones(8, bool)
    among[[1, 3]] = False
    few = score_lists(model, user, by="liking", among=among)[0]
    same = np.isclose(few, exact, atol=1e-5)
    assert same[1:].sum() == 2, "movie 0 is in the history and an estimate in both"
    assert not same[[1, 3]].any()


def test_a_scale_of_many_steps_is_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gains don't depend on the number of pairs whose distributions are in memory at a time."""
    model, users = Told(0.8), history((0, 4.0), (3, 2.0))
    at_once, sizes = score_lists(model, users, by="liking"), list[int]()
    whole = model.distribution_pairs

    def record(histories: Histories, rows: Numbers, movies: Numbers, **stars: Any) -> NDArray[np.float32]:
        sizes.append(len(movies))
        return whole(histories, rows, movies, **stars)

    monkeypatch.setattr(model, "distribution_pairs", record)
    monkeypatch.setattr(liking, "GAIN_CELLS", 4 * len(LEVELS) + 1)
    np.testing.assert_array_equal(score_lists(model, users, by="liking"), at_once)
    assert sizes == [4, 2]


def test_the_order_of_a_list_keeps_its_filter_and_the_mean() -> None:
    """A filtered list by liking has the allowed movies alone, best first, and dials keep the others out."""
    model, user = Told(0.8), history((6, 3.0))
    plain = recommend(model, user, 5)
    assert [item.score for item in plain] == sorted((item.score for item in plain), reverse=True)
    assert all(item.stars >= 3 for item in plain)
    novel = recommend(model, user, 5, dials=Reranking(novelty=1.0))
    assert all(item.stars >= 3 for item in novel)
    assert not {item.movie for item in recommend(model, user, 8, filters=Filters(exclude=(4, 0)))} & {0, 4}


def test_models_without_the_parts_have_the_nearest_order() -> None:
    """Interactions are ordered by ranking; a model that learns no watching by its ranking, the mean considered."""
    ratings, catalog = taste_world(np.random.default_rng(0))
    watched = Popular().fit(as_interactions(ratings), catalog)
    histories = watched.data.history.take(np.arange(3))
    assert (score_lists(watched, histories, by="liking") == watched.score(histories)).all()
    bias = Bias().fit(ratings, catalog)
    histories = bias.data.history.take(np.arange(3))
    scores, stars = score_lists(bias, histories, by="liking"), bias.score(histories, by="stars")
    for row in range(3):
        assert (np.diff(stars[row, np.argsort(-scores[row])]) < 1e-4).all()
    assert (score_lists(bias, histories, by="stars") == stars).all()


def test_orders_are_checked() -> None:
    """Unknown orders and stars without a scale are errors; lists by liking are explained by ranking."""
    with pytest.raises(SettingError, match="'fame'; order by liking, ranking or stars"):
        resolve_order(Told(), "fame")
    watched = Popular().fit(as_interactions(taste_world(np.random.default_rng(0))[0]))
    with pytest.raises(SettingError, match="predicts no stars"):
        resolve_order(watched, "stars")
    assert [explained_by(by) for by in ("liking", "ranking", "stars")] == ["ranking", "ranking", "stars"]  # type: ignore[arg-type]


def test_levels_shrink_towards_everyone() -> None:
    """An empty history has the level of all users, a long one its own."""
    data = Told().data
    empty = RatingLevels.of(data, Histories.empty(1))
    assert (empty.mean[0], empty.spread[0]) == pytest.approx(data.rating_level)
    many = RatingLevels.of(data, Histories.of_lists([(list(range(8)), [5.0] * 8)]))
    assert data.rating_level[0] < many.mean[0] < many.bar[0] == 5
    assert many.spread[0] < data.rating_level[1]


def test_chances_by_place_depend_on_the_order_alone() -> None:
    """Any increasing function of the scores gives the same chances, which fall with the place."""
    scores = np.random.default_rng(1).normal(size=(4, 50)).astype(np.float32)
    chances = chances_by_place(scores)
    assert (chances == chances_by_place(np.exp(scores))).all()
    assert (np.argsort(-chances, axis=1) == np.argsort(-scores, axis=1)).all()
    assert chances.max() == pytest.approx(-2 * np.log(20))


def test_the_slope_within_users_is_found() -> None:
    """Choices made with a known slope give it back, whatever separates the users."""
    rng = np.random.default_rng(5)
    scores = rng.normal(0, 2, (400, 60)).astype(np.float32) + rng.normal(0, 5, (400, 1)).astype(np.float32)
    noise = rng.gumbel(size=scores.shape)
    chosen = np.argmax(1.3 * scores + noise, axis=1)
    later = Histories.of_pairs(np.arange(400), chosen, None, 400)
    fitted = Calibration.fitted_within_users(scores, Histories.empty(400), later)
    assert fitted.slope == pytest.approx(1.3, rel=0.1)
    assert fitted(scores).sum() == pytest.approx(400, rel=1e-3)
    assert Calibration.fitted_within_users(scores, Histories.empty(400), Histories.empty(400)) == Calibration()
    backwards = Calibration.fitted_within_users(-scores, Histories.empty(400), later)
    assert backwards.slope == 0


def test_deep_mf_orders_by_calibrated_chances() -> None:
    """A trained model has a calibration from its pilot, and lists by liking hold what the user's taste is."""
    ratings, catalog = taste_world(np.random.default_rng(0), n_users=120)
    model = DeepMF(DeepMFSettings(epochs=3, ranking_epochs=3, members=1)).fit(ratings, catalog)
    assert model.ranking is not None
    assert model.ranking.calibration.slope > 0
    histories = model.data.history.take(np.arange(20))
    scores = score_lists(model, histories, by="liking")
    assert np.isfinite(scores).all()
    model.ranking = replace(model.ranking, calibration=Calibration())
    assert (model.log_chances(scores) == chances_by_place(scores)).all()


def test_a_newcomers_chances_are_those_of_popularity() -> None:
    """Without a rating the model's ranking has no effect; with many it decides."""
    model, ranking = Told(0.8), {}
    for flip in (1, -1):
        model.log_chances = lambda scores, flip=flip: flip * scores  # type: ignore[method-assign, misc]
        ranking[flip] = [score_lists(model, given, by="liking")[0] for given in (Histories.empty(1), history((6, 3.0)))]
    assert (ranking[1][0] == ranking[-1][0]).all()
    assert (ranking[1][1] != ranking[-1][1]).any()


def test_a_trend_raises_the_chance_of_those_who_rated_something() -> None:
    """A movie rated lately gains 0.4 of its trend, by the weight of the model's chances; a newcomer's doesn't."""
    model, timed = Told(0.8), Told(0.8)
    times = np.where(timed.data.history.items == 5, 10**9, 10**8)
    timed.data = replace(timed.data, times=times)
    trends = timed.data.trends
    assert trends[5] > 0
    for given, weight in ((history((6, 3.0)), 1 - np.exp(-0.2)), (Histories.empty(1), 0)):
        gained = score_lists(timed, given, by="liking")[0] - score_lists(model, given, by="liking")[0]
        assert np.delete(gained, 6) == pytest.approx(np.delete(0.4 * weight * trends, 6), abs=1e-5)


def test_the_weight_of_rarity_is_chosen_only_if_it_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weight wins if users like what many have seen; the usual one stays if it is as good as any."""
    monkeypatch.setattr(liking, "NEWCOMER_RATINGS", 0.01)
    model, given = Told(0.8), Histories.of_lists([([6], [3.0])] * 60)
    model.log_chances = lambda scores: np.zeros_like(scores)  # type: ignore[method-assign]
    rare, common = (Histories.of_lists([([movie], [5.0])] * 60) for movie in (0, 4))
    assert model.data.raters[0] < model.data.raters[4]
    assert choose_rarity_weight(model, given, rare) == RARITY_WEIGHT
    assert choose_rarity_weight(model, given, common) == 0
    assert choose_rarity_weight(model, given, Histories.empty(60)) == RARITY_WEIGHT
