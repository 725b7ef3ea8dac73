"""The contract of every model; its data types are in `contract_types`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress, Silent
from cinematrix.common.threads import limit_threads
from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Ids, Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import DataError, SettingError
from cinematrix.models.components.calibration import chances_by_place
from cinematrix.models.contract_types import (
    ALL,
    Abilities,
    Ordering,
    ScoreShares,
    Training,
    TrainingLog,
    TrainingOptions,
)

RARITY_WEIGHT = 0.2
"""Weight of a movie's rarity in lists by liking, unless another was better on validation ratings."""


class Recommender:
    """The contract of all models: a fitted model answers for any user from a history of ratings.

    Users inside and outside the training data take the same path. A model is a class with a `name`, its `abilities`, a
    frozen dataclass of hyper-parameters (`Settings`), and these methods: `learn`, `score`, `predict_pairs`, `arrays`
    and `restore`. Only its arrays and its hyper-parameters are saved.

    Attributes:
        settings: an instance of `Settings`.
        data: ID maps, scale, catalog and histories of the training data, once the model is fitted.
        log: training log of each head that was trained as a net.
        rarity_weight: β, the weight of a movie's rarity in lists by liking (`liking`).
    """

    name: ClassVar[str]
    abilities: ClassVar[Abilities]
    Settings: ClassVar[Callable[..., Any]]
    settings: Any
    data: TrainingData
    rarity_weight: float = RARITY_WEIGHT

    def __init__(self, settings: Any = None) -> None:
        self.settings = self.Settings() if settings is None else settings
        self.log: dict[Ordering, TrainingLog] = {}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name == "data":
                raise SettingError(f"{self.name} isn't fitted; call fit with ratings first, or load a saved model")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def fit(
        self,
        ratings: Ratings,
        catalog: Catalog | None = None,
        *,
        validation: Ratings | None = None,
        progress: Progress | None = None,
        run: TrainingOptions | None = None,
    ) -> Self:
        """Learn from `ratings`, and from `catalog` if the model uses content. Return the model.

        Args:
            ratings: training ratings; a model without `abilities.stars` takes them as plain interactions.
            catalog: titles, genres, years and tags of movies.
            validation: validation ratings under the same ID maps; None: the model holds some out where it needs them.
            progress: progress bar.
            run: threads, device and checkpoints of a net's training.

        Raises:
            DataError: the model needs ratings and these are plain interactions.
            MissingExtraError: the package that the model trains with isn't installed.
        """
        if not isinstance(ratings, Ratings):
            raise DataError(
                f"{self.name} can't learn from {type(ratings).__name__}; give cinematrix.ratings(table).ratings, or "
                "use cinematrix.model, which takes tables"
            )
        require_package(self.abilities.trains_with, self.name)
        run = run or TrainingOptions()
        if run.world.size > 1 and not self.abilities.cuts_training:
            raise SettingError(
                f"{self.name} can't be trained by {run.world.size} workers; start one process, or take deep-mf"
            )
        if not self.abilities.stars:
            ratings = ratings.interactions()
        elif not self.abilities.interactions:
            ratings.stars(self.name)
        self.data = TrainingData.of(ratings, catalog)
        with limit_threads(run.threads):
            self.learn(Training(ratings, validation, progress or Silent(), run))
        return self

    def learn(self, training: Training) -> None:
        """Learn from `training.ratings`; `data` is set before the call."""
        raise NotImplementedError

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """Return the scores that order the movies for each history. float32 `[len(histories), len(data.movies)]`."""
        raise NotImplementedError

    @property
    def learns_watching(self) -> bool:
        """True if the ranking orders movies by what users watch, liked or not."""
        return self.abilities.interactions

    def log_chances(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logarithms of the chances to be watched, up to a constant of each row. `[n, movies]`.

        Args:
            scores: `[n, movies]`, the output of `score(by="ranking")`.
        """
        return chances_by_place(scores)

    def rough_stars(self, histories: Histories) -> NDArray[np.float32]:
        """Return cheap estimates of every history's expected ratings, to choose candidates by. `[n, movies]`."""
        return self.score(histories, by="stars")

    def refine_stars(
        self, histories: Histories, rows: Numbers, movies: Numbers, rough: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return `predict_pairs`, which a model may compute faster from `rough`, the output of `rough_stars`. `[n]`."""
        return self.predict_pairs(histories, rows, movies)

    def list_stars(self, histories: Histories, among: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """Return the scores of lists by expected rating. `[n, movies]`.

        They are those of `score(by="stars")`. Where these take long, only the best movies of each history have them,
        and the others have estimates.

        Args:
            among: mask of the movies that a list may hold, of all lists `[movies]` or of each; None: all.
        """
        return self.score(histories, by="stars")

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """Return the expected rating of pairs; for plain interactions the probability of one. float32 `[n]`.

        Pair `i` is row `rows[i]` of `histories` and movie number `movies[i]`, which may be `UNKNOWN`.
        """
        raise NotImplementedError

    @property
    def has_intervals(self) -> bool:
        """True if this fitted model has `distribution_pairs` and `interval_pairs`."""
        return False

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the probability of each of `data.scale.levels()` for the pairs of `predict_pairs`. `[n, steps]`.

        Args:
            stars: the result of `predict_pairs`, if it has been computed already; this saves time.

        Raises:
            SettingError: the model has no distributions (`has_intervals`).
        """
        raise self.no_intervals_error()

    def interval_pairs(
        self,
        histories: Histories,
        rows: Numbers,
        movies: Numbers,
        coverage: float = 0.8,
        *,
        stars: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the low and high ends of intervals that hold a share `coverage` of ratings. float32 `[n]` each.

        Pairs are as in `predict_pairs`. Both ends lie on the scale, with the prediction between them.

        Args:
            stars: the result of `predict_pairs`, if it has been computed already; this saves time.

        Raises:
            SettingError: the model has no intervals (`has_intervals`), or `coverage` isn't between 0 and 1.
        """
        raise self.no_intervals_error()

    def no_intervals_error(self) -> SettingError:
        """Return the error that says why this model has no distributions and how to get some."""
        reason = (
            "was saved without distributions; train it anew" if self.abilities.intervals and self.data.scale else ""
        )
        return SettingError(f"{self.name} {reason or 'has no distributions of ratings; train deep-mf on ratings'}")

    def vectors(self) -> NDArray[np.float32]:
        """Return a vector for each movie; movies with similar audiences have similar vectors. `[len(data.movies), d]`.

        Raises:
            SettingError: the model has none (`abilities.vectors`).
        """
        raise SettingError(f"{self.name} has no vectors of movies; take a model that has, such as deep-mf")

    def comparison_vectors(self, movies: Numbers | slice = ALL) -> NDArray[np.float32]:
        """Return a vector for each of `movies` for comparing movies, by default those of `vectors`. `[n, d]`.

        Raises:
            SettingError: the model has none.
        """
        return self.vectors()[movies]

    def similarities(self, movie: int) -> NDArray[np.float32]:
        """Return the similarity of each movie to movie number `movie`, about 1 for the nearest. `[len(data.movies)]`.

        Raises:
            SettingError: the model can't compare movies.
        """
        vectors = self.comparison_vectors()
        norms = np.sqrt(np.einsum("md,md->m", vectors, vectors))
        cosines = (vectors @ vectors[movie]) / np.maximum(norms * norms[movie], 1e-12)
        return np.asarray(cosines, np.float32)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        """Return the additive parts of the scores of `movies` (which may be `UNKNOWN`) for the one user of `history`.

        Raises:
            SettingError: the model can't explain its scores (`abilities.explains`).
        """
        raise SettingError(f"{self.name} can't explain its scores; take a model that can, such as deep-mf")

    def rating_shares(
        self, histories: Histories, movies: Sequence[Numbers], *, by: Ordering = "ranking"
    ) -> list[NDArray[np.float32]]:
        """Return `shares(…).ratings` of each history for movies of its own. `[n, size]` each.

        A model may compute them without the other parts, and together.
        """
        return [self.shares(*each, by=by).ratings for each in zip(histories.split(), movies, strict=True)]

    def movie_index(self) -> NDArray[np.float32]:
        """Return a vector for each movie, for an index that ranks by dot products. `[len(data.movies), d]`.

        The dot product with a vector of `user_index` is the movie's ranking score, up to a constant of the user's.

        Raises:
            SettingError: the model's scores are no dot product.
        """
        raise SettingError(f"{self.name} ranks by no dot product; take deep-mf, als, svd, svd++, ials, bias or popular")

    def user_index(self, histories: Histories) -> NDArray[np.float32]:
        """Return a vector for each history, in the space of `movie_index`. `[len(histories), d]`.

        Raises:
            SettingError: the model's scores are no dot product.
        """
        raise SettingError(f"{self.name} ranks by no dot product; take deep-mf, als, svd, svd++, ials, bias or popular")

    def take_data(self, data: TrainingData) -> None:
        """Replace `data` by other histories of the same movies, such as those of `TrainingData.with_ratings`."""
        self.data = data
        for name in [name for name in vars(self) if isinstance(getattr(type(self), name, None), cached_property)]:
            del vars(self)[name]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the learned arrays by name; `data` isn't part of them."""
        raise NotImplementedError

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return a model from the output of `arrays`."""
        raise NotImplementedError

    def predict(self, users: Iterable[Any] | Ids, movies: Iterable[Any] | Ids) -> NDArray[np.float32]:
        """Return the expected rating on the data's scale for pairs of IDs, unknown IDs included. float32 `[n]`.

        For plain interactions it is the probability (0…1) that the user watches the movie.
        """
        return self.predict_pairs(*self.data.pairs(users, movies))

    def interval(
        self, users: Iterable[Any] | Ids, movies: Iterable[Any] | Ids, coverage: float = 0.8
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the ends of intervals that hold a share `coverage` of ratings, for pairs of IDs as in `predict`.

        Raises:
            SettingError: as in `interval_pairs`.
        """
        return self.interval_pairs(*self.data.pairs(users, movies), coverage)
