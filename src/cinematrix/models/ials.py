"""iALS: implicit alternating least squares; it learns which movies are watched, whatever the ratings."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.eigen import eigenvectors
from cinematrix.common.progress import Progress, Silent, running
from cinematrix.common.settings import SearchRange, SearchSpace
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.calibration import UNCALIBRATED, Calibration, calibrate_on_held_out, log_estimates
from cinematrix.models.components.factors import require_positive
from cinematrix.models.components.least_squares import approach_ridge, entry_contributions, solve_ridge
from cinematrix.models.contract_types import Abilities, Ordering, ScoreShares, Training

Float32 = NDArray[np.float32]

MIN_PENALTY = 1e-6
"""Lowest penalty of a factor."""


@dataclass(frozen=True)
class IALSSettings:
    """Hyper-parameters of `ials`.

    Attributes:
        factors: number of factors of each user and movie.
        unobserved_weight: weight of a pair that wasn't observed; an observed one has 1.
        regularization: penalty of all factors.
        regularization_exponent: growth of the penalty with the observations of a user or movie: 0 none, 1 in
            proportion.
        iterations: number of alternations; each solves for both sides.
        seed: random seed of the initial factors.
    """

    SPACE: ClassVar[SearchSpace] = {
        "factors": (64, 128, 256),
        "unobserved_weight": SearchRange(0.02, 1.0, log=True),
        "regularization": SearchRange(0.001, 0.1, log=True),
        "regularization_exponent": SearchRange(0.0, 1.0),
    }

    factors: int = 128
    unobserved_weight: float = 0.2
    regularization: float = 0.01
    regularization_exponent: float = 1.0
    iterations: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        require_positive(self, "factors", "unobserved_weight", "regularization", "iterations")


class IALS(Recommender):
    """score = x_u · y_i, by weighted regression on 1 for watched movies and 0 for all others.

        loss = Σ_{observed} (x_u·y_i − 1)² + α Σ_{all} (x_u·y_i)² + λ Σ_u (n_u + α·movies)^ν |x_u|² + movies'

    (Hu, Koren & Volinsky 2008; in the form of Rendle, Krichene, Zhang & Koren 2022.) The sum over all pairs is the same
    matrix α·YᵀY for every user. Along its eigenvectors it is a penalty on each column, so the fold-in is a ridge
    regression (`least_squares`). The half-step of training is the same by conjugate gradients, which this penalty
    preconditions well.

    Ratings don't affect the lists; expected ratings are those of `bias`. Without ratings, `predict` is the probability
    that a held-out tenth holds the movie. It is the score, calibrated by a slope and an offset from a pilot on the
    other nine tenths (`calibration`).
    """

    name: ClassVar[str] = "ials"
    abilities: ClassVar[Abilities] = Abilities(stars=True, interactions=True, vectors=True, explains=True)
    Settings = IALSSettings
    settings: IALSSettings
    biases: Biases | None = None
    calibration: Calibration = UNCALIBRATED

    def learn(self, training: Training) -> None:
        ratings = training.ratings
        self.biases = None if ratings.rating is None else Biases.of(ratings, len(self.data.movies))
        threads = training.options.threads
        self.movies = self._fit_movie_factors(ratings, training.progress, threads)
        if self.biases is None:
            pilot = partial(self._score_with_pilot, threads=threads)
            self.calibration = calibrate_on_held_out(ratings, len(self.data.movies), pilot)

    def _fit_movie_factors(self, ratings: Ratings, progress: Progress, threads: int) -> Float32:
        """Return the movies' factors; the last row is that of `UNKNOWN`. `[n_movies + 1, factors]`."""
        s = self.settings
        size = np.float32(0.1 / np.sqrt(s.factors))
        movies = size * np.random.default_rng(s.seed).standard_normal((len(ratings.movies), s.factors), np.float32)
        with running(progress, self.name, s.iterations):
            for _ in range(s.iterations):
                users = EigenTable.of(movies).approach(ratings.by_user, s, threads)
                movies = EigenTable.of(users).approach(ratings.by_movie, s, threads)
                progress.advance()
        return np.vstack([movies, np.zeros((len(self.data.movies) + 1 - len(movies), s.factors), np.float32)])

    def _score_with_pilot(self, learn: Ratings, given: Histories, *, threads: int) -> Float32:
        """Return the log estimates for `given` of a model trained on `learn`."""
        pilot = IALS(self.settings)
        pilot.data, pilot.movies = self.data, self._fit_movie_factors(learn, Silent(), threads)
        return log_estimates(pilot.score(given))

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        if by == "stars" and self.biases is not None:
            return self.biases.score(histories)
        return np.asarray(self._users(histories) @ self.movies[:-1].T, np.float32)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        if self.biases is not None and self.data.scale is not None:
            return self.data.scale.clip(self.biases.predict(self.biases.of_users(histories)[rows], movies))
        score = np.einsum("nk,nk->n", self._users(histories)[rows], self.movies[movies])
        return self.calibration(log_estimates(score))

    def _users(self, histories: Histories) -> Float32:
        return self._eigen_table.project(histories, self.settings)

    @cached_property
    def _eigen_table(self) -> "EigenTable":
        return EigenTable.of(self.movies[:-1])

    def vectors(self) -> NDArray[np.float32]:
        return self.movies[:-1]

    def movie_index(self) -> NDArray[np.float32]:
        return self.movies[:-1]

    def user_index(self, histories: Histories) -> NDArray[np.float32]:
        return self._users(histories)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        if by == "stars" and self.biases is not None:
            return self.biases.shares(history, movies)
        eigen = self._eigen_table
        by_movie = (
            entry_contributions(eigen.table[history.items], eigen.penalty(history, self.settings)[0]) @ eigen.axes.T
        )
        ratings = np.asarray(self.movies[movies] @ by_movie.T, np.float32)
        score = self.movies[movies] @ self._users(history)[0]
        return ScoreShares(score.astype(np.float64), {}, ratings, np.zeros_like(ratings))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"movies": self.movies} | (
            self.biases.arrays() if self.biases else {"calibration": self.calibration.array()}
        )

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.movies = data, arrays["movies"]
        model.biases = Biases.from_arrays(arrays) if data.scale else None
        model.calibration = Calibration.from_array(arrays.get("calibration"))
        return model


