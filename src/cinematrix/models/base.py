"""The one contract that every model keeps, and what a model remembers of the data it learned from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress, Silent
from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Ids, Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError

Ordering = Literal["ranking", "stars"]
"""What a list is ordered by: the chance to be watched, or the expected rating."""


@dataclass(frozen=True)
class Abilities:
    """What a model can do, declared, so that nobody finds out by catching exceptions.

    Attributes:
        stars: learns from ratings and predicts them on the data's scale.
        interactions: learns from plain interactions and predicts the chance of one.
        vectors: describes each movie by a vector.
        likeness: tells how alike two movies are otherwise than by vectors.
        explains: takes a score apart into what each rating, the content and the biases add.
        intervals: tells how sure a predicted rating is, by a distribution over the scale's steps and an interval.
        trains_with: the package of the extra `train` that `fit` needs (predicting never does): torch or numba.
    """

    stars: bool = True
    interactions: bool = False
    vectors: bool = False
    similarity: bool = False
    explains: bool = False
    intervals: bool = False
    trains_with: str = ""

    @property
    def compares(self) -> bool:
        """Whether it tells how alike two movies are (`Recommender.similarities`)."""
        return self.vectors or self.similarity


@dataclass(frozen=True, eq=False)
class ScoreShares:
    """What adds up to one person's scores of `n` movies.

    Attributes:
        score: float64 `[n]`, what orders the movies, as `Recommender.score` gives it.
        parts: `[n]` each: `mean` (of all ratings), `movie_bias` (what anybody would give this movie), `content` (the
            share of its genres, year and tags in that), `user_bias` (what her history adds to all movies alike),
            `habits` (what it adds by its length and spread). A part that a model doesn't have is left out.
        ratings: `[n, size]`, what each entry of her history adds to this movie beyond the rest: her taste.
        by_content: `[n, size]`, how much of `ratings` goes by way of the movie's content.
    """

    score: NDArray[np.float64]
    parts: dict[str, NDArray[np.float32]]
    ratings: NDArray[np.float32]
    by_content: NDArray[np.float32]

    @property
    def remainder(self) -> NDArray[np.float64]:
        """What the parts and the ratings leave of the score: rounding, and what can't be shared out. `[n]`."""
        parts = np.sum(list(self.parts.values()), axis=0, dtype=np.float64)
        return np.asarray(self.score - parts - self.ratings.sum(1, dtype=np.float64), np.float64)


@dataclass(frozen=True)
class TrainingOptions:
    """How a training runs, as opposed to what it learns; nothing of it is saved with the model.

    Attributes:
        threads: that torch computes with; 0: as many as suit the model.
        device: auto, cpu, cuda or mps.
        checkpoint: a file written after each epoch (one a net, with more at the end of its name).
        resume: go on from `checkpoint` if it is there.
    """

    threads: int = 0
    device: str = "auto"
    checkpoint: Path | None = None
    resume: bool = False


@dataclass
class TrainingLog:
    """The errors and losses of a training, one entry an epoch; `errors[0]` is before any training.

    Attributes:
        losses: mean training loss.
        errors: validation error.
        best_epoch: the epoch after which the kept weights were taken.
    """

    losses: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    best_epoch: int = 0


@dataclass(frozen=True, eq=False)
class Training:
    """The input of `Recommender.learn`.

    Attributes:
        ratings: to learn from.
        validation: to stop by, under the same ID maps; None: the model holds some out where it needs them.
        progress: the progress bar.
        options: how a net trains.
    """

    ratings: Ratings
    validation: Ratings | None = None
    progress: Progress = field(default_factory=Silent)
    options: TrainingOptions = field(default_factory=TrainingOptions)


