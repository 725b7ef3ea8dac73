"""A blend of models: the weighted mean of their expected ratings."""

import ast
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.settings import SearchSpace, check_settings
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.models.base import Recommender
from cinematrix.models.components.ease_low_rank import best_unless_noise
from cinematrix.models.components.shares import mix_shares
from cinematrix.models.contract_types import ALL, Abilities, Ordering, ScoreShares, Training, TrainingOptions
from cinematrix.models.registry import build_settings, model_class

MIN_RATINGS_TO_WEIGH = 200
"""Minimum ratings from which weights are chosen by validation."""


@dataclass(frozen=True)
class BlendSettings:
    """Hyper-parameters of `blend`.

    Attributes:
        parts: names of the models, separated by spaces; lists by ranking are those of the first.
        options: settings of the parts, such as `deep-mf.members=1 pmf.chains=2`; `deep-mf.preset=fast` is a preset.
            Beside the part `pmf`, `deep-mf` has no chain of its own, unless `deep-mf.pmf=True` says so.
        validation_share: share of the ratings held out from a second training of the parts, which weighs them; 0: all
            parts have the same weight, and each is trained once.
        seed: random seed of everything, also of the parts.
    """

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "fast": {"options": "deep-mf.preset=fast pmf.chains=2", "validation_share": 0.0},
    }

    SPACE: ClassVar[SearchSpace] = {"validation_share": (0.0, 0.1, 0.2)}

    parts: str = "deep-mf pmf"
    options: str = ""
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(self, lambda x: 0 <= x < 1, "is a share from 0 to below 1", "validation_share")
        names = self.parts.split()
        if not names or len(set(names)) < len(names) or "blend" in names:
            raise SettingError(f"parts is {self.parts!r}; it must be names of different models, such as 'deep-mf pmf'")
        for name in names:
            if not model_class(name).abilities.stars:
                raise SettingError(f"parts has {name}, which predicts no stars; take models that do")
        list(self.build())

    def build(self) -> Iterator[Recommender]:
        """Yield the parts, untrained.

        Raises:
            SettingError: an option is of no part, or a part refuses it.
        """
        chosen: dict[str, dict[str, Any]] = {name: {} for name in self.parts.split()}
        for option in self.options.split():
            path, _, value = option.partition("=")
            name, _, setting = path.rpartition(".")
            if name not in chosen or not value:
                raise SettingError(
                    f"options has {option!r}; it must be PART.SETTING=VALUE with a part of {self.parts!r}"
                )
            chosen[name][setting] = _parse(value)
        for name, values in chosen.items():
            kind, preset = model_class(name), values.pop("preset", None)
            own = {field.name for field in dataclasses.fields(kind.Settings)}  # type: ignore[arg-type]
            if "seed" in own:
                values.setdefault("seed", self.seed)
            for other in own & set(chosen):  # `pmf` of deep-mf: what it mixes in is a part of its own here
                values.setdefault(other, False)
            yield kind(build_settings(kind, values, preset))


