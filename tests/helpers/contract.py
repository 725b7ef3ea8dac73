"""Contract tests for all models. A model's test subclasses `Contract` in four lines."""

import re
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import DataError, SettingError
from cinematrix.models.artifact import load, save
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import Ordering
from worlds import as_interactions

UNKNOWN_USER, UNKNOWN_MOVIE = "nobody", "no such movie"

WORLDS_SCALE = Scale(0.5, 5, 0.5)


def check_shares(model: Recommender, user: int, by: Ordering) -> None:
    """Check that parts and ratings' shares add up to the score within 1e-5, for all movies and an unknown one."""
    history, movies = model.data.history.take(np.array([user])), np.arange(-1, len(model.data.movies), dtype=np.int32)
    if not model.abilities.explains:
        with pytest.raises(SettingError, match="can't explain its scores; take a model that can, such as deep-mf"):
            model.shares(history, movies, by=by)
        return
    found = model.shares(history, movies, by=by)
    np.testing.assert_allclose(found.score[1:], model.score(history, by=by)[0], rtol=1e-6, atol=1e-5)
    together = np.sum(list(found.parts.values()), axis=0, dtype=np.float64) + found.ratings.sum(1, dtype=np.float64)
    assert movies[0] == UNKNOWN
    np.testing.assert_allclose(together, found.score, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.remainder, found.score - together, atol=1e-12)
    assert found.ratings.shape == found.by_content.shape == (len(movies), len(history.items))
    nobody = len(history.items) == 0
    assert not (nobody and any(np.any(found.parts.get(part, 0)) for part in ("user_bias", "habits")))