@dataclass(frozen=True, eq=False)
class EigenTable:
    """One side's factors along the eigenvectors of their Gram matrix; the other side is solved from them.

    Attributes:
        table: `[n, factors]`; rows of 0 belong to movies (or users) without observations and don't count.
        axes: eigenvectors, in columns.
        values: eigenvalues.
        n: number of rows that count.
    """

    table: Float32
    axes: Float32
    values: NDArray[np.float64]
    n: int

    @classmethod
    def of(cls, table: Float32) -> Self:
        """Rotate a table of factors to its eigenvectors."""
        values, vectors = eigenvectors(table.T @ table)
        axes = vectors.astype(np.float32)
        return cls(table @ axes, axes, np.maximum(values, 0), int(np.count_nonzero(table.any(1))))

    def penalty(self, histories: Histories, s: IALSSettings) -> Float32:
        """Return the penalty of each column for each history. `[len(histories), factors]`."""
        observations = histories.counts + s.unobserved_weight * self.n
        penalty = (
            s.unobserved_weight * self.values + s.regularization * observations[:, None] ** s.regularization_exponent
        )
        return np.asarray(np.maximum(penalty, MIN_PENALTY), np.float32)

    def project(self, histories: Histories, s: IALSSettings) -> Float32:
        """Solve for the other side's vectors: the fold-in. `[len(histories), factors]`."""
        ones = np.ones(len(histories.items), np.float32)
        return np.asarray(solve_ridge(histories, self.table, ones, self.penalty(histories, s)) @ self.axes.T)

    def approach(self, histories: Histories, s: IALSSettings, threads: int) -> Float32:
        """Return `project` by a few steps of conjugate gradients: the half-step of training."""
        ones = np.ones(len(histories.items), np.float32)
        found = approach_ridge(histories, self.table, ones, self.penalty(histories, s), threads)
        return np.asarray(found @ self.axes.T)