class Blend(Recommender):
    """The weighted mean of other models' expected ratings; models that err in different ways correct each other.

    Weights are those with the least squared error on held-out ratings, if they are significantly better than equal
    ones. Lists by ranking are those of the first part. So are vectors and intervals, if it has them; otherwise they are
    those of the first part that does. Intervals lie around the blend's prediction.
    """

    name: ClassVar[str] = "blend"
    abilities: ClassVar[Abilities] = Abilities(
        stars=True, vectors=True, explains=True, intervals=True, trains_with="torch"
    )
    Settings = BlendSettings
    settings: BlendSettings

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self.parts = list(self.settings.build())
        self.weights = np.full(len(self.parts), 1 / len(self.parts))
        can = [part.abilities for part in self.parts]
        self.abilities = Abilities(  # type: ignore[misc]
            vectors=any(a.vectors for a in can),
            similarity=any(a.similarity for a in can),
            explains=all(a.explains for a in can),
            intervals=any(a.intervals for a in can),
            trains_with=next((a.trains_with for a in can if a.trains_with), ""),
        )

    def learn(self, training: Training) -> None:
        ratings, validation, share = training.ratings, training.validation, self.settings.validation_share
        if validation is None and share and len(ratings) >= MIN_RATINGS_TO_WEIGH:
            cut = random(ratings, share, self.settings.seed)
            pilots = list(self.settings.build())
            self._fit(pilots, replace(training, ratings=cut.train), replace(training.options, checkpoint=None))
            self.weights = choose_weights(pilots, cut.test)
        self._fit(self.parts, training, training.options)
        if validation is not None and len(validation):
            self.weights = choose_weights(self.parts, validation)
        self.log = {by: log for part in reversed(self.parts) for by, log in part.log.items()}

    def _fit(self, parts: list[Recommender], training: Training, options: TrainingOptions) -> None:
        """Train all parts, each with checkpoints of its own."""
        for part in parts:
            path = options.checkpoint
            own = replace(options, checkpoint=path and path.with_name(f"{path.name}.{part.name}"))
            part.fit(
                training.ratings, self.data.catalog,
                validation=training.validation, progress=training.progress, run=own,
            )  # fmt: skip

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        if by == "ranking":
            return self.parts[0].score(histories, by=by)
        scores = [w * part.score(histories, by=by) for w, part in zip(self.weights, self.parts, strict=True)]
        return np.asarray(np.sum(scores, axis=0), np.float32)

    @property
    def learns_watching(self) -> bool:
        return self.parts[0].learns_watching

    def log_chances(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.parts[0].log_chances(scores)

    def rough_stars(self, histories: Histories) -> NDArray[np.float32]:
        stars = [part.rough_stars(histories) for part in self.parts]
        return np.asarray(np.average(stars, axis=0, weights=self.weights), np.float32)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        stars = [part.predict_pairs(histories, rows, movies) for part in self.parts]
        return np.asarray(np.average(stars, axis=0, weights=self.weights), np.float32)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        if not self.abilities.explains:
            return super().shares(history, movies, by=by)
        if by == "ranking":
            return self.parts[0].shares(history, movies, by=by)
        return mix_shares([part.shares(history, movies, by=by) for part in self.parts], self.weights)

    @property
    def has_intervals(self) -> bool:
        return any(part.has_intervals for part in self.parts)

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        stars = self.predict_pairs(histories, rows, movies) if stars is None else stars
        return self._uncertain.distribution_pairs(histories, rows, movies, stars=stars)

    def interval_pairs(
        self,
        histories: Histories,
        rows: Numbers,
        movies: Numbers,
        coverage: float = 0.8,
        *,
        stars: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        stars = self.predict_pairs(histories, rows, movies) if stars is None else stars
        return self._uncertain.interval_pairs(histories, rows, movies, coverage, stars=stars)

    @property
    def _uncertain(self) -> Recommender:
        """First part with intervals."""
        return next((part for part in self.parts if part.has_intervals), self.parts[0])

    def vectors(self) -> NDArray[np.float32]:
        return self._comparing.vectors()

    def comparison_vectors(self, movies: Numbers | slice = ALL) -> NDArray[np.float32]:
        return self._comparing.comparison_vectors(movies)

    def similarities(self, movie: int) -> NDArray[np.float32]:
        return self._comparing.similarities(movie)

    @property
    def _comparing(self) -> Recommender:
        """First part that compares movies."""
        return next((part for part in self.parts if part.abilities.compares), self.parts[0])

    def movie_index(self) -> NDArray[np.float32]:
        return self.parts[0].movie_index()

    def user_index(self, histories: Histories) -> NDArray[np.float32]:
        return self.parts[0].user_index(histories)

    def take_data(self, data: TrainingData) -> None:
        super().take_data(data)
        for part in self.parts:
            part.take_data(data)

    def arrays(self) -> dict[str, NDArray[Any]]:
        parts = {f"{part.name}.{name}": array for part in self.parts for name, array in part.arrays().items()}
        return parts | {"weights": self.weights}

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.weights = data, arrays["weights"]
        for place, part in enumerate(model.parts):
            start = f"{part.name}."
            own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            model.parts[place] = type(part).restore(part.settings, data, own)
        return model


def choose_weights(parts: list[Recommender], validation: Ratings) -> NDArray[np.float64]:
    """Return weights, at least 0 and 1 together, with the least squared error on `validation`; equal ones if as good.

    A gain counts from two standard errors of the squared errors' differences.
    """
    from scipy.optimize import nnls  # takes a quarter of a second, of use only in training

    assert validation.rating is not None, "blends are of ratings"
    pairs = validation.user, validation.movie
    errors = np.stack([part.predict_pairs(part.data.history, *pairs) - validation.rating for part in parts], axis=1)
    together = 1e3 * np.sqrt((errors**2).sum() or 1.0)
    fitted = nnls(np.vstack([errors, np.full(len(parts), together)]), np.append(np.zeros(len(errors)), together))[0]
    equal = (1 / len(parts),) * len(parts)
    quality = {tuple(w): -((errors @ np.array(w)) ** 2) for w in (fitted / fitted.sum(), equal)}
    return np.array(best_unless_noise(quality, equal))


def _parse(value: str) -> Any:
    """Return a setting's value from its text: a number, True or False, or the text itself."""
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value
