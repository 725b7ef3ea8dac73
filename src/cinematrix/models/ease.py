"""EASE: each movie predicted from all others by ridge regression, in closed form (Steck 2019)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.progress import running
from cinematrix.common.settings import SearchSpace
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.metrics.accuracy import ndcg
from cinematrix.metrics.top_n import top_n
from cinematrix.models.base import Recommender
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.calibration import (
    HELD_OUT_SHARE,
    MIN_INTERACTIONS,
    UNCALIBRATED,
    Calibration,
    calibrate_on_held_out,
    log_estimates,
)
from cinematrix.models.components.ease_exact import (
    ItemSideEase,
    UserSideEase,
    check_exact_size,
    fit_exact_ease,
    restore_exact_ease,
)
from cinematrix.models.components.ease_low_rank import (
    MAX_EXACT_SIDE,
    LowRankEase,
    Spectrum,
    best_unless_noise,
    weigh_by_rating,
)
from cinematrix.models.components.neighbourhoods import genre_adjusted_similarity, residual_unit
from cinematrix.models.contract_types import Abilities, Ordering, ScoreShares, Training

POPULARITY_ITEM_WEIGHT = np.float32(0.1)
"""Weight of the constant movie that every history contains; it orders the list of an empty history by popularity."""

RIDGE_CHOICES = (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
"""Candidates for λ."""

DEFAULT_RIDGE = 200.0
"""λ unless another is significantly better."""

EXACT_RANK, RANDOMISED_RANK = 1_024, 256
"""Maximum rank of the models that are compared to choose λ, by the way that their spectrum is computed."""

MAX_VALIDATION_USERS = 1_000
"""Maximum users whose held-out movies decide that choice."""


@dataclass(frozen=True)
class EaseSettings:
    """Hyper-parameters of `ease`.

    Attributes:
        regularization: λ, ridge penalty that pulls all weights to 0, in viewers; 0: chosen by validation.
        rank: number of directions of the spectrum, for catalogs too large for the exact solution; 0: exact.
    """

    SPACE: ClassVar[SearchSpace] = {"regularization": (0.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)}

    regularization: float = 0.0
    rank: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.regularization < float("inf"):
            raise SettingError(
                f"regularization is {self.regularization}; it must be a finite number above 0, or 0 for validation"
            )
        if self.rank < 0:
            raise SettingError(f"rank is {self.rank}; it can't be negative, and 0 keeps all")


class Ease(Recommender):
    """Lists by EASE, which takes every rating as an interaction; expected ratings by the biases.

    A rating one standard deviation above the biases weighs a fifth more than one at them
    (`ease_low_rank.weigh_by_rating`), in training as in the histories to score.

    λ is 200 unless another ranks a held-out tenth of the ratings better by two standard errors of the users' gains. All
    candidates come from one spectrum of the other nine tenths.

    A constant movie is part of every history, so that the list of an empty history is by popularity. For plain
    interactions, `predict` is the probability that a held-out tenth holds a movie. It is the regression's estimate,
    calibrated by a slope and an offset from a pilot on the other nine tenths (`calibration`).
    """

    name: ClassVar[str] = "ease"
    abilities: ClassVar[Abilities] = Abilities(stars=True, interactions=True, similarity=True, explains=True)
    Settings = EaseSettings
    settings: EaseSettings

    biases: Biases | None = None
    calibration: Calibration = UNCALIBRATED
    regularization: float = DEFAULT_RIDGE
    updated: bool = False  # the histories have changed since the training

    def learn(self, training: Training) -> None:
        ratings, progress = training.ratings, training.progress
        if self.data.scale:
            self.biases = Biases.of(ratings, len(self.data.movies))
        if not self.settings.rank:
            check_exact_size(len(ratings.users), len(self.data.movies) + 1)
        with running(progress, self.name, 2):
            self.regularization = self.settings.regularization or self._choose_ridge(ratings)
            if self.biases is None:  # first, so that the pilot's matrix and the model's aren't in memory together
                self.calibration = calibrate_on_held_out(ratings, len(self.data.movies), self._score_with_pilot)
            progress.advance()
            self.item_model = self._fit_item_model()
            progress.advance()

    def _fit_item_model(self) -> ItemSideEase | UserSideEase | LowRankEase:
        seen, s = self._history_matrix(self.data.history), self.settings
        if s.rank:
            return LowRankEase.of(Spectrum.of_rows(seen, s.rank), self.regularization)
        return fit_exact_ease(seen, self.regularization)

    def _choose_ridge(self, ratings: Ratings) -> float:
        """Return the λ that ranks a held-out tenth of the ratings best (NDCG@10), or the usual one."""
        if len(ratings) < MIN_INTERACTIONS:
            return DEFAULT_RIDGE
        cut = random(ratings, HELD_OUT_SHARE)
        seen = self._history_matrix(cut.train.by_user)
        exact = min(seen.shape) <= MAX_EXACT_SIDE
        spectrum = Spectrum.of_rows(seen, EXACT_RANK if exact else RANDOMISED_RANK)
        users = np.flatnonzero(cut.test.by_user.counts)[:MAX_VALIDATION_USERS]
        given, later = cut.train.by_user.take(users), cut.test.by_user.take(users)
        quality = {}
        for ridge in RIDGE_CHOICES:
            model = LowRankEase.of(spectrum, ridge)
            scores = model.score(model.gather(*self._with_constant_movie(given)))[:, :-1]
            quality[ridge] = ndcg(top_n(scores, 10, given).movies, later)
        return best_unless_noise(quality, DEFAULT_RIDGE)

    def _score_with_pilot(self, learn: Ratings, given: Histories) -> NDArray[np.float32]:
        """Return the log estimates for `given` of a model trained on `learn`."""
        pilot = Ease(self.settings)
        pilot.regularization = self.regularization
        pilot.data = replace(self.data, history=learn.by_user)
        pilot.item_model = pilot._fit_item_model()
        return log_estimates(pilot.score(given))

    def _history_matrix(self, histories: Histories) -> sparse.csr_matrix:
        """Return the histories as a matrix, with the constant movie in the last column. `[n, n_movies + 1]`."""
        extended, values = self._with_constant_movie(histories)
        return extended.matrix(len(self.data.movies) + 1, values)

    def _with_constant_movie(self, histories: Histories) -> tuple[Histories, NDArray[np.float32]]:
        """Append the constant movie to each history; return the histories and the weight of each entry."""
        ends, counts = histories.starts[1:], np.ones(len(histories.items), np.float32)
        if self.biases and histories.values is not None:
            counts = weigh_by_rating(self.biases.residuals(histories)[1] / self._residual_std)
        items = np.insert(histories.items, ends, len(self.data.movies))
        starts = histories.starts + np.arange(len(histories) + 1)
        return Histories(starts, items), np.insert(counts, ends, POPULARITY_ITEM_WEIGHT)

    @cached_property
    def _residual_std(self) -> np.float32:
        """Standard deviation of the residuals over the biases, in stars."""
        assert self.biases is not None, "only for models of ratings"
        return residual_unit(self.biases.residuals(self.data.history)[1])

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        if by == "stars" and self.biases:
            return self.biases.score(histories)
        return self.item_model.score(self.item_model.gather(*self._with_constant_movie(histories)))[:, :-1]

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        if self.biases is None:
            estimate = self.item_model.pairs(
                self.item_model.gather(*self._with_constant_movie(histories)), rows, movies
            )
            return self.calibration(log_estimates(estimate))
        assert self.data.scale is not None, "biases are of ratings"
        return self.data.scale.clip(self.biases.predict(self.biases.of_users(histories)[rows], movies))

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        if by == "stars" and self.biases:
            return self.biases.shares(history, movies)
        whole, values = self._with_constant_movie(history)
        shares = self.item_model.shares(whole.items, values, movies)
        ratings, popularity = shares[:, :-1], shares[:, -1]
        return ScoreShares(shares.sum(1, dtype=np.float64), {"movie_bias": popularity}, ratings, np.zeros_like(ratings))

    def similarities(self, movie: int) -> NDArray[np.float32]:
        """Return similarities by the model's own weights, of either movie for the other."""
        itself = self.item_model.gather(Histories.of_lists([([movie], None)]))
        weights = self.item_model.score(itself)[0, :-1]
        weights[movie] = 0
        return genre_adjusted_similarity(
            weights / np.maximum(weights.max(initial=0), np.float32(1e-9)), movie, self.data
        )

    def take_data(self, data: TrainingData) -> None:
        super().take_data(data)
        self.updated = True

    def arrays(self) -> dict[str, NDArray[Any]]:
        seen = self.item_model.seen_arrays() if self.updated and isinstance(self.item_model, UserSideEase) else {}
        more = self.biases.arrays() if self.biases else {"calibration": self.calibration.array()}
        more["regularization"] = np.array([self.regularization])
        return self.item_model.arrays() | more | seen

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.updated = data, "users.seen.starts" in arrays
        model.biases = Biases.from_arrays(arrays) if data.scale else None
        model.calibration = Calibration.from_array(arrays.get("calibration"))
        model.regularization = float(arrays.get("regularization", [model.settings.regularization])[0])
        model.item_model = LowRankEase.from_arrays(arrays) or restore_exact_ease(
            arrays, model._history_matrix(data.history)
        )
        return model
