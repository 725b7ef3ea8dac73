"""A model in the caller's IDs and tables."""

import dataclasses
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl

from cinematrix.api.data import as_catalog
from cinematrix.api.data import ratings as as_dataset
from cinematrix.api.inputs import (
    Unknown,
    align_ratings,
    listed,
    read_history,
    read_pairs,
    require_known,
    require_number,
    require_text,
    require_unknown,
    with_answers,
)
from cinematrix.api.vectors import Vectors
from cinematrix.common.html import html_table
from cinematrix.common.progress import Progress
from cinematrix.common.progress_bar import default_progress
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.errors import SettingError
from cinematrix.evaluation.by_segment import measure_user_segments
from cinematrix.evaluation.measures import Evaluation
from cinematrix.models import model_class
from cinematrix.models.artifact import build_manifest
from cinematrix.models.artifact import load as load_artifact
from cinematrix.models.artifact import save as save_artifact
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import TrainingOptions
from cinematrix.models.orders import DEFAULT_ORDER, ListOrder
from cinematrix.models.registry import build_settings
from cinematrix.recommendation.batch import recommend_all
from cinematrix.recommendation.explanations import Explanation, explain
from cinematrix.recommendation.lists import Filters, Recommendations, find_similar, get_history, recommend
from cinematrix.recommendation.reranking import Reranking