class Recommender:
    """The contract of all models: fitted on ratings, a model answers for any user from a history of ratings.

    Users of the training data and new users take the same path. A model is a class with a `name`, its `abilities`,
    a frozen dataclass of hyper-parameters (`Settings`), and these methods: `learn`, `score`, `predict_pairs`,
    `arrays` and `restore`. Its arrays and its hyper-parameters are all that is saved.

    Attributes:
        settings: an instance of `Settings`.
        data: ID maps, scale, catalog and histories of the training data, once the model is fitted.
        log: of each head that was trained as a net.
    """

    name: ClassVar[str]
    abilities: ClassVar[Abilities]
    Settings: ClassVar[Callable[..., Any]]
    settings: Any
    data: TrainingData

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
            ratings: to learn from; a model without `abilities.stars` takes them as plain interactions.
            catalog: titles, genres, years and tags of movies.
            validation: ratings under the same ID maps to stop by; None: held out where the model needs some.
            progress: the progress bar.
            run: threads, device and checkpoints of a net's training.

        Raises:
            DataError: the model needs ratings and these are plain interactions.
            MissingExtraError: the package that it trains with isn't installed.
        """
        require_package(self.abilities.trains_with, self.name)
        if not self.abilities.stars:
            ratings = ratings.interactions()
        elif not self.abilities.interactions:
            ratings.stars(self.name)
        self.data = TrainingData.of(ratings, catalog)
        self.learn(Training(ratings, validation, progress or Silent(), run or TrainingOptions()))
        return self

    def learn(self, training: Training) -> None:
        """Learn from `training.ratings`; `data` is set already."""
        raise NotImplementedError

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """What orders the movies for each history. float32 `[len(histories), len(known.movies)]`."""
        raise NotImplementedError

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """The expected rating (the chance, for plain interactions) for pairs. float32 `[n]`.

        Pair `i` is the person of `histories` row `rows[i]` and movie number `movies[i]`, which may be `UNKNOWN`.
        """
        raise NotImplementedError

    @property
    def has_intervals(self) -> bool:
        """Whether this model, as fitted, has `distribution_pairs` and `interval_pairs`."""
        return False

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """How likely each of `known.scale.levels()` is, for the pairs of `predict_pairs`. float32 `[n, steps]`.

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
        """Low and high ends that hold a share `coverage` of ratings, for the pairs of `predict_pairs`.

        They lie on the scale, with the prediction between them. float32 `[n]` each. `stars` saves time where
        `predict_pairs` has been asked already: what it said.

        Raises:
            SettingError: the model has no intervals (`has_intervals`), or `coverage` isn't between 0 and 1.
        """
        raise self.no_intervals_error()

    def no_intervals_error(self) -> SettingError:
        """The error that tells why this model has no distributions and what to do for some."""
        why = "was saved without distributions; train it anew" if self.abilities.intervals and self.data.scale else ""
        return SettingError(f"{self.name} {why or 'has no distributions of ratings; train deep-mf on ratings'}")

    def vectors(self) -> NDArray[np.float32]:
        """A vector for each movie; alike where people's taste finds the movies alike. `[len(known.movies), d]`.

        Raises:
            SettingError: the model has none (`abilities.vectors`).
        """
        raise SettingError(f"{self.name} has no vectors of movies; take a model that has, such as deep-mf")

    def comparison_vectors(self) -> NDArray[np.float32]:
        """What movies are compared by: a vector for each, by default `vectors`. `[len(known.movies), d]`.

        Raises:
            SettingError: the model has none.
        """
        return self.vectors()

    def similarities(self, movie: int) -> NDArray[np.float32]:
        """How alike each movie is to the one with the number `movie`, about 1 for the nearest. `[len(known.movies)]`.

        Raises:
            SettingError: the model can't compare movies.
        """
        traits = self.comparison_vectors()
        lengths = np.sqrt(np.einsum("md,md->m", traits, traits))
        cosines = (traits @ traits[movie]) / np.maximum(lengths * lengths[movie], 1e-12)
        return np.asarray(cosines, np.float32)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        """What adds up to the scores of `movies` (which may be `UNKNOWN`) for the one person of `history`.

        Raises:
            SettingError: the model can't tell (`abilities.explains`).
        """
        raise SettingError(f"{self.name} can't explain its scores; take a model that can, such as deep-mf")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, by name; `data` isn't part of it."""
        raise NotImplementedError

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that `arrays()` took apart."""
        raise NotImplementedError

    def predict(self, users: Iterable[Any] | Ids, movies: Iterable[Any] | Ids) -> NDArray[np.float32]:
        """The expected rating on the data's own scale for pairs of IDs, unknown ones included. float32 `[n]`.

        For plain interactions it is the chance (0…1) that the user will want the movie.
        """
        return self.predict_pairs(*self.data.pairs(users, movies))

    def interval(
        self, users: Iterable[Any] | Ids, movies: Iterable[Any] | Ids, coverage: float = 0.8
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Low and high ends that hold a share `coverage` of ratings, for pairs of IDs as in `predict`.

        Raises:
            SettingError: as `interval_pairs` says.
        """
        return self.interval_pairs(*self.data.pairs(users, movies), coverage)


def check_coverage(coverage: float) -> None:
    """Refuse a coverage that isn't a share between 0 and 1."""
    if not 0 < coverage < 1:
        raise SettingError(f"coverage is {coverage}; it is a share between 0 and 1, such as 0.8")