class Contract:
    """The contract of `cinematrix.models.base.Recommender`, as tests."""

    kind: ClassVar[type[Recommender]]
    settings: ClassVar[dict[str, Any]] = {}
    learns_taste: ClassVar[bool] = True
    """True if the model separates the two tastes of the test world."""
    settles: ClassVar[bool] = True
    """True if the model predicts a constant after training on a few equal ratings."""

    @classmethod
    def make(cls) -> Recommender:
        return cls.kind(cls.kind.Settings(**cls.settings))

    @classmethod
    def data(cls, world: tuple[Ratings, Catalog]) -> tuple[Ratings, Catalog]:
        """Return the training data: the world's ratings, or its interactions for a model without stars."""
        ratings, catalog = world
        return (ratings if cls.kind.abilities.stars else as_interactions(ratings)), catalog

    @classmethod
    def ends(cls, scale: Scale = WORLDS_SCALE) -> tuple[float, float]:
        """Return the range of predictions: the scale, or 0 to 1 for probabilities."""
        return (scale.low, scale.high) if cls.kind.abilities.stars else (0, 1)

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, world: tuple[Ratings, Catalog]) -> Recommender:
        return cls.make().fit(*cls.data(world))

    def test_predictions_are_finite_on_the_scale_and_in_order(
        self, fitted: Recommender, world: tuple[Ratings, Catalog]
    ) -> None:
        """One prediction a pair, on the data's scale, independent of the order of the pairs."""
        ratings, _ = self.data(world)
        low, high = self.ends()
        users, movies = ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]
        predicted = fitted.predict(users, movies)
        assert predicted.dtype == np.float32
        assert predicted.shape == (len(ratings),)
        assert np.all((predicted >= low) & (predicted <= high))
        backwards = fitted.predict(users[::-1], movies[::-1])
        np.testing.assert_allclose(backwards[::-1], predicted, atol=1e-5)

    def test_it_fits_what_it_learned_from(self, fitted: Recommender, world: tuple[Ratings, Catalog]) -> None:
        """The RMSE is below that of the mean rating, far below for a model that learns taste, and axes aren't swapped.

        Without stars, watched movies have a higher mean probability than unwatched ones.
        """
        ratings, _ = self.data(world)
        if not self.kind.abilities.stars:
            watched = ratings.by_user.matrix(len(ratings.movies)).toarray() > 0
            users, movies = (x.ravel().astype(np.int32) for x in np.indices(watched.shape))
            chance = fitted.predict_pairs(fitted.data.history, users, movies).reshape(watched.shape)
            assert chance[watched].mean() > chance[~watched].mean()
            return
        assert ratings.rating is not None
        predicted = fitted.predict(ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie])
        rmse, spread = np.sqrt(np.mean((predicted - ratings.rating) ** 2)), ratings.rating.std()
        assert rmse < (0.6 if self.learns_taste else 1.01) * spread

    def test_unknown_users_and_movies_get_predictions(
        self, fitted: Recommender, world: tuple[Ratings, Catalog]
    ) -> None:
        """Unknown users and movies, and a movie without ratings, get finite predictions on the scale."""
        (ratings, catalog), (low, high) = self.data(world), self.ends()
        user, movie = ratings.users.ids[0], ratings.movies.ids[0]
        unrated = catalog.movies.ids[-1]
        predicted = fitted.predict(
            [UNKNOWN_USER, str(user), UNKNOWN_USER, str(user)],
            [str(movie), UNKNOWN_MOVIE, UNKNOWN_MOVIE, str(unrated)],
        )
        assert np.all((predicted >= low) & (predicted <= high))

    def test_scores_have_a_row_a_history_and_a_column_a_movie(self, fitted: Recommender) -> None:
        """Any batch of histories, empty ones included, gets finite float32 scores for all movies."""
        some = fitted.data.history.take(np.array([3, -1, 0]))
        scores = fitted.score(some)
        assert scores.shape == (3, len(fitted.data.movies))
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(fitted.score(some.take(np.array([2])))[0], scores[2], atol=1e-4)
        assert fitted.score(Histories.empty(0)).shape == (0, len(fitted.data.movies))

    def test_a_new_user_gets_movies_of_their_taste(self, fitted: Recommender) -> None:
        """For a new user with five ratings, movies of their taste have higher predictions.

        Without stars, three watched movies are enough: movies of the same taste are at least 1.5 times as likely.
        """
        if not self.learns_taste:
            return
        data = fitted.data
        comedy = np.array([g == ["Comedy"] for g in data.catalog.frame["genres"].to_list()])
        rated = np.bincount(data.history.items, minlength=len(data.movies)) > 0
        loved, hated = np.flatnonzero(comedy & rated), np.flatnonzero(~comedy & rated)
        history = Histories.of_lists([([*loved[:3], *hated[:2]], [4.5, 4.5, 4.0, 1.5, 2.0])])
        if not self.kind.abilities.stars:
            history = Histories.of_lists([(loved[:3].tolist(), None)])
        rest = np.concatenate([loved[3:], hated[2:]])
        stars = fitted.predict_pairs(history, np.zeros(len(rest), np.int32), rest.astype(np.int32))
        nearer, farther = stars[: len(loved) - 3].mean(), stars[len(loved) - 3 :].mean()
        assert nearer > (farther + 0.5 if self.kind.abilities.stars else 1.5 * farther)

    def test_same_data_and_seed_give_the_same_bytes(
        self, fitted: Recommender, world: tuple[Ratings, Catalog], tmp_path: Path
    ) -> None:
        """A second fit with the same data and seed saves the same artefact, byte for byte."""
        save(fitted, tmp_path / "a")
        save(self.make().fit(*self.data(world)), tmp_path / "b")
        for file in sorted((tmp_path / "a").iterdir()):
            assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name

    def test_saved_and_loaded_it_answers_the_same(self, fitted: Recommender, tmp_path: Path) -> None:
        """A loaded model predicts exactly as the saved one."""
        save(fitted, tmp_path / "model")
        loaded = load(tmp_path / "model").model
        histories = fitted.data.history
        np.testing.assert_array_equal(loaded.score(histories), fitted.score(histories))
        users, movies = fitted.data.users.ids[:5], fitted.data.movies.ids[:5]
        np.testing.assert_array_equal(loaded.predict(users, movies), fitted.predict(users, movies))
        assert loaded.has_intervals == fitted.has_intervals
        if fitted.has_intervals:
            np.testing.assert_array_equal(loaded.interval(users, movies), fitted.interval(users, movies))
            pairs = fitted.data.pairs(users, movies)
            np.testing.assert_array_equal(loaded.distribution_pairs(*pairs), fitted.distribution_pairs(*pairs))

    def test_it_says_how_sure_it_is_or_that_it_cannot(self, fitted: Recommender) -> None:
        """Distributions sum to 1 and intervals contain the prediction, also for unknown IDs; or the model refuses.

        `test_saved_and_loaded_it_answers_the_same` checks that both are unchanged after saving.
        """
        assert fitted.has_intervals == fitted.abilities.intervals
        pairs = fitted.data.pairs(
            [*fitted.data.users.ids[:9], UNKNOWN_USER], [*fitted.data.movies.ids[-9:], UNKNOWN_MOVIE]
        )
        if not fitted.has_intervals:
            for ask in (fitted.distribution_pairs, fitted.interval_pairs):
                with pytest.raises(
                    SettingError, match=f"{re.escape(fitted.name)} has no distributions of ratings; train deep-mf"
                ):
                    ask(*pairs)
            return
        distribution, stars = fitted.distribution_pairs(*pairs), fitted.predict_pairs(*pairs)
        assert distribution.dtype == np.float32
        assert distribution.shape == (10, 10)
        np.testing.assert_allclose(distribution.sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(distribution @ np.linspace(0.5, 5, 10), stars, atol=0.75)
        assert np.all(distribution > 0)
        inner = stars, stars
        for coverage in (0.1, 0.8, 0.99):
            low, high = fitted.interval_pairs(*pairs, coverage)
            assert low.dtype == high.dtype == np.float32
            assert np.all((low >= 0.5) & (low <= inner[0]) & (inner[1] <= high) & (high <= 5))
            inner = low, high
        for wrong in (0, 1, 80, float("nan")):
            with pytest.raises(SettingError, match="it is a share between 0 and 1"):
                fitted.interval_pairs(*pairs, wrong)

    def test_shares_add_up_to_the_score(self, fitted: Recommender) -> None:
        """Shares sum to the score for users with and without ratings, all movies and both orders; or it refuses."""
        for user in (0, 7, -1):
            for by in get_args(Ordering):
                check_shares(fitted, user, by)

    def test_it_tells_how_alike_movies_are_or_that_it_cannot(self, fitted: Recommender) -> None:
        """A model that compares movies gives finite similarities that differ; any other refuses."""
        movie = int(np.argmax(fitted.data.raters))
        if not fitted.abilities.compares:
            with pytest.raises(SettingError):
                fitted.similarities(movie)
            return
        alike = fitted.similarities(movie)
        assert alike.shape == (len(fitted.data.movies),)
        assert np.isfinite(alike).all()
        assert np.ptp(np.delete(alike, movie)) > 0

    def test_plain_interactions_are_learned_or_refused(self, world: tuple[Ratings, Catalog]) -> None:
        """A model that declares interactions predicts probabilities; any other refuses data without stars."""
        views = as_interactions(world[0])
        if not self.kind.abilities.interactions:
            with pytest.raises(DataError, match="needs ratings with stars"):
                self.make().fit(views, world[1])
            return
        model = self.make().fit(views, world[1])
        chance = model.predict([*views.users.ids[:3], -5], [*views.movies.ids[:3], -5])
        assert np.all((chance >= 0) & (chance <= 1))
        assert np.isfinite(model.score(model.data.history)).all()
        check_shares(model, 3, "ranking")
        assert not model.has_intervals
        with pytest.raises(SettingError, match="has no distributions of ratings; train deep-mf on ratings"):
            model.interval(views.users.ids[:1], views.movies.ids[:1])

    def test_without_stars_a_rating_is_an_interaction(self, world: tuple[Ratings, Catalog]) -> None:
        """A model without stars is the same whether it is trained on ratings or on the same rows without stars."""
        if self.kind.abilities.stars:
            return
        ratings, catalog = world
        with_stars = self.make().fit(ratings, catalog)
        without = self.make().fit(ratings.interactions(), catalog)
        assert with_stars.data.scale is None
        np.testing.assert_array_equal(with_stars.score(ratings.by_user), without.score(ratings.interactions().by_user))

    @pytest.mark.parametrize(
        ("users", "movies", "stars"),
        [
            ([1], [1], [3.0]),
            ([1] * 4, [1, 2, 3, 4], [1.0, 2, 3, 4]),
            ([1, 2, 3, 4], [9] * 4, [1.0, 2, 3, 4]),
            ([1, 1, 2, 2, 3], [1, 2, 1, 2, 3], [4.0] * 5),
            (range(30), range(30), [1.0 + i % 5 for i in range(30)]),
        ],
        ids=["one rating", "one user", "one movie", "all equal", "users with one rating"],
    )
    @pytest.mark.parametrize("scale", [Scale(0.5, 5, 0.5), Scale(0, 100, 1)], ids=str)
    def test_degenerate_data_trains_and_predicts(
        self, users: list[int], movies: list[int], stars: list[float], scale: Scale
    ) -> None:
        """Degenerate training data gives finite predictions on the scale."""
        ratings = Ratings.from_arrays(users, movies, stars, scale=scale)
        catalog = Catalog.of([*sorted(set(movies)), 777], genres=[["Drama"]] * (len(set(movies)) + 1))
        model = self.make().fit(ratings, catalog)
        pairs = [(u, m) for u in [*sorted(set(users))[:3], 999] for m in [*sorted(set(movies))[:3], 777, 888]]
        predicted = model.predict([u for u, _ in pairs], [m for _, m in pairs])
        low, high = self.ends(scale)
        assert np.all((predicted >= low) & (predicted <= high))
        if self.settles and self.kind.abilities.stars and len(set(stars)) == 1:
            np.testing.assert_allclose(predicted, stars[0], atol=0.15)
        if model.has_intervals:
            low, high = model.interval([u for u, _ in pairs], [m for _, m in pairs])
            assert np.all((scale.low <= low) & (low <= predicted) & (predicted <= high) & (high <= scale.high))
        assert np.isfinite(model.score(model.data.history)).all()