class Model:
    """A recommender that takes IDs and tables as the caller has them, and answers with tables that show themselves.

    `cinematrix.model` makes one, `cinematrix.load` loads one. Settings are keyword arguments; `get_params` and
    `set_params` follow scikit-learn.

    Attributes:
        recommender: the model behind it, with the contract of `cinematrix.models.base.Recommender`.
        about: the content of the artefact's `model.json`; empty until the model is saved or loaded.
    """

    def __init__(self, name: str, *, preset: str | None = None, **settings: Any) -> None:
        kind = model_class(name)
        self.recommender: Recommender = kind(build_settings(kind, settings, preset))
        self.about: dict[str, Any] = {}

    @classmethod
    def of(cls, recommender: Recommender, about: Mapping[str, Any] | None = None) -> Self:
        """Wrap a recommender."""
        model = cls.__new__(cls)
        model.recommender, model.about = recommender, dict(about or {})
        return model

    @property
    def name(self) -> str:
        """The model's name, such as `deep-mf`."""
        return self.recommender.name

    @property
    def fitted(self) -> bool:
        """True once it has learned or was loaded."""
        return "data" in vars(self.recommender)

    def fit(
        self,
        data: Any,
        catalog: Any = None,
        *,
        validation: Any = None,
        columns: dict[str, str] | None = None,
        progress: Progress | None = None,
        threads: int = 0,
        device: str = "auto",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from ratings. Return the model.

        Args:
            data: a `Dataset`, `Ratings`, or any table that `cinematrix.ratings` takes.
            catalog: a `Catalog` or a table of movies; None: the one that comes with `data`.
            validation: ratings to stop by; None: held out where the model needs some.
            columns: names of the columns of `data` by role.
            progress: the progress bar; None: one on stderr or in the notebook.
            threads: that it trains with; 0: as many as suit it. Beside other programs one thread is best.
            device: auto, cpu, cuda or mps.
            checkpoint: a file written after each epoch.
            resume: go on from `checkpoint` if it is there.

        Raises:
            DataError: `data` breaks a rule, or the model needs ratings and these are plain interactions.
            MissingExtraError: the package that it trains with isn't installed.
        """
        dataset = as_dataset(data, catalog, columns=columns)
        options = TrainingOptions(threads, device, None if checkpoint is None else Path(checkpoint), resume)
        held_out = None if validation is None else as_dataset(validation).ratings
        if held_out is not None:
            held_out = align_ratings(dataset.ratings, held_out)
        bar = default_progress() if progress is None else progress
        self.recommender.fit(dataset.ratings, as_catalog(dataset), validation=held_out, progress=bar, run=options)
        self.about = build_manifest(self.recommender, dataset.ratings, dataset.name, dataset.source)
        return self

    def predict(
        self,
        users: Any,
        movies: Any = None,
        *,
        coverage: float = 0.8,
        columns: dict[str, str] | None = None,
        unknown: Unknown = "error",
    ) -> Any:
        """Predict ratings (chances, for plain interactions) of pairs.

        Args:
            users: a table with the columns user and movie; or user IDs, with `movies` of the same length.
            movies: movie IDs.
            coverage: the share of ratings between `low` and `high`.
            columns: names of the table's columns by role.
            unknown: `error`, or `allow`: an unknown user has no history, an unknown movie no ratings.

        Returns:
            The same rows in the same order with `prediction`, and `low` and `high` where the model has intervals. A
            frame of pandas comes back as one of pandas, all else as one of Polars.

        Raises:
            DataError: unequal lengths, or a missing column.
            UnknownIdError: an unknown user or movie.
        """
        require_number("coverage", coverage, 0, 1)
        model, data = self.recommender, self.recommender.data
        user, movie, frame = read_pairs(users, movies, columns)
        require_known(data.users, user, "user", unknown)
        require_known(data.movies, movie, "movie", unknown)
        pairs = data.pairs(user, movie)
        stars = model.predict_pairs(*pairs)
        more: dict[str, Any] = {"prediction": stars}
        if model.has_intervals:
            more["low"], more["high"] = model.interval_pairs(*pairs, coverage, stars=stars)
        return with_answers(users, frame, more)

    def recommend(
        self,
        user: Any = None,
        *,
        history: Any = None,
        n: int = 10,
        by: ListOrder = DEFAULT_ORDER,
        where: str = "",
        min_ratings: int = 0,
        exclude: Any = (),
        novelty: float = 0.0,
        diversity: float = 0.0,
        calibration: float = 0.0,
        unknown: Unknown = "error",
    ) -> Recommendations:
        """Return the best movies that a user hasn't rated.

        Args:
            user: the ID of a user of the training data.
            history: the ratings of any other user: `{movie: rating}`, or a table of one user's ratings.
            n: the length of the list.
            by: `liking`, `ranking` or `stars`.
            where: conditions such as `genre=Drama year>=1990`.
            min_ratings: training ratings that a movie must have.
            exclude: an ID, or IDs, of movies to leave out.
            novelty: from 0, the model's order, to 1, adventurous.
            diversity: from 0 to 1, unlike each other.
            calibration: from 0 to 1, the genres, decades and languages that the user likes; 0.2 changes few places.
            unknown: `error`, or `allow`: unknown movies of the history are left out.

        Raises:
            SettingError: neither or both of `user` and `history`; `where` isn't understood.
            UnknownIdError: the model doesn't know the user or a movie.
        """
        filters = _filters(n, where, min_ratings, exclude)
        require_number("novelty", novelty, 0, 1)
        require_number("diversity", diversity, 0, 1)
        require_number("calibration", calibration, 0, 1)
        histories = self._history(user, history, unknown)
        dials = Reranking(novelty, diversity, calibration)
        return recommend(self.recommender, histories, n, by=by, filters=filters, dials=dials)

    def recommend_all(
        self,
        n: int = 10,
        *,
        to: str | PathLike[str] | None = None,
        by: ListOrder = DEFAULT_ORDER,
        where: str = "",
        min_ratings: int = 0,
        exclude: Any = (),
        force: bool = False,
        on: str | None = None,
        progress: Progress | None = None,
    ) -> pl.DataFrame | int:
        """Return the best `n` movies of every user of the training data: user, rank, movie, score, stars, low, high.

        With `to` the rows are written in parts, and their number is returned. A call that was killed continues at the
        next call with the same arguments.

        Args:
            n, by, where, min_ratings, exclude: as for `recommend`.
            to: a file (.parquet, .csv or .jsonl) or a folder of Parquet parts; None: the rows are returned.
            force: replace what is there.
            on: local, processes, processes:N, ray or ray://HOST:PORT; None: all cores if there is much to do.
            progress: the progress bar; None: one on stderr or in the notebook.

        Raises:
            InputError: the file is there and `force` isn't given, or it can't be written.
        """
        bar = default_progress() if progress is None else progress
        filters = _filters(n, where, min_ratings, exclude)
        return recommend_all(
            self.recommender, None if to is None else Path(to), n, by=by, filters=filters, force=force, progress=bar,
            on=on,
        )  # fmt: skip

    def similar(self, movie: Any, n: int = 10) -> Recommendations:
        """Return the `n` movies most similar to a movie.

        Raises:
            UnknownIdError: the model doesn't know the movie.
            SettingError: the model can't compare movies.
        """
        require_number("n", n, 1, whole=True)
        items = find_similar(self.recommender, movie, n)
        title = self.recommender.data.catalog.label(self.recommender.data.movies.number(movie))
        return Recommendations(items, None, f"Movies similar to {title}")

    def explain(
        self,
        user: Any = None,
        movie: Any = None,
        *,
        history: Any = None,
        by: ListOrder | None = None,
        unknown: Unknown = "error",
    ) -> Explanation:
        """Return what adds up to a movie's score for a user of the training data, or for a history.

        Args:
            user, history, unknown: as for `recommend`.
            movie: the ID of the movie.
            by: the order: `stars`, `ranking` or `liking`; None: stars, if the model has them.

        Raises:
            SettingError: no movie, or neither or both of `user` and `history`; the model can't explain.
            UnknownIdError: the model doesn't know the user or the movie.
        """
        if movie is None:
            raise SettingError("which movie to explain isn't given; give movie=ID")
        return explain(self.recommender, self._history(user, history, unknown), movie, by=by)

    def movie_vectors(self) -> Vectors:
        """Return a vector for each movie; its dot product with a `user_vector` orders movies as the model does.

        Raises:
            SettingError: the model's scores are no dot product.
        """
        return Vectors(self.recommender.data.movies.ids, self.recommender.movie_index())

    def user_vector(self, history: Any = None, *, user: Any = None, unknown: Unknown = "error") -> np.ndarray:
        """Return the vector of one user, known or by history, in the space of `movie_vectors`. float32 `[d]`.

        Args:
            history, user, unknown: as for `recommend`.

        Raises:
            SettingError: the model's scores are no dot product.
        """
        vector: np.ndarray = self.recommender.user_index(self._history(user, history, unknown))[0]
        return vector

    def update(self, data: Any, *, columns: dict[str, str] | None = None) -> Self:
        """Take new ratings into the users' histories, without training. Return the model.

        Users of these ratings, new ones too, are answered from their new histories at once: their biases and vectors
        follow from them. What the model has learned of movies stays.

        Args:
            data: the ratings, as for `cinematrix.ratings`.
            columns: names of columns by role: user, movie, rating, time, count.

        Raises:
            DataError: the ratings are on another scale, or plain interactions where the model has ratings.
            UnknownIdError: a movie that the model doesn't know; it has to be trained for new movies.
        """
        model, new = self.recommender, as_dataset(data, columns=columns).ratings
        require_known(
            model.data.movies,
            new.movies.ids[np.unique(new.movie)],
            "movie",
            "error",
            "train the model anew for new movies",
        )
        model.take_data(model.data.with_ratings(new))
        return self

    def save(self, path: str | PathLike[str], *, evaluation: Evaluation | None = None, force: bool = False) -> None:
        """Write the model with its card to the folder `path`, whole or not at all.

        Args:
            path: the folder.
            evaluation: an evaluation of this model, whose figures the card and `model.json` have then.
            force: replace a model that is there.

        Raises:
            InputError: the folder is there and `force` isn't given, or it can't be written.
        """
        if not self.fitted:
            raise SettingError(f"{self.name} isn't fitted; call fit with ratings before save")
        about = self.about
        if evaluation is not None:
            about = about | {"metrics": evaluation.as_dict() | {"segments": measure_user_segments(evaluation)}}
        save_artifact(self.recommender, Path(path), about, force=force)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the name and all settings, as scikit-learn has it. `deep` changes nothing: no setting is a model."""
        return {"name": self.name} | _fields(self.recommender.settings)

    def set_params(self, **params: Any) -> Self:
        """Change settings of a model that isn't fitted. Return the model.

        Args:
            params: settings by name; `name` makes it another model.

        Raises:
            SettingError: there is no such setting, or the model is fitted already.
        """
        if self.fitted:
            raise SettingError(f"{self.name} is fitted; make a new model to change its settings")
        kind = model_class(params.pop("name", self.name))
        kept = _fields(self.recommender.settings) if kind is type(self.recommender) else {}
        self.recommender = kind(build_settings(kind, kept | params))
        return self

    def __repr__(self) -> str:
        settings = self.recommender.settings
        changed = ", ".join(
            f"{field.name}={getattr(settings, field.name)!r}"
            for field in dataclasses.fields(settings)
            if getattr(settings, field.name) != field.default
        )
        return f"{type(self.recommender).__name__}({changed})"

    def _repr_html_(self) -> str:
        rows = list(_fields(self.recommender.settings).items())
        caption = f"{self.name}, {'fitted' if self.fitted else 'not fitted'}"
        if self.fitted:
            data = self.recommender.data
            caption += (
                f" on {len(data.history.items):,} ratings, {len(data.users):,} users × {len(data.movies):,} movies"
            )
        return html_table(["setting", "value"], rows, caption)

    def _history(self, user: Any, history: Any, unknown: Unknown) -> Histories:
        if (user is None) == (history is None):
            raise SettingError("whose list it is isn't clear; give either user=ID or history={movie: rating}")
        require_unknown(unknown)
        if history is not None:
            return read_history(self.recommender.data, history, unknown)
        if np.ndim(user) != 0:
            raise SettingError(f"user is {user!r}; give one ID, or use recommend_all for everybody")
        if unknown == "allow" and self.recommender.data.users.number(user) == UNKNOWN:
            return Histories.empty(1)
        return get_history(self.recommender, user)


def model(name: str, *, preset: str | None = None, **settings: Any) -> Model:
    """Make a model, not yet fitted.

    Args:
        name: popular, bias, svd, svd++, nmf, als, ials, pmf, item-knn, user-knn, ease, deep-mf-classic, autorec, vae,
            neumf, deep-mf, or one that was registered.
        preset: settings that go together, such as `fast` of deep-mf.
        settings: hyper-parameters, by the names in docs/models.md.

    Raises:
        SettingError: there is no such model, preset or setting, or a value isn't allowed.
    """
    return Model(name, preset=preset, **settings)


def load(path: str | PathLike[str]) -> Model:
    """Load the model saved in the folder `path`.

    Raises:
        ArtifactError: it isn't there, isn't whole, was changed, or was written by a newer Cinematrix.
    """
    artifact = load_artifact(Path(path))
    return Model.of(artifact.model, artifact.about)


def recommender_of(model: Any) -> Recommender:
    """Return the recommender of a `Model`, or the recommender itself.

    Raises:
        SettingError: it is neither.
    """
    found = model.recommender if isinstance(model, Model) else model
    if not isinstance(found, Recommender):
        raise SettingError(f"{type(model).__name__} is no model; give one made by cinematrix.model or cinematrix.load")
    return found


def _filters(n: Any, where: Any, min_ratings: Any, exclude: Any) -> Filters:
    """Return checked filters of a list of length `n`."""
    require_number("n", n, 1, whole=True)
    require_number("min_ratings", min_ratings, 0, whole=True)
    require_text("where", where)
    return Filters(where, min_ratings, listed(exclude))


def _fields(settings: Any) -> dict[str, Any]:
    return {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
